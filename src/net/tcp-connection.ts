import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { ChannelBindingSource } from '../auth/mechanism.ts'
import type { Cancel, Clock } from '../util/clock.ts'
import type { Connection, ConnectionReceiver, Transport } from './connection.ts'
import { type Flushable, flushSoon } from './output-queue.ts'
import { channelBinding, type TlsContexts } from './tls-context.ts'

/** Bounds on what a peer that reads slowly may leave unread; 0 is no bound. */
export interface OutputLimits {
  /** Past so many bytes the peer is no longer read from. */
  readonly pauseBytes: number
  /** Past so many bytes the connection is cut. */
  readonly dropBytes: number
  /** A connection that stays past `pauseBytes`, or keeps somebody waiting, for so long is cut. */
  readonly pauseMs: number
}

const UNREAD = 'the peer does not read what it is sent'

/** A TCP connection, with TLS from the start, from STARTTLS on, or without. */
export class TcpConnection implements Connection, Flushable {
  receiver!: ConnectionReceiver
  readonly remoteAddress: string
  #socket: Socket | TLSSocket
  #secure: boolean
  readonly #tls: TlsContexts
  readonly #limits: OutputLimits
  readonly #clock: Clock
  /** What was served in the handshake. */
  #certificate: X509Certificate | undefined
  #binding: ChannelBindingSource | undefined
  #output = ''
  #congested = false
  #cancelDrop: Cancel | undefined
  #cancelEnd: Cancel | undefined
  #closed = false
  #ending = false
  #pauses = false
  readonly #onData = (chunk: Buffer): void => {
    if (!this.#closed && !this.#ending) this.receiver.onData(chunk)
  }
  readonly #onEnd = (): void => this.end(1_000)

  /** `remoteAddress` is the client's, who need not be at the other end of the socket. */
  constructor(socket: Socket | TLSSocket, remoteAddress: string, tls: TlsContexts, limits: OutputLimits, clock: Clock) {
    this.#socket = socket
    this.#secure = socket instanceof TLSSocket
    this.#tls = tls
    this.#limits = limits
    this.#clock = clock
    this.remoteAddress = remoteAddress
    socket.setNoDelay(true)
    this.#attach(socket)
  }

  get secure(): boolean {
    return this.#secure
  }

  get transport(): Transport {
    return this.#secure ? 'tls' : 'tcp'
  }

  get tlsVersion(): string | undefined {
    return this.#socket instanceof TLSSocket ? (this.#socket.getProtocol() ?? undefined) : undefined
  }

  get canStartTls(): boolean {
    return !this.#secure
  }

  get channelBinding(): ChannelBindingSource | undefined {
    if (this.#secure && this.#socket instanceof TLSSocket)
      this.#binding ??= channelBinding(this.#socket, this.#certificate)
    return this.#binding
  }

  write(text: string): void {
    if (this.#closed || this.#ending) return
    if (this.#output === '') flushSoon(this)
    this.#output += text
    const { dropBytes, pauseBytes } = this.#limits
    if (dropBytes > 0 && this.#output.length + this.#socket.writableLength > dropBytes) this.destroy(UNREAD)
    // Not only at the end of the turn: the rest of a burst of requests is not taken up then.
    else if (pauseBytes > 0 && this.#output.length > pauseBytes) this.flush()
  }

  flush(): void {
    if (this.#closed || this.#output === '') return
    const output = this.#output
    this.#output = ''
    this.#socket.write(output)
    if (this.#limits.pauseBytes > 0 && this.#socket.writableLength > this.#limits.pauseBytes) this.#congest()
  }

  #congest(): void {
    if (this.#congested) return
    this.#congested = true
    if (this.#limits.pauseMs > 0) this.#cancelDrop = this.#clock.after(this.#limits.pauseMs, () => this.destroy(UNREAD))
    // Not `drain`, which does not come when less was unsent than the stream's own mark.
    this.#socket.write('', () => {
      this.#cancelDrop?.()
      this.#congested = false
      if (!this.#closed) this.receiver.onCongestion(false)
    })
    this.receiver.onCongestion(true)
  }

  drained(): Promise<void> | undefined {
    this.flush()
    if (this.#closed || this.#socket.writableLength === 0) return undefined
    const { pauseMs } = this.#limits
    const cancel = pauseMs > 0 ? this.#clock.after(pauseMs, () => this.destroy(UNREAD)) : undefined
    return new Promise((resolve) => {
      this.#socket.write('', () => {
        cancel?.()
        resolve()
      })
    })
  }

  pause(): void {
    this.#pauses = true
    this.#socket.pause()
  }

  resume(): void {
    this.#pauses = false
    this.#socket.resume()
  }

  startTls(): void {
    this.flush()
    const plain = this.#socket
    // Not `removeAllListeners`, which would leave the stream flowing: what came right behind a proxy's header would be lost.
    plain.off('data', this.#onData)
    plain.off('end', this.#onEnd)
    // Not so with `close`, by which the listener counts the connection out.
    const secure = new TLSSocket(plain, { isServer: true, ...this.#tls.options() })
    this.#socket = secure
    this.#attach(secure)
    secure.once('secure', () => {
      this.#secure = true
      this.#certificate = this.#tls.certificateFor(secure.servername || undefined)
      this.receiver.onSecure()
    })
  }

  end(timeoutMs: number): void {
    if (this.#closed || this.#ending) return
    this.flush()
    this.#ending = true
    this.#socket.end()
    this.#socket.resume()
    if (timeoutMs > 0) this.#cancelEnd = this.#clock.after(timeoutMs, () => this.destroy('closed'))
  }

  destroy(reason: string): void {
    if (this.#closed) return
    this.#finish(reason)
    this.#socket.destroy()
  }

  #attach(socket: Socket | TLSSocket): void {
    if (socket instanceof TLSSocket) socket.disableRenegotiation()
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('error', (error) => this.#finish(error.message))
    socket.on('close', () => this.#finish('closed'))
    if (this.#pauses) socket.pause()
  }

  #finish(reason: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#output = ''
    this.#cancelDrop?.()
    // All that hangs on the connection would outlive it by so long.
    this.#cancelEnd?.()
    this.receiver.onClose(reason)
  }
}
