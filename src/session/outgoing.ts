import type { Handover } from '../pipeline/handover.ts'
import type { Wire } from '../xml/wire.ts'

/** Holds back, for a time, what a session is sent; set by a module such as client state (XEP-0352). */
export interface OutgoingFilter {
  /**
   * Whether it keeps this stanza, to send it later with `session.pass(text)`. Whatever must go before a stanza it does
   * not keep, it passes first. `text` is the stanza as the session gets it.
   */
  holds(stanza: Wire, text: string): boolean
}

/** Remembers what a session was sent until the client has acknowledged it; set by stream management (XEP-0198). */
export interface OutgoingQueue {
  /**
   * A stanza is being sent. `handover` is set when its sender is owed an outcome. False when it must not be written now,
   * because the queue is still sending again what comes before it, and will send this, too.
   */
  add(text: string, handover: Handover | undefined): boolean
  /** Whether everything sent so far was acknowledged (true) or the session ended before (false); at once when it is so. */
  acknowledged(): boolean | Promise<boolean>
  /** What was sent and not acknowledged yet, oldest first, as XML. */
  unacknowledged(): Iterable<string>
  /** Lets go of everything, since the session is over; returns what nobody else has or may get, oldest first. */
  abandon(): Handover[]
}
