import type { Jid, Session, Wire } from '#api'
import type { Node } from './node.ts'
import type { NodeLimits } from './node-config.ts'
import type { NodeConfig } from './records.ts'

/** What the service of a domain and that of an account do differently: one face of the engine. */
export interface Face {
  /** Whom requests are for and notifications come from: a domain, or the bare JID of an account. */
  readonly service: Jid
  readonly defaults: NodeConfig
  /** How a node of this name is made, beyond the defaults, unless whoever makes it says otherwise. */
  presets?(name: string): NodeConfig | undefined
  readonly limits: NodeLimits & {
    /** Most nodes of one creator here; 0 is no limit. */
    readonly maxNodes: number
    /** Most bytes that the nodes of one creator here keep together; 0 is no limit. */
    readonly maxBytes: number
    /** Most subscriptions of a node; 0 is no limit. */
    readonly maxSubscriptions: number
  }
  /** Whether somebody is an owner of all nodes here. */
  rules(asker: Jid): boolean
  mayCreate(asker: Jid): boolean
  /** Whether somebody sees the presence of those whose node it is. */
  seesPresence(node: Node, asker: Jid): boolean | Promise<boolean>
  /** Whether somebody is in one of the node's roster groups, in the roster of those whose node it is. */
  isInGroups(node: Node, asker: Jid): boolean | Promise<boolean>
  /** Whether somebody must not learn whether there is such a service: all refusals are one. */
  isStranger(asker: Jid): boolean | Promise<boolean>
  /** Whether somebody who has subscribed may still hear of a node. */
  hears(node: Node, subscriber: Jid): boolean | Promise<boolean>
  /**
   * Notifies those who are to know without having subscribed; `reached` are those who have been notified already, and
   * `wire` is for anybody.
   */
  notifyOthers(node: Node, wire: Wire, reached: ReadonlySet<Session>): void | Promise<void>
}
