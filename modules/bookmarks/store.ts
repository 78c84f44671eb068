import type { Database } from '#api'
import type { NotifyChoice } from './choice.ts'

/** Rows of a page; SQLite takes 500 rows in an insert of Knex's. */
const LOT = 400

/** Whose bookmarks are all at the node of XEP-0402: the table `bookmark_settled`, by primary key. */
export class SettledStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async has(account: string): Promise<boolean> {
    return (await this.#db.knex('bookmark_settled').where({ account }).first('account')) !== undefined
  }

  async add(account: string): Promise<void> {
    await this.#db.knex('bookmark_settled').insert({ account }).onConflict(['account']).ignore()
  }

  async remove(account: string): Promise<void> {
    await this.#db.knex('bookmark_settled').where({ account }).delete()
  }
}

/** What accounts want to be told of while away from rooms, found by room: the table `bookmark_choices`. */
export class ChoiceStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** The choices of an account, by room. By `bookmark_choices_by_account`. */
  async of(account: string): Promise<Map<string, NotifyChoice>> {
    const rows = await this.#db.knex('bookmark_choices').where({ account }).select('room', 'notify')
    return new Map(rows.map(({ room, notify }) => [room, notify]))
  }

  /** The choices of all accounts for a room, a page at a time. By primary key. */
  async forRoom(room: string): Promise<Map<string, NotifyChoice>> {
    const choices = new Map<string, NotifyChoice>()
    for (let after = '', isFull = true; isFull; ) {
      const rows: { account: string; notify: NotifyChoice }[] = await this.#db
        .knex('bookmark_choices')
        .where({ room })
        .where('account', '>', after)
        .orderBy('account')
        .limit(LOT)
        .select('account', 'notify')
      for (const { account, notify } of rows) choices.set(account, notify)
      isFull = rows.length === LOT
      after = rows.at(-1)?.account ?? after
    }
    return choices
  }

  /** Keeps what an account has chosen anew, and forgets what it has taken back; one transaction. By primary key. */
  async save(account: string, changes: ReadonlyMap<string, NotifyChoice | undefined>): Promise<void> {
    const chosen = [...changes].flatMap(([room, notify]) => (notify === undefined ? [] : { room, account, notify }))
    const gone = [...changes].flatMap(([room, notify]) => (notify === undefined ? room : []))
    await this.#db.transaction(async (trx) => {
      for (let start = 0; start < gone.length; start += LOT)
        await trx('bookmark_choices')
          .where({ account })
          .whereIn('room', gone.slice(start, start + LOT))
          .delete()
      for (let start = 0; start < chosen.length; start += LOT)
        await trx('bookmark_choices')
          .insert(chosen.slice(start, start + LOT))
          .onConflict(['room', 'account'])
          .merge(['notify'])
    })
  }

  /** Forgets all choices of an account. By `bookmark_choices_by_account`. */
  async clear(account: string): Promise<void> {
    await this.#db.knex('bookmark_choices').where({ account }).delete()
  }
}
