import { type Database, lots } from '#api'
import {
  ITEM_BYTES,
  type ItemPage,
  type ItemRange,
  type ItemRecord,
  type NodeAffiliation,
  type NodeConfig,
  type NodeRecord,
} from './records.ts'
import { bounded, by, inOrder, places, put, rowsOf } from './sql.ts'

interface Row {
  readonly id: string
  readonly payload: string
  readonly publisher: string
  readonly published_ms: number
  readonly seq: number
}

const COLUMNS = 'i.id, i.payload, i.publisher, i.published_ms, i.seq'
const BY_SEQ = 'pubsub_items_by_seq'
/** Bytes of a payload that comes along with others. */
const SMALL = 16_384
const PLACE = '(select seq from pubsub_items where node = ? and id = ?)'

/** A newest item, and where it was published. */
export interface LastItem {
  readonly record: NodeRecord
  /** What whoever asks is at the node. */
  readonly affiliation: NodeAffiliation | undefined
  /** Without the payload when that is large: all of them are in memory at once. */
  readonly item: Omit<ItemRecord, 'payload'> & { readonly payload: string | undefined }
}

/** What was published: the table `pubsub_items`. */
export class ItemStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** See {@link PubsubStore.publish}. */
  async publish(node: number, items: readonly ItemRecord[], keep: number): Promise<void> {
    const statements = []
    for (const lot of lots(items, ({ payload }) => payload.length)) {
      const rows = lot.map(({ id, payload, publisher, ms, seq }) => [node, id, payload, publisher, ms, seq])
      statements.push(
        put(this.#db, 'pubsub_items', ['node', 'id'], ['payload', 'publisher', 'published_ms', 'seq'], rows),
      )
    }
    if (keep > 0) statements.push({ sql: this.#trimming(), bindings: [node, keep, node] })
    if (statements.length > 0) await this.#db.commit(statements)
  }

  /** Removes what is older than the newest; bound to the node, how many stay, and the node. */
  #trimming(): string {
    const newest = `from ${by(this.#db, 'pubsub_items', BY_SEQ)} where node = ? order by seq desc limit`
    // SQLite deletes from no join. MySQL would read the items of the whole node, not the index.
    return this.#db.dialect === 'mysql'
      ? `delete i from (select id ${newest} ${Number.MAX_SAFE_INTEGER} offset ?) as old
          straight_join pubsub_items as i on i.node = ? and i.id = old.id`
      : `delete from pubsub_items where seq <= (select seq ${newest} 1 offset ?) and node = ?`
  }

  /** See {@link PubsubStore.items}. */
  async items(node: number, ids: readonly string[]): Promise<ItemRecord[]> {
    const wanted = [...new Set(ids)]
    const found = new Map<string, ItemRecord>()
    for (const lot of lots(wanted)) {
      const sql = `select ${COLUMNS} from pubsub_items as i where i.node = ? and i.id in (${places(lot)})`
      for (const row of rowsOf<Row>(await this.#db.knex.raw(sql, [node, ...lot]))) found.set(row.id, recordOf(row))
    }
    return wanted.map((id) => found.get(id)).filter((item) => item !== undefined)
  }

  /** See {@link PubsubStore.page}. */
  async page(node: number, range: ItemRange): Promise<ItemPage | undefined> {
    const { after, before, index = 0, limit } = range
    const backwards = after === undefined && before !== undefined
    const anchor = after ?? (before === '' ? undefined : before)
    const items = by(this.#db, 'pubsub_items', BY_SEQ)
    // Without an anchor, the page begins at an end and nothing is left out.
    const [place, bound] = anchor === undefined ? ['0', ''] : [PLACE, `and seq ${backwards ? '<' : '>'} ${PLACE}`]
    const anchored = anchor === undefined ? [] : [node, anchor]
    const facts = `select (select count(*) from ${items} where node = ?) as total,
      (select count(*) from ${items} where node = ? ${bound}) as rest, ${place} as place`
    const keys = `select id, seq from ${items} where node = ? ${bound} order by seq ${backwards ? 'desc' : 'asc'} limit ? offset ?`
    const sql = `select facts.total, facts.rest, facts.place, ${COLUMNS} from (${facts}) as facts
      left join (${keys}) as keyed on 1 = 1
      left join pubsub_items as i on i.node = ? and i.id = keyed.id order by keyed.seq`
    const bounds = [node, ...anchored]
    const bindings = [node, ...bounds, ...anchored, ...bounds, bounded(limit), backwards ? 0 : bounded(index), node]
    const rows = rowsOf<PageRow>(await this.#db.knex.raw(sql, bindings))
    const { total, rest, place: found } = rows[0]!
    if (found === null) return undefined
    const page = rows.filter((row): row is PageRow & Row => row.id !== null).map(recordOf)
    const first = backwards ? Number(rest) - page.length : Number(total) - Number(rest) + bounded(index)
    return { items: page, count: Number(total), index: Math.min(first, Number(total)) }
  }

  /** See {@link PubsubStore.newest}. */
  async newest(node: number, count: number): Promise<ItemRecord[]> {
    const sql = `select ${COLUMNS} from ${by(this.#db, 'pubsub_items as i', BY_SEQ)}
      where i.node = ? order by i.seq desc limit ?`
    return rowsOf<Row>(await this.#db.knex.raw(sql, [node, bounded(count)]))
      .map(recordOf)
      .reverse()
  }

  /** See {@link PubsubStore.retract}. */
  async retract(node: number, ids: readonly string[]): Promise<string[]> {
    const wanted = [...new Set(ids)]
    return await this.#db.transaction(async (trx) => {
      const found = new Set<string>()
      for (const lot of lots(wanted)) {
        const there: string[] = await trx('pubsub_items').where({ node }).whereIn('id', lot).forUpdate().pluck('id')
        if (there.length === 0) continue
        await trx('pubsub_items').where({ node }).whereIn('id', there).delete()
        for (const id of there) found.add(id)
      }
      return wanted.filter((id) => found.has(id))
    })
  }

  /** See {@link PubsubStore.purge}. */
  async purge(node: number): Promise<void> {
    await this.#db.knex('pubsub_items').where({ node }).delete()
  }

  /** See {@link PubsubStore.expire}. */
  async expire(node: number, beforeMs: number): Promise<number> {
    const items = by(this.#db, 'pubsub_items', BY_SEQ)
    const sql = `select (select min(seq) from ${items} where node = ?) as oldest,
      (select max(seq) from ${items} where node = ?) as newest,
      (select seq from ${items} where node = ? and published_ms >= ? order by seq limit 1) as kept`
    const found = await this.#db.knex.raw(sql, [node, node, node, beforeMs])
    const { oldest, newest, kept } = rowsOf<Record<string, number | null>>(found)[0]!
    if (oldest === null || oldest === kept) return 0
    // What is published meanwhile comes after these.
    const upTo = kept === null ? newest! : kept! - 1
    return await this.#db.knex('pubsub_items').where({ node }).where('seq', '<=', upTo).delete()
  }

  /** See {@link PubsubStore.volumes}. */
  async volumes(service: string, creator: string): Promise<Map<string, number>> {
    const sql = `select n.name, sum(octet_length(i.payload) + octet_length(i.id) + ${ITEM_BYTES}) as bytes
      from ${by(this.#db, 'pubsub_nodes as n', 'pubsub_nodes_by_creator')}
      ${inOrder(this.#db)} ${by(this.#db, 'pubsub_items as i', BY_SEQ)} on i.node = n.id
      where n.creator = ? and n.service = ? group by n.id, n.name`
    const rows = rowsOf<{ name: string; bytes: number | string }>(await this.#db.knex.raw(sql, [creator, service]))
    return new Map(rows.map(({ name, bytes }) => [name, Number(bytes)]))
  }

  /** See {@link PubsubStore.lastItems}. */
  async lastItems(services: readonly string[], nodes: readonly string[], asker: string): Promise<LastItem[]> {
    const last: LastItem[] = []
    if (nodes.length === 0) return last
    const newest = `select max(seq) from ${by(this.#db, 'pubsub_items', BY_SEQ)} where node = n.id`
    const own = 'select a.affiliation from pubsub_affiliations as a where a.node = n.id and a.jid = ?'
    for (const lot of lots([...new Set(services)])) {
      // An account has few nodes: they are all looked at, rather than looking for each of these names.
      const sql = `select n.id as node, n.service, n.name, n.config, n.creator, n.created_ms, (${own}) as affiliation,
          i.id, case when octet_length(i.payload) <= ${SMALL} then i.payload end as payload, i.publisher, i.published_ms, i.seq
        from ${by(this.#db, 'pubsub_nodes as n', 'pubsub_nodes_by_name')}
        ${inOrder(this.#db)} ${by(this.#db, 'pubsub_items as i', BY_SEQ)} on i.node = n.id and i.seq = (${newest})
        where n.service in (${places(lot)}) and concat(n.name, '') in (${places(nodes)})`
      for (const row of rowsOf<LastRow>(await this.#db.knex.raw(sql, [asker, ...lot, ...nodes]))) {
        const { node: id, service, name: node, config, creator, created_ms: createdMs, affiliation } = row
        const record = { id, service, node, config: JSON.parse(config) as NodeConfig, creator, createdMs }
        const item = { ...recordOf(row), payload: row.payload ?? undefined }
        last.push({ record, affiliation: affiliation ?? undefined, item })
      }
    }
    return last
  }
}

/** An item, and the node it was published at. */
interface LastRow extends Omit<Row, 'payload'> {
  readonly payload: string | null
  readonly node: number
  readonly service: string
  readonly name: string
  readonly config: string
  readonly creator: string
  readonly created_ms: number
  readonly affiliation: NodeAffiliation | null
}

/** Without items, one row of which the last columns are null. */
interface PageRow {
  readonly total: number
  readonly rest: number
  readonly place: number | null
  readonly id: string | null
}

function recordOf<P>({ id, payload, publisher, published_ms, seq }: Omit<Row, 'payload'> & { readonly payload: P }) {
  return { id, payload, publisher, ms: published_ms, seq }
}
