import type { Database } from '#api'
import type { RoomPage, RoomSearch, RoomSummary, SearchField } from './records.ts'
import { sortKey } from './search-text.ts'
import { bounded, by, inOrder, rowsOf } from './sql.ts'

interface Row {
  readonly local: string
  readonly name: string
  readonly description: string
  readonly lang: string
  readonly public: number
  readonly persistent: number
  readonly open: number
  readonly non_anonymous: number
  readonly active_ms: number
}

const COLUMNS =
  'r.local, r.name, r.description, r.lang, r.public, r.persistent, r.open, r.non_anonymous, r.active_ms' as const

const SEARCHED: Readonly<Record<SearchField, string>> = {
  name: 'r.name_words',
  description: 'r.description_words',
  address: 'r.local',
}

/** The rooms of one service in lists and searches: public ones that are not locked, in the table `muc_rooms`. */
export class ListingStore {
  readonly #db: Database
  readonly #service: string

  constructor(db: Database, service: string) {
    this.#db = db
    this.#service = service
  }

  /**
   * A page of rooms, by address. By `muc_rooms_listed`; what only `visibleTo` sees by `muc_affiliations_by_jid` and primary
   * key, reading all the rooms of this address.
   */
  async page({ after = '', before, limit, visibleTo }: RoomPage): Promise<RoomSummary[]> {
    const order = before === undefined ? 'asc' : 'desc'
    const ends = ['r.local > ?']
    const places: string[] = [after]
    if (before !== undefined && before !== '') {
      ends.push('r.local < ?')
      places.push(before)
    }
    const rest = `${ends.join(' and ')} order by r.local ${order} limit ?`
    const bindings: (string | number)[] = [this.#service, ...places, bounded(limit)]
    let sql = `select ${COLUMNS} from ${by(this.#db, 'muc_rooms as r', 'muc_rooms_listed')}
      where r.service = ? and r.listed = 1 and ${rest}`
    if (visibleTo !== undefined) {
      const hidden = `select ${COLUMNS} ${this.#visible} and ${rest}`
      sql = `select * from (${sql}) as listed union all select * from (${hidden}) as hidden order by local ${order} limit ?`
      bindings.push(visibleTo, ...bindings, bounded(limit))
    }
    const rows = rowsOf<Row>(await this.#db.knex.raw(sql, bindings))
    return (order === 'asc' ? rows : rows.reverse()).map(summaryOf)
  }

  /** How many rooms such pages have in all; reads as many entries of the same indexes. */
  async count({ visibleTo }: Pick<RoomPage, 'visibleTo'> = {}): Promise<number> {
    const listed = `select count(*) from ${by(this.#db, 'muc_rooms as r', 'muc_rooms_listed')}
      where r.service = ? and r.listed = 1`
    const hidden = `select count(*) ${this.#visible}`
    const sql = `select (${listed}) + ${visibleTo === undefined ? 0 : `(${hidden})`} as found`
    const bindings = visibleTo === undefined ? [this.#service] : [this.#service, visibleTo, this.#service]
    return Number(rowsOf<{ found: number }>(await this.#db.knex.raw(sql, bindings))[0]!.found)
  }

  /**
   * A page of the rooms that a search finds. By `muc_rooms_by_name` or `muc_rooms_listed`, reading on until the page is
   * full: to the end, when little is found.
   */
  async search({ terms, fields, sort, after, limit }: RoomSearch): Promise<RoomSummary[]> {
    const byName = sort === 'name'
    const conditions = ['r.service = ?', 'r.listed = 1']
    const bindings: (string | number)[] = [this.#service]
    if (after !== undefined) {
      const key = sortKey(after.name)
      conditions.push(byName ? 'r.name_key >= ? and (r.name_key > ? or r.local > ?)' : 'r.local > ?')
      bindings.push(...(byName ? [key, key, after.local] : [after.local]))
    }
    for (const term of terms) {
      const either = fields.map((field) => `instr(${SEARCHED[field]}, ?) > 0`)
      conditions.push(either.length === 0 ? '1 = 0' : `(${either.join(' or ')})`)
      bindings.push(...fields.map(() => term))
    }
    const table = by(this.#db, 'muc_rooms as r', byName ? 'muc_rooms_by_name' : 'muc_rooms_listed')
    const sql = `select ${COLUMNS} from ${table} where ${conditions.join(' and ')}
      order by ${byName ? 'r.name_key, r.local' : 'r.local'} limit ?`
    return rowsOf<Row>(await this.#db.knex.raw(sql, [...bindings, bounded(limit)])).map(summaryOf)
  }

  /** Those of these rooms that are in lists, by address; of at most hundreds. By `muc_rooms_listed`. */
  async summaries(locals: readonly string[]): Promise<RoomSummary[]> {
    if (locals.length === 0) return []
    const places = locals.map(() => '?').join(',')
    const sql = `select ${COLUMNS} from ${by(this.#db, 'muc_rooms as r', 'muc_rooms_listed')}
      where r.service = ? and r.local in (${places}) and r.listed = 1 order by r.local`
    return rowsOf<Row>(await this.#db.knex.raw(sql, [this.#service, ...locals])).map(summaryOf)
  }

  /** What is visible to an address, though it is not public. */
  get #visible(): string {
    return `from ${by(this.#db, 'muc_affiliations as a', 'muc_affiliations_by_jid')}
      ${inOrder(this.#db)} muc_rooms as r on r.id = a.room where a.jid = ? and a.affiliation in ('owner', 'admin', 'member') and r.service = ? and r.public = 0 and r.locked = 0`
  }
}

function summaryOf(row: Row): RoomSummary {
  return {
    local: row.local,
    name: row.name,
    description: row.description,
    lang: row.lang,
    isPublic: row.public === 1,
    isPersistent: row.persistent === 1,
    isOpen: row.open === 1,
    isNonAnonymous: row.non_anonymous === 1,
    activeMs: row.active_ms,
  }
}
