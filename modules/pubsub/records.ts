/** What a person has been made at a node; who is nothing has no row (XEP-0060 §4.1). */
export type NodeAffiliation = 'owner' | 'publisher' | 'publish-only' | 'member' | 'outcast'

/** What a subscription is; who is not subscribed has no row (XEP-0060 §4.2). */
export type SubscriptionState = 'subscribed' | 'pending' | 'unconfigured'

/** Fields of a form that were set, by their names without `pubsub#`; only what differs from the defaults. */
export type FormValues = Readonly<Record<string, string | readonly string[]>>

/** A node's settings, by the names of the fields without `pubsub#`; only what differs from the defaults of its service. */
export type NodeConfig = FormValues

/** One subscription to a node. */
export interface SubscriptionRecord {
  /** Whom notifications go to: a bare or a full JID. */
  readonly jid: string
  readonly subid: string
  readonly state: SubscriptionState
  /** Its options, by the names of the fields without `pubsub#`. */
  readonly options: FormValues
}

/** A node, without those who have to do with it and what was published there. */
export interface NodeRecord {
  readonly id: number
  /** The address of the service: a domain, or the bare JID of an account. */
  readonly service: string
  readonly node: string
  readonly config: NodeConfig
  /** Bare JID. */
  readonly creator: string
  readonly createdMs: number
}

/** A node with everybody who has to do with it. */
export interface LoadedNode {
  readonly record: NodeRecord
  /** By bare JID. */
  readonly affiliations: ReadonlyMap<string, NodeAffiliation>
  readonly subscriptions: readonly SubscriptionRecord[]
  /** The place of the newest item in the order of publication; 0 without items. */
  readonly lastSeq: number
}

/** One published item. */
export interface ItemRecord {
  readonly id: string
  /** The XML of its payload; '' when it has none. */
  readonly payload: string
  /** Bare JID. */
  readonly publisher: string
  /** When it was published, in ms. */
  readonly ms: number
  /** Its place in the order of publication in the service; the engine gives it, growing with time. */
  readonly seq: number
}

/** Which items of a node are asked for (XEP-0059); without `after`, `before` and `index` the first page. */
export interface ItemRange {
  /** The id of the item that the page follows. */
  readonly after?: string
  /** The id of the item that the page goes before; '' for the last page. */
  readonly before?: string
  /** How many items come before the page. */
  readonly index?: number
  readonly limit: number
}

/** A page of the items of a node. */
export interface ItemPage {
  /** Oldest first. */
  readonly items: readonly ItemRecord[]
  /** How many items the node has. */
  readonly count: number
  /** How many come before the first of these. */
  readonly index: number
}

/** Which nodes of a service are asked for, in the order of their names (XEP-0059); '' as `before` is the last page. */
export interface NodeRange {
  readonly after?: string
  readonly before?: string
  readonly limit: number
}

/** A page of the nodes of a service. */
export interface NodePage {
  /** By name. */
  readonly nodes: readonly NodeRecord[]
  /** How many nodes the service has. */
  readonly count: number
  /** How many come before the first of these. */
  readonly index: number
}

/** What an item takes beside its id and payload, by and large, in bytes: no account keeps millions of empty ones. */
export const ITEM_BYTES = 256
/** Longest name of a node and longest id of an item, in octets of UTF-8: what comes from outside and is longer is refused. */
export const MAX_NAME_BYTES = 1023
/** Longest id of a subscription, in octets. */
export const MAX_SUBID_BYTES = 255
