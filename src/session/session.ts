import type { Jid } from '../jid/jid.ts'
import type { Handover } from '../pipeline/handover.ts'
import type { StanzaEvent } from '../pipeline/stanza-event.ts'
import type { StreamError } from '../stanza/stream-error.ts'
import { nextSerial, serialName } from '../util/serial.ts'
import { Slots } from '../util/slot.ts'
import type { Element } from '../xml/element.ts'
import { serialize, Wire } from '../xml/wire.ts'
import type { Host } from './host.ts'
import { Inbox } from './inbox.ts'
import type { OutgoingFilter, OutgoingQueue } from './outgoing.ts'
import { RestingStream } from './resting-stream.ts'
import type { User } from './user.ts'

/** What a session stands on: the client's stream. */
export interface SessionStream {
  /** Sends text that is whole stanzas or other elements of the stream; a closed stream ignores it. */
  write(text: string): void
  /** Settles when what was sent is out of our hands or the stream is over; `undefined` when it is so now. */
  drained(): Promise<void> | undefined
  /** Takes nothing from the client until `release`; both nest. */
  hold(): void
  release(): void
  /** Ends the stream, with an error or in order, and its session with it. */
  close(error?: StreamError): void
  /** Cuts the connection, as if it had been lost. */
  cut(reason: string): void
  /** Ends the stream without its session, which goes on elsewhere; nothing the client sent is taken up any more. */
  leave(error: StreamError): void
  /** What the log calls it; nothing while there is none. */
  readonly id?: string
  /** The client's network address. */
  readonly remoteAddress: string
  readonly secure: boolean
  /** How often the account's password had been changed when its client logged in; `undefined` for one that has no connection. */
  readonly passwordVersion?: number | undefined
}

/** A bound resource: one client of a user. It may outlive its connection (XEP-0198): then it is `resting`. */
export class Session {
  readonly jid: Jid
  /** `jid` as text. */
  readonly address: string
  readonly user: User
  readonly host: Host
  /** When it was bound, ms since the epoch. */
  readonly sinceMs: number
  readonly #serial: number = nextSerial()
  readonly slots: Slots = new Slots()
  /** What the client sends, and how much of it is dealt with. */
  readonly inbox: Inbox<Element>
  /** The client's present stream. */
  stream: SessionStream
  /** Holds output back; at most one module sets it. */
  filter: OutgoingFilter | undefined
  /** Remembers output; at most one module sets it. */
  queue: OutgoingQueue | undefined
  /** The last broadcast presence, or `null` while the resource is not available (RFC 6121 §4.2). */
  presence: Element | null = null
  /** The priority of that presence; `null` while not available. */
  priority: number | null = null
  /** Why it is over, or about to be: the condition of an error, or words for the log. */
  ending = ''
  /** False once closed; a closed session still takes calls and does nothing. */
  live = true

  constructor(jid: Jid, user: User, host: Host, stream: SessionStream) {
    this.jid = jid
    this.address = jid.toString()
    this.user = user
    this.host = host
    this.sinceMs = host.clock.now()
    this.stream = stream
    this.inbox = new Inbox<Element>(
      (stanza, turn) => host.fromClient(this, stanza, turn),
      host.inboundPending,
      () => this.stream.hold(),
      () => this.stream.release(),
      // What else a client says may depend on what it said before.
      (stanza) => stanza.name === 'message',
    )
  }

  /** What the log calls it, whatever stream it is on. */
  get id(): string {
    return serialName(this.#serial)
  }

  /** Whether the client has no connection at this moment and may come back. */
  get resting(): boolean {
    return this.stream instanceof RestingStream
  }

  /** Since when it rests, ms since the epoch; `undefined` while its client is connected. */
  get restingSinceMs(): number | undefined {
    return this.stream instanceof RestingStream ? this.stream.sinceMs : undefined
  }

  /** Sends a stanza to the address it has; false when the session is over. */
  send(stanza: Wire | Element): boolean {
    if (!this.live) return false
    this.host.traffic.delivered.raise(stanza.name)
    if (this.filter !== undefined || stanza instanceof Wire) {
      const wire = stanza instanceof Wire ? stanza : Wire.of(stanza)
      this.#send(wire, wire.text(), undefined)
    } else this.pass(serialize(stanza))
    return true
  }

  /** Sends a stanza readdressed to this session. */
  sendHere(stanza: Wire): boolean {
    if (!this.live) return false
    this.host.traffic.delivered.raise(stanza.name)
    this.#send(stanza, stanza.textTo(this.address), undefined)
    return true
  }

  /**
   * Hands the client the stanza of an event, or, for a copy of it, `as`, readdressed to this session. Should the client
   * never acknowledge it, and nobody else who got it, the stanza is dealt with as if it had never been delivered.
   */
  deliver(event: Pick<StanzaEvent, 'handover' | 'reached' | 'wire'>, as?: Wire): boolean {
    if (!this.live) return false
    const wire = as ?? event.wire
    this.host.traffic.delivered.raise(wire.name)
    let handover: Handover | undefined
    if (this.queue === undefined) event.reached()
    else handover = event.handover()
    const text = as !== undefined ? as.textTo(this.address) : (handover?.text ?? wire.text())
    this.#send(wire, text, handover)
    return true
  }

  #send(wire: Wire, text: string, handover: Handover | undefined): void {
    if (this.filter?.holds(wire, text) === true) return
    if (this.queue === undefined || this.queue.add(text, handover)) this.stream.write(text)
  }

  /** Sends a stanza past the filter: for the filter itself. */
  pass(text: string): void {
    if (!this.live) return
    if (this.queue === undefined || this.queue.add(text, undefined)) this.stream.write(text)
  }

  /**
   * Whoever sends much at a time waits for this in between, and then looks whether the session is still `live`: past a
   * bound, a client that reads more slowly than it is sent to is dropped. `undefined` when there is nothing to wait for.
   */
  drained(): Promise<void> | undefined {
    return this.live ? this.stream.drained() : undefined
  }

  /**
   * Whether the client has everything it was sent so far: for one that acknowledges, once it has (true) or its session
   * is over (false); for any other, once it is out of our hands.
   */
  received(): boolean | Promise<boolean> {
    if (!this.live) return false
    if (this.queue !== undefined) return this.queue.acknowledged()
    return this.stream.drained()?.then(() => this.live) ?? true
  }

  /** The connection is gone and the session stays: until `resume`, what it is sent is only remembered. */
  rest(): void {
    const { remoteAddress, secure } = this.stream
    const stream = new RestingStream(remoteAddress, secure, this.host.clock.now())
    stream.session = this
    this.stream = stream
  }

  /** Ends the client's stream, or the session that rests; a stream's end then takes the session down. */
  close(error?: StreamError): void {
    if (this.live) this.stream.close(error)
  }
}
