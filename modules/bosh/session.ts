import { type Cancel, type Clock, type HttpClient, type OutputLimits, randomId } from '#api'
import {
  type Answer,
  type Attributes,
  BindingError,
  type Condition,
  conditionOf,
  RECOVERABLE,
  terminal,
  wrap,
} from './answer.ts'
import { BoshConnection, type Carrier } from './connection.ts'
import { Kept } from './kept.ts'
import { KeySequence } from './keys.ts'
import { Pace } from './pace.ts'
import type { Poll } from './poll.ts'
import { type Terms, termsTold } from './terms.ts'
import { Utterances } from './utterances.ts'
import type { Wrapper } from './wrapper.ts'

/** What a session is made of. */
export interface SessionParts {
  readonly terms: Terms
  readonly client: Pick<HttpClient, 'address' | 'secure'>
  readonly clock: Clock
  readonly output: OutputLimits
  /** It is over, and nothing can be had of it. */
  readonly onGone: (session: BoshSession) => void
}

/** A request that has no answer yet. */
interface Waiting extends Pick<Wrapper, 'digest' | 'pause' | 'rid'> {
  /** Until it is taken up. */
  request: Wrapper | undefined
  poll: Poll
  /** Whether a client may have it besides all others (XEP-0124 §11). */
  readonly isExtra: boolean
  /** To be answered though there is nothing to tell. */
  due: boolean
  repeats: number
  cancelWait: Cancel
}

/** How often one request may come again (XEP-0124 §14.3). */
const MAX_REPEATS = 20
/** A client that lacks an answer for so long is told (XEP-0124 §9.2): it is not just on its way. */
const REPORT_AFTER_MS = 1000

/**
 * A session of XEP-0124: requests in the order of their `rid`, answers in the same order, and one {@link BoshConnection} of a
 * stream over all of them.
 *
 * Bounds: as many requests without an answer as `requests` says, and one more that ends or pauses; as many answers kept; output
 * as a connection's. Who does not ask for `inactivity` has lost the connection.
 */
export class BoshSession implements Carrier {
  /** At least 128 random bits (XEP-0124 §7.2, §19.3). */
  readonly sid: string = randomId()
  readonly connection: BoshConnection
  readonly isSecure: boolean
  readonly #parts: SessionParts
  readonly #keys: KeySequence
  readonly #pace: Pace
  readonly #utterances: Utterances
  readonly #kept: Kept
  readonly #first: number
  /** By `rid`. */
  #waiting: Waiting[] = []
  /** The last request that was taken up, as all before it were. */
  #last: number
  /** Whether there was an answer, so that the client knows of the session. */
  #isKnown = false
  #report: Attributes = {}
  /** How long nobody needs to ask, in seconds; a pause makes it longer, or shorter, until the next request. */
  #inactivity: number
  #cancelInactivity: Cancel | undefined
  #state: 'ended' | 'gone' | 'open' = 'open'
  /** What is left to say to whoever asks next, of a session that has ended. */
  #farewell: Answer | undefined

  /** The session that a request asks for. @throws BindingError for one that asks for something that is none. */
  constructor(request: Wrapper, parts: SessionParts) {
    const { client, clock, output, terms } = parts
    this.#parts = parts
    this.#keys = new KeySequence(request.attrs['newkey'])
    this.#pace = new Pace(terms)
    this.#utterances = new Utterances(request)
    this.#kept = new Kept(terms.requests)
    this.#first = request.rid
    this.#last = request.rid - 1
    this.#inactivity = terms.inactivity
    this.isSecure = client.secure
    this.connection = new BoshConnection(this, {
      remoteAddress: client.address,
      secure: client.secure,
      clock,
      output,
    })
  }

  /** How many requests there are that somebody waits for the answer of. */
  get listeners(): number {
    return this.#waiting.filter(({ poll }) => !poll.isGone).length
  }

  // ---- requests ----

  /** Takes a request up; its answer comes by `poll`. The first is the one that the session was made of. */
  take(request: Wrapper, poll: Poll): void {
    if (this.#state !== 'open') return this.#answerLate(request, poll)
    poll.onGone = () => this.#watch()
    const waiting = this.#waiting.find(({ rid }) => rid === request.rid)
    if (waiting !== undefined) this.#repeat(waiting, request, poll)
    else if (request.rid <= this.#last) this.#resend(request, poll)
    else this.#accept(request, poll)
    this.#watch()
  }

  /** XEP-0124 §14.3: a request that has come already, and has no answer yet. */
  #repeat(waiting: Waiting, request: Wrapper, poll: Poll): void {
    if (waiting.digest !== request.digest) return this.violate('item-not-found', poll)
    if (++waiting.repeats > MAX_REPEATS) return this.violate('policy-violation', poll)
    const old = waiting.poll
    waiting.poll = poll
    old.answer(this.#answer(RECOVERABLE))
    this.#await(waiting)
    this.connection.flushLater()
  }

  /** XEP-0124 §14.3: a request that has been answered. */
  #resend(request: Wrapper, poll: Poll): void {
    const text = this.#kept.find(request)
    if (text === undefined) return this.violate('item-not-found', poll)
    if (this.#kept.repeat(request.rid) > MAX_REPEATS) return this.violate('policy-violation', poll)
    poll.answer(this.#answer(text))
  }

  #accept(request: Wrapper, poll: Poll): void {
    const { clock, terms } = this.#parts
    const { digest, pause, rid, terminates } = request
    // XEP-0124 §11: one more than `requests` may end or pause the session.
    const isExtra = terminates || pause !== undefined
    const most = terms.requests + (isExtra ? 1 : 0)
    // XEP-0124 §14.2.
    if (rid > this.#last + most) return this.violate('item-not-found', poll)
    // Those that nobody waits for any more, as of a page that is loaded anew, do not make a client hasty.
    const isHasty = !this.#pace.allows(request, clock.now(), this.listeners + 1)
    if (isHasty || this.#waiting.length + 1 > most) return this.violate('policy-violation', poll)
    // XEP-0124 §10.
    this.#inactivity = terms.inactivity
    const waiting = { rid, digest, pause, isExtra, request, poll, due: false, repeats: 0, cancelWait: () => {} }
    this.#waiting.push(waiting)
    this.#waiting.sort((one, other) => one.rid - other.rid)
    this.#await(waiting)
    this.#takeUp()
  }

  /** Has a request wait no longer than was agreed (XEP-0124 §8). */
  #await(waiting: Waiting): void {
    const { clock, terms } = this.#parts
    waiting.cancelWait()
    if (terms.polls) waiting.due = true
    else waiting.cancelWait = clock.after(terms.wait * 1000, () => this.#expire(waiting))
  }

  #expire(waiting: Waiting): void {
    if (waiting.rid <= this.#last) {
      // None can be answered before those that came before it.
      for (const one of this.#waiting) one.due ||= one.rid <= waiting.rid
      return this.onTurn()
    }
    // What came before it is still missing: the client is to send all of it again.
    this.#waiting = this.#waiting.filter((one) => one !== waiting)
    waiting.poll.answer(this.#answer(RECOVERABLE))
    this.#watch()
  }

  /** XEP-0124 §14.2: takes up whatever is next, and what has been waiting for it. */
  #takeUp(): void {
    for (const waiting of [...this.#waiting]) {
      const { request, poll, rid } = waiting
      if (this.#state !== 'open' || rid > this.#last + 1) return
      if (request === undefined) continue
      // XEP-0124 §15.4: nothing of it is processed.
      if (rid !== this.#first && !this.#fits(request)) return this.violate('item-not-found', poll)
      const { pause } = request
      if (pause !== undefined && pause > this.#parts.terms.maxpause) return this.violate('policy-violation', poll)
      this.#last = rid
      waiting.request = undefined
      this.#hearAck(rid, request.ack)
      if (pause !== undefined) this.#pause(pause)
      this.connection.hear(this.#utterances.of(request), request.bytes)
    }
  }

  #fits({ attrs }: Wrapper): boolean {
    try {
      return this.#keys.accepts(attrs['key'], attrs['newkey'])
    } catch (error) {
      if (error instanceof BindingError) return false
      throw error
    }
  }

  /** XEP-0124 §9.2. */
  #hearAck(rid: number, ack: number | undefined): void {
    if (ack === undefined || rid === this.#first) return
    const missing = this.#kept.acknowledge(ack)
    if (missing === undefined) return
    const sinceMs = this.#parts.clock.now() - missing.sentMs
    if (sinceMs < REPORT_AFTER_MS) return
    this.#report = { report: missing.rid, time: sinceMs }
    // With the next answer, which need not wait.
    this.#waiting[0]!.due = true
  }

  /** XEP-0124 §10: all that wait are answered, and the client need not ask for so many seconds. */
  #pause(seconds: number): void {
    for (const waiting of this.#waiting) waiting.due ||= waiting.rid <= this.#last
    this.#inactivity = seconds
  }

  // ---- answers ----

  onTurn(): void {
    if (this.#state !== 'open') return
    const before = this.#waiting.length
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      // XEP-0124 §8: in order; and not before there is room for more.
      if (next.rid > this.#last || !this.connection.keepsUp || !this.#isDue(next)) break
      this.#waiting.shift()
      this.#answerNext(next)
    }
    // XEP-0124 §10: what comes for a client says nothing of whether it is there.
    if (this.#waiting.length < before) this.#watch()
  }

  #isDue({ due, poll, rid }: Waiting): boolean {
    if (due || rid === this.#first || this.#waiting.length > this.#parts.terms.hold) return true
    if (!this.connection.hasOutput) return false
    // Somebody is to get it with this answer, or because of it.
    return !poll.isGone || this.#waiting.some((one) => !one.poll.isGone && one.rid <= this.#last)
  }

  #answerNext(waiting: Waiting): void {
    const { pause, poll, rid } = waiting
    waiting.cancelWait()
    // XEP-0124 §10: the answer to a pause carries nothing. What nobody hears carries nothing either.
    const payloads = pause !== undefined || poll.isGone ? '' : this.connection.take()
    const isFirst = rid === this.#first
    // XEP-0124 §9.1: not of the request that is answered, unless it is the first.
    const ack = isFirst || this.#last !== rid ? this.#last : undefined
    const text = wrap({ ...(isFirst ? this.#creation() : this.#report), ack }, payloads)
    this.#report = {}
    this.#isKnown = true
    this.#pace.answered(rid, payloads !== '')
    this.#keep(waiting, text)
    poll.answer(this.#answer(text))
  }

  /** XEP-0124 §7.2, XEP-0206 §4. */
  #creation(): Attributes {
    return {
      'xmlns:xmpp': 'urn:xmpp:xbosh',
      sid: this.sid,
      ...termsTold(this.#parts.terms),
      from: this.connection.from,
      'xmpp:version': '1.0',
      'xmpp:restartlogic': 'true',
    }
  }

  #keep({ digest, isExtra, rid }: Pick<Waiting, 'digest' | 'isExtra' | 'rid'>, text: string): void {
    this.#kept.add({ rid, digest, text, isExtra, sentMs: this.#parts.clock.now(), repeats: 0 })
  }

  #answer(text: string): Answer {
    return { contentType: this.#parts.terms.contentType, text }
  }

  /** Watches over a session of which nobody waits for an answer. */
  #watch(): void {
    if (this.#state !== 'open') return
    this.#cancelInactivity?.()
    this.#cancelInactivity = undefined
    if (this.listeners > 0) return
    for (const { cancelWait } of this.#waiting) cancelWait()
    this.#cancelInactivity = this.#parts.clock.after(this.#inactivity * 1000, () => {
      this.#leave('remote-connection-failed')
      this.connection.destroy('nobody has asked for what there is')
    })
  }

  // ---- the end ----

  /** Ends it because of a request, which is told why; others are told that it was not they (XEP-0124 §17.2). */
  violate(condition: Condition, poll: Poll): void {
    poll.answer(this.#answer(terminal(condition)))
    if (this.#state !== 'open') return
    this.#leave('other-request')
    this.connection.destroy(condition)
  }

  /** Whoever waits hears why there is nothing more. */
  #leave(condition: Condition): void {
    this.#state = 'gone'
    this.#cancelInactivity?.()
    const answer = this.#answer(terminal(condition))
    for (const { cancelWait, poll } of this.#waiting.splice(0)) {
      cancelWait()
      poll.answer(answer)
    }
    this.#parts.onGone(this)
  }

  onClosed(): void {
    if (this.#state === 'open') this.#leave('remote-connection-failed')
  }

  onEnd(timeoutMs: number): void {
    this.#state = 'ended'
    this.#cancelInactivity?.()
    const { clock, onGone } = this.#parts
    const farewell = this.#sayFarewell()
    const close = () => this.connection.destroy('closed')
    // XEP-0124 §13: the oldest tells of the end, and the others tell nothing.
    const teller = this.#waiting.find(({ poll }) => !poll.isGone)
    for (const waiting of this.#waiting.splice(0)) {
      waiting.cancelWait()
      const answer = waiting === teller ? farewell : this.#answer(wrap({}))
      this.#keep(waiting, answer.text)
      waiting.poll.answer(answer, waiting === teller ? close : undefined)
    }
    if (teller === undefined) this.#farewell = farewell
    if (timeoutMs > 0) clock.after(timeoutMs, close)
    const forget = () => {
      this.#state = 'gone'
      if (teller === undefined) close()
      onGone(this)
    }
    // A client that knows of it, and whose answer is lost on its way, can ask for it once more.
    if (this.#isKnown) clock.after(Math.max(this.#inactivity * 1000, timeoutMs), forget)
    else forget()
  }

  /** The last answer: all that is left, and why the stream has ended (XEP-0206 §6). */
  #sayFarewell(): Answer {
    const { error } = this.connection
    const condition = conditionOf(error)
    const inside = condition === 'remote-stream-error' ? error : ''
    return this.#answer(terminal(condition, this.connection.take(true) + inside))
  }

  /** A session that is over answers as before, and tells of its end once; then it is not known (XEP-0124 §10). */
  #answerLate(request: Wrapper, poll: Poll): void {
    const { digest, rid } = request
    const kept = this.#kept.find(request)
    if (kept !== undefined) return poll.answer(this.#answer(kept))
    const farewell = this.#farewell
    this.#farewell = undefined
    if (farewell === undefined) return poll.answer(this.#answer(terminal('item-not-found')))
    this.#keep({ rid, digest, isExtra: true }, farewell.text)
    poll.answer(farewell, () => this.connection.destroy('closed'))
  }
}
