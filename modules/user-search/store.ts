import type { Database } from '#api'
import { type Field, fields, type Person, wordsOf } from './person.ts'

/** What an account, and the admins about it, have said. */
export interface Choice {
  readonly wish: boolean | undefined
  readonly barred: boolean
}

/** A word that somebody is to have, or one that begins with it, in a field. */
export interface Wanted {
  readonly field: Field
  readonly word: string
}

export interface FoundPerson extends Person {
  /** A prepared bare JID. */
  readonly account: string
}

/** Behind every text that begins with a word there is one with this at its end, octet by octet. */
const LAST = '\u{10ffff}'

/** Who can be found and by what: the tables `user_search_people`, `user_search_terms` and `user_search_choices`. */
export class UserSearchStore {
  readonly #db: Database
  readonly #domain: string

  constructor(db: Database, domain: string) {
    this.#db = db
    this.#domain = domain
  }

  /** Lets an account be found as this person and no other, in one transaction; by the primary key and `…_by_account`. */
  async put(account: string, person: Person): Promise<void> {
    const domain = this.#domain
    const terms = fields.flatMap((field) => wordsOf(person[field]).map((term) => ({ domain, field, term, account })))
    await this.#db.transaction(async (trx) => {
      await trx('user_search_terms').where({ account }).delete()
      const { first, last, nick, email } = person
      await trx('user_search_people').insert({ account, first, last, nick, email }).onConflict(['account']).merge()
      if (terms.length > 0) await trx('user_search_terms').insert(terms)
    })
  }

  /** Lets an account not be found any more, in one transaction; by the primary key and `…_by_account`. */
  async remove(account: string): Promise<void> {
    await this.#db.transaction(async (trx) => {
      await trx('user_search_terms').where({ account }).delete()
      await trx('user_search_people').where({ account }).delete()
    })
  }

  /**
   * At most `limit` people (0: all) who have all that is wanted, of which there must be something; by the primary keys, and
   * `…_by_account` for all words but the first.
   */
  async find(wanted: readonly Wanted[], limit: number): Promise<FoundPerson[]> {
    const { knex } = this.#db
    const found = knex('user_search_terms as t0').distinct('t0.account as account').where('t0.domain', this.#domain)
    for (const [i, { field, word }] of wanted.entries()) {
      const t = `t${i}`
      // Not joined: people with many words that begin alike would be there in all their combinations.
      const rows = i === 0 ? found : knex(`user_search_terms as ${t}`).select(knex.raw('1'))
      rows
        .where(`${t}.field`, field)
        .where(`${t}.term`, '>=', word)
        .where(`${t}.term`, '<', word + LAST)
      if (i > 0) found.whereExists(rows.whereRaw('?? = ??', [`${t}.account`, 't0.account']))
    }
    if (limit > 0) found.limit(limit)
    return await knex(found.as('f'))
      .join('user_search_people as p', 'p.account', 'f.account')
      .select('p.account', ...fields.map((field) => `p.${field}`))
  }

  /** What was said about an account; by primary key. */
  async choice(account: string): Promise<Choice> {
    const row: { wish: number | null; barred: number } | undefined = await this.#db
      .knex('user_search_choices')
      .where({ account })
      .first('wish', 'barred')
    if (row === undefined) return { wish: undefined, barred: false }
    return { wish: row.wish === null ? undefined : row.wish === 1, barred: row.barred === 1 }
  }

  /** Writes what was said about an account; by primary key. */
  async choose(account: string, { wish, barred }: Choice): Promise<void> {
    const row = { account, wish: wish === undefined ? null : wish ? 1 : 0, barred: barred ? 1 : 0 }
    await this.#db.knex('user_search_choices').insert(row).onConflict(['account']).merge()
  }

  /** Forgets an account; by the primary keys and `…_by_account`. It can be done again. */
  async forget(account: string): Promise<void> {
    await this.remove(account)
    await this.#db.knex('user_search_choices').where({ account }).delete()
  }
}
