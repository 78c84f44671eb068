import type { WebSocket } from 'ws'
import {
  type Cancel,
  type ChannelBindingSource,
  type Clock,
  type Connection,
  type ConnectionReceiver,
  type Flushable,
  type Framing,
  flushSoon,
  type HttpClient,
  type OutputLimits,
} from '#api'
import { toFrame, webSocketFraming } from './framing.ts'

const UNREAD = 'the peer does not read what it is sent'
/** RFC 6455 §7.4.1: all is said; the type of a message is none that is spoken here. */
const NORMAL = 1000
const UNSUPPORTED = 1003

/** A client's connection by WebSocket: one element a message. */
export class WebSocketConnection implements Connection, Flushable {
  receiver!: ConnectionReceiver
  readonly remoteAddress: string
  readonly secure: boolean
  readonly transport = 'websocket'
  readonly tlsVersion: string | undefined
  readonly canStartTls = false
  readonly channelBinding: ChannelBindingSource | undefined
  readonly framing: Framing = { ...webSocketFraming, keepAlive: () => this.#ping() }
  readonly #socket: WebSocket
  readonly #limits: OutputLimits
  readonly #clock: Clock
  #output: string[] = []
  /** UTF-16 units of `#output`. */
  #length = 0
  /** Messages that came while nothing was to be read. */
  #input: Uint8Array[] = []
  #paused = false
  #congested = false
  #cancelDrop: Cancel | undefined
  #awaitsPong = false
  #ending = false
  #closed = false

  constructor(socket: WebSocket, client: HttpClient, limits: OutputLimits, clock: Clock) {
    this.#socket = socket
    this.remoteAddress = client.address
    this.secure = client.secure
    this.channelBinding = client.channelBinding
    this.tlsVersion = client.channelBinding?.tlsVersion
    this.#limits = limits
    this.#clock = clock
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      // RFC 7395 §3.2: XMPP is text.
      if (isBinary) this.#refuse()
      else this.#take(data)
    })
    socket.on('pong', () => {
      this.#awaitsPong = false
    })
    socket.on('error', (error) => this.#finish(error.message))
    socket.on('close', () => this.#finish('closed'))
  }

  write(text: string): void {
    if (this.#closed || this.#ending) return
    if (this.#output.length === 0) flushSoon(this)
    this.#output.push(toFrame(text))
    this.#length += text.length
    const { dropBytes, pauseBytes } = this.#limits
    if (dropBytes > 0 && this.#length + this.#socket.bufferedAmount > dropBytes) this.destroy(UNREAD)
    else if (pauseBytes > 0 && this.#length > pauseBytes) this.flush()
  }

  flush(): void {
    if (this.#closed || this.#output.length === 0) return
    const output = this.#output
    this.#output = []
    this.#length = 0
    for (const frame of output) this.#socket.send(frame)
    if (this.#limits.pauseBytes > 0 && this.#socket.bufferedAmount > this.#limits.pauseBytes) this.#congest()
  }

  #congest(): void {
    if (this.#congested) return
    this.#congested = true
    const { pauseMs } = this.#limits
    if (pauseMs > 0) this.#cancelDrop = this.#clock.after(pauseMs, () => this.destroy(UNREAD))
    this.#whenWritten(() => {
      this.#cancelDrop?.()
      this.#congested = false
      if (!this.#closed) this.receiver.onCongestion(false)
    })
    this.receiver.onCongestion(true)
  }

  /** A ping goes out behind everything else, and is small. */
  #whenWritten(done: () => void): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping(undefined, undefined, done)
    else done()
  }

  drained(): Promise<void> | undefined {
    this.flush()
    if (this.#closed || this.#socket.bufferedAmount === 0) return undefined
    const { pauseMs } = this.#limits
    const cancel = pauseMs > 0 ? this.#clock.after(pauseMs, () => this.destroy(UNREAD)) : undefined
    return new Promise((resolve) =>
      this.#whenWritten(() => {
        cancel?.()
        resolve()
      }),
    )
  }

  pause(): void {
    this.#paused = true
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.pause()
  }

  resume(): void {
    this.#paused = false
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.resume()
    this.#deliver()
  }

  startTls(): void {
    throw new Error('There is no STARTTLS on a WebSocket (RFC 7395 §3.9).')
  }

  end(timeoutMs: number): void {
    if (this.#closed || this.#ending) return
    this.flush()
    this.#ending = true
    this.#socket.resume()
    this.#socket.close(NORMAL)
    if (timeoutMs > 0) this.#clock.after(timeoutMs, () => this.destroy('closed'))
  }

  destroy(reason: string): void {
    if (this.#closed) return
    this.#finish(reason)
    this.#socket.terminate()
  }

  #take(message: Uint8Array): void {
    if (this.#closed || this.#ending) return
    this.#input.push(message)
    this.#deliver()
  }

  #deliver(): void {
    while (!this.#paused && !this.#closed && !this.#ending && this.#input.length > 0)
      this.receiver.onData(this.#input.shift()!)
  }

  #refuse(): void {
    this.#socket.close(UNSUPPORTED, 'XMPP is text.')
    this.#finish('a binary message')
  }

  /** Whoever has not answered the last ping by now is not there any more. */
  #ping(): void {
    if (this.#awaitsPong) return this.destroy('no answer to a ping')
    this.#awaitsPong = true
    this.#socket.ping()
  }

  #finish(reason: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#output = []
    this.#input = []
    this.#cancelDrop?.()
    this.receiver.onClose(reason)
  }
}
