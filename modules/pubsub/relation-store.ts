import { type Database, lots } from '#api'
import type { FormValues, NodeAffiliation, SubscriptionRecord, SubscriptionState } from './records.ts'
import { by, deleteBy, inOrder, places, put, rowsOf } from './sql.ts'

/** What somebody is at a node. */
export interface AffiliationAt {
  readonly node: string
  readonly affiliation: NodeAffiliation
}

/** A subscription, and to which node. */
export interface SubscriptionAt {
  readonly node: string
  readonly subscription: SubscriptionRecord
}

/** The columns of a subscription. */
export interface SubscriptionRow {
  readonly jid: string
  readonly resource: string
  readonly subid: string
  readonly state: SubscriptionState
  readonly options: string
}

/** Who has to do with nodes: the tables `pubsub_affiliations` and `pubsub_subscriptions`. */
export class RelationStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** See {@link PubsubStore.affiliate}. */
  async affiliate(node: number, changes: ReadonlyMap<string, NodeAffiliation | 'none'>): Promise<void> {
    const removed: string[] = []
    const rows: [number, string, string][] = []
    for (const [jid, affiliation] of changes)
      if (affiliation === 'none') removed.push(jid)
      else rows.push([node, jid, affiliation])
    const statements = []
    for (const lot of lots(removed)) {
      const sql = `delete from pubsub_affiliations where node = ? and jid in (${places(lot)})`
      statements.push({ sql, bindings: [node, ...lot] })
    }
    for (const lot of lots(rows))
      statements.push(put(this.#db, 'pubsub_affiliations', ['node', 'jid'], ['affiliation'], lot))
    if (statements.length > 0) await this.#db.commit(statements)
  }

  /** See {@link PubsubStore.affiliationsOf}. */
  async affiliationsOf(service: string, jid: string): Promise<AffiliationAt[]> {
    const sql = `select n.name as node, a.affiliation
      from ${by(this.#db, 'pubsub_affiliations as a', 'pubsub_affiliations_by_jid')}
      ${inOrder(this.#db)} pubsub_nodes as n on n.id = a.node where a.jid = ? and n.service = ? order by n.name`
    const rows = rowsOf<AffiliationAt>(await this.#db.knex.raw(sql, [jid, service]))
    return rows.map(({ node, affiliation }) => ({ node, affiliation }))
  }

  /** See {@link PubsubStore.pendingOf}. */
  async pendingOf(service: string, owner: string): Promise<string[]> {
    const sql = `select distinct n.name as node
      from ${by(this.#db, 'pubsub_affiliations as a', 'pubsub_affiliations_by_jid')}
      ${inOrder(this.#db)} pubsub_nodes as n on n.id = a.node
      ${inOrder(this.#db)} pubsub_subscriptions as s on s.node = a.node
      where a.jid = ? and a.affiliation = 'owner' and n.service = ? and s.state = 'pending' order by n.name`
    return rowsOf<{ node: string }>(await this.#db.knex.raw(sql, [owner, service])).map(({ node }) => node)
  }

  /** See {@link PubsubStore.saveSubscription}. */
  async saveSubscription(node: number, record: SubscriptionRecord): Promise<void> {
    const [jid, resource] = splitJid(record.jid)
    const row = [node, record.subid, jid, resource, record.state, JSON.stringify(record.options)]
    const others = ['jid', 'resource', 'state', 'options']
    const { sql, bindings } = put(this.#db, 'pubsub_subscriptions', ['node', 'subid'], others, [row])
    await this.#db.knex.raw(sql, bindings)
  }

  /** See {@link PubsubStore.removeSubscriptions}. */
  async removeSubscriptions(node: number, subids: readonly string[]): Promise<void> {
    const statements = [...lots(subids)].map((lot) => ({
      sql: `delete from pubsub_subscriptions where node = ? and subid in (${places(lot)})`,
      bindings: [node, ...lot],
    }))
    if (statements.length > 0) await this.#db.commit(statements)
  }

  /** See {@link PubsubStore.subscriptionsOf}. */
  async subscriptionsOf(service: string, jid: string): Promise<SubscriptionAt[]> {
    const sql = `select n.name as node, s.jid, s.resource, s.subid, s.state, s.options
      from ${by(this.#db, 'pubsub_subscriptions as s', 'pubsub_subscriptions_by_jid')}
      ${inOrder(this.#db)} pubsub_nodes as n on n.id = s.node where s.jid = ? and n.service = ?
      order by n.name, s.resource, s.subid`
    const rows = rowsOf<SubscriptionRow & { node: string }>(await this.#db.knex.raw(sql, [jid, service]))
    return rows.map((row) => ({ node: row.node, subscription: subscriptionOf(row) }))
  }

  /** See {@link PubsubStore.forgetJid}. */
  async forgetJid(jid: string): Promise<void> {
    await this.#db.commit([
      ...['affiliations', 'subscriptions'].map((kind) => ({
        sql: `${deleteBy(this.#db, `pubsub_${kind}`, `pubsub_${kind}_by_jid`)} where t.jid = ?`,
        bindings: [jid],
      })),
      { sql: `update pubsub_nodes set creator = '' where creator = ?`, bindings: [jid] },
    ])
  }
}

/** A row as a record. */
export function subscriptionOf({ jid, resource, subid, state, options }: SubscriptionRow): SubscriptionRecord {
  const address = resource === '' ? jid : `${jid}/${resource}`
  return { jid: address, subid, state, options: JSON.parse(options) as FormValues }
}

function splitJid(jid: string): [bare: string, resource: string] {
  const slash = jid.indexOf('/')
  return slash < 0 ? [jid, ''] : [jid.slice(0, slash), jid.slice(slash + 1)]
}
