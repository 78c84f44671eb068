import type { Database } from '#api'

/** The vCards of accounts, as XML: the table `vcard_cards`. Accounts are prepared bare JIDs. */
export class VcardStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** The card of an account; by primary key. */
  async find(account: string): Promise<string | undefined> {
    const row: { card: string } | undefined = await this.#db.knex('vcard_cards').where({ account }).first('card')
    return row?.card
  }

  /** At most `limit` cards of the accounts after one, by account; by primary key. */
  async page(after: string, limit: number): Promise<{ account: string; card: string }[]> {
    const cards = this.#db.knex('vcard_cards').where('account', '>', after)
    return await cards.orderBy('account').limit(limit).select('account', 'card')
  }

  /** Puts a card in place of any earlier one; by primary key. */
  async put(account: string, card: string): Promise<void> {
    await this.#db.knex('vcard_cards').insert({ account, card }).onConflict(['account']).merge(['card'])
  }

  /** Removes the card of an account; by primary key. */
  async remove(account: string): Promise<void> {
    await this.#db.knex('vcard_cards').where({ account }).delete()
  }
}
