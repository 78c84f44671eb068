import type { Connection, ConnectionReceiver, StreamReader } from '../net/connection.ts'
import { StreamError } from '../stanza/stream-error.ts'
import type { Cancel } from '../util/clock.ts'
import { randomId } from '../util/id.ts'
import { nextSerial, serialName } from '../util/serial.ts'
import type { Element } from '../xml/element.ts'
import type { ParserLimits } from '../xml/limits.ts'
import { NS } from '../xml/namespaces.ts'
import { type ParserTarget, StreamParser, type XmlError } from '../xml/parser.ts'
import { serialize } from '../xml/wire.ts'
import type { StreamContext, StreamSettings } from './stream-context.ts'

/** What a link needs of its stream's context. */
export interface LinkContext extends Pick<StreamContext, 'clock' | 'counts' | 'log'> {
  readonly settings: Pick<StreamSettings, 'closeMs' | 'liveLimits' | 'preAuthLimits' | 'preAuthMs'>
}

/**
 * Whose link it is: the stream that knows what is spoken. What `onOpen`, `negotiate` and `take` throw ends the stream,
 * a `StreamError` as it says, anything else as a bug.
 */
export interface LinkOwner {
  /** What the log says of the stream when it ends, beside its peer's address. */
  readonly logFacts?: object
  /** The text of the server's header; `root` is the peer's, if it is to go by one. */
  header(root?: Element): string
  /** The peer's header has come. The owner sends its own in answer, with {@link XmlLink.sendHeader}. */
  onOpen(root: Element): void
  /** Takes an element that came before the stream was live. */
  negotiate(element: Element): void
  /** Takes an element of the live stream. */
  take(element: Element): void
  /**
   * The stream is over; called once, before the connection is ended. `reason` is an error's condition, or words for the
   * log; `lost` when the connection went without anybody having closed the stream.
   */
  onEnded(reason: string, lost: boolean): void
  /** The connection is gone; nothing else follows. */
  onGone(): void
}

/**
 * Where a link is: `securing` waits for the TLS handshake, `opening` until our header of the present stream is out, which
 * an error can follow then (`open`); `live` carries stanzas; `closed` takes calls and does nothing.
 */
export type LinkState = 'closed' | 'live' | 'open' | 'opening' | 'securing'

/**
 * The server's end of one connection that carries XML streams, whatever they are for: reads and pauses, begins and ends
 * a stream (RFC 6120 §4), and asks its owner for what is said on it.
 */
export class XmlLink implements ConnectionReceiver, ParserTarget {
  readonly connection: Connection
  readonly #owner: LinkOwner
  readonly #serial: number = nextSerial()
  readonly #context: LinkContext
  #reader: StreamReader
  #state: LinkState = 'opening'
  #cancelTimeout: Cancel | undefined
  #held = 0
  #quiet = false

  /** Starts to read; `hurry` is what a peer hears that has taken too long to get the stream live. */
  constructor(connection: Connection, owner: LinkOwner, context: LinkContext, hurry: string) {
    this.connection = connection
    this.#owner = owner
    this.#context = context
    const { preAuthLimits, preAuthMs } = context.settings
    this.#reader = this.#newReader(preAuthLimits)
    connection.receiver = this
    // RFC 6120 §4.9.3.4: a stream that nobody logs in on is not kept.
    if (preAuthMs > 0)
      this.#cancelTimeout = context.clock.after(preAuthMs, () =>
        this.close(new StreamError('connection-timeout', hurry)),
      )
  }

  /** What the log calls the connection and what goes over it. */
  get id(): string {
    return serialName(this.#serial)
  }

  get state(): LinkState {
    return this.#state
  }

  // ---- output ----

  /** Sends stanzas, whole, as text. */
  write(text: string): void {
    if (this.#state === 'closed') return
    this.#quiet = false
    this.connection.write(text)
  }

  /** Sends what is said about the stream itself; it does not count as traffic. */
  send(said: Element | string): void {
    this.connection.write(typeof said === 'string' ? said : serialize(said))
  }

  /** Sends the owner's header, in answer to the peer's `root` if given. */
  sendHeader(root?: Element): void {
    this.connection.write(this.#owner.header(root))
    this.#state = 'open'
  }

  /** Sends white space when nothing has been sent since the last call (RFC 6120 §4.6.1). */
  keepAlive(): void {
    const { framing } = this.connection
    if (this.#quiet && this.#state === 'live') {
      if (framing === undefined) this.connection.write(' ')
      else framing.keepAlive()
    }
    this.#quiet = true
  }

  // ---- input ----

  /** Stops reading until {@link release}; both nest. */
  hold(): void {
    if (this.#held++ > 0) return
    this.#reader.pause()
    this.connection.pause()
  }

  release(): void {
    if (this.#held === 0 || --this.#held > 0 || this.#state === 'closed') return
    this.connection.resume()
    try {
      this.#reader.resume()
    } catch (error) {
      this.fail(error)
    }
  }

  onData(chunk: Uint8Array): void {
    // No closure: this is the path of every message. What the owner throws comes out of the parser.
    try {
      this.#reader.write(chunk)
    } catch (error) {
      this.fail(error)
    }
  }

  onOpen(root: Element): void {
    this.#owner.onOpen(root)
  }

  onStanza(element: Element): void {
    // RFC 6120 §4.9.1.1: the peer's error ends the stream; there is nothing to add.
    if (element.attrs['xmlns'] === NS.streams) this.close()
    else if (this.#state === 'live') this.#owner.take(element)
    else this.#owner.negotiate(element)
  }

  onCongestion(congested: boolean): void {
    if (congested) this.hold()
    else this.release()
  }

  // ---- from one stream to the next ----

  /** Begins a new stream on the same connection; what came with the end of the old one is its beginning. */
  restart(): void {
    const rest = this.#renew()
    if (rest.length > 0) this.onData(rest)
  }

  /** Has a TLS handshake come next, and a new stream inside. */
  startTls(): void {
    // RFC 6120 §5.4.3.3: what was sent along in plain text is never answered inside TLS; more than white space is an attack.
    if (this.#renew().some((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d)) {
      const reason = 'plain text after <starttls/>'
      this.#end(reason, false)
      return this.connection.destroy(reason)
    }
    this.#state = 'securing'
    this.connection.startTls()
  }

  onSecure(): void {
    if (this.#state === 'securing') this.#state = 'opening'
  }

  /** Lets elements go to the owner's `take`, under the limits of a live stream; it has as long as it likes now. */
  goLive(limits: ParserLimits = this.#context.settings.liveLimits): void {
    this.#stopTimeout()
    this.#state = 'live'
    this.#reader.setLimits(limits)
  }

  /** Returns what the old stream left unread. */
  #renew(): Uint8Array {
    const rest = this.#reader.stop()
    this.#reader = this.#newReader(this.#context.settings.preAuthLimits)
    if (this.#held > 0) this.#reader.pause()
    this.#state = 'opening'
    return rest
  }

  #newReader(limits: ParserLimits): StreamReader {
    return this.connection.framing?.reader(this, limits) ?? new StreamParser(this, limits)
  }

  // ---- closing ----

  /** Ends the stream, with an error or in order (RFC 6120 §4.4, §4.9.1.1); calling it again does nothing. */
  close(error?: StreamError): void {
    if (this.#state === 'closed') return
    if (error !== undefined) this.#context.counts.error(error.condition)
    if (this.#state !== 'securing') {
      // RFC 6120 §4.9.1.2, XEP-0114 §3: an error before our header is preceded by it.
      if (this.#state === 'opening') this.sendHeader()
      if (error !== undefined) this.send(error.toElement())
      this.send(this.connection.framing?.footer ?? '</stream:stream>')
    }
    this.#end(error?.condition ?? 'closed', false)
    this.connection.end(this.#context.settings.closeMs)
  }

  /** Ends the stream with what was thrown: a {@link StreamError} as it says, anything else is a bug and logged. */
  fail(error: unknown): void {
    if (error instanceof StreamError) return this.close(error)
    const id = randomId()
    const { remoteAddress: address } = this.connection
    this.#context.log.error({ err: error, id, stream: this.id, address, ...this.#owner.logFacts }, 'a stream failed')
    this.close(new StreamError('internal-server-error', `The server's log has the reason under ${id}.`))
  }

  onEnd(): void {
    this.close()
  }

  onError(error: XmlError): void {
    this.close(new StreamError(error.condition, error.message))
  }

  onClose(reason: string): void {
    this.#end(reason, true)
    this.#owner.onGone()
  }

  #end(reason: string, lost: boolean): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#reader.stop()
    this.#stopTimeout()
    const { log } = this.#context
    const { remoteAddress: address } = this.connection
    if (log.debug()) log.debug({ stream: this.id, address, ...this.#owner.logFacts, reason, lost }, 'stream ended')
    this.#owner.onEnded(reason, lost)
  }

  #stopTimeout(): void {
    this.#cancelTimeout?.()
    this.#cancelTimeout = undefined
  }
}
