import { createHash } from 'node:crypto'
import {
  type Context,
  defineSlot,
  type Element,
  type Host,
  randomId,
  type Session,
  StreamError,
  sessionRests,
  sessionResumed,
  type UnboundClient,
  xml,
} from '#api'
import type { Counts } from './counts.ts'
import { failed, MODULUS, NS, readCount } from './elements.ts'
import type { Ledger } from './ledger.ts'
import { toSaved } from './saved-session.ts'
import type { ResumableStore } from './store.ts'

/** A session that its client may come back to. */
export interface Resumption {
  /** The hash of the token by which the client comes back. */
  readonly hash: string
  readonly ledger: Ledger
  /** How long the session waits, in ms. */
  readonly maxMs: number
  /** Until when it waits, ms since the epoch; of no meaning while its client is connected. */
  untilMs: number
  /** Whether something of it is on disk from before a restart. */
  saved: boolean
  /** The handled count that was noted last. */
  noted: number
  /** Grows with every client that comes for it: the last one gets it. */
  claim: number
  /** Whether its connection was taken from it, for a client that has not got it yet. */
  taken: boolean
  cancel: (() => void) | undefined
}

const slot = defineSlot<Resumption | undefined>('stream-management/resumption', () => undefined)

/** What resumptions need of their surroundings. */
export interface ResumptionSurroundings {
  readonly host: Host
  readonly store: ResumableStore
  readonly counts: Counts
  readonly clock: Context['clock']
  readonly after: Context['after']
  readonly log: Context['log']
  /** Sessions of one account that may rest at a time; 0 is no limit. */
  readonly maxResting: number
}

/** The sessions of one host that clients may come back to (XEP-0198 §5), and how they do. */
export class Resumptions {
  readonly #surroundings: ResumptionSurroundings
  readonly #byHash = new Map<string, Resumption>()
  /** Those of sessions that are over while something their clients sent is still under way. */
  readonly #ending = new Map<string, Resumption>()
  /** How many clients came back to their sessions, and how many asked in vain. */
  readonly outcomes: { resumed: number; refused: number } = { resumed: 0, refused: 0 }

  constructor(surroundings: ResumptionSurroundings) {
    this.#surroundings = surroundings
  }

  get size(): number {
    return this.#byHash.size
  }
  all(): Iterable<Resumption> {
    return this.#byHash.values()
  }
  of(session: Session): Resumption | undefined {
    return session.slots.get(slot)
  }

  /** Lets the client come back within `maxMs` of losing its connection; returns the token by which it does. */
  grant(ledger: Ledger, maxMs: number): string {
    const token = randomId()
    const resumption = this.keep({ hash: hashOf(token), ledger, maxMs, untilMs: 0, saved: false })
    this.#note(resumption)
    return token
  }

  /** Keeps a resumption for as long as its session lives. */
  keep(known: Pick<Resumption, 'hash' | 'ledger' | 'maxMs' | 'saved' | 'untilMs'>): Resumption {
    const resumption: Resumption = { ...known, noted: -1, claim: 0, taken: false, cancel: undefined }
    this.#byHash.set(known.hash, resumption)
    known.ledger.session.slots.set(slot, resumption)
    return resumption
  }

  /** Has a session that rests end when its time is over. */
  endLater(resumption: Resumption): void {
    const { after, clock } = this.#surroundings
    resumption.cancel?.()
    resumption.cancel = after(Math.max(0, resumption.untilMs - clock.now()), () => resumption.ledger.session.close())
  }

  /** A session has lost its connection. */
  rested(session: Session): void {
    const resumption = this.of(session)
    if (resumption === undefined) return
    this.#rest(resumption)
    const { maxResting } = this.#surroundings
    if (maxResting === 0) return
    const resting = [...session.user.sessions.values()].filter((other) => other.live && other.resting)
    resting.sort((a, b) => a.restingSinceMs! - b.restingSinceMs!)
    for (const other of resting.slice(0, Math.max(0, resting.length - maxResting))) other.close()
  }

  #rest(resumption: Resumption): void {
    resumption.ledger.rest()
    resumption.untilMs = this.#surroundings.clock.now() + resumption.maxMs
    this.endLater(resumption)
  }

  /** A session is over: nobody comes back to it, but whoever tries is told what had come. */
  closed(session: Session): void {
    const resumption = this.of(session)
    if (resumption === undefined) return
    this.#byHash.delete(resumption.hash)
    resumption.cancel?.()
    this.#note(resumption)
    if (resumption.saved) this.#surroundings.counts.ended(resumption.hash)
    const { inbox } = session
    if (inbox.handled < inbox.accepted) void this.#noteLast(resumption)
  }

  /** The count that stays, once what was under way at the end of the session is dealt with. */
  async #noteLast(resumption: Resumption): Promise<void> {
    const { session } = resumption.ledger
    this.#ending.set(resumption.hash, resumption)
    await session.inbox.idle()
    this.#ending.delete(resumption.hash)
    if (!session.user.deleted) this.#note(resumption)
  }

  /** Notes the handled counts: those that have grown, or all. */
  noteCounts(all = false): void {
    for (const resumption of this.#byHash.values())
      if (all || resumption.noted !== resumption.ledger.handled) this.#note(resumption)
    this.#surroundings.counts.flush()
  }

  #note(resumption: Resumption): void {
    const { hash, ledger } = resumption
    resumption.noted = ledger.handled
    this.#surroundings.counts.note({ hash, local: ledger.session.user.jid.local, handled: ledger.handled })
  }

  /**
   * Takes up a client's `<resume/>`: answers it, and goes on with the session where the client left it.
   *
   * @throws StreamError when the client has more than it was sent, or another came for the same session behind it.
   */
  async resume({ attrs }: Element, client: UnboundClient): Promise<void> {
    const h = readCount(attrs['h'])
    const token = attrs['previd']
    if (h === undefined || token === undefined) return client.reply(failed('bad-request'))
    const hash = hashOf(token)
    const resumption = this.#byHash.get(hash)
    const isOwn = resumption?.ledger.session.user.jid.equals(client.account) === true
    if (!isOwn || !resumption.ledger.canResumeAt(h)) return await this.#refuse(hash, client)
    const { session } = resumption.ledger
    await this.#claim(resumption)
    if (!session.live) return await this.#refuse(hash, client)
    const { saved } = resumption
    resumption.saved = false
    if (!client.adopt(session)) return await this.#restAgain(resumption, saved)
    resumption.taken = false
    resumption.cancel?.()
    const { handled } = resumption.ledger
    client.reply(xml('resumed', { xmlns: NS, previd: token, h: String(handled % MODULUS) }))
    this.outcomes.resumed++
    const { id: stream, remoteAddress: address } = session.stream
    this.#surroundings.log.info({ session: session.id, jid: session.address, address, stream }, 'session resumed')
    if (await resumption.ledger.replay(h)) session.host.hooks.notify(sessionResumed, session)
  }

  /** Settles when the session is nobody else's and nothing its client sent is half done. */
  async #claim(resumption: Resumption): Promise<void> {
    const claim = ++resumption.claim
    const { session } = resumption.ledger
    if (!session.resting) {
      // XEP-0198 §5: the old connection may look alive and be dead; its client says that it is here.
      const old = session.stream
      resumption.taken = true
      session.rest()
      old.leave(new StreamError('conflict', 'The session goes on over another connection.'))
    }
    this.#rest(resumption)
    await session.inbox.idle()
    // Whatever is on disk is out of date as soon as the client is here.
    if (resumption.saved && session.live) await this.#surroundings.store.release([resumption.hash])
    if (resumption.claim !== claim) throw new StreamError('conflict', 'Another connection came for the session.')
  }

  /** The client was gone before it got its session. */
  async #restAgain(resumption: Resumption, saved: boolean): Promise<void> {
    const { session } = resumption.ledger
    if (resumption.taken) {
      resumption.taken = false
      session.host.hooks.notify(sessionRests, session)
    }
    if (!saved) return
    resumption.saved = true
    await this.#surroundings.store.save([toSaved(resumption, new Map())], this.#surroundings.clock.now())
  }

  /** XEP-0198 §5: no such session, or none any more. Only its owner is told what had come; others' look like none. */
  async #refuse(hash: string, client: UnboundClient): Promise<void> {
    this.outcomes.refused++
    const known = this.#byHash.get(hash) ?? this.#ending.get(hash)
    const found = await this.#surroundings.counts.find(hash)
    if (found === undefined || found.local !== client.account.local) return client.reply(failed('item-not-found'))
    // What it sent is not to be sent again when it is only late.
    if (known?.ledger.session.live === false) await known.ledger.session.inbox.idle()
    client.reply(failed('item-not-found', known?.ledger.handled ?? found.handled))
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
