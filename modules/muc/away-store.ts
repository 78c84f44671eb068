import { type BatchSettings, BatchWriter, type Database } from '#api'
import { isChoice, NOTIFY_FIELD, type NotifyChoice } from './notify.ts'
import { MAX_PAGE } from './records.ts'
import { by, inOrder, rowsOf } from './sql.ts'

/** When an account was last in a room. */
export interface Visit {
  readonly room: number
  readonly jid: string
  readonly ms: number
}

/** A room that an account belongs to. */
export interface Belonging {
  readonly local: string
  /** When something last happened there, as far as it was noted, and when the account was in it last; 0 for never. */
  readonly activeMs: number
  readonly seenMs: number
}

/** What rooms know for those who are not in them: columns of `muc_affiliations` and `muc_registrations`. */
export class AwayStore {
  readonly #db: Database
  readonly #service: string

  constructor(db: Database, service: string) {
    this.#db = db
    this.#service = service
  }

  /** Visits on their way to disk, which share commits. */
  visits(bounds: Pick<BatchSettings<Visit>, 'clock' | 'maxItems' | 'maxWaiting' | 'retryMs'>): BatchWriter<Visit> {
    return new BatchWriter({ ...bounds, name: 'visits', db: this.#db, write: (visits) => this.seen(visits) })
  }

  /** What members have chosen to hear, all of them that have. By `muc_registrations_by_notify`. */
  async choices(room: number): Promise<Map<string, NotifyChoice>> {
    const choices = new Map<string, NotifyChoice>()
    let after = { notify: '', jid: '' }
    for (let isFull = true; isFull; ) {
      const sql = `select notify, jid from ${by(this.#db, 'muc_registrations', 'muc_registrations_by_notify')}
        where room = ? and notify >= ? and (notify > ? or jid > ?) order by notify, jid limit ?`
      const place = [after.notify, after.notify, after.jid]
      const rows = rowsOf<{ notify: NotifyChoice; jid: string }>(
        await this.#db.knex.raw(sql, [room, ...place, MAX_PAGE]),
      )
      for (const { notify, jid } of rows) choices.set(jid, notify)
      isFull = rows.length === MAX_PAGE
      after = rows.at(-1) ?? after
    }
    return choices
  }

  /** Those for whom a nickname is reserved: the first `limit`. By `muc_registrations_by_nick`. */
  async nicked(room: number, limit: number): Promise<string[]> {
    const sql = `select jid from ${by(this.#db, 'muc_registrations', 'muc_registrations_by_nick')}
      where room = ? and nick is not null order by nick limit ?`
    return rowsOf<{ jid: string }>(await this.#db.knex.raw(sql, [room, limit])).map(({ jid }) => jid)
  }

  /** For whom these nicknames are reserved; of at most hundreds. By `muc_registrations_by_nick`. */
  async nickOwners(room: number, nicks: readonly string[]): Promise<string[]> {
    if (nicks.length === 0) return []
    const sql = `select jid from ${by(this.#db, 'muc_registrations', 'muc_registrations_by_nick')}
      where room = ? and nick in (${nicks.map(() => '?').join(',')})`
    return rowsOf<{ jid: string }>(await this.#db.knex.raw(sql, [room, ...nicks])).map(({ jid }) => jid)
  }

  /** Notes when accounts left rooms, as far as they belong to them, in one transaction. Primary keys. */
  async seen(visits: readonly Visit[]): Promise<void> {
    await this.#db.transaction(async (trx) => {
      for (const { room, jid, ms } of visits)
        await trx('muc_affiliations').where({ room, jid }).where('affiliation', '<>', 'none').update({ seen_ms: ms })
    })
  }

  /** The rooms that an account belongs to, the first 1,000 ever made. By `muc_affiliations_by_jid` and primary key. */
  async belongings(jid: string): Promise<Belonging[]> {
    const sql = `select r.local, r.active_ms, a.seen_ms
      from ${by(this.#db, 'muc_affiliations as a', 'muc_affiliations_by_jid')}
      ${inOrder(this.#db)} muc_rooms as r on r.id = a.room
      where a.jid = ? and a.affiliation in ('owner', 'admin', 'member') and r.service = ? and r.locked = 0
      order by a.room limit ?`
    const rows = rowsOf<{ local: string; active_ms: number; seen_ms: number }>(
      await this.#db.knex.raw(sql, [jid, this.#service, MAX_PAGE]),
    )
    return rows.map(({ local, active_ms, seen_ms }) => ({ local, activeMs: active_ms, seenMs: seen_ms }))
  }
}

/** The column that follows from a registration, as it is stored. */
export function notifyOf(registration: string | null): NotifyChoice | null {
  if (registration === null) return null
  const choice = JSON.parse(registration)[NOTIFY_FIELD]
  return isChoice(choice) ? choice : null
}
