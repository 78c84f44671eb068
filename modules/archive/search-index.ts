import type { Clock, Database } from '#api'
import { tokenOf, tokensOf } from './search-words.ts'
import {
  conditionsOf,
  copiesOf,
  type Fragment,
  joinInOrder,
  lots,
  rowsOf,
  type Selection,
  type Transaction,
} from './sql.ts'

/** Messages are indexed when they are so old, in ms: those before them have been committed by then, on every node. */
const SETTLED_MS = 120_000
/** A message committed at this age, in ms, or later sees to it that the index comes back for it. */
const LATE_MS = 10_000
/** Characters of stanzas past which a lot ends early: their words are made at one go, 0.1 s for Chinese, 5 ms for ASCII. */
const LOT_CHARACTERS = 100_000

/** Which way messages are read: oldest first or newest first. */
export type Direction = 'asc' | 'desc'

/** A message in an archive, by numbers; the owner and the peer tell it from the other side's. */
export interface CopyKey {
  readonly owner: number
  readonly id: number
  readonly peer: number
}

interface Document extends CopyKey {
  readonly words: string
}

/**
 * The words of messages, in each database's own full-text engine: the table `archive_search`, a row for each owner and
 * message.
 *
 * Only owners that have searched are in it. Each has a row in `archive_searchers`, which says up to which id its messages
 * are indexed; it is brought up to date by a search, in the order of ids. Ids are given before messages are committed, so
 * one may come late, with an id below that mark (its database was away, it was imported): it sets the mark back itself.
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

  /** The id up to which messages of an owner are indexed, 0 when it has never searched; by primary key. */
  async end(owner: number): Promise<number> {
    const row: { id: number } | undefined = await this.#db.knex('archive_searchers').where({ owner }).first('id')
    return row?.id ?? 0
  }

  /**
   * What comes first in a transaction that adds messages, the oldest of which has the id `oldest`. Nothing unless that is
   * late; then it sets back the marks of the owners of those that are, by primary key.
   */
  expect(oldest: number, ownersUpTo: (id: number) => readonly number[]): Fragment[] {
    const late = (this.#clock.now() - LATE_MS) * 1000
    if (oldest > late) return []
    const owners = ownersUpTo(late)
    const places = owners.map(() => '?').join(',')
    // Marks that stay as they are are locked, too: none passes these messages before they are committed.
    const sql = `update archive_searchers set id = case when id < ? then id else ? end where owner in (${places})`
    return [{ sql, bindings: [oldest, oldest - 1, ...owners] }]
  }

  /**
   * Indexes up to `limit` messages more of an owner, of those that have settled, and resolves with whether there are more.
   * `begin` is for one that may not have searched before; without it nothing is done for such. One transaction, by primary
   * keys.
   */
  async advance(owner: number, limit: number, begin: boolean): Promise<boolean> {
    const settled = (this.#clock.now() - SETTLED_MS) * 1000
    const { dialect } = this.#db
    return await this.#db.transaction(async (trx) => {
      const mark = await trx('archive_searchers').where({ owner }).forUpdate().first('id')
      if (mark === undefined && !begin) return false
      if (mark === undefined)
        await trx('archive_searchers').insert({ owner, id: 0 }).onConflict('owner').merge(['owner'])
      // The lock holds off what removes a message or its text until that is in the index, and can be taken out of it.
      const sql = `select c.id, c.peer, s.stanza from ${copiesOf(dialect, { peer: undefined })}
        ${joinInOrder(dialect)} archive_stanzas as s on s.id = c.id where c.owner = ? and c.id > ? and c.id <= ?
        order by c.id limit ? ${dialect === 'mysql' ? 'lock in share mode' : ''}`
      const result = await trx.raw(sql, [owner, mark?.id ?? 0, settled, limit])
      const rows = rowsOf<{ id: number; peer: number; stanza: string }>(result)
      const documents = this.#documentsOf(owner, rows)
      const last = documents.at(-1)
      if (last === undefined) return false
      await this.#insert(trx, documents)
      await trx('archive_searchers').where({ owner }).update({ id: last.id })
      return documents.length < rows.length || rows.length === limit
    })
  }

  /** Takes a message out, whoever has it; by primary key. */
  async remove(trx: Transaction, id: number): Promise<void> {
    if (this.#db.dialect === 'mysql') await trx('archive_search').where({ id }).delete()
    else
      await trx('archive_search')
        .whereIn('rowid', [2 * id, 2 * id + 1])
        .delete()
  }

  /** Takes messages of one owner out; by primary key. */
  async removeCopies(trx: Transaction, owner: number, copies: readonly Omit<CopyKey, 'owner'>[]): Promise<void> {
    if (this.#db.dialect === 'mysql') {
      const ids = copies.map(({ id }) => id)
      await trx('archive_search').where({ owner }).whereIn('id', ids).delete()
    } else {
      const rows = copies.map(({ id, peer }) => rowOf({ owner, id, peer }))
      await trx('archive_search').whereIn('rowid', rows).delete()
    }
  }

  /** Forgets that an owner has searched, once its messages are gone; by primary key. */
  async forget(owner: number): Promise<void> {
    await this.#db.transaction(async (trx) => void (await trx('archive_searchers').where({ owner }).delete()))
  }

  /**
   * The ids of indexed messages of a selection that have all these words, at least one, up to `limit` in the direction
   * given; by the full-text index, then the primary key of `archive_copies`. SQLite's engine stops at the limit; MySQL's
   * reads all messages of this owner that have the words, and sorts their ids.
   */
  async find(selection: Selection, words: Iterable<string>, direction: Direction, limit: number): Promise<number[]> {
    const { sql, order, bindings } = this.#matching(selection, words)
    const found = `select c.id ${sql} order by ${order} ${direction} limit ?`
    const result = await this.#db.knex.raw(found, [...bindings, limit])
    return rowsOf<{ id: number }>(result).map(({ id }) => id)
  }

  /** How many indexed messages of a selection have all these words; counts up to `limit`. Indexes as for `find`. */
  async count(selection: Selection, words: Iterable<string>, limit: number): Promise<number> {
    const { sql, bindings } = this.#matching(selection, words)
    const counted = `select count(*) as n from (select c.id ${sql} limit ?) as found`
    const result = await this.#db.knex.raw(counted, [...bindings, limit])
    return Number(rowsOf<{ n: number }>(result)[0]?.n ?? 0)
  }

  /** What a stanza is found by. */
  textOf(stanza: string): string | undefined {
    return this.#textOf(stanza)
  }

  #matching(selection: Selection, words: Iterable<string>) {
    const { dialect } = this.#db
    const tokens = [...words].map((word) => tokenOf(selection.owner, word))
    const { sql, bindings } = conditionsOf(selection)
    if (dialect === 'mysql')
      return {
        order: 'archive_search.id',
        sql: `from archive_search ${joinInOrder(dialect)} archive_copies as c on c.id = archive_search.id
          where match (words) against (? in boolean mode) and archive_search.id between ? and ? and ${sql}`,
        bindings: [tokens.map((token) => `+${token}`).join(' '), selection.from, selection.to, ...bindings],
      }
    // The engine takes heed of bounds only if they are whole numbers; what comes from outside is a floating-point one.
    return {
      order: 'archive_search.rowid',
      sql: `from archive_search ${joinInOrder(dialect)} archive_copies as c on c.id = archive_search.rowid >> 1
        where archive_search match ? and archive_search.rowid between cast(? as integer) * 2
        and cast(? as integer) * 2 + 1 and ${sql}`,
      bindings: [tokens.map((token) => `"${token}"`).join(' '), selection.from, selection.to, ...bindings],
    }
  }

  /** The words of messages, of the first at least, until they are a lot. */
  #documentsOf(owner: number, rows: readonly { id: number; peer: number; stanza: string }[]): Document[] {
    const documents: Document[] = []
    let characters = 0
    for (const { id, peer, stanza } of rows) {
      const text = this.#textOf(stanza)
      documents.push({ owner, id, peer, words: text === undefined ? '' : tokensOf(owner, text) })
      characters += stanza.length
      if (characters >= LOT_CHARACTERS) break
    }
    return documents
  }

  /** A message that is there already was indexed before the mark was set back. */
  async #insert(trx: Transaction, documents: readonly Document[]): Promise<void> {
    const mysql = this.#db.dialect === 'mysql'
    const found = documents.filter(({ words }) => words !== '')
    for (const lot of lots(found, ({ words }) => words.length)) {
      const sql = mysql
        ? `insert into archive_search (id, owner, words) values ${places('(?,?,?)', lot)} on duplicate key update id = id`
        : `insert or replace into archive_search (rowid, words) values ${places('(?,?)', lot)}`
      await trx.raw(
        sql,
        lot.flatMap((copy) => (mysql ? [copy.id, copy.owner, copy.words] : [rowOf(copy), copy.words])),
      )
    }
  }
}

/**
 * The row of a message in SQLite's engine, which has numbers only: in the order of ids, one for each side of a conversation.
 * Whole numbers are exact so far until the year 2112.
 */
function rowOf({ owner, id, peer }: CopyKey): number {
  return 2 * id + (owner < peer ? 1 : 0)
}

function places(place: string, rows: readonly unknown[]): string {
  return `${place},`.repeat(rows.length - 1) + place
}
