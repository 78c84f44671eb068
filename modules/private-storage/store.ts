import type { Database } from '#api'

/** The name and namespace an element is kept under. */
export interface ElementKey {
  readonly name: string
  readonly xmlns: string
}

/** Elements that accounts keep, as XML: the table `private_storage_elements`. Accounts are prepared bare JIDs. */
export class PrivateStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** The element of an account under a key; by primary key. */
  async find(account: string, { name, xmlns }: ElementKey): Promise<string | undefined> {
    const row: { element: string } | undefined = await this.#db
      .knex('private_storage_elements')
      .where({ account, xmlns, name })
      .first('element')
    return row?.element
  }

  /** How many elements an account keeps under other keys; by the beginning of the primary key. */
  async countOthers(account: string, { name, xmlns }: ElementKey): Promise<number> {
    const row = await this.#db
      .knex('private_storage_elements')
      .where({ account })
      .where((other) => other.whereNot({ xmlns }).orWhereNot({ name }))
      .count({ count: '*' })
      .first()
    return Number(row?.['count'] ?? 0)
  }

  /** Puts an element in place of any earlier one under its key; by primary key. */
  async put(account: string, { name, xmlns }: ElementKey, element: string): Promise<void> {
    await this.#db
      .knex('private_storage_elements')
      .insert({ account, xmlns, name, element })
      .onConflict(['account', 'xmlns', 'name'])
      .merge(['element'])
  }

  /** Removes the element under a key; by primary key. */
  async remove(account: string, { name, xmlns }: ElementKey): Promise<void> {
    await this.#db.knex('private_storage_elements').where({ account, xmlns, name }).delete()
  }

  /** Removes all elements of an account; by the beginning of the primary key. */
  async clear(account: string): Promise<void> {
    await this.#db.knex('private_storage_elements').where({ account }).delete()
  }
}
