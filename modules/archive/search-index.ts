import type { Clock, Database } from '#api'
import { tokenOf, tokensOf } from './search-words.ts'
import { conditionsOf, joinInOrder, lots, rowsOf, type Selection, type Transaction } from './sql.ts'

/** Messages are indexed when they are so old, in ms: those before them have been committed by then, on every node. */
const SETTLED_MS = 120_000
/** A message committed at this age, in ms, or later sees to it that the index comes back for it. */
const LATE_MS = 10_000

/** Which way messages are read: oldest first or newest first. */
export type Direction = 'asc' | 'desc'

interface Document {
  readonly id: number
  readonly words: string
}

/**
 * The words of the messages, in each database's own full-text engine: the table `archive_search`.
 *
 * It is filled behind the traffic, in the order of ids, and `archive_progress` says how far. Ids are given before messages
 * are committed, so one may come late, with an id below that mark (its database was away, it was imported): it sets the
 * mark back itself.
 */
export class SearchIndex {
  readonly #db: Database
  readonly #clock: Clock
  readonly #textOf: (stanza: string) => string | undefined

  constructor(db: Database, clock: Clock, textOf: (stanza: string) => string | undefined) {
    this.#db = db
    this.#clock = clock
    this.#textOf = textOf
  }

  /** The id up to which messages are indexed; by primary key. */
  async end(): Promise<number> {
    const row: { id: number } | undefined = await this.#db
      .knex('archive_progress')
      .where({ name: 'indexed' })
      .first('id')
    return row?.id ?? 0
  }

  /** To be called first in a transaction that adds messages, the oldest of which has this id. Mostly it does nothing. */
  async expect(trx: Transaction, id: number): Promise<void> {
    if (id / 1000 > this.#clock.now() - LATE_MS) return
    await trx('archive_progress')
      .where({ name: 'indexed' })
      .where('id', '>=', id)
      .update({ id: id - 1 })
  }

  /**
   * Indexes up to `limit` messages more that have settled, and resolves with how many it looked at; in one transaction, by
   * the primary key of `archive_stanzas`.
   */
  async advance(limit: number): Promise<number> {
    const settled = (this.#clock.now() - SETTLED_MS) * 1000
    const mysql = this.#db.dialect === 'mysql'
    return await this.#db.transaction(async (trx) => {
      const mark = await trx('archive_progress').where({ name: 'indexed' }).forUpdate().first('id')
      // The lock holds off a tombstone until what it replaces is in the index, and can be taken out of it.
      const sql = `select id, owners, stanza from archive_stanzas where id > ? and id <= ? order by id limit ? ${mysql ? 'lock in share mode' : ''}`
      const result = await trx.raw(sql, [mark?.id ?? 0, settled, limit])
      const rows = rowsOf<{ id: number; owners: string; stanza: string }>(result)
      const last = rows.at(-1)
      if (last === undefined) return 0
      const documents = rows.map(({ id, owners, stanza }) => ({ id, words: this.#wordsOf(owners, stanza) }))
      await this.#insert(
        trx,
        documents.filter(({ words }) => words !== ''),
      )
      await trx('archive_progress').where({ name: 'indexed' }).update({ id: last.id })
      return rows.length
    })
  }

  /** Takes messages out; by primary key. */
  async remove(trx: Transaction, ids: readonly number[]): Promise<void> {
    if (ids.length === 0) return
    await trx('archive_search')
      .whereIn(this.#db.dialect === 'mysql' ? 'id' : 'rowid', ids)
      .delete()
  }

  /**
   * The ids of indexed messages of a selection that have all these words, at least one, up to `limit` in the direction
   * given; by the full-text index, then the primary key of `archive_copies`. SQLite's engine stops at the limit; MySQL's
   * reads all messages of this owner that have the words, and sorts their ids.
   */
  async find(selection: Selection, words: Iterable<string>, direction: Direction, limit: number): Promise<number[]> {
    const { sql, bindings } = this.#matching(selection, words)
    const result = await this.#db.knex.raw(`select c.id ${sql} order by ${this.#id()} ${direction} limit ?`, [
      ...bindings,
      limit,
    ])
    return rowsOf<{ id: number }>(result).map(({ id }) => id)
  }

  /** How many indexed messages of a selection have all these words; counts up to `limit`. Indexes as for `find`. */
  async count(selection: Selection, words: Iterable<string>, limit: number): Promise<number> {
    const { sql, bindings } = this.#matching(selection, words)
    const result = await this.#db.knex.raw(`select count(*) as n from (select c.id ${sql} limit ?) as found`, [
      ...bindings,
      limit,
    ])
    return Number(rowsOf<{ n: number }>(result)[0]?.n ?? 0)
  }

  /** What a stanza is found by. */
  textOf(stanza: string): string | undefined {
    return this.#textOf(stanza)
  }

  #id(): string {
    return this.#db.dialect === 'mysql' ? 'archive_search.id' : 'archive_search.rowid'
  }

  #matching(selection: Selection, words: Iterable<string>) {
    const { dialect } = this.#db
    const tokens = [...words].map((word) => tokenOf(selection.owner, word))
    const query = tokens.map((token) => (dialect === 'mysql' ? `+${token}` : `"${token}"`)).join(' ')
    const match = dialect === 'mysql' ? 'match (words) against (? in boolean mode)' : 'archive_search match ?'
    const { sql, bindings } = conditionsOf(selection)
    const id = this.#id()
    return {
      sql: `from archive_search ${joinInOrder(dialect)} archive_copies as c on c.id = ${id}
        where ${match} and ${id} between ? and ? and ${sql}`,
      bindings: [query, selection.from, selection.to, ...bindings],
    }
  }

  #wordsOf(owners: string, stanza: string): string {
    const text = this.#textOf(stanza)
    return text === undefined ? '' : tokensOf(owners.split(',').map(Number), text)
  }

  /** A message that is there already was indexed before the mark was set back. */
  async #insert(trx: Transaction, documents: readonly Document[]): Promise<void> {
    const mysql = this.#db.dialect === 'mysql'
    const into = mysql
      ? 'insert into archive_search (id, words)'
      : 'insert or replace into archive_search (rowid, words)'
    for (const lot of lots(documents, ({ words }) => words.length)) {
      const places = lot.map(() => '(?,?)').join(',')
      await trx.raw(
        `${into} values ${places} ${mysql ? 'on duplicate key update words = values(words)' : ''}`,
        lot.flatMap(({ id, words }) => [id, words]),
      )
    }
  }
}
