import { type Database, lots } from '#api'

/** The block lists of accounts: the table `blocking_items`. Accounts are prepared bare JIDs, items prepared JIDs. */
export class BlockingStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** The items of an account; by the index `blocking_items_by_account`. */
  async load(account: string): Promise<string[]> {
    const sql = 'select item from blocking_items where account = ?'
    const rows = await this.#db.rows<{ item: string }>({ sql, bindings: [account] })
    return rows.map(({ item }) => item)
  }

  /** The items of many accounts, in few statements; by the index `blocking_items_by_account`. Who has none is not in it. */
  async loadAll(accounts: readonly string[]): Promise<Map<string, string[]>> {
    const lists = new Map<string, string[]>()
    for (const lot of lots(accounts)) {
      const found = this.#db.knex('blocking_items').whereIn('account', lot).select('account', 'item')
      for (const { account, item } of (await found) as { account: string; item: string }[]) {
        const items = lists.get(account)
        if (items === undefined) lists.set(account, [item])
        else items.push(item)
      }
    }
    return lists
  }

  /** Adds items that are not in the list. */
  async add(account: string, items: readonly string[]): Promise<void> {
    await this.#db.transaction(async (trx) => {
      for (const lot of lots(items)) await trx('blocking_items').insert(lot.map((item) => ({ account, item })))
    })
  }

  /** Removes items; by the index `blocking_items_by_account`. */
  async remove(account: string, items: readonly string[]): Promise<void> {
    await this.#db.transaction(async (trx) => {
      for (const lot of lots(items)) await trx('blocking_items').where({ account }).whereIn('item', lot).delete()
    })
  }

  /** Removes the whole list of an account; by the index `blocking_items_by_account`. */
  async clear(account: string): Promise<void> {
    await this.#db.knex('blocking_items').where({ account }).delete()
  }
}
