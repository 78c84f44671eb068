import { type Database, lots } from '#api'

/** What is remembered of an account's visits. */
export interface Visit {
  readonly local: string
  /** When it logged in last, ms since the epoch. */
  readonly loginMs: number
  /** When the message of the day was set that it has seen last, ms since the epoch; 0 for none. */
  readonly motdMs: number
  /** Whether it is past being welcomed. */
  readonly welcomed: boolean
}

interface Row {
  readonly host: string
  readonly local: string
  readonly login_ms: number
  readonly motd_ms: number
  readonly welcomed: number
}

/** The table of visits, one row an account; every statement goes by its primary key. */
export class VisitStore {
  readonly #db: Database
  readonly #host: string

  constructor(db: Database, host: string) {
    this.#db = db
    this.#host = host
  }

  /** Saves visits in place of what was there, in one transaction. Primary key. */
  async save(visits: readonly Visit[]): Promise<void> {
    const rows = visits.map(
      ({ local, loginMs, motdMs, welcomed }): Row => ({
        host: this.#host,
        local,
        login_ms: loginMs,
        motd_ms: motdMs,
        welcomed: Number(welcomed),
      }),
    )
    await this.#db.transaction(async (tx) => {
      for (const lot of lots(rows))
        await tx<Row>('administration_visits')
          .insert(lot)
          .onConflict(['host', 'local'])
          .merge(['login_ms', 'motd_ms', 'welcomed'])
    })
  }

  /** The visits of these accounts, of those that were ever here; up to hundreds. Primary key. */
  async find(locals: readonly string[]): Promise<Visit[]> {
    const rows = await this.#db
      .knex<Row>('administration_visits')
      .where({ host: this.#host })
      .whereIn('local', locals as string[])
    return rows.map(({ local, login_ms, motd_ms, welcomed }) => ({
      local,
      loginMs: login_ms,
      motdMs: motd_ms,
      welcomed: welcomed === 1,
    }))
  }

  /** Forgets an account. Primary key. */
  async remove(local: string): Promise<void> {
    await this.#db.knex<Row>('administration_visits').where({ host: this.#host, local }).delete()
  }
}
