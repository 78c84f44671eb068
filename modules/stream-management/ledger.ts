import { type Clock, type Handover, type OutgoingQueue, type Session, StreamError } from '#api'
import { Answers } from './answers.ts'
import { answerText, handledCountTooHigh, MODULUS, REQUEST } from './elements.ts'
import { type RequestPolicy, Requests } from './requests.ts'
import type { Due, Rounds } from './rounds.ts'
import { type Entry, Unacknowledged } from './unacknowledged.ts'

/** What a ledger obeys. */
export interface LedgerPolicy {
  /** How much a client may leave unacknowledged, in bytes; 0 is no bound. */
  readonly maxQueue: number
  readonly request: RequestPolicy
}

/** What the ledgers of a host share. */
export interface LedgerSurroundings {
  readonly policy: LedgerPolicy
  readonly rounds: Rounds
  readonly clock: Clock
}

/** Characters that are sent again at a time, before the connection must have taken them. */
const REPLAY = 1 << 18

/**
 * What a session and its client have acknowledged to each other (XEP-0198 §4): the counts of both directions, and what was
 * sent and not acknowledged.
 *
 * What is unacknowledged is bounded: at `maxQueue` the session ends, and what was in it goes the way of a session that is
 * over.
 */
export class Ledger implements OutgoingQueue, Due {
  readonly session: Session
  readonly #surroundings: LedgerSurroundings
  readonly #requests: Requests
  readonly #answers: Answers
  readonly #unacknowledged = new Unacknowledged()
  /** Stanzas acknowledged so far. */
  #acknowledged: number
  /** What the inbox had accepted when counting began; below 0 when it began before a restart. */
  readonly #base: number
  /** While what was unacknowledged is being sent again, how much of it is out; else `undefined`. */
  #replayed: number | undefined
  #waiting: { readonly count: number; readonly resolve: (all: boolean) => void }[] = []
  #willAsk = false
  #full = false
  #over = false

  /** Begins to count, or goes on from what was acknowledged and handled before a restart. */
  constructor(session: Session, surroundings: LedgerSurroundings, before?: { acknowledged: number; handled: number }) {
    this.session = session
    this.#surroundings = surroundings
    this.#requests = new Requests(surroundings.policy.request)
    this.#answers = new Answers(session.inbox, () => session.stream.write(answerText(this.handled)))
    this.#acknowledged = before?.acknowledged ?? 0
    this.#base = before === undefined ? session.inbox.accepted : -before.handled
    session.inbox.onHandled = () => this.#answers.progressed()
  }

  /** Stanzas of the client that are dealt with: only those whose flows have ended. */
  get handled(): number {
    // What came before counting began may still be under way.
    return Math.max(0, this.session.inbox.handled - this.#base)
  }
  /** Stanzas sent so far. */
  get sent(): number {
    return this.#acknowledged + this.#unacknowledged.length
  }
  /** Stanzas that the client has acknowledged so far. */
  get acknowledgedCount(): number {
    return this.#acknowledged
  }

  // ---- to the client ----

  add(text: string, handover: Handover | undefined): boolean {
    if (this.#over) return true
    this.take({ text, handover })
    if (this.#replayed !== undefined) return false
    if (!this.session.resting) {
      if (this.#requests.sent(text.length, this.#surroundings.clock)) this.#surroundings.rounds.add(this)
      if (this.#requests.isOverdue) this.#askSoon()
    }
    return true
  }

  /** Remembers a stanza as sent. */
  take(entry: Entry): void {
    entry.handover?.hold()
    this.#unacknowledged.push(entry)
    const { maxQueue } = this.#surroundings.policy
    if (maxQueue === 0 || this.#unacknowledged.size <= maxQueue || this.#full) return
    this.#full = true
    // Not at once: whoever sends may be about to hand the same stanza to others.
    queueMicrotask(() =>
      this.session.close(new StreamError('resource-constraint', 'Too much was sent and not acknowledged.')),
    )
  }

  /** The stanzas that were not acknowledged. */
  entries(): Iterable<Entry> {
    return this.#unacknowledged
  }

  *unacknowledged(): Generator<string> {
    for (const { text } of this.#unacknowledged) yield text
  }

  acknowledged(): boolean | Promise<boolean> {
    if (this.#over) return false
    if (this.#unacknowledged.length === 0) return true
    // Somebody waits for the answer.
    if (!this.#requests.isOpen) this.#askSoon()
    const count = this.sent
    return new Promise((resolve) => this.#waiting.push({ count, resolve }))
  }

  abandon(): Handover[] {
    const unreached: Handover[] = []
    for (let entry = this.#unacknowledged.shift(); entry !== undefined; entry = this.#unacknowledged.shift())
      if (entry.handover?.giveUp() === true) unreached.push(entry.handover)
    this.letGo()
    return unreached
  }

  /** Nobody waits for acknowledgements any more. */
  letGo(): void {
    this.#over = true
    const waiting = this.#waiting
    this.#waiting = []
    for (const { resolve } of waiting) resolve(false)
  }

  /** At the end of the microtask, behind what is being sent. */
  #askSoon(): void {
    if (this.#willAsk) return
    this.#willAsk = true
    queueMicrotask(() => {
      this.#willAsk = false
      this.#ask()
    })
  }

  #ask(): void {
    if (this.session.resting || this.#over || this.#replayed !== undefined) return
    this.#requests.asked(this.#surroundings.clock.now())
    this.session.stream.write(REQUEST)
    this.#surroundings.rounds.add(this)
  }

  // ---- from the client ----

  /** The client asks how far the server is. */
  answer(): void {
    if (this.#answers.request(this.#surroundings.clock.now())) this.#surroundings.rounds.add(this)
  }

  /**
   * The client has told how far it is. A count that goes back is that of an answer overtaken by another, and ignored.
   *
   * @throws StreamError when it is more than was sent.
   */
  acknowledge(h: number): void {
    const more = this.#beyond(h)
    const moved = more !== undefined && more > 0
    if (moved) this.#settle(more)
    const now = this.#surroundings.clock.now()
    this.#requests.answered(this.#unacknowledged.length > 0, moved, now)
    if (this.#requests.isDue) this.#surroundings.rounds.add(this)
    if (moved && this.#waiting.length > 0) this.#askSoon()
  }

  /**
   * Whether a client that has this count can go on: not one that says less than before, since what it lacks is gone.
   *
   * @throws StreamError when it is more than was sent.
   */
  canResumeAt(h: number): boolean {
    return this.#beyond(h) !== undefined
  }

  /** How many more than before; `undefined` when fewer. */
  #beyond(h: number): number | undefined {
    const more = (h - (this.#acknowledged % MODULUS) + MODULUS) % MODULUS
    if (more <= this.#unacknowledged.length) return more
    // XEP-0198 §4: counts begin anew at 2³², so that half a turn ahead is behind.
    if (more >= MODULUS / 2) return undefined
    // XEP-0198 §6.
    throw handledCountTooHigh(h, this.sent)
  }

  #settle(count: number): void {
    for (let left = count; left > 0; left--) this.#unacknowledged.shift()?.handover?.acknowledge()
    this.#acknowledged += count
    if (this.#replayed !== undefined) this.#replayed = Math.max(0, this.#replayed - count)
    let done = 0
    while (done < this.#waiting.length && this.#waiting[done]!.count <= this.#acknowledged) done++
    for (const { resolve } of this.#waiting.splice(0, done)) resolve(true)
  }

  // ---- time and connections ----

  tick(now: number): boolean {
    if (this.session.resting || this.#over) return false
    const answers = this.#answers.tick(now)
    const due = this.#requests.at(now)
    if (due === 'ask') this.#ask()
    else if (due === 'dead') this.session.stream.cut('the client does not acknowledge what it is sent')
    return answers || due === 'ask' || due === 'wait'
  }

  /** The connection is gone, and with it what was asked on it. */
  rest(): void {
    this.#requests.reset()
    this.#answers.forget()
    this.#replayed = undefined
  }

  /**
   * Sends everything unacknowledged again over the present connection, in order and before anything new, and asks for an
   * acknowledgement (XEP-0198 §5). Settles early when the connection goes meanwhile. A piece at a time, so that what has
   * piled up does not exceed what a connection may leave unsent.
   *
   * `h` is what the client has, of which {@link canResumeAt} is true.
   */
  async replay(h: number): Promise<boolean> {
    this.acknowledge(h)
    this.rest()
    const { stream } = this.session
    let at = 0
    let size = 0
    for (let entry = this.#unacknowledged.at(at); entry !== undefined; entry = this.#unacknowledged.at(at)) {
      this.#replayed = ++at
      stream.write(entry.text)
      size += entry.text.length
      if (size < REPLAY) continue
      size = 0
      await stream.drained()
      if (this.session.stream !== stream || this.#over) return false
      at = this.#replayed
    }
    this.#replayed = undefined
    if (this.#unacknowledged.length > 0) this.#ask()
    return true
  }
}
