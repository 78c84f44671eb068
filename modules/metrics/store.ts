import type { Database } from '#api'

/** Asks the database the least that can be asked. */
export class HealthStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Rejects when the database cannot answer. */
  async ask(): Promise<void> {
    await this.#db.rows({ sql: 'SELECT 1 AS answer', bindings: [] })
  }
}
