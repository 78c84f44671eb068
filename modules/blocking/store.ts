import type { Database } from '#api'

/** Items written in one statement. */
const BATCH = 200

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
    for (const batch of inBatches(accounts)) {
      const found = this.#db.knex('blocking_items').whereIn('account', batch).select('account', 'item')
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
      for (const batch of inBatches(items)) await trx('blocking_items').insert(batch.map((item) => ({ account, item })))
    })
  }

  /** Removes items; by the index `blocking_items_by_account`. */
  async remove(account: string, items: readonly string[]): Promise<void> {
    await this.#db.transaction(async (trx) => {
      for (const batch of inBatches(items))
        await trx('blocking_items').where({ account }).whereIn('item', batch).delete()
    })
  }

  /** Removes the whole list of an account; by the index `blocking_items_by_account`. */
  async clear(account: string): Promise<void> {
    await this.#db.knex('blocking_items').where({ account }).delete()
  }
}

function* inBatches(items: readonly string[]): Generator<readonly string[]> {
  for (let start = 0; start < items.length; start += BATCH) yield items.slice(start, start + BATCH)
}
