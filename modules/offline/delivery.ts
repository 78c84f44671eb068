import { type Clock, type Context, defineSlot, type Host, parseDocument, type Session, setDelay, type User } from '#api'
import { keptElsewhere } from './hooks.ts'
import { type OfflineStore, type Position, START, type StoredMessage } from './store.ts'
import { Underway } from './underway.ts'

/** Messages read from the store at a time. */
const PAGE = 100
/** Characters handed to a stream before it is asked whether it keeps up: small beside what it may leave unsent. */
const BATCH_CHARACTERS = 1 << 18
/** Characters a client may have been handed and not acknowledged; past it the rest stays in the store. */
const WINDOW_CHARACTERS = 1 << 20

/** What a session was handed of the messages that waited and has not received for certain. */
class Handed {
  readonly ids: Set<number>
  characters = 0
  /** Whether its connection is still busy with what it was sent. */
  isBusy = false
  /** Whether somebody waits for the session to receive them: not right after a restart. */
  isWatched = false

  constructor(ids: Iterable<number> = []) {
    this.ids = new Set(ids)
  }
}

/** Kept over a restart, so that a client that comes back to its session does not get again what it was handed. */
const handed = defineSlot<Handed>('offline/handed', () => new Handed(), {
  write: ({ ids }) => [...ids],
  read: (ids: number[]) => new Handed(ids),
})

/** An account whose messages are not all in the hands of a session. */
interface Delivery {
  /** All up to here are with a live session, or gone. */
  after: Position
  /** The session that got the last ones, or is to get the next. */
  session: Session
  /** How many messages are read at a time. */
  limit: number
  /** Whether there may be more, or something before `after`, since messages were read last. */
  isStale: boolean
  /** While messages are read and handed over. In between it waits for a session that takes more. */
  running: Promise<void> | undefined
}

/** What deliveries need of those who ask for them. */
export interface DeliveryParts {
  readonly host: Host
  readonly store: OfflineStore
  readonly clock: Clock
  readonly log: Context['log']
  /** How long a message waits at most, in ms; 0 is no bound. */
  readonly maxAge: number
  /** What is on its way to the store for an account at this moment, if anything. */
  readonly onItsWay: (local: string) => Promise<void> | undefined
  /** Messages of an account were removed. */
  readonly onRemoved: (local: string) => void
}

/**
 * Hands the messages that wait for an account to its sessions, and removes them once they were received.
 *
 * Each message is with one live session at a time. What a session has been handed is noted in its slot until it was
 * received: acknowledged (XEP-0198), or out of our hands where the client acknowledges nothing. It then goes from the
 * store; when the session ends before, the next one gets it, before newer ones. A session that has a window full to
 * acknowledge, does not read fast enough or rests gets no more for the time being; nobody waits for it.
 */
export class Deliveries {
  readonly #parts: DeliveryParts
  readonly #deliveries = new Map<string, Delivery>()
  readonly #removals = new Underway()

  constructor(parts: DeliveryParts) {
    this.#parts = parts
  }

  /** Delivers what waits for the session's account, to this session first, unless it takes no messages for the account. */
  deliver(session: Session): void {
    if (isTaker(session)) this.#begin(session, START)
  }

  /** A message was stored for a user at this position; whoever is there by now gets it. */
  stored(user: User, { place }: Position): void {
    const session = takerOf(user)
    if (session === undefined) return
    const after = this.#deliveries.get(user.jid.local)?.after ?? START
    this.#begin(session, place <= after.place ? START : after)
  }

  /** A client has come back to its session: it acknowledges what it was handed before, and takes more. */
  resumed(session: Session): void {
    const { ids, isWatched } = session.slots.get(handed)
    if (ids.size > 0 && !isWatched) this.#watch(session, [...ids], 0)
    this.#takesMore(session.user)
  }

  /** A session is over: what it has not received is for another. */
  ended(session: Session): void {
    const { user } = session
    const { local } = user.jid
    const other = takerOf(user)
    if (other !== undefined && session.slots.get(handed).ids.size > 0) this.deliver(other)
    else if (other === undefined && this.running(local) === undefined) this.#deliveries.delete(local)
  }

  /** While messages of an account are being read and handed over: the end of that. */
  running(local: string): Promise<void> | undefined {
    return this.#deliveries.get(local)?.running
  }

  /** Whether messages of an account stay in the store since none of its sessions takes more at this moment. */
  isBlocked(local: string): boolean {
    const delivery = this.#deliveries.get(local)
    if (delivery === undefined) return false
    if (takerOf(delivery.session.user) !== undefined) return true
    if (delivery.running === undefined) this.#deliveries.delete(local)
    return false
  }

  /** While received messages of an account are being removed: the end of that. */
  removing(local: string): Promise<void> | undefined {
    return this.#removals.ended(local)
  }

  /** Settles when what is being handed over or removed now is. */
  async idle(): Promise<void> {
    await Promise.all([...this.#deliveries.values()].map(({ running }) => running))
    await this.#removals.idle()
  }

  #begin(session: Session, after: Position): void {
    const { local } = session.user.jid
    let delivery = this.#deliveries.get(local)
    if (delivery === undefined) {
      delivery = { after, session, limit: PAGE, isStale: false, running: undefined }
      this.#deliveries.set(local, delivery)
    } else {
      delivery.after = after
      delivery.isStale = true
      if (!isOpen(delivery.session)) delivery.session = session
    }
    delivery.running ??= this.#run(local, delivery)
  }

  #takesMore({ jid }: User): void {
    const delivery = this.#deliveries.get(jid.local)
    if (delivery !== undefined) delivery.running ??= this.#run(jid.local, delivery)
  }

  async #run(local: string, delivery: Delivery): Promise<void> {
    const { log, onItsWay } = this.#parts
    let isDone = false
    try {
      await onItsWay(local)
      do isDone = await this.#handAll(local, delivery)
      while (delivery.isStale || (!isDone && takerFor(delivery) !== undefined))
    } catch (error) {
      log.error(
        { err: error, account: delivery.session.user.jid.toString() },
        'offline messages could not be delivered; they stay until a client comes again',
      )
      isDone = true
    }
    delivery.running = undefined
    if (isDone) this.#deliveries.delete(local)
  }

  /** Hands over what there is; false when no session takes more before that is all. */
  async #handAll(local: string, delivery: Delivery): Promise<boolean> {
    for (;;) {
      delivery.isStale = false
      if (takerFor(delivery) === undefined) return takerOf(delivery.session.user) === undefined
      const { after, limit } = delivery
      const page = await this.#parts.store.page(local, after, limit)
      for (let at = 0; at < page.length && !delivery.isStale; ) {
        const session = takerFor(delivery)
        if (session === undefined) return takerOf(delivery.session.user) === undefined
        const end = this.#hand(session, page, at)
        // Where messages are large, the rest of a page is not read again and again.
        delivery.limit = end < page.length ? end - at : Math.min(PAGE, 2 * limit)
        // A connection may be lost while it is sent to.
        if (!delivery.isStale) delivery.after = page[end - 1]!
        at = end
      }
      if (!delivery.isStale && page.length < limit) return true
    }
  }

  /** Hands over messages from `start` on until a batch is full; returns where it ended. */
  #hand(session: Session, page: readonly StoredMessage[], start: number): number {
    const { clock, host, maxAge } = this.#parts
    const oldest = maxAge === 0 ? 0 : clock.now() - maxAge
    const mine = session.slots.get(handed)
    const ids: number[] = []
    let characters = 0
    let end = start
    for (; end < page.length && characters < BATCH_CHARACTERS; end++) {
      const { id, text, receivedMs } = page[end]!
      if (isHanded(session.user, id)) continue
      ids.push(id)
      mine.ids.add(id)
      if (receivedMs < oldest) continue
      const stanza = parseDocument(text)
      if (host.hooks.ask(keptElsewhere, { session, stanza })) continue
      setDelay(stanza, host.domain, receivedMs)
      session.send(stanza)
      characters += text.length
    }
    if (ids.length > 0) this.#watch(session, ids, characters)
    return end
  }

  /** Removes messages once the session has received them, and goes on when it takes more. */
  #watch(session: Session, ids: readonly number[], characters: number): void {
    const mine = session.slots.get(handed)
    mine.characters += characters
    mine.isWatched = true
    const received = session.received()
    if (received === true) this.#received(session, ids, characters)
    else if (received !== false)
      void received.then((isReceived) => {
        if (isReceived) this.#received(session, ids, characters)
      })
    const drained = session.drained()
    if (drained === undefined || mine.isBusy) return
    mine.isBusy = true
    void drained.then(() => {
      mine.isBusy = false
      this.#takesMore(session.user)
    })
  }

  #received(session: Session, ids: readonly number[], characters: number): void {
    const { local } = session.user.jid
    session.slots.get(handed).characters -= characters
    void this.#removals.add(local, this.#remove(session, ids))
    this.#takesMore(session.user)
  }

  async #remove(session: Session, ids: readonly number[]): Promise<void> {
    const { store, log, onRemoved } = this.#parts
    try {
      await store.remove(ids)
      onRemoved(session.user.jid.local)
    } catch (error) {
      log.error(
        { err: error, account: session.user.jid.toString() },
        'offline messages that were delivered could not be removed; they will be delivered again',
      )
    }
    // Not before: until now whoever reads the store finds them there.
    for (const id of ids) session.slots.get(handed).ids.delete(id)
  }
}

/** RFC 6121 §8.5.2.1.1: a resource with a negative priority gets nothing that is for the account. */
export function isTaker(session: Session): boolean {
  return session.live && session.priority !== null && session.priority >= 0
}

/** A session that gets messages for the account, now or when it takes more. */
function takerOf(user: User): Session | undefined {
  for (const session of user.sessions.values()) if (isTaker(session)) return session
  return undefined
}

/** The session to hand messages to at this moment; another than before only when that one takes no more. */
function takerFor(delivery: Delivery): Session | undefined {
  if (isOpen(delivery.session)) return delivery.session
  for (const session of delivery.session.user.sessions.values())
    if (isOpen(session)) {
      delivery.session = session
      return session
    }
  return undefined
}

/** Whether a session takes more of what waited. */
function isOpen(session: Session): boolean {
  if (!isTaker(session) || session.resting) return false
  const { isBusy, characters } = session.slots.get(handed)
  return !isBusy && characters < WINDOW_CHARACTERS
}

function isHanded(user: User, id: number): boolean {
  for (const session of user.sessions.values()) if (session.live && session.slots.get(handed).ids.has(id)) return true
  return false
}
