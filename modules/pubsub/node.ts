import type { Jid } from '#api'
import type { NodeSettings } from './node-config.ts'
import type { LoadedNode, NodeAffiliation, NodeConfig, NodeRecord, SubscriptionRecord } from './records.ts'

/** A node in memory. What is changed here is on disk already. */
export class Node {
  record: NodeRecord
  settings: NodeSettings
  readonly affiliations: Map<string, NodeAffiliation>
  /** By address: one subscription each. */
  readonly subscriptions: Map<string, SubscriptionRecord>
  /** The place of what was published last in the order of publication. */
  lastSeq: number
  /** That of the newest item that is there; 0 without items. */
  newestSeq: number

  constructor(loaded: LoadedNode, settings: NodeSettings) {
    this.record = loaded.record
    this.settings = settings
    this.lastSeq = loaded.lastSeq
    this.newestSeq = loaded.lastSeq
    this.affiliations = new Map(loaded.affiliations)
    this.subscriptions = new Map(loaded.subscriptions.map((subscription) => [subscription.jid, subscription]))
  }

  get name(): string {
    return this.record.node
  }

  get id(): number {
    return this.record.id
  }

  configure(config: NodeConfig, settings: NodeSettings): void {
    this.record = { ...this.record, config }
    this.settings = settings
  }

  affiliationOf(jid: Jid): NodeAffiliation | 'none' {
    return this.affiliations.get(jid.bare.toString()) ?? 'none'
  }

  /** Whether somebody may not read the node, whatever it is set to. */
  isShutOut(jid: Jid): boolean {
    const affiliation = this.affiliationOf(jid)
    return affiliation === 'outcast' || affiliation === 'publish-only'
  }

  owners(): string[] {
    return [...this.affiliations].filter(([, affiliation]) => affiliation === 'owner').map(([jid]) => jid)
  }

  /** Those who may publish by what they are here. */
  publishers(): string[] {
    return [...this.affiliations]
      .filter(([, kind]) => kind === 'owner' || kind.startsWith('publish'))
      .map(([jid]) => jid)
  }

  /** How many subscriptions are in force. */
  subscribers(): number {
    let count = 0
    for (const { state } of this.subscriptions.values()) if (state === 'subscribed') count++
    return count
  }

  /** The subscriptions of an account, whatever addresses of it they are for. */
  subscriptionsOf(jid: Jid): SubscriptionRecord[] {
    const bare = jid.bare.toString()
    const found: SubscriptionRecord[] = []
    for (const [address, subscription] of this.subscriptions)
      if (address === bare || address.startsWith(`${bare}/`)) found.push(subscription)
    return found
  }

  /** Whether an account gets what is published. */
  hasSubscribed(jid: Jid): boolean {
    return this.subscriptionsOf(jid).some(({ state }) => state === 'subscribed')
  }
}
