import {
  defineSlot,
  drop,
  type Element,
  type Host,
  Jid,
  parseDocument,
  type Sealed,
  type Session,
  StanzaError,
  type User,
  Wire,
  xml,
} from '#api'
import { isSubscribed, isWatched, type RosterApi } from '../roster/index.ts'
import { presenceWithheld, sessionAvailable, sessionUnavailable } from './hooks.ts'
import { readPriority } from './priority.ts'

/** Whom a session has sent directed presence to and not taken it back, by address. */
const directedSlot = defineSlot<Map<string, Jid> | undefined>('presence/directed', () => undefined, {
  write: (directed) => [...(directed?.keys() ?? [])],
  read: (addresses: readonly string[]) => new Map(addresses.map((address) => [address, Jid.parse(address)])),
})

/**
 * Who hears that a session is there (RFC 6121 §4).
 *
 * All of it works on what is resident: a broadcast of an online user asks the database nothing. Local sessions are
 * written to directly, the stanza serialised once; everybody else's goes by way of the router.
 */
export class Availability {
  readonly #host: Host
  readonly #rosters: RosterApi
  readonly #maxDirected: number

  /** `maxDirected` is how many addresses a session may have sent directed presence to; 0 is no limit. */
  constructor(host: Host, rosters: RosterApi, maxDirected: number) {
    this.#host = host
    this.#rosters = rosters
    this.#maxDirected = maxDirected
  }

  /**
   * Takes a session's broadcast that it is available: its first, or an update (RFC 6121 §4.2, §4.4).
   *
   * @throws StanzaError `bad-request` for a priority that is none.
   */
  announce(session: Session, presence: Element): void {
    const priority = readPriority(presence)
    const before = session.priority
    session.presence = presence
    session.priority = priority
    this.#broadcast(session, presence)
    // RFC 6121 §4.4.2: an update asks nobody for anything.
    if (before === null) {
      this.#learn(session)
      this.#deliverRequests(session)
    }
    if (before === null || (before < 0 && priority >= 0)) this.#host.hooks.notify(sessionAvailable, session)
  }

  /** Takes a session's word, or the end of it, that it is not available (RFC 6121 §4.5). */
  leave(session: Session, presence: Element): void {
    const wasAvailable = session.presence !== null
    session.presence = null
    session.priority = null
    if (wasAvailable) this.#broadcast(session, presence)
    const directed = session.slots.get(directedSlot)
    session.slots.set(directedSlot, undefined)
    for (const target of directed?.values() ?? []) {
      // RFC 6121 §4.6.3: nobody is told twice.
      if (!wasAvailable || !this.#hearsBroadcasts(target, session.user)) this.#host.route(addressed(presence, target))
    }
    if (wasAvailable) this.#host.hooks.notify(sessionUnavailable, session)
  }

  /** The end of a session, in order or not, stands for unavailable presence (RFC 6121 §4.5.2). */
  end(session: Session): void {
    if (session.presence === null && session.slots.get(directedSlot) === undefined) return
    this.leave(session, xml('presence', { type: 'unavailable', from: session.address }))
  }

  /**
   * Remembers whom a session sends directed presence to (RFC 6121 §4.6.3).
   *
   * @throws StanzaError `policy-violation` when these have become too many.
   */
  noteDirected(session: Session, { type, to }: Sealed): void {
    const targets = session.slots.get(directedSlot) ?? new Map<string, Jid>()
    if (type === 'unavailable') {
      targets.delete(to.toString())
      return
    }
    if (this.#maxDirected > 0 && targets.size >= this.#maxDirected && !targets.has(to.toString()))
      throw new StanzaError('policy-violation', `A client sends directed presence to at most ${this.#maxDirected}.`)
    targets.set(to.toString(), to)
    session.slots.set(directedSlot, targets)
  }

  /** RFC 6121 §4.6.3: whoever answers directed presence with an error need not hear of its end. */
  noteError({ to, from, user }: Sealed): void {
    user?.sessions.get(to.resource)?.slots.get(directedSlot)?.delete(from.toString())
  }

  /** Lets a client's own probe pass only where its answer cannot tell whether there is an account (RFC 6121 §4.3.1). */
  checkProbe(session: Session, { to }: Sealed): void {
    const isKnown = session.slots.get(directedSlot)?.has(to.toString()) ?? false
    if (!isKnown && !isWatched(this.#rosters.of(session.user)?.get(to))) throw drop
  }

  /** Answers a probe (RFC 6121 §4.3.2). */
  answerProbe({ from, to }: Sealed): void | Promise<void> {
    if (from.bare.equals(to.bare)) return this.#showTo(from, to)
    const item = this.#rosters.item(to.bare, from.bare)
    const answer = (sees: boolean): void => {
      if (sees) this.#showTo(from, to)
      // RFC 6121 §4.3.2: a stranger, to an account or to nobody, has no subscription.
      else
        this.#host.route(xml('presence', { type: 'unsubscribed', from: to.bare.toString(), to: from.bare.toString() }))
    }
    if (item instanceof Promise) return item.then((found) => answer(isSubscribed(found)))
    if (isSubscribed(item)) return answer(true)
    // No sooner than for somebody who is away, or nobody.
    return this.#rosters.takeTime(to.bare, from.bare).then(() => answer(false))
  }

  /** Shows a contact the presence of all of an account's available sessions. */
  introduce(account: Jid, contact: Jid): void {
    for (const session of this.#host.user(account)?.available() ?? [])
      this.#tell(session, contact, session.presence!, Wire.of(session.presence!))
  }

  /** Takes the presence of all of an account's available sessions from a contact. */
  withdraw(account: Jid, contact: Jid): void {
    for (const session of this.#host.user(account)?.available() ?? []) {
      const presence = xml('presence', { type: 'unavailable', from: session.address })
      this.#tell(session, contact, presence, Wire.of(presence))
    }
  }

  /** RFC 6121 §4.2.2, §4.4.2, §4.5.2: to all of the user's own available sessions, this one too, and all subscribers. */
  #broadcast(session: Session, presence: Element): void {
    const wire = Wire.of(presence)
    const { user } = session
    for (const own of user.available()) own.sendHere(wire)
    if (session.presence === null) session.sendHere(wire)
    const roster = this.#rosters.of(user)
    if (roster !== undefined)
      for (const contact of roster.subscribers('online')) this.#tell(session, contact, presence, wire)
  }

  #hearsBroadcasts(target: Jid, user: User): boolean {
    const isOwn = target.bare.equals(user.jid)
    if (!isOwn && !isSubscribed(this.#rosters.of(user)?.get(target))) return false
    if (target.isBare || target.domain !== this.#host.domain) return true
    return (this.#host.user(target)?.sessions.get(target.resource)?.presence ?? null) !== null
  }

  #tell(session: Session, contact: Jid, presence: Element, wire: Wire): void {
    if (this.#host.hooks.ask(presenceWithheld, { from: session.jid, to: contact })) return
    if (contact.domain !== this.#host.domain) this.#host.route(addressed(presence, contact))
    else for (const theirs of this.#host.user(contact)?.available() ?? []) theirs.sendHere(wire)
  }

  /** RFC 6121 §4.3: a session that has just come learns who else is there; whoever is served here needs no probe. */
  #learn(session: Session): void {
    const { user } = session
    for (const own of user.available()) if (own !== session) session.sendHere(Wire.of(own.presence!))
    const roster = this.#rosters.of(user)
    if (roster === undefined) return
    for (const contact of roster.watched('online')) {
      if (contact.domain === this.#host.domain) this.#learnOf(session, this.#host.user(contact))
      else this.#host.route(xml('presence', { type: 'probe', from: session.address, to: contact.toString() }))
    }
  }

  #learnOf(session: Session, contact: User | undefined): void {
    const account = session.user.jid
    const roster = contact && this.#rosters.of(contact)
    // Whoever is away says nothing: a client takes everybody for unavailable until it hears otherwise.
    if (contact === undefined || roster === undefined) return
    if (!isSubscribed(roster.get(account))) {
      // RFC 6121 §4.3.2: the two sides disagree; the contact's word counts.
      this.#host.route(xml('presence', { type: 'unsubscribed', from: `${contact.jid}`, to: `${account}` }))
      return
    }
    for (const { jid, presence } of contact.available())
      if (!this.#host.hooks.ask(presenceWithheld, { from: jid, to: account })) session.sendHere(Wire.of(presence!))
  }

  /** RFC 6121 §3.1.3: a request is delivered whenever its addressee comes, until it is answered. */
  #deliverRequests(session: Session): void {
    const { hooks } = this.#host
    for (const { jid, request } of this.#rosters.of(session.user)?.requests() ?? [])
      if (!hooks.ask(presenceWithheld, { from: jid, to: session.user.jid })) session.send(parseDocument(request))
  }

  /** RFC 6121 §4.3.2: the last presence of each available session, or of the one that was asked for. */
  #showTo(prober: Jid, probed: Jid): void {
    let isThere = false
    for (const session of this.#host.user(probed)?.available() ?? []) {
      if (probed.resource !== '' && probed.resource !== session.jid.resource) continue
      if (this.#host.hooks.ask(presenceWithheld, { from: session.jid, to: prober.bare })) continue
      isThere = true
      this.#host.route(addressed(session.presence!, prober))
    }
    if (!isThere)
      this.#host.route(xml('presence', { type: 'unavailable', from: probed.toString(), to: prober.toString() }))
  }
}

/** A copy with another address; the children are shared, and nobody may edit inside them. */
function addressed(presence: Element, to: Jid): Element {
  const copy = xml(presence.name, { ...presence.attrs, to: to.toString() })
  copy.children = [...presence.children]
  return copy
}
