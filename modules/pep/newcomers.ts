import { asJson, type Context, defineSlot, type Jid, KeyedQueue, type Session } from '#api'
import { type LastItem, mayRead } from '../pubsub/index.ts'
import type { AccountFace } from './account-face.ts'
import { type Audience, interestsIn } from './audience.ts'
import type { Site, Sites } from './sites.ts'

/** Whether a session that is available has been given the newest items since it came. */
const welcomedSlot = defineSlot('pep/welcomed', () => false, asJson)
/** How often a session has gone: what was begun before it did is not gone on with. */
const departuresSlot = defineSlot('pep/departures', () => 0)

/** What of an account's somebody may be given, and by what face. */
interface Offer {
  readonly site: Site
  readonly face: AccountFace
}

/** Gives those who come the newest item of every node they want to hear of (XEP-0163 §4.3.2). */
export class Newcomers {
  readonly #site: Site
  readonly #sites: Sites
  readonly #audience: Audience
  readonly #log: Context['log']
  /** By session, one at a time: what is about to be given is in memory as a whole. */
  readonly #queue = new KeyedQueue()

  constructor(site: Site, sites: Sites, audience: Audience, log: Context['log']) {
    this.#site = site
    this.#sites = sites
    this.#audience = audience
    this.#log = log
  }

  /** A session is available; only its initial presence counts. */
  arrived(session: Session): void {
    if (session.slots.get(welcomedSlot)) return
    session.slots.set(welcomedSlot, true)
    this.#welcome(session, this.#audience.interestsOf(session))
  }

  /** A session is not available any more. */
  left(session: Session): void {
    session.slots.set(welcomedSlot, false)
    session.slots.set(departuresSlot, session.slots.get(departuresSlot) + 1)
  }

  /** The client of a session wants to hear of more than before. */
  learned(session: Session, features: ReadonlySet<string>, before: ReadonlySet<string>): void {
    if (session.presence === null) return
    const former = new Set(interestsIn(before))
    this.#welcome(
      session,
      interestsIn(features).filter((node) => !former.has(node)),
    )
  }

  /** The owner of sessions may see an account's presence from now on, and so what it has published. */
  introduce(account: Jid, sessions: Iterable<Session>): void {
    for (const session of sessions) this.#tell(session, [account], this.#audience.interestsOf(session))
  }

  /** Of its own account and of those it sees the presence of. */
  #welcome(session: Session, nodes: readonly string[]): void {
    if (nodes.length === 0) return
    const { roster } = this.#site
    this.#tell(session, [session.user.jid, ...(roster.of(session.user)?.watched() ?? [])], nodes)
  }

  #tell(session: Session, accounts: readonly Jid[], nodes: readonly string[]): void {
    if (nodes.length === 0) return
    const departures = session.slots.get(departuresSlot)
    const isThere = () => session.live && session.slots.get(departuresSlot) === departures
    this.#queue
      .run(session.address, () => this.#send(session, accounts, nodes, isThere))
      .catch((err) => this.#log.error({ err }, 'newest items could not be sent'))
  }

  async #send(
    session: Session,
    accounts: readonly Jid[],
    nodes: readonly string[],
    isThere: () => boolean,
  ): Promise<void> {
    if (!isThere()) return
    const { store } = this.#site.engine
    const last = await store.lastItems(accounts.map(String), nodes, session.user.jid.toString())
    if (last.length === 0) return
    const offers = await this.#offersOf(new Set(last.map(({ record }) => record.service)), accounts, session)
    for (const one of last) {
      const offer = offers.get(one.record.service)
      if (offer === undefined) continue
      await session.drained()
      if (!isThere() || session.presence === null) return
      await this.#give(session, one, offer)
    }
  }

  async #give(session: Session, last: LastItem, { site, face }: Offer): Promise<void> {
    const { engine } = site
    const { item } = last
    const node = engine.glimpse(face, last, session.jid)
    const { sendLast, deliverNotifications, accessModel } = node.settings
    if (sendLast !== 'on_sub_and_presence' || !deliverNotifications || engine.isExpired(node, item.ms)) return
    // Only the node itself knows who has subscribed.
    const known = accessModel === 'authorize' ? await engine.find(face, node.name) : node
    if (known === undefined || !(await mayRead(face, known, session.jid))) return
    const { payload } = item
    const whole = payload === undefined ? (await engine.store.items(known.id, [item.id]))[0] : { ...item, payload }
    // What has happened to the node meanwhile has been told.
    if (whole?.seq === engine.glimpse(face, last, session.jid).newestSeq)
      engine.notifier.last(face, known, whole, session)
  }

  /** The accounts that have something for a session; what must be known of those that are not online, in few queries. */
  async #offersOf(
    services: ReadonlySet<string>,
    accounts: readonly Jid[],
    session: Session,
  ): Promise<Map<string, Offer>> {
    const asker = session.user.jid
    const offers = new Map<string, Offer>()
    const others = new Map<Site, Jid[]>()
    for (const account of accounts) {
      const site = this.#sites.get(account.domain)
      if (site === undefined || !services.has(account.toString())) continue
      if (account.equals(asker)) offers.set(account.toString(), { site, face: site.faceOf(account) })
      else others.set(site, [...(others.get(site) ?? []), account])
    }
    for (const [site, some] of others) {
      const [items, blockers] = await Promise.all([
        site.roster.items(some, asker),
        site.blocking?.blockers(some, session.jid),
      ])
      for (const account of some) {
        const name = account.toString()
        if (blockers?.has(name) !== true)
          offers.set(name, { site, face: site.faceOf(account, { asker, item: items.get(name) }) })
      }
    }
    return offers
  }
}
