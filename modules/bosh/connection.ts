import {
  type Cancel,
  type Clock,
  type Connection,
  type ConnectionReceiver,
  type Flushable,
  type Framing,
  flushSoon,
  type OutputLimits,
  type ParserLimits,
  type ParserTarget,
  type StreamReader,
  standAlone,
} from '#api'
import { PayloadReader, type Said } from './reader.ts'

/** Who carries what a connection is to carry, in answers to requests. */
export interface Carrier {
  /** There may be something to send, or room for more input: asked at the end of a turn of the event loop. */
  onTurn(): void
  /** The stream is over, and what is left of it is to be sent; {@link BoshConnection.close} is awaited for `timeoutMs`. */
  onEnd(timeoutMs: number): void
  /** The connection is gone. */
  onClosed(): void
}

/** What a connection is made of. */
export interface ConnectionParts {
  readonly remoteAddress: string
  readonly secure: boolean
  readonly clock: Pick<Clock, 'after'>
  readonly output: OutputLimits
}

/** What stands for the beginning and the end of the server's side of a stream, of which nothing is sent. */
const HEADER = '<stream:stream>'
const FOOTER = '</stream:stream>'
const NOTHING = new Uint8Array(0)
const UNREAD = 'the peer does not fetch what there is for it'

/** The most that an answer carries, in UTF-16 units, but for one element that is longer: answers are kept for a while. */
const MAX_ANSWER = 256 * 1024
/**
 * Input past which no more is asked for, as bodies of the largest size; and what a body may have in it then, on average. A stream that
 * takes no input until its client has fetched output waits for requests, which may bring more.
 */
const MAX_INPUT = { bodies: 2, congestedBodies: 16, items: 500 }

/**
 * A stream's connection that is no socket: what is said comes in requests and goes out in answers to them, whole elements
 * in order (XEP-0124). It stands as long as its {@link Carrier} says so.
 */
export class BoshConnection implements Connection, Flushable {
  receiver!: ConnectionReceiver
  readonly remoteAddress: string
  readonly secure: boolean
  readonly transport = 'bosh'
  readonly canStartTls = false
  /** Requests come on connections of all kinds: there is not one to bind a login to. */
  readonly channelBinding = undefined
  readonly framing: Framing
  /** What the stream accepts at present. */
  limits!: ParserLimits
  /** The domain that the stream is with, once it is known. */
  from: string | undefined
  /** What ends the stream, as text. */
  error = ''
  readonly #carrier: Carrier
  readonly #parts: ConnectionParts
  #reader: PayloadReader | undefined
  readonly #input: (Said | (() => void))[] = []
  #inputBytes = 0
  #paused = false
  #pumping = false
  #output: string[] = []
  #size = 0
  #congested = false
  /** The client has said that it goes. */
  #goes = false
  #cancelDrop: Cancel | undefined
  #drained: (() => void)[] = []
  #flushing = false
  #state: 'closed' | 'ending' | 'open' = 'open'

  constructor(carrier: Carrier, parts: ConnectionParts) {
    this.#carrier = carrier
    this.#parts = parts
    this.remoteAddress = parts.remoteAddress
    this.secure = parts.secure
    this.framing = {
      reader: (target, limits) => this.#newReader(target, limits),
      header: (from) => {
        this.from = from
        return HEADER
      },
      footer: FOOTER,
      // A client that does not ask is noticed anyway (XEP-0124 §10).
      keepAlive: () => {},
    }
  }

  #newReader(target: ParserTarget, limits: ParserLimits): StreamReader {
    this.limits = limits
    this.#reader = new PayloadReader(target, (live) => {
      this.limits = live
    })
    return this.#reader
  }

  // ---- input ----

  /** Has the stream hear what one request of `bytes` says, when it is its turn. */
  hear(said: readonly Said[], bytes: number): void {
    if (this.#state !== 'open') return
    this.#inputBytes += bytes
    this.#input.push(...said, () => {
      this.#inputBytes -= bytes
    })
    // XEP-0124 §13: whoever goes fetches nothing before that, and is heard out.
    if (said.at(-1)?.kind === 'end') this.#goes = true
    if (this.#goes && this.#congested) this.#relieve()
    this.#pump()
    this.flushLater()
  }

  /** Whether the stream has kept up with its input, so that the client may send more. */
  get keepsUp(): boolean {
    const { bytes } = this.limits
    const bodies = this.#congested ? MAX_INPUT.congestedBodies : MAX_INPUT.bodies
    return this.#input.length <= bodies * MAX_INPUT.items && (bytes === 0 || this.#inputBytes <= bodies * bytes)
  }

  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    while (!this.#paused && this.#state === 'open' && this.#input.length > 0) {
      const next = this.#input.shift()!
      if (typeof next === 'function') next()
      else {
        this.#reader!.prepare(next)
        this.receiver.onData(NOTHING)
      }
    }
    this.#pumping = false
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#pump()
    this.flushLater()
  }

  startTls(): void {
    throw new Error('TLS is the business of HTTP.')
  }

  // ---- output ----

  write(text: string): void {
    if (this.#state !== 'open' || text === HEADER || text === FOOTER) return
    if (text.startsWith('<stream:error')) {
      this.error = text
      return
    }
    const payload = standAlone(text)
    this.#output.push(payload)
    this.#size += payload.length
    this.flushLater()
    const { dropBytes, pauseBytes } = this.#parts.output
    if (dropBytes > 0 && this.#size > dropBytes) this.destroy(UNREAD)
    else if (pauseBytes > 0 && this.#size > pauseBytes && !this.#goes) this.#congest()
  }

  get hasOutput(): boolean {
    return this.#size > 0
  }

  /** Takes what waits, as much as one answer is to carry; `all` of it for the last one. */
  take(all = false): string {
    let text = ''
    let count = 0
    while (
      count < this.#output.length &&
      (all || text.length + this.#output[count]!.length <= MAX_ANSWER || count === 0)
    )
      text += this.#output[count++]!
    this.#output.splice(0, count)
    this.#size -= text.length
    if (this.#size === 0) for (const resolve of this.#drained.splice(0)) resolve()
    if (this.#congested && this.#size <= this.#parts.output.pauseBytes) this.#relieve()
    return text
  }

  drained(): Promise<void> | undefined {
    if (this.#size === 0) return undefined
    // A client that never asks again is given up by the carrier.
    return new Promise((resolve) => this.#drained.push(resolve))
  }

  #congest(): void {
    if (this.#congested) return
    this.#congested = true
    const { pauseMs } = this.#parts.output
    if (pauseMs > 0) this.#cancelDrop = this.#parts.clock.after(pauseMs, () => this.destroy(UNREAD))
    this.receiver.onCongestion(true)
  }

  #relieve(): void {
    this.#congested = false
    this.#cancelDrop?.()
    if (this.#state === 'open') this.receiver.onCongestion(false)
  }

  /** Has the carrier look at the end of this turn, when all is there that the turn brings. */
  flushLater(): void {
    if (this.#flushing) return
    this.#flushing = true
    flushSoon(this)
  }

  flush(): void {
    this.#flushing = false
    if (this.#state !== 'closed') this.#carrier.onTurn()
  }

  // ---- the end ----

  end(timeoutMs: number): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    this.#input.length = 0
    this.#carrier.onEnd(timeoutMs)
  }

  destroy(reason: string): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#input.length = 0
    this.#output = []
    this.#size = 0
    this.#cancelDrop?.()
    for (const resolve of this.#drained.splice(0)) resolve()
    this.receiver.onClose(reason)
    this.#carrier.onClosed()
  }
}
