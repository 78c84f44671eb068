import {
  type Clock,
  type Context,
  delayElement,
  type Element,
  type Host,
  KeyedQueue,
  Lru,
  parseDocument,
  type Sealed,
  type Session,
  StanzaError,
  serialize,
  type User,
} from '#api'
import type { PresenceApi } from '../presence/index.ts'
import { shouldStore } from './should-store.ts'
import type { OfflineStore, StoredMessage } from './store.ts'

const NS_DELAY = 'urn:xmpp:delay'
/** Messages read from the store at a time. */
const PAGE = 100
/** Characters handed to a stream before what was handed over is deleted: small beside what a stream may leave unsent. */
const BATCH_CHARACTERS = 1 << 18
/** Rows removed at a time. */
const PURGE_BATCH = 500
/** Accounts, and as many unknown addresses, whose messages are counted in memory; past it a count is asked for again,
 * and an unknown address begins anew. */
const COUNTED = 10_000

/** What bounds a spool; 0 is no bound. */
export interface SpoolLimits {
  readonly maxMessages: number
  /** In ms. */
  readonly maxAge: number
}

/**
 * The messages that wait for the accounts of one host.
 *
 * All work on one account's messages goes through one queue: storing, delivering and deleting never overlap, so what is
 * stored during a delivery follows in order, and two sessions that become available at once share nothing twice. A
 * message is deleted after it was handed to a live session: a crash in between delivers it again and never loses it.
 */
export class Spool {
  readonly #host: Host
  readonly #store: OfflineStore
  readonly #presence: PresenceApi
  readonly #limits: SpoolLimits
  readonly #clock: Clock
  readonly #log: Context['log']
  readonly #queue = new KeyedQueue()
  readonly #deliveries = new Map<string, Promise<void>>()
  readonly #counts = new Lru<string, number>(COUNTED)
  readonly #strangers = new Lru<string, number>(COUNTED)

  constructor(
    host: Host,
    store: OfflineStore,
    presence: PresenceApi,
    limits: SpoolLimits,
    clock: Clock,
    log: Context['log'],
  ) {
    this.#host = host
    this.#store = store
    this.#presence = presence
    this.#limits = limits
    this.#clock = clock
    this.#log = log
  }

  /**
   * Takes a message nobody was there for; always true. The promise settles when the message is on disk.
   *
   * @throws StanzaError `service-unavailable` when it may not be kept and its sender sees the account's presence, or when
   * the account's messages are at their limit; `internal-server-error` when the store is out of reach.
   */
  take(event: Sealed): boolean | Promise<boolean> {
    const verdict = shouldStore(event.stanza, event.type)
    if (verdict.keep) return this.#queue.run(event.to.local, () => this.#keep(event))
    if (this.#log.debug()) this.#log.debug({ to: event.to.toString(), because: verdict.because }, 'not kept')
    return verdict.tell ? this.#tell(event) : true
  }

  /** Delivers what waits for the session's account to that session, unless its priority is negative. */
  deliver(session: Session): void {
    if (!isTaker(session)) return
    const { user } = session
    const { local } = user.jid
    const delivery = this.#queue
      .run(local, () => this.#deliver(user, session))
      .catch((error) =>
        this.#log.error(
          { err: error, account: user.jid.toString() },
          'offline messages could not be delivered; they stay',
        ),
      )
      .then(() => {
        if (this.#deliveries.get(local) === delivery) this.#deliveries.delete(local)
      })
    this.#deliveries.set(local, delivery)
  }

  /** The end of a delivery to an account that is under way, which later messages to it wait for. */
  delivery(local: string): Promise<void> | undefined {
    return this.#deliveries.get(local)
  }

  /** Removes everything that waits for an account. */
  async forget(local: string): Promise<void> {
    await this.#queue.run(local, async () => {
      await this.#store.forget(local)
      this.#counts.delete(local)
    })
  }

  /** Removes what has waited for longer than it may, a few rows at a time. */
  async purge(): Promise<void> {
    if (this.#limits.maxAge === 0) return
    const before = this.#clock.now() - this.#limits.maxAge
    while ((await this.#store.forgetBefore(before, PURGE_BATCH)) === PURGE_BATCH);
    this.#counts.clear()
  }

  /** Settles when nothing is under way. */
  async idle(): Promise<void> {
    await this.#queue.idle()
  }

  /**
   * RFC 6121 §8.5.2.2.1: what is not stored for somebody who is not there comes back with this error. RFC 6120 §13.10.2: but
   * only to those who may know who is there.
   */
  async #tell({ from, to }: Sealed): Promise<boolean> {
    if (await this.#presence.isSubscriber(to.bare, from.bare)) throw new StanzaError('service-unavailable')
    return true
  }

  async #keep(event: Sealed): Promise<boolean> {
    const { local } = event.to
    let stored: boolean
    try {
      // RFC 6121 §8.5.1: to the sender, an account that does not exist looks like one whose owner is away. Asked in all
      // cases: an account may have been deleted while the message was on its way.
      const exists = await this.#host.accounts.exists(local)
      stored = exists ? await this.#append(local, event.stanza as Element) : this.#imagine(local)
    } catch (error) {
      this.#log.error({ err: error, to: event.to.toString() }, 'a message could not be stored')
      throw new StanzaError('internal-server-error', 'The message could not be stored. Try again later.', {
        type: 'wait',
      })
    }
    // XEP-0160 §2: "the recipient's offline message queue is full".
    if (!stored) throw new StanzaError('service-unavailable')
    // Whoever came while the message was on its way here was not told of it.
    const user = this.#host.user(event.to)
    if (user !== undefined && takerOf(user) !== undefined) this.deliver(takerOf(user)!)
    return true
  }

  /** Stores a message unless the account is full: one query, and one more when its messages have not been counted. */
  async #append(local: string, message: Element): Promise<boolean> {
    const { maxMessages } = this.#limits
    if (maxMessages > 0) {
      const count = this.#counts.get(local) ?? (await this.#store.count(local))
      this.#counts.set(local, count)
      if (count >= maxMessages) return false
    }
    await this.#store.append(local, serialize(message), this.#clock.now())
    const count = this.#counts.get(local)
    if (count !== undefined) this.#counts.set(local, count + 1)
    return true
  }

  /** Counts a message to nobody, so that an account that does not exist fills up like any other. */
  #imagine(local: string): boolean {
    const count = this.#strangers.get(local) ?? 0
    if (this.#limits.maxMessages > 0 && count >= this.#limits.maxMessages) return false
    this.#strangers.set(local, count + 1)
    return true
  }

  async #deliver(user: User, preferred: Session): Promise<void> {
    const { local } = user.jid
    for (let after = 0; ; ) {
      const page = await this.#store.page(local, after, PAGE)
      for (let start = 0; start < page.length; ) {
        const session = isTaker(preferred) ? preferred : takerOf(user)
        if (session === undefined) return
        const end = this.#send(session, page, start)
        await session.drained()
        // A session that ended meanwhile may have read nothing of it: the next one gets it again.
        if (!session.live) continue
        after = page[end - 1]!.id
        await this.#store.forgetUpTo(local, after)
        this.#counts.delete(local)
        start = end
      }
      if (page.length < PAGE) return
    }
  }

  /** Sends messages from `start` on until a batch is full; returns where it ended. */
  #send(session: Session, page: readonly StoredMessage[], start: number): number {
    const oldest = this.#limits.maxAge === 0 ? 0 : this.#clock.now() - this.#limits.maxAge
    let end = start
    for (let characters = 0; end < page.length && characters < BATCH_CHARACTERS; end++) {
      const { text, receivedMs } = page[end]!
      if (receivedMs < oldest) continue
      session.send(this.#delayed(text, receivedMs))
      characters += text.length
    }
    return end
  }

  /** XEP-0203 §4: the message as it came, with the time when it came; only this server speaks for its domain. */
  #delayed(text: string, receivedMs: number): Element {
    const message = parseDocument(text)
    const { domain } = this.#host
    for (const delay of message.getChildren('delay', NS_DELAY))
      if (delay.attrs['from'] === domain) message.remove(delay)
    message.append(delayElement(domain, receivedMs))
    return message
  }
}

function takerOf(user: User): Session | undefined {
  for (const session of user.sessions.values()) if (isTaker(session)) return session
  return undefined
}

/** RFC 6121 §8.5.2.1.1: a resource with a negative priority gets nothing that is for the account. */
function isTaker(session: Session): boolean {
  return session.live && session.priority !== null && session.priority >= 0
}
