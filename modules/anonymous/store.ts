import type { Database, Transaction } from '#api'

/** The accounts of a host that are to be gone with their sessions: table `anonymous_accounts`, by its primary key. */
export class AnonymousStore {
  readonly #db: Database
  readonly #host: string

  constructor(db: Database, host: string) {
    this.#db = db
    this.#host = host
  }

  /** Notes an account in the transaction that makes it. */
  async add(tx: Transaction, local: string, createdMs: number): Promise<void> {
    await tx('anonymous_accounts').insert({ host: this.#host, local, created_ms: createdMs })
  }

  /** All of them, and when they were made. */
  async all(): Promise<{ local: string; createdMs: number }[]> {
    const rows: { local: string; created_ms: number }[] = await this.#db
      .knex('anonymous_accounts')
      .select('local', 'created_ms')
      .where('host', this.#host)
    return rows.map(({ local, created_ms }) => ({ local, createdMs: created_ms }))
  }

  async remove(local: string): Promise<void> {
    await this.#db.knex('anonymous_accounts').where({ host: this.#host, local }).delete()
  }
}
