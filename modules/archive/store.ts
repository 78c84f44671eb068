import type { Clock, Database } from '#api'
import { Addresses, digest, join, resourceDigest } from './addresses.ts'
import type { ArchivedMessage, Filter, KeptMessage, Page, PageRequest } from './message.ts'
import { type Direction, SearchIndex } from './search-index.ts'
import { wordsOf } from './search-words.ts'
import {
  between,
  conditionsOf,
  copiesOf,
  type Fragment,
  isEmpty,
  joinInOrder,
  lots,
  rowsOf,
  type Selection,
  selectionOf,
} from './sql.ts'

/** Most copies that one transaction removes. */
const MAX_PURGED = 1000
/** Ids in one look-up. */
const IDS_PER_QUERY = 500
/** Messages not yet indexed that a search reads at a time, and characters of theirs after which others have a turn. */
const FRESH_PER_QUERY = 200
const FRESH_CHARACTERS = 100_000

/**
 * The archived messages: the tables `archive_addresses`, `archive_stanzas`, `archive_copies`, `archive_searchers` and
 * `archive_search`.
 *
 * Owners are prepared bare JIDs. All hosts share the tables, and any store may be used for any owner; only `owners` is about
 * one domain.
 */
export class ArchiveStore {
  readonly #db: Database
  readonly #host: string
  readonly #addresses: Addresses
  readonly #search: SearchIndex

  /**
   * `textOf` gives what a stanza, as XML, is found by in a full-text search, or undefined when there is nothing to find, as
   * in a tombstone. It must not throw.
   */
  constructor(db: Database, host: string, clock: Clock, textOf: (stanza: string) => string | undefined) {
    this.#db = db
    this.#host = host
    this.#addresses = new Addresses(db)
    this.#search = new SearchIndex(db, clock, textOf)
  }

  /**
   * Adds messages in one transaction, by primary keys. Messages and copies that are there already stay as they are, so a
   * batch may be repeated when nobody knows what became of its commit. Those without a copy take their time and are gone.
   */
  async append(messages: readonly ArchivedMessage[]): Promise<void> {
    if (messages.length === 0) return
    const numbers = await this.#addresses.number(addressesOf(messages))
    const stanzas = messages.map(({ id, stanza, copies }): Row => [id, copies.length, stanza])
    const copies = messages.flatMap((message) => copyRows(message, numbers))
    const oldest = messages.reduce((id, message) => Math.min(id, message.id), Number.MAX_SAFE_INTEGER)
    await this.#db.commit([
      ...this.#search.expect(oldest, (upTo) => ownersUpTo(upTo, copies)),
      ...this.#insert('archive_stanzas (id, copies, stanza)', stanzas),
      ...this.#insert('archive_copies (owner, id, peer, resource, reference, groupchat)', copies),
      ...forgetting(messages.filter((message) => message.copies.length === 0)),
    ])
  }

  /** The greatest id of any message on this server, 0 when there is none; from the end of the primary key. */
  async lastId(): Promise<number> {
    const row = await this.#db.knex('archive_stanzas').max<{ id: number | null }>({ id: 'id' }).first()
    return row?.id ?? 0
  }

  /**
   * A page of an archive: those of a peer by the index `archive_copies_by_peer`, others by primary key; each stanza by its
   * own. It is read backwards with `last`, or when there is a `before` and no `after`; all bounds hold together. Words that
   * are none (such as `!`) are found nowhere.
   */
  async page(owner: string, filter: Filter, request: PageRequest): Promise<Page> {
    const { limit, after, before, last, skip = 0 } = request
    const direction: Direction = last === true || (before !== undefined && after === undefined) ? 'desc' : 'asc'
    const whole = await this.#select(owner, filter)
    const selection = whole && between(whole, (after ?? -1) + 1, (before ?? Number.MAX_SAFE_INTEGER) - 1)
    if (selection === undefined || isEmpty(selection)) return { messages: [], complete: true }
    // One more tells whether there is more.
    const messages = await this.#read(owner, selection, filter.words, direction, limit + 1, skip)
    const page = messages.slice(0, limit)
    if (direction === 'desc') page.reverse()
    return { messages: page, complete: messages.length <= limit }
  }

  /** How many messages of an archive match, counting up to `upTo` only unless that is 0. Indexes as for `page`. */
  async count(owner: string, filter: Filter, upTo: number): Promise<number> {
    const selection = await this.#select(owner, filter)
    if (selection === undefined || isEmpty(selection)) return 0
    const limit = upTo === 0 ? Number.MAX_SAFE_INTEGER : upTo
    if (filter.words !== undefined) return await this.#countFound(selection, filter.words, limit)
    const { sql, bindings } = conditionsOf(selection)
    const rows = `select 1 from ${copiesOf(this.#db.dialect, selection)} where ${sql}`
    const result =
      upTo === 0
        ? await this.#db.knex.raw(rows.replace('select 1', 'select count(*) as n'), [...bindings])
        : await this.#db.knex.raw(`select count(*) as n from (${rows} limit ?) as counted`, [...bindings, limit])
    return Number(rowsOf<{ n: number }>(result)[0]?.n ?? 0)
  }

  /** Those of these messages that the archive has, in the order of the ids given; by primary keys. */
  async get(owner: string, ids: readonly number[]): Promise<KeptMessage[]> {
    const number = await this.#addresses.find(owner)
    if (number === undefined) return []
    const found = new Map<number, KeptMessage>()
    for (let start = 0; start < ids.length; start += IDS_PER_QUERY) {
      const some = ids.slice(start, start + IDS_PER_QUERY)
      const sql = `select c.id, s.stanza from archive_copies as c ${joinInOrder(this.#db.dialect)} archive_stanzas as s
        on s.id = c.id where c.owner = ? and c.id in (${some.map(() => '?').join(',')})`
      const result = await this.#db.knex.raw(sql, [number, ...some])
      for (const { id, stanza } of rowsOf<KeptMessage>(result)) found.set(id, { id, stanza })
    }
    return ids.map((id) => found.get(id)).filter((message) => message !== undefined)
  }

  /** Whether the archive has a message; by primary key. */
  async has(owner: string, id: number): Promise<boolean> {
    const number = await this.#addresses.find(owner)
    if (number === undefined) return false
    return (await this.#db.knex('archive_copies').where({ owner: number, id }).first('id')) !== undefined
  }

  /** The ids of the oldest and the newest message of an archive from `fromId` on; undefined without any. By primary key. */
  async ends(owner: string, fromId = 0): Promise<{ first: number; last: number } | undefined> {
    const number = await this.#addresses.find(owner)
    if (number === undefined) return undefined
    const end = (which: string) =>
      `(select ${which}(id) from archive_copies where owner = ? and id >= ?) as ${which}_id`
    const result = await this.#db.knex.raw(`select ${end('min')}, ${end('max')}`, [number, fromId, number, fromId])
    const [row] = rowsOf<{ min_id: number | null; max_id: number | null }>(result)
    if (row?.min_id == null || row.max_id == null) return undefined
    return { first: row.min_id, last: row.max_id }
  }

  /**
   * The ids of messages to which their sender gave the id `reference`, among the newest `within` of a conversation, newest
   * first; by the index `archive_copies_by_peer`. Hashes are compared, so the caller sees to it that a stanza is meant.
   */
  async findReference(owner: string, peer: string, reference: string, within: number): Promise<number[]> {
    const selection = reference === '' ? undefined : await this.#select(owner, { peer })
    if (selection === undefined) return []
    const { sql, bindings } = conditionsOf(selection)
    const newest = `select c.id, c.reference from ${copiesOf(this.#db.dialect, selection)} where ${sql} order by c.id desc limit ?`
    const result = await this.#db.knex.raw(`select id from (${newest}) as newest where reference = ?`, [
      ...bindings,
      within,
      digest(reference),
    ])
    const ids = rowsOf<{ id: number }>(result).map(({ id }) => id)
    return ids.sort((a, b) => b - a)
  }

  /** Puts another stanza in the place of one, for all who have it, and forgets its words; false when it is not there. */
  async replace(id: number, stanza: string): Promise<boolean> {
    return await this.#db.transaction(async (trx) => {
      const replaced = await trx('archive_stanzas').where({ id }).update({ stanza })
      await this.#search.remove(trx, id)
      return replaced > 0
    })
  }

  /**
   * Readies up to `limit` messages more of an owner for its searches, and resolves with whether there are more. The first
   * call for a search says `begin`; without it nothing is done for an owner who has not searched, or was forgotten since.
   */
  async index(owner: string, limit: number, begin: boolean): Promise<boolean> {
    const number = await this.#addresses.find(owner)
    return number !== undefined && (await this.#search.advance(number, limit, begin))
  }

  /** Forgets that an owner has searched: to be called when its messages are gone. By primary key. */
  async forgetSearches(owner: string): Promise<void> {
    const number = await this.#addresses.find(owner)
    if (number !== undefined) await this.#search.forget(number)
  }

  /**
   * Removes up to `limit` (at most 1,000) of an owner's oldest messages with ids below `beforeId`, and resolves with how
   * many; their words go, and stanzas that are in nobody's archive any more. One transaction, by primary keys.
   */
  async purge(owner: string, beforeId: number, limit: number): Promise<number> {
    const number = await this.#addresses.find(owner)
    if (number === undefined) return 0
    return await this.#db.transaction(async (trx) => {
      // Locked, lest another node count them off twice.
      const copies: { id: number; peer: number }[] = await trx('archive_copies')
        .where({ owner: number })
        .where('id', '<', Math.min(beforeId, Number.MAX_SAFE_INTEGER))
        .orderBy('id')
        .limit(Math.min(limit, MAX_PURGED))
        .forUpdate()
        .select('id', 'peer')
      if (copies.length === 0) return 0
      const ids = copies.map(({ id }) => id)
      await trx('archive_copies').where({ owner: number }).whereIn('id', ids).delete()
      await trx('archive_stanzas').whereIn('id', ids).decrement('copies', 1)
      const orphans: number[] = await trx('archive_stanzas').whereIn('id', ids).where('copies', '<=', 0).pluck('id')
      if (orphans.length > 0) await trx('archive_stanzas').whereIn('id', orphans).delete()
      await this.#search.removeCopies(trx, number, copies)
      return ids.length
    })
  }

  /** The id of the `n`-th newest message of an archive, for a quota; undefined when it has fewer. By primary key, `n` steps. */
  async nthNewest(owner: string, n: number): Promise<number | undefined> {
    const number = await this.#addresses.find(owner)
    if (number === undefined || n < 1) return undefined
    const copies = this.#db.knex('archive_copies').where({ owner: number }).orderBy('id', 'desc')
    const row: { id: number } | undefined = await copies.offset(n - 1).first('id')
    return row?.id
  }

  /**
   * Owners of a domain, this host unless another is named, who have an archive, by octets, from behind `after` or from the first; by the index
   * `archive_addresses_by_jid`, then an index of `archive_copies`.
   */
  async owners(after: string | undefined, limit: number, domain: string = this.#host): Promise<string[]> {
    const from = after === undefined ? `local >= ''` : 'local > ?'
    const copies = copiesOf(this.#db.dialect, { peer: undefined })
    // A subquery with a limit, which MySQL cannot turn into a join that reads all the archives.
    const sql = `select local from archive_addresses where domain = ? and ${from}
      and (select 1 from ${copies} where c.owner = archive_addresses.number limit 1) is not null
      order by local limit ?`
    const locals = after === undefined ? [] : [after.slice(0, Math.max(0, after.indexOf('@')))]
    const result = await this.#db.knex.raw(sql, [domain, ...locals, limit])
    return rowsOf<{ local: string }>(result).map(({ local }) => join(domain, local))
  }

  /** Undefined when an address has no number, so that nothing can match. */
  async #select(owner: string, filter: Filter): Promise<Selection | undefined> {
    const number = await this.#addresses.find(owner)
    if (number === undefined) return undefined
    if (filter.peer === undefined) return selectionOf(number, filter)
    const peer = await this.#addresses.find(filter.peer)
    if (peer === undefined) return undefined
    const resource = filter.resource === undefined ? undefined : resourceDigest(filter.resource)
    return selectionOf(number, filter, peer, resource)
  }

  async #read(
    owner: string,
    selection: Selection,
    words: string | undefined,
    direction: Direction,
    limit: number,
    skip: number,
  ): Promise<KeptMessage[]> {
    if (words !== undefined) {
      const ids = await this.#find(selection, wordsOf(words), direction, skip + limit)
      return await this.get(owner, ids.slice(skip))
    }
    if (skip === 0) return await this.#messages(selection, direction, limit)
    // What is skipped is passed over in the index, without its stanzas.
    const { sql, bindings } = conditionsOf(selection)
    const passing = `select c.id from ${copiesOf(this.#db.dialect, selection)} where ${sql} order by c.id ${direction} limit ? offset ?`
    const result = await this.#db.knex.raw(passing, [...bindings, limit, skip])
    return await this.get(
      owner,
      rowsOf<{ id: number }>(result).map(({ id }) => id),
    )
  }

  async #messages(selection: Selection, direction: Direction, limit: number): Promise<KeptMessage[]> {
    const { dialect } = this.#db
    const { sql, bindings } = conditionsOf(selection)
    const result = await this.#db.knex.raw(
      `select c.id, s.stanza from ${copiesOf(dialect, selection)} ${joinInOrder(dialect)} archive_stanzas as s
        on s.id = c.id where ${sql} order by c.id ${direction} limit ?`,
      [...bindings, limit],
    )
    return rowsOf<KeptMessage>(result).map(({ id, stanza }) => ({ id, stanza }))
  }

  async #find(
    selection: Selection,
    words: ReadonlySet<string>,
    direction: Direction,
    limit: number,
  ): Promise<number[]> {
    if (words.size === 0) return []
    const end = await this.#search.end(selection.owner)
    const indexed = between(selection, 0, end)
    const fresh = between(selection, end + 1, Number.MAX_SAFE_INTEGER)
    const ids: number[] = []
    for (const part of direction === 'asc' ? [indexed, fresh] : [fresh, indexed]) {
      const wanted = limit - ids.length
      if (wanted <= 0 || isEmpty(part)) continue
      const found =
        part === indexed
          ? await this.#search.find(part, words, direction, wanted)
          : await this.#findFresh(part, words, direction, wanted)
      ids.push(...found)
    }
    return ids
  }

  async #countFound(selection: Selection, text: string, limit: number): Promise<number> {
    const words = wordsOf(text)
    if (words.size === 0) return 0
    const end = await this.#search.end(selection.owner)
    const fresh = between(selection, end + 1, Number.MAX_SAFE_INTEGER)
    const found = await this.#findFresh(fresh, words, 'asc', limit)
    const indexed = between(selection, 0, end)
    if (found.length >= limit || isEmpty(indexed)) return found.length
    return found.length + (await this.#search.count(indexed, words, limit - found.length))
  }

  /** Looks through the messages that are not in the index yet. */
  async #findFresh(selection: Selection, words: ReadonlySet<string>, direction: Direction, limit: number) {
    const ids: number[] = []
    let rest = selection
    while (!isEmpty(rest)) {
      const messages = await this.#messages(rest, direction, FRESH_PER_QUERY)
      let characters = 0
      for (const { id, stanza } of messages) {
        characters += stanza.length
        if (characters >= FRESH_CHARACTERS) {
          characters = 0
          await new Promise((resolve) => setImmediate(resolve))
        }
        if (hasAll(wordsOf(this.#search.textOf(stanza) ?? ''), words)) ids.push(id)
        if (ids.length === limit) return ids
      }
      if (messages.length < FRESH_PER_QUERY) break
      const { id } = messages.at(-1)!
      rest = direction === 'asc' ? between(rest, id + 1, rest.to) : between(rest, rest.from, id - 1)
    }
    return ids
  }

  /** Raw SQL: the builder costs more for each row. Unlike INSERT IGNORE, this refuses on MySQL what does not fit. */
  *#insert(into: string, rows: readonly Row[]): Generator<Fragment> {
    const ignore = this.#db.dialect === 'mysql' ? 'on duplicate key update id = id' : 'on conflict do nothing'
    for (const lot of lots(rows, lengthOf)) {
      const place = `(${lot[0]!.map(() => '?').join(',')})`
      const places = `${place},`.repeat(lot.length - 1) + place
      yield { sql: `insert into ${into} values ${places} ${ignore}`, bindings: lot.flat() }
    }
  }
}

function* forgetting(messages: readonly ArchivedMessage[]): Generator<Fragment> {
  if (messages.length === 0) return
  const places = messages.map(() => '?').join(',')
  yield { sql: `delete from archive_stanzas where id in (${places})`, bindings: messages.map(({ id }) => id) }
}

function hasAll(present: ReadonlySet<string>, wanted: ReadonlySet<string>): boolean {
  for (const word of wanted) if (!present.has(word)) return false
  return true
}

type Row = readonly (string | number)[]
type CopyRow = readonly [owner: number, id: number, ...number[]]

function lengthOf(row: Row): number {
  const last = row.at(-1)
  return typeof last === 'string' ? last.length : 0
}

function* addressesOf(messages: readonly ArchivedMessage[]): Generator<string> {
  for (const { copies } of messages)
    for (const { owner, peer } of copies) {
      yield owner
      yield peer
    }
}

/** The owners of those rows of copies whose ids are not greater. */
function ownersUpTo(upTo: number, copies: readonly CopyRow[]): number[] {
  const owners = new Set<number>()
  for (const [owner, id] of copies) if (id <= upTo) owners.add(owner)
  return [...owners]
}

function copyRows(message: ArchivedMessage, numbers: ReadonlyMap<string, number>): CopyRow[] {
  const { id, groupchat } = message
  const reference = digest(message.reference ?? '')
  return message.copies.map(({ owner, peer, resource }) => [
    numbers.get(owner)!,
    id,
    numbers.get(peer)!,
    resourceDigest(resource),
    reference,
    groupchat ? 1 : 0,
  ])
}
