import type { Database } from '#api'
import type { Hat, WornHat } from './records.ts'
import { bounded, by, inOrder, rowsOf } from './sql.ts'

interface Row {
  readonly uri: string
  readonly title: string
  readonly hue: string | null
}

/** The hats of rooms and who wears them (XEP-0317): the tables `muc_hats` and `muc_hats_worn`. */
export class HatStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** The hats of a room, by URI; whoever creates them bounds their number. Primary key. */
  async list(room: number): Promise<Hat[]> {
    const rows: Row[] = await this.#db.knex('muc_hats').where({ room }).orderBy('uri').select('uri', 'title', 'hue')
    return rows.map(hatOf)
  }

  /** Creates a hat, or changes the one of this URI. Primary key. */
  async save(room: number, { uri, title, hue }: Hat): Promise<void> {
    const row = { room, uri, title, hue: hue ?? null }
    await this.#db.knex('muc_hats').insert(row).onConflict(['room', 'uri']).merge(['title', 'hue'])
  }

  /** Destroys a hat, and takes it from all who wear it. Primary key and `muc_hats_worn_by_uri`. */
  async destroy(room: number, uri: string): Promise<void> {
    await this.#db.transaction(async (trx) => {
      await trx('muc_hats').where({ room, uri }).delete()
      await trx('muc_hats_worn').where({ room, uri }).delete()
    })
  }

  /** The hats that these addresses wear, at most hundreds, by address and URI. Primary keys. */
  async of(room: number, jids: readonly string[]): Promise<WornHat[]> {
    if (jids.length === 0) return []
    const sql = `${this.#worn} where w.room = ? and w.jid in (${jids.map(() => '?').join(',')}) order by w.jid, w.uri`
    return rowsOf<Row & { jid: string }>(await this.#db.knex.raw(sql, [room, ...jids])).map(wornOf)
  }

  /** All hats that are worn in a room after `after`, by address and URI. Primary keys. */
  async worn(
    room: number,
    { after, limit }: { readonly after?: Pick<WornHat, 'jid' | 'uri'>; readonly limit: number },
  ): Promise<WornHat[]> {
    const { jid, uri } = after ?? { jid: '', uri: '' }
    const sql = `${this.#worn} where w.room = ? and w.jid >= ? and (w.jid > ? or w.uri > ?) order by w.jid, w.uri limit ?`
    const rows = rowsOf<Row & { jid: string }>(await this.#db.knex.raw(sql, [room, jid, jid, uri, bounded(limit)]))
    return rows.map(wornOf)
  }

  /** Gives an address a hat of the room; gives nothing twice. Primary key. */
  async grant(room: number, jid: string, uri: string): Promise<void> {
    await this.#db.knex('muc_hats_worn').insert({ room, jid, uri }).onConflict(['room', 'jid', 'uri']).merge(['uri'])
  }

  /** Takes a hat from an address. Primary key. */
  async revoke(room: number, jid: string, uri: string): Promise<void> {
    await this.#db.knex('muc_hats_worn').where({ room, jid, uri }).delete()
  }

  get #worn(): string {
    return `select w.jid, w.uri, h.title, h.hue from ${by(this.#db, 'muc_hats_worn as w', 'primary')}
      ${inOrder(this.#db)} muc_hats as h on h.room = w.room and h.uri = w.uri`
  }
}

function hatOf({ uri, title, hue }: Row): Hat {
  return { uri, title, ...(hue !== null && { hue }) }
}

function wornOf(row: Row & { readonly jid: string }): WornHat {
  return { jid: row.jid, ...hatOf(row) }
}
