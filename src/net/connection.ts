import type { ChannelBindingSource } from '../auth/mechanism.ts'

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

/** One transport connection, whatever carries it. Output is joined and written once per turn of the event loop. */
export interface Connection {
  /** Who hears; set by the stream before anything is read. */
  receiver: ConnectionReceiver
  /** The peer's network address, for limits, logs and audit. */
  readonly remoteAddress: string
  /** Whether everything on it is encrypted. */
  readonly secure: boolean
  /** Whether {@link startTls} can be called. */
  readonly canStartTls: boolean
  /** What a login can be bound to; `undefined` without TLS (RFC 5929, RFC 9266). */
  readonly channelBinding: ChannelBindingSource | undefined
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
