import type { Database } from '#api'
import type { RoomVcard } from './records.ts'

/** The vCards of rooms (XEP-0486): the table `muc_vcards`. */
export class VcardStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** The vCard of a room. Primary key. */
  async find(room: number): Promise<RoomVcard | undefined> {
    return await this.#db.knex('muc_vcards').where({ room }).first('vcard', 'hash')
  }

  /** The hash of a room's photo, without reading the photo; `''` when there is none. Primary key. */
  async hash(room: number): Promise<string> {
    const row = await this.#db.knex('muc_vcards').where({ room }).first('hash')
    return row?.hash ?? ''
  }

  /** Sets the vCard of a room, or removes it. Primary key. */
  async save(room: number, vcard: RoomVcard | undefined): Promise<void> {
    const rows = this.#db.knex('muc_vcards')
    if (vcard === undefined) await rows.where({ room }).delete()
    else await rows.insert({ room, vcard: vcard.vcard, hash: vcard.hash }).onConflict('room').merge(['vcard', 'hash'])
  }
}
