import { defineSlot, type Element, type Host, Lru, ownText, type Session, xml } from '#api'
import { type Announcement, readAnnouncement } from './announcement.ts'
import { capabilitiesKnown } from './hooks.ts'

const NS_INFO = 'http://jabber.org/protocol/disco#info'

/** What clients of one kind can do. */
interface Kind {
  /** `undefined` for what one client alone says. */
  readonly key: string | undefined
  readonly features: ReadonlySet<string>
}

/** Of a session: what was announced last, and what it has come to. */
interface Known {
  readonly node: string
  /** `undefined` after a restart of the server. */
  readonly announcement: Announcement | undefined
  /** `undefined` while it is not known. */
  readonly kind: Kind | undefined
}

/** How it outlives a restart; what is not known then is asked for again. */
interface SavedKnown {
  readonly node: string
  readonly key?: string
  readonly features: readonly string[]
}
const knownSlot = defineSlot<Known | undefined>('capabilities/known', () => undefined, {
  write: (known): SavedKnown | null =>
    known?.kind === undefined
      ? null
      : {
          node: known.node,
          ...(known.kind.key !== undefined && { key: known.kind.key }),
          features: [...known.kind.features],
        },
  read: (saved: SavedKnown | null): Known | undefined =>
    saved === null
      ? undefined
      : {
          node: saved.node,
          announcement: undefined,
          kind: { key: saved.key, features: new Set(saved.features) },
        },
})
/** What the client could do by what it had announced before, while something new of it is not known yet. */
const formerSlot = defineSlot<ReadonlySet<string> | undefined>('capabilities/former', () => undefined)

/** How long a client may take to say what it can do, in ms. */
const ANSWER_MS = 30_000
/** How many kinds of clients are remembered. */
const KINDS = 1000
/** Most features of a client that are looked at, and most characters of all of them. */
const MAX_FEATURES = 500
const MAX_TEXT = 10_000
/** How many clients of one kind are asked at once: one that does not answer, or not truly, holds up nobody else for long. */
const AT_ONCE = 3

const none: ReadonlySet<string> = new Set()

/** What is being found out of one kind of clients. */
interface Inquiry {
  readonly key: string
  readonly announcement: Announcement
  /** The sessions that have announced it, those that are being asked among them. */
  readonly sessions: Set<Session>
  open: number
}

/** What the clients here can do: each kind of client is asked once (XEP-0115 §6.2, XEP-0390 §6.2.1). */
export class ClientCapabilities {
  readonly #host: Host
  readonly #kinds = new Lru<string, Kind>(KINDS)
  readonly #inquiries = new Map<string, Inquiry>()
  /** Sessions that have not answered yet: each is asked one thing at a time. */
  readonly #asked = new Set<Session>()

  constructor(host: Host) {
    this.#host = host
  }

  /** Of how many kinds of clients it is being found out what they can do. */
  get inquiries(): number {
    return this.#inquiries.size
  }

  /** What the client of a session can do; nothing while that is not known. */
  of(session: Session): ReadonlySet<string> {
    const known = session.slots.get(knownSlot)
    if (known === undefined) return none
    if (known.kind === undefined) return session.slots.get(formerSlot) ?? none
    // After a restart all clients of a kind are to share it again.
    if (known.announcement === undefined && known.kind.key !== undefined) return this.#share(session, known, known.kind)
    return known.kind.features
  }

  #share(session: Session, known: Known, kind: Kind): ReadonlySet<string> {
    const shared = this.#kinds.get(kind.key!)
    if (shared === undefined) this.#kinds.set(kind.key!, kind)
    else if (shared !== kind) session.slots.set(knownSlot, { ...known, kind: shared })
    return (shared ?? kind).features
  }

  /** Takes up what a client announces with its presence; without an announcement it is what it was. */
  announced(session: Session, presence: Pick<Element, 'getChild'>): void {
    const announcement = readAnnouncement(presence)
    if (announcement === undefined) return
    const known = session.slots.get(knownSlot)
    if (known?.node === announcement.node) {
      // It has not answered, and others of its kind may have meanwhile.
      const kind = known.kind === undefined && announcement.key !== undefined && this.#kinds.get(announcement.key)
      if (kind) this.#learned(session, announcement, kind)
      return
    }
    if (known?.announcement !== undefined) this.#leave(session, known.announcement)
    session.slots.set(formerSlot, this.of(session))
    session.slots.set(knownSlot, { node: announcement.node, announcement, kind: undefined })
    this.#look(session, announcement)
  }

  #look(session: Session, announcement: Announcement): void {
    const kind = announcement.key === undefined ? undefined : this.#kinds.get(announcement.key)
    if (kind !== undefined) return this.#learned(session, announcement, kind)
    const key = keyOf(session, announcement)
    const inquiry = this.#inquiries.get(key) ?? { key, announcement, sessions: new Set(), open: 0 }
    this.#inquiries.set(key, inquiry)
    inquiry.sessions.add(session)
    this.#next(inquiry)
  }

  /** Asks as many as may be asked at once. */
  #next(inquiry: Inquiry): void {
    for (const session of inquiry.sessions) {
      if (inquiry.open >= AT_ONCE) return
      if (!isOf(session, inquiry.announcement)) inquiry.sessions.delete(session)
      else if (!this.#asked.has(session)) void this.#ask(session, inquiry)
    }
    if (inquiry.sessions.size === 0) this.#forget(inquiry)
  }

  /** A session is gone, or has announced something else; where somebody is being asked, {@link #next} sees to it. */
  #leave(session: Session, announcement: Announcement): void {
    const inquiry = this.#inquiries.get(keyOf(session, announcement))
    if (inquiry === undefined || inquiry.open > 0) return
    inquiry.sessions.delete(session)
    if (inquiry.sessions.size === 0) this.#forget(inquiry)
  }

  #forget(inquiry: Inquiry): void {
    if (this.#inquiries.get(inquiry.key) === inquiry) this.#inquiries.delete(inquiry.key)
  }

  async #ask(session: Session, inquiry: Inquiry): Promise<void> {
    const { announcement } = inquiry
    inquiry.open++
    this.#asked.add(session)
    const query = xml('query', { xmlns: NS_INFO, node: announcement.node })
    const iq = xml('iq', { type: 'get', from: this.#host.domain, to: session.address }, query)
    const answer = await this.#host.request(iq, ANSWER_MS)
    inquiry.open--
    this.#asked.delete(session)
    inquiry.sessions.delete(session)
    const told = answer.attrs['type'] === 'result' ? answer.getChild('query', NS_INFO) : undefined
    // XEP-0115 §5.4: what does not match its hash holds for this client alone, and is no reason to believe it of others.
    const isProven = told !== undefined && announcement.proves(told, answer.attrs['xml:lang'])
    const kind = told && { key: isProven ? announcement.key : undefined, features: featuresOf(told) }
    if (kind !== undefined) this.#learned(session, announcement, kind)
    if (kind?.key !== undefined) {
      this.#kinds.set(kind.key, kind)
      for (const other of inquiry.sessions) this.#learned(other, announcement, kind)
      inquiry.sessions.clear()
      this.#forget(inquiry)
    } else this.#next(inquiry)
    // It has announced something else meanwhile.
    const known = session.slots.get(knownSlot)
    if (known?.announcement === undefined || known.kind !== undefined || isOf(session, announcement)) return
    if (session.live) this.#look(session, known.announcement)
    else this.#leave(session, known.announcement)
  }

  #learned(session: Session, announcement: Announcement, kind: Kind): void {
    // It may be gone, have announced something else meanwhile, or be known by the answer of another.
    if (!isOf(session, announcement) || session.slots.get(knownSlot)?.kind !== undefined) return
    const before = session.slots.get(formerSlot) ?? none
    session.slots.set(formerSlot, undefined)
    session.slots.set(knownSlot, { node: announcement.node, announcement, kind })
    this.#host.hooks.notify(capabilitiesKnown, { session, features: kind.features, before })
  }
}

/** Under what something is found out: one that need not mean the same by others is asked of one session alone. */
function keyOf(session: Session, { key, node }: Announcement): string {
  return key ?? `${session.address} ${node}`
}

/** Whether this is what a session has announced last. */
function isOf(session: Session, { node }: Announcement): boolean {
  return session.live && session.slots.get(knownSlot)?.node === node
}

function featuresOf(query: Element): ReadonlySet<string> {
  const features = new Set<string>()
  let length = 0
  for (const { attrs } of query.getChildren('feature', NS_INFO).slice(0, MAX_FEATURES)) {
    const feature = attrs['var'] ?? ''
    length += feature.length
    if (length > MAX_TEXT) break
    features.add(ownText(feature))
  }
  return features
}
