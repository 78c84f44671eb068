import type { Jid, Session } from '#api'
import type { Capabilities } from '../capabilities/index.ts'
import { type Face, mayRead, type Node } from '../pubsub/index.ts'
import type { Site, Sites } from './sites.ts'

/** What `+notify` after the name of a node says of a client: that it wants to hear of it (XEP-0060 §9.2). */
const NOTIFY = '+notify'

/** By the features of a kind of clients, which all clients of the kind share. */
const interests = new WeakMap<ReadonlySet<string>, readonly string[]>()

/** The nodes that a client wants to hear of, among its features. */
export function interestsIn(features: ReadonlySet<string>): readonly string[] {
  const known = interests.get(features)
  if (known !== undefined) return known
  const nodes = [...features].filter((name) => name.endsWith(NOTIFY)).map((name) => name.slice(0, -NOTIFY.length))
  interests.set(features, nodes)
  return nodes
}

/** Who hears of what an account publishes, by presence and interest (XEP-0163 §4.1). */
export class Audience {
  readonly #site: Site
  readonly #sites: Sites
  readonly #capabilities: Capabilities

  constructor(site: Site, sites: Sites, capabilities: Capabilities) {
    this.#site = site
    this.#sites = sites
    this.#capabilities = capabilities
  }

  /** The nodes that the client of a session wants to hear of. */
  interestsOf(session: Session): readonly string[] {
    return interestsIn(this.#capabilities.of(session))
  }

  /** The available sessions that are to hear of a node of an account: its own, and those of contacts who may read it. */
  async of(face: Face, node: Node): Promise<Session[]> {
    const account = face.service
    const sessions: Session[] = []
    const feature = node.name + NOTIFY
    this.#collect(account, feature, sessions)
    const { accessModel } = node.settings
    // What is open or for all subscribers is for every one of them, unless somebody was made something else.
    const isForAll = accessModel === 'open' || accessModel === 'presence'
    const whole = this.#site.roster.whole(account)
    for (const contact of (whole instanceof Promise ? await whole : whole).subscribers()) {
      const before = sessions.length
      this.#collect(contact, feature, sessions)
      if (sessions.length === before) continue
      const blocks = this.#site.blocking?.blocks(account, contact) ?? false
      const isBlocked = blocks instanceof Promise ? await blocks : blocks
      const isPlain = isForAll && node.affiliationOf(contact) === 'none'
      if (isBlocked || !(isPlain || (await mayRead(face, node, contact)))) sessions.length = before
    }
    return sessions
  }

  #collect(account: Jid, feature: string, into: Session[]): void {
    for (const session of this.#sites.get(account.domain)?.host.user(account)?.available() ?? [])
      if (this.#capabilities.of(session).has(feature)) into.push(session)
  }
}
