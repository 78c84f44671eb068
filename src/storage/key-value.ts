import type { Database } from './database.ts'

/** A few named values that belong to one owner, kept in the table `key_values`; for more, have a table of your own. */
export class KeyValue {
  readonly #db: Database
  readonly #owner: string

  /** `owner` is a module or part of the server, with `@host` when each host has its own values; up to 511 octets. */
  constructor(db: Database, owner: string) {
    this.#db = db
    this.#owner = owner
  }

  /** The value of a key; undefined when there is none. One query, by the primary key. */
  async get(key: string): Promise<string | undefined> {
    const row = await this.#rows().where({ owner: this.#owner, name: key }).first('value')
    return row?.value
  }

  /** Sets the value of a key of up to 511 octets, whether it had one or not. */
  async set(key: string, value: string): Promise<void> {
    await this.#rows().insert({ owner: this.#owner, name: key, value }).onConflict(['owner', 'name']).merge(['value'])
  }

  /** Removes a key; one that does not exist is fine. */
  async delete(key: string): Promise<void> {
    await this.#rows().where({ owner: this.#owner, name: key }).delete()
  }

  #rows() {
    return this.#db.knex<{ owner: string; name: string; value: string }>('key_values')
  }
}
