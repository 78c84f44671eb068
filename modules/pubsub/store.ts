import { type Database, lots } from '#api'
import { ItemStore, type LastItem } from './item-store.ts'
import type {
  ItemPage,
  ItemRange,
  ItemRecord,
  LoadedNode,
  NodeAffiliation,
  NodeConfig,
  NodePage,
  NodeRange,
  NodeRecord,
  SubscriptionRecord,
} from './records.ts'
import {
  type AffiliationAt,
  RelationStore,
  type SubscriptionAt,
  type SubscriptionRow,
  subscriptionOf,
} from './relation-store.ts'
import { bounded, by, rowsOf } from './sql.ts'

interface Row {
  readonly id: number
  readonly service: string
  readonly name: string
  readonly config: string
  readonly creator: string
  readonly created_ms: number
}

const COLUMNS = 'n.id, n.service, n.name, n.config, n.creator, n.created_ms'
const BY_NAME = 'pubsub_nodes_by_name'

/** A node that is made. */
export interface NewNode extends Omit<NodeRecord, 'id'> {
  /** Bare JIDs. */
  readonly owners: readonly string[]
}

/**
 * Nodes, who has to do with them and what was published there, of all services. Addresses are prepared; names and ids are
 * compared octet by octet, and are no longer than `MAX_NAME_BYTES`: MySQL refuses such, SQLite does not.
 *
 * A number that is (or was) no node's is an empty node for reading; writing there leaves rows that nobody finds.
 */
export class PubsubStore {
  readonly #db: Database
  readonly #items: ItemStore
  readonly #relations: RelationStore

  constructor(db: Database) {
    this.#db = db
    this.#items = new ItemStore(db)
    this.#relations = new RelationStore(db)
  }

  /** A node with all who have to do with it, in no order; by `pubsub_nodes_by_name` and primary keys, in one statement. */
  async load(service: string, node: string): Promise<LoadedNode | undefined> {
    const named = by(this.#db, 'pubsub_nodes as n', BY_NAME)
    const where = 'where n.service = ? and n.name = ?'
    const sql = `
      select ${COLUMNS}, (select max(seq) from ${by(this.#db, 'pubsub_items', 'pubsub_items_by_seq')} where node = n.id) as last_seq,
        null as jid, null as affiliation, null as resource, null as subid, null as state, null as options from ${named} ${where}
      union all select n.id, null, null, null, null, null, null, a.jid, a.affiliation, null, null, null, null
        from ${named} join pubsub_affiliations as a on a.node = n.id ${where}
      union all select n.id, null, null, null, null, null, null, s.jid, null, s.resource, s.subid, s.state, s.options
        from ${named} join pubsub_subscriptions as s on s.node = n.id ${where}`
    const key = [service, node]
    return loadedOf(rowsOf<LoadedRow>(await this.#db.knex.raw(sql, [...key, ...key, ...key])))
  }

  /**
   * Creates a node and its owners in one transaction. Rejects with an error that `isUniqueViolation` when the service has one
   * of this name; by `pubsub_nodes_by_name`.
   */
  async create(node: NewNode): Promise<NodeRecord> {
    const { owners, ...rest } = node
    const { service, node: name, config, creator, createdMs } = rest
    const row = { service, name, config: JSON.stringify(config), creator, created_ms: createdMs }
    return await this.#db.transaction(async (trx) => {
      const [id] = (await trx('pubsub_nodes').insert(row)) as [number]
      const affiliations = [...new Set(owners)].map((jid) => ({ node: id, jid, affiliation: 'owner' }))
      for (const lot of lots(affiliations)) await trx('pubsub_affiliations').insert(lot)
      return { id, ...rest }
    })
  }

  /** Saves the settings of a node; by primary key. */
  async saveConfig(id: number, config: NodeConfig): Promise<void> {
    await this.#db
      .knex('pubsub_nodes')
      .where({ id })
      .update({ config: JSON.stringify(config) })
  }

  /** Removes a node with all that hangs on it, in one transaction; by primary keys. */
  async remove(id: number): Promise<void> {
    await this.#db.commit([
      { sql: 'delete from pubsub_nodes where id = ?', bindings: [id] },
      ...['affiliations', 'subscriptions', 'items'].map((table) => ({
        sql: `delete from pubsub_${table} where node = ?`,
        bindings: [id],
      })),
    ])
  }

  /**
   * A page of the nodes of a service, by name; `after` and `before` need not be there. By `pubsub_nodes_by_name`, counting as
   * many entries of it.
   */
  async nodes(service: string, { after, before, limit }: NodeRange): Promise<NodePage> {
    const backwards = after === undefined && before !== undefined
    const anchor = after ?? (before === '' ? undefined : before)
    const named = by(this.#db, 'pubsub_nodes', BY_NAME)
    const bound = anchor === undefined ? '' : `and name ${backwards ? '<' : '>'} ?`
    const bounds = anchor === undefined ? [service] : [service, anchor]
    const facts = `select (select count(*) from ${named} where service = ?) as total,
      (select count(*) from ${named} where service = ? ${bound}) as rest`
    const page = `select id, service, name, config, creator, created_ms
      from ${named} where service = ? ${bound} order by name ${backwards ? 'desc' : 'asc'} limit ?`
    const sql = `select facts.total, facts.rest, ${COLUMNS} from (${facts}) as facts
      left join (${page}) as n on 1 = 1 order by n.name`
    const found = await this.#db.knex.raw(sql, [service, ...bounds, ...bounds, bounded(limit)])
    const rows = rowsOf<{ total: number; rest: number; id: number | null }>(found)
    const nodes = rows.filter((row): row is typeof row & Row => row.id !== null).map(recordOf)
    const { total, rest } = rows[0]!
    const index = backwards ? Number(rest) - nodes.length : Number(total) - Number(rest)
    return { nodes, count: Number(total), index }
  }

  /** How many nodes of a service an account has made; reads as many entries of `pubsub_nodes_by_creator`. */
  async countCreated(service: string, creator: string): Promise<number> {
    const [row] = await this.#db.knex('pubsub_nodes').where({ creator, service }).count({ found: '*' })
    return Number(row!['found'])
  }

  /**
   * How many bytes are kept at the nodes of a service that an account has made, by their names, with something for each
   * item beside what was published; by `pubsub_nodes_by_creator` and `pubsub_items_by_seq`, reading all the items.
   */
  volumes(service: string, creator: string): Promise<Map<string, number>> {
    return this.#items.volumes(service, creator)
  }

  /**
   * Puts items and removes the oldest beyond `keep` unless that is 0, in one commit, which may be repeated. An item takes the
   * place of one of the same id and becomes the newest. By primary key and `pubsub_items_by_seq`, of which it reads `keep`
   * entries.
   */
  publish(id: number, items: readonly ItemRecord[], keep: number): Promise<void> {
    return this.#items.publish(id, items, keep)
  }

  /** Those of these items that are there, in the order of the ids given; by primary key. */
  items(id: number, ids: readonly string[]): Promise<readonly ItemRecord[]> {
    return this.#items.items(id, ids)
  }

  /**
   * A page of the items of a node, oldest first; `undefined` when `after` or `before` names no item. Of `after`, `before` and
   * `index` one is given at most. By `pubsub_items_by_seq` without the items, of which it counts as many entries, then by
   * primary key.
   */
  page(id: number, range: ItemRange): Promise<ItemPage | undefined> {
    return this.#items.page(id, range)
  }

  /** The newest items of a node, oldest first; by `pubsub_items_by_seq`. */
  newest(id: number, count: number): Promise<readonly ItemRecord[]> {
    return this.#items.newest(id, count)
  }

  /** Removes items, and gives the ids of those that were there, in the order given. One transaction, by primary key. */
  retract(id: number, ids: readonly string[]): Promise<readonly string[]> {
    return this.#items.retract(id, ids)
  }

  /** Removes all items of a node; by primary key. */
  purge(id: number): Promise<void> {
    return this.#items.purge(id)
  }

  /**
   * Removes the items that were published before a time, in the order of publication up to the first that was not, and gives
   * how many. One statement when there are none, else two, between which others may publish; by `pubsub_items_by_seq`.
   */
  expire(id: number, beforeMs: number): Promise<number> {
    return this.#items.expire(id, beforeMs)
  }

  /**
   * The newest item of every node whose service and name are among these, in no order, without its payload when that is
   * large, and what an account is there: what it is to get on coming online. One statement for 400 services; by `pubsub_nodes_by_name`, all nodes of a service,
   * `pubsub_items_by_seq` and a primary key.
   */
  lastItems(services: readonly string[], nodes: readonly string[], asker: string): Promise<readonly LastItem[]> {
    return this.#items.lastItems(services, nodes, asker)
  }

  /** Changes affiliations, thousands too, in one transaction; by primary key. */
  affiliate(id: number, changes: ReadonlyMap<string, NodeAffiliation | 'none'>): Promise<void> {
    return this.#relations.affiliate(id, changes)
  }

  /** What a bare JID is at the nodes of a service, by their names; by `pubsub_affiliations_by_jid`. */
  affiliationsOf(service: string, jid: string): Promise<readonly AffiliationAt[]> {
    return this.#relations.affiliationsOf(service, jid)
  }

  /** Puts a subscription in the place of the one of its `subid`; by primary key. */
  saveSubscription(id: number, record: SubscriptionRecord): Promise<void> {
    return this.#relations.saveSubscription(id, record)
  }

  /**
   * The nodes that an account owns and to which somebody has asked to subscribe, by their names; by
   * `pubsub_affiliations_by_jid` and primary keys, reading all subscriptions of these nodes.
   */
  pendingOf(service: string, owner: string): Promise<readonly string[]> {
    return this.#relations.pendingOf(service, owner)
  }

  /** Removes subscriptions, in one transaction; by primary key. */
  removeSubscriptions(id: number, subids: readonly string[]): Promise<void> {
    return this.#relations.removeSubscriptions(id, subids)
  }

  /**
   * The subscriptions of a bare JID and its full JIDs to the nodes of a service, by their names; by
   * `pubsub_subscriptions_by_jid`.
   */
  subscriptionsOf(service: string, bareJid: string): Promise<readonly SubscriptionAt[]> {
    return this.#relations.subscriptionsOf(service, bareJid)
  }

  /** Removes all nodes of a service, one after the other, each in a transaction; by `pubsub_nodes_by_name`. */
  async forgetService(service: string): Promise<void> {
    for (;;) {
      const ids: number[] = await this.#db
        .knex('pubsub_nodes')
        .where({ service })
        .orderBy('name')
        .limit(100)
        .pluck('id')
      if (ids.length === 0) return
      for (const id of ids) await this.remove(id)
    }
  }

  /**
   * Removes the affiliations and subscriptions of a bare JID and its full JIDs everywhere, and its name from the nodes that
   * it made, in one transaction; by `pubsub_affiliations_by_jid`, `pubsub_subscriptions_by_jid`, `pubsub_nodes_by_creator`.
   */
  forgetJid(bareJid: string): Promise<void> {
    return this.#relations.forgetJid(bareJid)
  }
}

/** Of three kinds: the node, whose `service` is not null; somebody's affiliation; a subscription. */
interface LoadedRow extends Omit<Row, 'service'>, SubscriptionRow {
  readonly service: string | null
  readonly last_seq: number | null
  readonly affiliation: NodeAffiliation | null
}

function loadedOf(rows: readonly LoadedRow[]): LoadedNode | undefined {
  let record: NodeRecord | undefined
  let lastSeq = 0
  const affiliations = new Map<string, NodeAffiliation>()
  const subscriptions: SubscriptionRecord[] = []
  for (const row of rows) {
    const { service, affiliation } = row
    if (service !== null) {
      record = recordOf({ ...row, service })
      lastSeq = row.last_seq ?? 0
    } else if (affiliation !== null) affiliations.set(row.jid, affiliation)
    else subscriptions.push(subscriptionOf(row))
  }
  return record && { record, affiliations, subscriptions, lastSeq }
}

function recordOf({ id, service, name, config, creator, created_ms }: Row): NodeRecord {
  return { id, service, node: name, config: JSON.parse(config) as NodeConfig, creator, createdMs: created_ms }
}
