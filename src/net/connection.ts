import type { ChannelBindingSource } from '../auth/mechanism.ts'
import type { ParserLimits } from '../xml/limits.ts'
import type { ParserTarget } from '../xml/parser.ts'

/** Hears what happens on a connection. */
export interface ConnectionReceiver {
  /** Bytes came in; the buffer is the receiver's. */
  onData(chunk: Uint8Array): void
  /** The TLS handshake that `startTls` began is done. */
  onSecure(): void
  /** Output has passed the pause mark (`true`) or is written again (`false`). */
  onCongestion(congested: boolean): void
  /** The connection is gone; nothing else follows. `reason` is for the log. */
  onClose(reason: string): void
}

/** Reads what comes on a connection and tells its target. */
export interface StreamReader {
  write(chunk: Uint8Array): void
  setLimits(limits: ParserLimits): void
  /** Tells nothing more until `resume`. */
  pause(): void
  resume(): void
  /** Ends the reading; returns the bytes that were not read. */
  stop(): Uint8Array
}

/** How a stream is put on a connection where it is no document of its own: each element stands alone (RFC 7395, XEP-0124). */
export interface Framing {
  /** What reads a stream; a new one for each. Its target may throw out of `write`, which the receiver's `onData` calls. */
  reader(target: ParserTarget, limits: ParserLimits): StreamReader
  /** What begins the server's side of a stream from a domain. */
  header(from: string, to: string | undefined): string
  /** What ends it. */
  readonly footer: string
  /** Finds out, by means of its own, whether a peer that has been quiet is still there. */
  keepAlive(): void
}

/** What carries a connection: `tcp` has no TLS yet, or ever. */
export const transports = ['tcp', 'tls', 'websocket', 'bosh'] as const
export type Transport = (typeof transports)[number]

/** One transport connection, whatever carries it. Output is joined and written once per turn of the event loop. */
export interface Connection {
  /** Who hears; set by the stream before anything is read. */
  receiver: ConnectionReceiver
  /** The peer's network address, for limits, logs and audit. */
  readonly remoteAddress: string
  /** Whether everything on it is encrypted. */
  readonly secure: boolean
  /** What carries it, for the metrics; `other` unless given. */
  readonly transport?: Transport
  /** The version of TLS as Node names it, such as `TLSv1.3`, where this server speaks it itself. */
  readonly tlsVersion?: string | undefined
  /** Whether {@link startTls} can be called. */
  readonly canStartTls: boolean
  /** What a login can be bound to; `undefined` without TLS (RFC 5929, RFC 9266). */
  readonly channelBinding: ChannelBindingSource | undefined
  /** How elements are told apart, when not by being parts of one document; then each `write` is one element, header or footer. */
  readonly framing?: Framing
  /** Queues text; after the end it does nothing. */
  write(text: string): void
  /** Settles when all output is out of our hands or the connection is gone; `undefined` when it is so now. */
  drained(): Promise<void> | undefined
  /** Stops and starts reading; pausing twice is pausing once. */
  pause(): void
  resume(): void
  /** Upgrades to TLS as the server side; plain text that came in already is lost (RFC 6120 §5.4.3.3). */
  startTls(): void
  /** Writes what is queued, then closes; cut off after `timeoutMs`. */
  end(timeoutMs: number): void
  /** Cuts at once. */
  destroy(reason: string): void
}
