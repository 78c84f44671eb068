import type { Host, Jid, Session } from '#api'
import type { Capabilities } from '../capabilities/index.ts'
import { type Face, mayRead, type Node } from '../pubsub/index.ts'
import type { RosterApi } from '../roster/index.ts'

/** What `+notify` after the name of a node says of a client: that it wants to hear of it (XEP-0060 §9.2). */
const NOTIFY = '+notify'

/** Who hears of what an account publishes, by presence and interest (XEP-0163 §4.1). */
export class Audience {
  readonly #roster: RosterApi
  readonly #capabilities: Capabilities
  /** The hosts of the server, by domain. */
  readonly #hosts: ReadonlyMap<string, Host>

  constructor(hosts: ReadonlyMap<string, Host>, roster: RosterApi, capabilities: Capabilities) {
    this.#hosts = hosts
    this.#roster = roster
    this.#capabilities = capabilities
  }

  /** Whether the client of a session wants to hear of nodes of a name. */
  wants(session: Session, node: string): boolean {
    return this.#capabilities.of(session).has(node + NOTIFY)
  }

  /** The nodes that the client of a session wants to hear of, among its features. */
  interests(features: ReadonlySet<string>): string[] {
    const nodes: string[] = []
    for (const feature of features) if (feature.endsWith(NOTIFY)) nodes.push(feature.slice(0, -NOTIFY.length))
    return nodes
  }

  interestsOf(session: Session): string[] {
    return this.interests(this.#capabilities.of(session))
  }

  /** The available sessions that are to hear of a node of an account: its own, and those of contacts who may read it. */
  async of(face: Face, account: Jid, node: Node): Promise<Session[]> {
    const sessions: Session[] = []
    const feature = node.name + NOTIFY
    this.#collect(account, feature, sessions)
    const { accessModel } = node.settings
    // What is open or for all subscribers is for every one of them, unless somebody was made something else.
    const isForAll = accessModel === 'open' || accessModel === 'presence'
    for (const contact of (await this.#roster.whole(account)).subscribers()) {
      const isPlain = isForAll && node.affiliationOf(contact) === 'none'
      const before = sessions.length
      this.#collect(contact, feature, sessions)
      if (!isPlain && sessions.length > before && !(await mayRead(face, node, contact))) sessions.length = before
    }
    return sessions
  }

  #collect(account: Jid, feature: string, into: Session[]): void {
    for (const session of this.#hosts.get(account.domain)?.user(account)?.available() ?? [])
      if (this.#capabilities.of(session).has(feature)) into.push(session)
  }
}
