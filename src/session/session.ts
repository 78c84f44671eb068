import type { Jid } from '../jid/jid.ts'
import type { StreamError } from '../stanza/stream-error.ts'
import type { Element } from '../xml/element.ts'
import { serialize, Wire } from '../xml/wire.ts'
import type { Host } from './host.ts'
import { Slots } from './slot.ts'
import type { User } from './user.ts'

/** What a session stands on: the client's stream. */
export interface SessionStream {
  /** Sends text that is whole stanzas; a closed stream ignores it. */
  write(text: string): void
  /** Settles when what was sent is out of our hands or the stream is over; `undefined` when it is so now. */
  drained(): Promise<void> | undefined
  /** Ends the stream, with an error or in order. */
  close(error?: StreamError): void
  /** The client's network address. */
  readonly remoteAddress: string
  readonly secure: boolean
}

/** A bound resource: one client of a user. */
export class Session {
  readonly jid: Jid
  /** `jid` as text. */
  readonly address: string
  readonly user: User
  readonly host: Host
  readonly slots: Slots = new Slots()
  readonly stream: SessionStream
  /** The last broadcast presence, or `null` while the resource is not available (RFC 6121 §4.2). */
  presence: Element | null = null
  /** The priority of that presence; `null` while not available. */
  priority: number | null = null
  /** False once closed; a closed session still takes calls and does nothing. */
  live = true

  constructor(jid: Jid, user: User, host: Host, stream: SessionStream) {
    this.jid = jid
    this.address = jid.toString()
    this.user = user
    this.host = host
    this.stream = stream
  }

  /** Sends a stanza to the client as it is; false when the session is closed. */
  send(stanza: Wire | Element): boolean {
    if (!this.live) return false
    this.stream.write(stanza instanceof Wire ? stanza.text() : serialize(stanza))
    return true
  }

  /** Sends a stanza readdressed to this session. */
  sendHere(stanza: Wire): boolean {
    if (!this.live) return false
    this.stream.write(stanza.textTo(this.address))
    return true
  }

  /**
   * Whoever sends much at a time waits for this in between, and then looks whether the session is still `live`: past a
   * bound, a client that reads more slowly than it is sent to is dropped. `undefined` when there is nothing to wait for.
   */
  drained(): Promise<void> | undefined {
    return this.live ? this.stream.drained() : undefined
  }

  /** Ends the client's stream; its end then takes the session down. */
  close(error?: StreamError): void {
    if (this.live) this.stream.close(error)
  }
}
