import type { Database } from '#api'
import { AffiliationStore } from './affiliation-store.ts'
import { AwayStore } from './away-store.ts'
import { HatStore } from './hat-store.ts'
import { ListingStore } from './listing-store.ts'
import { MembershipStore } from './membership-store.ts'
import {
  type AddressPage,
  type Affiliation,
  type AffiliationChange,
  type AffiliationChanges,
  type AffiliationRecord,
  type ChangePosition,
  type ForgottenAffiliation,
  MAX_PAGE,
  type NewRoom,
  type RoomAffiliation,
  RoomGoneError,
  type RoomIndex,
  type RoomPage,
  type RoomRecord,
  type RoomSearch,
  type RoomSummary,
  type SubjectRecord,
} from './records.ts'
import { foldText, sortKey } from './search-text.ts'
import { bounded, by, lots, rowsOf } from './sql.ts'
import { VcardStore } from './vcard-store.ts'

interface Row {
  readonly id: number
  readonly local: string
  readonly settings: string
  readonly subject: string | null
  readonly created_ms: number
  readonly creator: string
  readonly locked: number
  readonly version: number
  readonly secret: string
}

const COLUMNS = ['id', 'local', 'settings', 'subject', 'created_ms', 'creator', 'locked', 'version', 'secret'] as const

/** What else has rows of a room. */
const OF_ROOM = ['muc_affiliations', 'muc_registrations', 'muc_hats_worn', 'muc_hats', 'muc_vcards'] as const

/** The rooms of one service, with all that is kept of them but their messages. Addresses are prepared bare JIDs. */
export class RoomStore {
  readonly hats: HatStore
  readonly vcards: VcardStore
  readonly away: AwayStore
  readonly #db: Database
  readonly #service: string
  readonly #affiliations: AffiliationStore
  readonly #listing: ListingStore
  readonly #memberships: MembershipStore

  constructor(db: Database, service: string) {
    this.#db = db
    this.#service = service
    this.hats = new HatStore(db)
    this.vcards = new VcardStore(db)
    this.away = new AwayStore(db, service)
    this.#affiliations = new AffiliationStore(db)
    this.#listing = new ListingStore(db, service)
    this.#memberships = new MembershipStore(db, service)
  }

  /** A room by the local part of its address. By `muc_rooms_by_address`. */
  async load(local: string): Promise<RoomRecord | undefined> {
    const row: Row | undefined = await this.#db
      .knex('muc_rooms')
      .where({ service: this.#service, local })
      .first(...COLUMNS)
    return row && recordOf(row)
  }

  /**
   * Creates a room and its owners in one transaction. Rejects with an error that `isUniqueViolation` when there is one of
   * this address; by `muc_rooms_by_address`.
   */
  async create(room: NewRoom, owners: readonly string[], index: RoomIndex): Promise<RoomRecord> {
    const { local, settings, creator, locked, createdMs, secret } = room
    const row = {
      ...{ service: this.#service, local, creator, secret, created_ms: createdMs, active_ms: createdMs },
      ...{ settings: JSON.stringify(settings), version: createdMs, floor: createdMs },
      ...indexOf(index, locked),
    }
    return await this.#db.transaction(async (trx) => {
      const [id] = (await trx('muc_rooms').insert(row)) as [number]
      const affiliations = [...new Set(owners)].map((jid) => ({
        ...{ room: id, jid, affiliation: 'owner', version: createdMs },
      }))
      for (const lot of lots(affiliations)) await trx('muc_affiliations').insert(lot)
      return { ...room, id, subject: undefined, version: createdMs }
    })
  }

  /** Makes of a room one that nobody finds, and that the next start of the server ends. Primary key. @throws RoomGoneError */
  async condemn(id: number): Promise<void> {
    await this.#update(id, { persistent: 0, locked: 1, listed: 0, public: 0 })
  }

  /** Destroys a room with all that hangs on it, in one transaction; by primary keys. */
  async destroy(id: number): Promise<void> {
    await this.#db.transaction(async (trx) => {
      await trx('muc_rooms').where({ id }).delete()
      for (const table of OF_ROOM) await trx(table).where({ room: id }).delete()
    })
  }

  /** Saves the settings of a room, with what lists are to know of it. Primary key. @throws RoomGoneError */
  async saveSettings(id: number, settings: RoomRecord['settings'], index: RoomIndex, locked: boolean): Promise<void> {
    await this.#update(id, { settings: JSON.stringify(settings), ...indexOf(index, locked) })
  }

  /** Saves the subject of a room, or removes it. Primary key. @throws RoomGoneError */
  async saveSubject(id: number, subject: SubjectRecord | undefined): Promise<void> {
    await this.#update(id, { subject: subject === undefined ? null : JSON.stringify(subject) })
  }

  /** Notes when something happened in a room. Primary key. @throws RoomGoneError */
  async touch(id: number, ms: number): Promise<void> {
    await this.#update(id, { active_ms: ms })
  }

  async #update(id: number, columns: Readonly<Record<string, string | number | null>>): Promise<void> {
    const found = await this.#db.knex('muc_rooms').where({ id }).update(columns)
    if (found === 0) throw new RoomGoneError('The room was destroyed.')
  }

  /** How many rooms of an account's making there are. By `muc_rooms_by_creator`. */
  async countOf(creator: string): Promise<number> {
    const rooms = this.#db.knex('muc_rooms').where({ service: this.#service, creator })
    const [{ found = 0 } = {}] = await rooms.count({ found: '*' })
    return Number(found)
  }

  /** All rooms after `after`, public or not, by address: their local parts. By `muc_rooms_by_address`. */
  async locals(after: string, limit: number): Promise<string[]> {
    const sql = `select local from ${by(this.#db, 'muc_rooms', 'muc_rooms_by_address')}
      where service = ? and local > ? order by local limit ?`
    const rows = await this.#db.knex.raw(sql, [this.#service, after, bounded(limit)])
    return rowsOf<{ local: string }>(rows).map(({ local }) => local)
  }

  /** The rooms that are not persistent, by address: their local parts. By `muc_rooms_by_persistence`. */
  async temporary(): Promise<string[]> {
    const rooms = this.#db.knex('muc_rooms').where({ service: this.#service, persistent: 0 })
    const rows: { local: string }[] = await rooms.orderBy('local').select('local')
    return rows.map(({ local }) => local)
  }

  /** See {@link MembershipStore.roomsOf}: a page of at most `limit`, 1,000 unless told. */
  roomsOf(
    jid: string,
    { after = 0, limit = MAX_PAGE }: { after?: number; limit?: number } = {},
  ): Promise<RoomAffiliation[]> {
    return this.#memberships.roomsOf(jid, after, limit)
  }

  /**
   * Forgets an account that is deleted: what it is in the rooms of this service, its nicknames and hats, and that it
   * created rooms. It is not remembered as removed either: who asks what has changed since gets the whole list. Rooms may
   * be left without an owner.
   *
   * @returns the rooms in which it had an affiliation, or (`none`) had had one, with their new versions.
   */
  forget(jid: string): Promise<ForgottenAffiliation[]> {
    return this.#memberships.forget(jid)
  }

  /** See {@link ListingStore.page}. */
  page(page: RoomPage): Promise<RoomSummary[]> {
    return this.#listing.page(page)
  }

  /** See {@link ListingStore.count}. */
  count(of: Pick<RoomPage, 'visibleTo'> = {}): Promise<number> {
    return this.#listing.count(of)
  }

  /** See {@link ListingStore.search}. */
  search(search: RoomSearch): Promise<RoomSummary[]> {
    return this.#listing.search(search)
  }

  /** See {@link ListingStore.summaries}. */
  summaries(locals: readonly string[]): Promise<RoomSummary[]> {
    return this.#listing.summaries(locals)
  }

  /** See {@link AffiliationStore.find}. */
  affiliations(id: number, jids: readonly string[]): Promise<AffiliationRecord[]> {
    return this.#affiliations.find(id, jids)
  }

  /** See {@link AffiliationStore.list}. */
  list(id: number, affiliation: Affiliation, page: AddressPage): Promise<AffiliationRecord[]> {
    return this.#affiliations.list(id, affiliation, page)
  }

  /** See {@link AffiliationStore.all}. */
  listAll(id: number, page: AddressPage): Promise<AffiliationRecord[]> {
    return this.#affiliations.all(id, page)
  }

  /** See {@link AffiliationStore.counts}. */
  counts(id: number): Promise<Record<Affiliation, number>> {
    return this.#affiliations.counts(id)
  }

  /** See {@link AffiliationStore.change}. */
  change(id: number, changes: readonly AffiliationChange[], how?: { readonly keepOwner?: boolean }): Promise<number> {
    return this.#affiliations.change(id, changes, how)
  }

  /** See {@link AffiliationStore.changedSince}. */
  changedSince(
    id: number,
    since: number,
    page: { readonly after?: ChangePosition; readonly limit: number },
  ): Promise<AffiliationChanges | undefined> {
    return this.#affiliations.changedSince(id, since, page)
  }

  /** See {@link AffiliationStore.nickOwner}. */
  nickOwner(id: number, nick: string): Promise<string | undefined> {
    return this.#affiliations.nickOwner(id, nick)
  }

  /** See {@link AffiliationStore.reserveNick}. */
  reserveNick(id: number, jid: string, nick: string | undefined): Promise<void> {
    return this.#affiliations.reserveNick(id, jid, nick)
  }
}

/** The columns that follow from settings; {@link ListingStore} reads by them. */
function indexOf(index: RoomIndex, locked: boolean): Readonly<Record<string, string | number>> {
  const flag = (is: boolean) => (is ? 1 : 0)
  return {
    locked: flag(locked),
    name: index.name,
    description: index.description,
    lang: index.lang,
    public: flag(index.isPublic),
    persistent: flag(index.isPersistent),
    open: flag(index.isOpen),
    non_anonymous: flag(index.isNonAnonymous),
    listed: flag(index.isPublic && !locked),
    name_words: foldText(index.name),
    description_words: foldText(index.description),
    name_key: sortKey(index.name),
  }
}

function recordOf(row: Row): RoomRecord {
  return {
    id: row.id,
    local: row.local,
    settings: JSON.parse(row.settings),
    subject: row.subject === null ? undefined : JSON.parse(row.subject),
    createdMs: row.created_ms,
    creator: row.creator,
    locked: row.locked === 1,
    version: row.version,
    secret: row.secret,
  }
}
