import {
  type Clock,
  type Context,
  type Element,
  type Host,
  type Jid,
  KeyedQueue,
  Lru,
  type Sealed,
  StanzaError,
  type StanzaEvent,
  serialize,
} from '#api'
import type { PresenceApi } from '../presence/index.ts'
import { Deliveries, isTaker } from './delivery.ts'
import { shouldStore } from './should-store.ts'
import type { OfflineStore, Position } from './store.ts'
import { Underway } from './underway.ts'

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

/** A message and whom it is for. */
type Waiting = Pick<Sealed, 'sinceMs' | 'stanza' | 'to'>

/** What becomes of a message. In an object, since whoever waits for the one does not wait for the other. */
interface Admission {
  readonly isAdmitted: boolean
  /** Settles when it is on disk; `undefined` for one that goes nowhere. */
  readonly stored: Promise<Position | undefined> | undefined
}

/**
 * The messages that wait for the accounts of one host: what comes in, and how much of it. How they go out is the matter
 * of its {@link deliveries}.
 */
export class Spool {
  readonly deliveries: Deliveries
  readonly #host: Host
  readonly #store: OfflineStore
  readonly #presence: PresenceApi
  readonly #limits: SpoolLimits
  readonly #clock: Clock
  readonly #log: Context['log']
  readonly #counts = new Lru<string, number>(COUNTED)
  readonly #strangers = new Lru<string, number>(COUNTED)
  readonly #admissions = new KeyedQueue()
  /** Messages that are being stored, by account. */
  readonly #onItsWay = new Underway()
  #kept = 0

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
    this.deliveries = new Deliveries({
      host,
      store,
      clock,
      log,
      maxAge: limits.maxAge,
      onItsWay: (local) => this.#onItsWay.ended(local),
      onRemoved: (local) => void this.#counts.delete(local),
    })
  }

  /**
   * Takes a message nobody was there for; always true. The promise settles when the message is on disk.
   *
   * @throws StanzaError `service-unavailable` when it may not be kept and its sender sees the account's presence, or when
   * the account's messages are at their limit; `internal-server-error` when the store is out of reach.
   */
  take(event: Sealed): boolean | Promise<boolean> {
    const verdict = shouldStore(event.stanza, event.type)
    if (verdict.keep) return this.#keep(event)
    if (this.#log.debug()) this.#log.debug({ to: event.to.toString(), because: verdict.because }, 'not kept')
    return verdict.tell ? this.#tell(event) : true
  }

  /** Keeps a message that came by no flow. False when the account's messages are at their limit. */
  async keep(account: Jid, stanza: Element): Promise<boolean> {
    const kept = this.#put({ stanza, to: account, sinceMs: undefined })
    return (await this.#onItsWay.add(account.local, kept)).isAdmitted
  }

  /**
   * Keeps what arrives behind the messages that wait already, of which some may not be with a session yet: while they are
   * being handed over it waits for that; when no session takes more of them for the time being, it is stored behind them
   * and true: nobody waits for a slow client.
   */
  arrives(event: Sealed): boolean | Promise<boolean> {
    const { local } = event.to
    const running = this.deliveries.running(local)
    if (running !== undefined) return running.then(() => this.arrives(event))
    return this.deliveries.isBlocked(local) && this.#mayWait(event) ? this.#keep(event) : false
  }

  /** How many messages were put on disk. */
  get kept(): number {
    return this.#kept
  }

  /** Removes everything that waits for an account that takes no more. */
  async forget(local: string): Promise<void> {
    await this.#onItsWay.ended(local)
    await this.#store.forget(local)
    this.#counts.delete(local)
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
    await this.#onItsWay.idle()
    await this.deliveries.idle()
    await this.#store.idle()
  }

  /** Whether a message may wait for the account although it has sessions: not one that is for another of them alone. */
  #mayWait({ stanza, type, to, user }: Sealed): boolean {
    const sessions = [...(user?.sessions.values() ?? [])]
    const addressee = sessions.find(({ jid }) => jid.resource === to.resource)
    if (addressee !== undefined && sessions.filter(isTaker).some((session) => session !== addressee)) return false
    return (addressee === undefined || isTaker(addressee)) && shouldStore(stanza, type).keep
  }

  /**
   * RFC 6121 §8.5.2.2.1: what is not stored for somebody who is not there comes back with this error. RFC 6120 §13.10.2: but
   * only to those who may know who is there.
   */
  async #tell({ from, to }: Sealed): Promise<boolean> {
    if (await this.#presence.isSubscriber(to.bare, from.bare)) throw new StanzaError('service-unavailable')
    return true
  }

  #keep(event: Sealed): Promise<boolean> {
    return this.#onItsWay.add(event.to.local, this.#storeOrRefuse(event))
  }

  async #storeOrRefuse(event: Sealed): Promise<boolean> {
    const { isAdmitted } = await this.#put(event)
    // XEP-0160 §2: "the recipient's offline message queue is full".
    if (!isAdmitted) throw new StanzaError('service-unavailable')
    return true
  }

  async #put(message: Waiting): Promise<Admission> {
    const { local } = message.to
    try {
      // One after the other, so that messages keep their order although each of them may have to ask the database.
      const admission = await this.#admissions.run(local, () => this.#admit(message))
      const position = await admission.stored
      // Whoever came while the message was on its way here was not told of it.
      const user = this.#host.user(message.to)
      if (position !== undefined && user !== undefined) this.deliveries.stored(user, position)
      if (position !== undefined) this.#kept++
      return admission
    } catch (error) {
      this.#counts.delete(local)
      this.#log.error({ err: error, to: message.to.toString() }, 'a message could not be stored')
      throw new StanzaError('internal-server-error', 'The message could not be stored. Try again later.', {
        type: 'wait',
      })
    }
  }

  /** Begins to store a message unless the account is full: a share in one query, one more when its messages are not counted. */
  async #admit({ stanza, to, sinceMs }: Waiting): Promise<Admission> {
    const { local } = to
    // RFC 6121 §8.5.1: to the sender, an account that does not exist looks like one whose owner is away. Asked in all
    // cases: an account may have been deleted while the message was on its way.
    if (!(await this.#host.accounts.exists(local)) && !(sinceMs !== undefined && (await this.#mayReturn(local)))) {
      const isAdmitted = this.#imagine(local)
      const text = serialize(stanza as StanzaEvent['stanza'])
      return { isAdmitted, stored: isAdmitted ? this.#store.pretend(text).then(() => undefined) : undefined }
    }
    const { maxMessages } = this.#limits
    if (maxMessages > 0) {
      let count = await this.#count(local)
      const removing = count < maxMessages ? undefined : this.deliveries.removing(local)
      if (removing !== undefined) {
        await removing
        count = await this.#count(local)
      }
      if (count >= maxMessages) return { isAdmitted: false, stored: undefined }
      this.#counts.set(local, count + 1)
    }
    const stored = this.#store.append(local, serialize(stanza as StanzaEvent['stanza']), sinceMs)
    return { isAdmitted: true, stored }
  }

  /**
   * Whether an account is to be deleted but can still be restored: what its sessions never acknowledged, their senders having
   * been told that it arrived, is kept for that.
   */
  async #mayReturn(local: string): Promise<boolean> {
    return !this.#host.isBeingDeleted(local) && (await this.#host.accounts.state(local))?.kind === 'deleting'
  }

  async #count(local: string): Promise<number> {
    const count = this.#counts.get(local) ?? (await this.#store.count(local))
    this.#counts.set(local, count)
    return count
  }

  /** Counts a message to nobody, so that an account that does not exist fills up like any other. */
  #imagine(local: string): boolean {
    const count = this.#strangers.get(local) ?? 0
    if (this.#limits.maxMessages > 0 && count >= this.#limits.maxMessages) return false
    this.#strangers.set(local, count + 1)
    return true
  }
}
