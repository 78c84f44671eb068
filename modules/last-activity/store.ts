import type { Database } from '#api'
import type { Departure } from './departures.ts'

interface Row {
  readonly account: string
  readonly left_ms: number
  readonly status: string
}

/** The table of departures, one row an account; every statement goes by its primary key. */
export class LastActivityStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Saves departures of different accounts in place of what was there; at most hundreds. Primary key. */
  async save(departures: readonly Departure[]): Promise<void> {
    const rows = departures.map(({ account, leftMs, status }): Row => ({ account, left_ms: leftMs, status }))
    await this.#db.knex<Row>('last_activity').insert(rows).onConflict('account').merge(['left_ms', 'status'])
  }

  /** The departure of an account. Primary key. */
  async find(account: string): Promise<Departure | undefined> {
    const row = await this.#db.knex<Row>('last_activity').where({ account }).first()
    return row && { account: row.account, leftMs: row.left_ms, status: row.status }
  }

  /** Forgets an account. Primary key. */
  async remove(account: string): Promise<void> {
    await this.#db.knex<Row>('last_activity').where({ account }).delete()
  }
}
