import { type Database, isUniqueViolation } from '#api'
import { notifyOf } from './away-store.ts'
import {
  type AddressPage,
  type Affiliation,
  type AffiliationChange,
  type AffiliationChanges,
  type AffiliationRecord,
  type ChangePosition,
  LastOwnerError,
  NickTakenError,
  type VersionedAffiliation,
} from './records.ts'
import { bounded, by, lockRoom, lots, rowsOf, type Transaction } from './sql.ts'

interface Row {
  readonly jid: string
  readonly affiliation: Affiliation
  readonly reason: string | null
  readonly nick: string | null
  readonly registration: string | null
}

const COLUMNS = 'a.jid, a.affiliation, a.reason, g.nick, g.registration'
const WITH_REGISTRATION = 'left join muc_registrations as g on g.room = a.room and g.jid = a.jid'

/** Removals that a room remembers at least (XEP-0463), and at most twice as many; of those of one change, all or none. */
const REMOVALS = 1000

/** The affiliations of rooms, which are never all in memory: `muc_affiliations` and `muc_registrations`. */
export class AffiliationStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Those of these addresses that have an affiliation, by address; of at most hundreds. Primary keys. */
  async find(room: number, jids: readonly string[]): Promise<AffiliationRecord[]> {
    if (jids.length === 0) return []
    const found = await read(this.#db.knex, room, [...new Set(jids)])
    return found.filter(({ affiliation }) => affiliation !== 'none').map(recordOf)
  }

  /** The addresses of one affiliation after `after`, by address. By `muc_affiliations_by_kind`. */
  async list(room: number, affiliation: Affiliation, { after = '', limit }: AddressPage): Promise<AffiliationRecord[]> {
    if (affiliation === 'none') return []
    const sql = `select ${COLUMNS} from ${by(this.#db, 'muc_affiliations as a', 'muc_affiliations_by_kind')}
      ${WITH_REGISTRATION} where a.room = ? and a.affiliation = ? and a.jid > ? order by a.jid limit ?`
    const rows = rowsOf<Row>(await this.#db.knex.raw(sql, [room, affiliation, after, bounded(limit)]))
    return rows.map(recordOf)
  }

  /** Addresses of all affiliations after `after`, by address. Primary keys. */
  async all(room: number, { after = '', limit }: AddressPage): Promise<AffiliationRecord[]> {
    const sql = `select ${COLUMNS} from ${by(this.#db, 'muc_affiliations as a', 'primary')}
      ${WITH_REGISTRATION} where a.room = ? and a.affiliation <> 'none' and a.jid > ? order by a.jid limit ?`
    return rowsOf<Row>(await this.#db.knex.raw(sql, [room, after, bounded(limit)])).map(recordOf)
  }

  /** How many addresses have each affiliation; reads as many entries of `muc_affiliations_by_kind`. */
  async counts(room: number): Promise<Record<Affiliation, number>> {
    const counts: Record<Affiliation, number> = { owner: 0, admin: 0, member: 0, none: 0, outcast: 0 }
    const rows: { affiliation: Affiliation; found: number }[] = await this.#db
      .knex('muc_affiliations')
      .where({ room })
      .groupBy('affiliation')
      .select({ affiliation: 'affiliation', found: this.#db.knex.raw('count(*)') })
    for (const { affiliation, found } of rows) if (affiliation !== 'none') counts[affiliation] = Number(found)
    return counts
  }

  /** Who a nickname is reserved for. By `muc_registrations_by_nick`. */
  async nickOwner(room: number, nick: string): Promise<string | undefined> {
    const row = await this.#db.knex('muc_registrations').where({ room, nick }).first('jid')
    return row?.jid
  }

  /**
   * Reserves a nickname for an address in place of the one it had, or sets the old one free. No change of its affiliation.
   * In one transaction, by primary keys.
   *
   * @throws NickTakenError when it is for somebody else.
   * @throws RoomGoneError
   */
  async reserveNick(room: number, jid: string, nick: string | undefined): Promise<void> {
    await this.#db.transaction(async (trx) => {
      await lockRoom(trx, room)
      const before = await trx('muc_registrations').where({ room, jid }).first('registration')
      await trx('muc_registrations').where({ room, jid }).delete()
      if (nick !== undefined) await register(trx, [{ room, jid, nick, registration: before?.registration ?? null }])
    })
  }

  /**
   * Changes affiliations, thousands too, in one transaction; of several for one address the last counts. By primary keys.
   *
   * @returns the version since, which is that of before when all was so already.
   * @throws LastOwnerError when this takes the last owner away and `keepOwner` is not false.
   * @throws NickTakenError when a nickname is for somebody else.
   * @throws RoomGoneError
   */
  async change(
    room: number,
    changes: readonly AffiliationChange[],
    { keepOwner = true }: { readonly keepOwner?: boolean } = {},
  ): Promise<number> {
    // Those who go first, so that what was theirs is free for those who come.
    const last = [...new Map(changes.map((change) => [change.jid, change])).values()]
    const ordered = [...last.filter((change) => !mayRegister(change)), ...last.filter(mayRegister)]
    return await this.#db.transaction(async (trx) => {
      const { version, floor } = await lockRoom(trx, room)
      const done = { changed: 0, removed: 0, owners: 0 }
      for (const lot of lots(ordered)) await applyLot(trx, room, version + 1, lot, done)
      if (done.changed === 0) return version
      if (keepOwner && done.owners > 0 && !(await hasOwner(trx, room)))
        throw new LastOwnerError('A room must have an owner.')
      const newFloor = done.removed > 0 ? await forgetRemovals(trx, room, floor) : floor
      await trx('muc_rooms')
        .where({ id: room })
        .update({ version: version + 1, floor: newFloor })
      return version + 1
    })
  }

  /**
   * What has changed since a version (XEP-0463 §5.2): addresses with what they are now, without nicknames; `undefined` when
   * that version is too old or never was, and only the whole list will do. By `muc_affiliations_by_version`.
   */
  async changedSince(
    room: number,
    since: number,
    { after = { version: since, jid: '' }, limit }: { readonly after?: ChangePosition; readonly limit: number },
  ): Promise<AffiliationChanges | undefined> {
    // It comes from a client.
    if (!Number.isSafeInteger(since)) return undefined
    const changed = `select jid, affiliation, reason, version
      from ${by(this.#db, 'muc_affiliations', 'muc_affiliations_by_version')}
      where room = ? and version >= ? and version > ? and (version > ? or jid > ?) order by version, jid limit ?`
    const sql = `select r.version as until, r.floor, changed.*
      from muc_rooms as r left join (${changed}) as changed on 1 = 1 where r.id = ?
      order by changed.version, changed.jid`
    const place = [after.version, since, after.version, after.jid]
    const found = await this.#db.knex.raw(sql, [room, ...place, bounded(limit), room])
    const rows = rowsOf<ChangedRow>(found)
    const { until, floor } = rows[0] ?? { until: 0, floor: 0 }
    if (!(since >= floor && since <= until) || rows.length === 0) return undefined
    return { until, items: rows.flatMap(changedOf) }
  }
}

interface ChangedRow extends Pick<Row, 'affiliation' | 'reason'> {
  readonly until: number
  readonly floor: number
  /** Null, like the columns after it, when nothing has changed. */
  readonly jid: string | null
  readonly version: number
}

function changedOf({ jid, affiliation, reason, version }: ChangedRow): VersionedAffiliation[] {
  return jid === null ? [] : [{ jid, affiliation, ...(reason !== null && { reason }), version }]
}

/** The rows of these addresses, also of those that have been removed, by address. */
async function read(knex: Pick<Transaction, 'raw'>, room: number, jids: readonly string[]): Promise<readonly Row[]> {
  const places = jids.map(() => '?').join(',')
  const sql = `select ${COLUMNS} from muc_affiliations as a ${WITH_REGISTRATION}
    where a.room = ? and a.jid in (${places}) order by a.jid`
  return rowsOf<Row>(await knex.raw(sql, [room, ...jids]))
}

interface Done {
  changed: number
  removed: number
  /** Owners that are none any more. */
  owners: number
}

async function applyLot(
  trx: Transaction,
  room: number,
  version: number,
  lot: readonly AffiliationChange[],
  done: Done,
): Promise<void> {
  const found = await read(
    trx,
    room,
    lot.map(({ jid }) => jid),
  )
  const before = new Map(found.map((row) => [row.jid, row]))
  const changes = lot.filter((change) => differs(change, before.get(change.jid)))
  if (changes.length === 0) return
  const rows = changes.map((change) => ({
    room,
    jid: change.jid,
    affiliation: change.affiliation,
    reason: reasonOf(change, before.get(change.jid)),
    version,
  }))
  await trx('muc_affiliations').insert(rows).onConflict(['room', 'jid']).merge(['affiliation', 'reason', 'version'])
  await applyRegistrations(trx, room, changes, before)
  done.changed += changes.length
  for (const { jid, affiliation } of changes) {
    if (affiliation === 'none') done.removed++
    if (affiliation !== 'owner' && before.get(jid)?.affiliation === 'owner') done.owners++
  }
}

function differs(change: AffiliationChange, before: Row | undefined): boolean {
  if (change.affiliation !== (before?.affiliation ?? 'none')) return true
  if (change.affiliation === 'none') return false
  if (change.reason !== undefined && change.reason !== before?.reason) return true
  if (!mayRegister(change)) return false
  return (
    (change.nick !== undefined && change.nick !== (before?.nick ?? '')) ||
    (change.registration !== undefined && JSON.stringify(change.registration) !== before?.registration)
  )
}

function reasonOf(change: AffiliationChange, before: Row | undefined): string | null {
  if (change.reason !== undefined) return change.reason
  return change.affiliation === before?.affiliation ? before.reason : null
}

/** Only who belongs to a room has a nickname there. */
function mayRegister({ affiliation }: AffiliationChange): boolean {
  return affiliation !== 'none' && affiliation !== 'outcast'
}

interface RegistrationRow {
  readonly room: number
  readonly jid: string
  readonly nick: string | null
  readonly registration: string | null
}

async function applyRegistrations(
  trx: Transaction,
  room: number,
  changes: readonly AffiliationChange[],
  before: ReadonlyMap<string, Row>,
): Promise<void> {
  const had = ({ nick, registration }: Pick<Row, 'nick' | 'registration'>) => nick !== null || registration !== null
  const touched = changes.filter((change) => {
    const row = before.get(change.jid)
    if (!mayRegister(change)) return row !== undefined && had(row)
    return change.nick !== undefined || change.registration !== undefined
  })
  if (touched.length === 0) return
  await trx('muc_registrations')
    .where({ room })
    .whereIn(
      'jid',
      touched.map(({ jid }) => jid),
    )
    .delete()
  const rows = touched
    .filter(mayRegister)
    .map(({ jid, nick, registration }) => ({
      room,
      jid,
      nick: (nick ?? before.get(jid)?.nick) || null,
      registration: registration === undefined ? (before.get(jid)?.registration ?? null) : JSON.stringify(registration),
    }))
    .filter(had)
  if (rows.length > 0) await register(trx, rows)
}

async function register(trx: Transaction, rows: readonly RegistrationRow[]): Promise<void> {
  try {
    await trx('muc_registrations').insert(rows.map((row) => ({ ...row, notify: notifyOf(row.registration) })))
  } catch (error) {
    if (isUniqueViolation(error)) throw new NickTakenError('A nickname is reserved for somebody else.')
    throw error
  }
}

/** By `muc_affiliations_by_kind`. */
async function hasOwner(trx: Transaction, room: number): Promise<boolean> {
  return (await trx('muc_affiliations').where({ room, affiliation: 'owner' }).first('jid')) !== undefined
}

/** Forgets the oldest removals when there are many; gives the version from which on all are known. By `…_by_kind`. */
async function forgetRemovals(trx: Transaction, room: number, floor: number): Promise<number> {
  const removed = () => trx('muc_affiliations').where({ room, affiliation: 'none' })
  const [{ found = 0 } = {}] = await removed().count({ found: '*' })
  if (Number(found) <= 2 * REMOVALS) return floor
  const oldest = await removed().orderBy('version', 'desc').offset(REMOVALS).first('version')
  await removed().where('version', '<=', oldest.version).delete()
  return oldest.version
}

function recordOf({ jid, affiliation, reason, nick, registration }: Row): AffiliationRecord {
  return {
    jid,
    affiliation,
    ...(nick !== null && { nick }),
    ...(reason !== null && { reason }),
    ...(registration !== null && { registration: JSON.parse(registration) }),
  }
}
