import type { Database } from '#api'
import type { ForgottenAffiliation, RoomAffiliation } from './records.ts'
import { bounded, by, inOrder, lots, rowsOf, type Transaction } from './sql.ts'

/** Tables with rows of an address in a room; each has an index of its name and `_by_jid`. */
const TABLES = ['muc_affiliations', 'muc_registrations', 'muc_hats_worn'] as const

/** What addresses are in the rooms of one service, asked by address: across the tables of affiliations and hats. */
export class MembershipStore {
  readonly #db: Database
  readonly #service: string

  constructor(db: Database, service: string) {
    this.#db = db
    this.#service = service
  }

  /** Rooms in which an address has an affiliation after the room `after`, by id. By `muc_affiliations_by_jid`. */
  async roomsOf(jid: string, after: number, limit: number): Promise<RoomAffiliation[]> {
    const sql = `select r.id, r.local, a.affiliation from ${by(this.#db, 'muc_affiliations as a', 'muc_affiliations_by_jid')}
      ${inOrder(this.#db)} muc_rooms as r on r.id = a.room
      where a.jid = ? and a.room > ? and a.affiliation <> 'none' and r.service = ? order by a.room limit ?`
    return rowsOf<RoomAffiliation>(await this.#db.knex.raw(sql, [jid, after, this.#service, bounded(limit)]))
  }

  /**
   * Removes all rows of an address in one transaction, and its name from the rooms it created. By the indexes `…_by_jid`,
   * `muc_rooms_by_creator` and primary keys.
   */
  async forget(jid: string): Promise<ForgottenAffiliation[]> {
    return await this.#db.transaction(async (trx) => {
      const forgotten: ForgottenAffiliation[] = []
      for (const table of TABLES) {
        for (const lot of lots(await this.#roomIds(trx, table, jid))) {
          if (table === 'muc_affiliations') forgotten.push(...(await raiseFloors(trx, jid, lot)))
          await trx(table).where({ jid }).whereIn('room', lot).delete()
        }
      }
      await trx('muc_rooms').where({ service: this.#service, creator: jid }).update({ creator: '' })
      return forgotten
    })
  }

  /** The rooms of this service in which a table has rows of an address; each as often as it has. */
  async #roomIds(trx: Transaction, table: (typeof TABLES)[number], jid: string): Promise<number[]> {
    const sql = `select t.room from ${by(this.#db, `${table} as t`, `${table}_by_jid`)}
      ${inOrder(this.#db)} muc_rooms as r on r.id = t.room where t.jid = ? and r.service = ? order by t.room`
    return rowsOf<{ room: number }>(await trx.raw(sql, [jid, this.#service])).map(({ room }) => room)
  }
}

/** Gives rooms a new version before which nothing can be told as a difference. */
async function raiseFloors(trx: Transaction, jid: string, ids: readonly number[]): Promise<ForgottenAffiliation[]> {
  const places = ids.map(() => '?').join(',')
  // MySQL sets one after the other.
  await trx.raw(`update muc_rooms set floor = version + 1, version = version + 1 where id in (${places})`, [...ids])
  const sql = `select r.id, r.local, a.affiliation, r.version from muc_rooms as r
    join muc_affiliations as a on a.room = r.id and a.jid = ? where r.id in (${places}) order by r.id`
  return rowsOf<ForgottenAffiliation>(await trx.raw(sql, [jid, ...ids]))
}
