import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import {
  type Cancel,
  type ChannelBindingSource,
  type Clock,
  type Connection,
  type ConnectionReceiver,
  type Flushable,
  FrameReader,
  type Framing,
  flushSoon,
  type HttpClient,
  type OutputLimits,
} from '#api'
import { declare, toMessages, webSocketFraming } from './framing.ts'

const UNREAD = 'the peer does not read what it is sent'
/** RFC 6455 §7.4.1: all is said; the type of a message is none that is spoken here; a message is too long. */
const NORMAL = 1000
const UNSUPPORTED = 1003
const TOO_LONG = 1009
/** What WebSocket itself may put around a message, in bytes, when that comes in fragments. */
const WRAPPING = 256
/**
 * In how many pieces a message may arrive, whatever its length, and how long they have to be beyond that, on average, to be taken
 * up to the limit: each takes some 400 bytes of memory, however short it is.
 */
const [PIECES, PIECE] = [64, 128]

/** A client's connection by WebSocket: one element a message. */
export class WebSocketConnection implements Connection, Flushable {
  receiver!: ConnectionReceiver
  readonly remoteAddress: string
  readonly secure: boolean
  readonly transport = 'websocket'
  readonly tlsVersion: string | undefined
  readonly canStartTls = false
  readonly channelBinding: ChannelBindingSource | undefined
  readonly framing: Framing = {
    ...webSocketFraming,
    reader: (target, limits) => (this.#reader = new FrameReader(target, limits)),
    keepAlive: () => this.#ping(),
  }
  readonly #socket: WebSocket
  /** What `#socket` is spoken on. */
  readonly #carrier: Duplex
  readonly #limits: OutputLimits
  readonly #clock: Clock
  #output: string[] = []
  /** UTF-16 units of `#output`. */
  #length = 0
  #reader: FrameReader | undefined
  /** Messages that came while nothing was to be read. */
  #input: Uint8Array[] = []
  #delivering = false
  /** Bytes of the message that is coming in: about as many as came since the last, and never fewer. */
  #unread = 0
  #lastChunk = 0
  /** How many pieces those bytes came in. */
  #pieces = 0
  #paused = false
  #congested = false
  #cancelDrop: Cancel | undefined
  #awaitsPong = false
  #closeCode = NORMAL
  #ending = false
  #closed = false

  constructor(socket: WebSocket, carrier: Duplex, client: HttpClient, limits: OutputLimits, clock: Clock) {
    this.#socket = socket
    this.#carrier = carrier
    this.remoteAddress = client.address
    this.secure = client.secure
    this.channelBinding = client.channelBinding
    this.tlsVersion = client.channelBinding?.tlsVersion
    this.#limits = limits
    this.#clock = clock
    this.#listen()
  }

  #listen(): void {
    const socket = this.#socket
    // Before `ws` has read them, and after.
    this.#carrier.prependListener('data', (chunk: Uint8Array) => {
      this.#lastChunk = chunk.length
      this.#unread += chunk.length
      this.#pieces++
    })
    this.#carrier.on('data', () => this.#checkLength())
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      this.#unread = Math.min(this.#unread - wireLength(data.length), this.#lastChunk)
      this.#pieces = 1
      // RFC 7395 §3.2: XMPP is text.
      if (isBinary) this.#refuse()
      else this.#take(data)
    })
    socket.on('ping', (data) => this.#hearControl(data))
    socket.on('pong', (data) => this.#hearControl(data))
    socket.on('error', (error) => this.#finish(error.message))
    socket.on('close', () => this.#finish('closed'))
  }

  write(text: string): void {
    if (this.#closed || this.#ending) return
    if (this.#output.length === 0) flushSoon(this)
    this.#output.push(declare(text))
    this.#length += text.length
    const { dropBytes, pauseBytes } = this.#limits
    if (dropBytes > 0 && this.#length + this.#carrier.writableLength > dropBytes) this.destroy(UNREAD)
    else if (pauseBytes > 0 && this.#length > pauseBytes) this.flush()
  }

  flush(): void {
    if (this.#closed || this.#output.length === 0) return
    const output = this.#output
    this.#output = []
    this.#length = 0
    // RFC 6455 §5.5.1: nothing follows an end.
    if (this.#socket.readyState !== this.#socket.OPEN) return
    // Not by `ws`, to which each message is two buffers. What that says itself it writes at once, so that the order holds.
    this.#carrier.write(toMessages(output), 'latin1')
    if (this.#limits.pauseBytes > 0 && this.#carrier.writableLength > this.#limits.pauseBytes) this.#congest()
  }

  #congest(): void {
    if (this.#congested) return
    this.#congested = true
    const { pauseMs } = this.#limits
    if (pauseMs > 0) this.#cancelDrop = this.#clock.after(pauseMs, () => this.destroy(UNREAD))
    // Behind everything else, and nothing itself.
    this.#carrier.write('', () => {
      this.#cancelDrop?.()
      this.#congested = false
      if (!this.#closed) this.receiver.onCongestion(false)
    })
    this.receiver.onCongestion(true)
  }

  drained(): Promise<void> | undefined {
    this.flush()
    if (this.#closed || this.#carrier.writableLength === 0) return undefined
    const { pauseMs } = this.#limits
    const cancel = pauseMs > 0 ? this.#clock.after(pauseMs, () => this.destroy(UNREAD)) : undefined
    return new Promise((resolve) =>
      this.#carrier.write('', () => {
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
    // What the client answered was not read.
    this.#awaitsPong = false
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
    this.#socket.close(this.#closeCode)
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
    if (this.#delivering) return
    this.#delivering = true
    while (!this.#paused && !this.#closed && !this.#ending && this.#input.length > 0)
      this.receiver.onData(this.#input.shift()!)
    this.#delivering = false
  }

  #hearControl(data: Uint8Array): void {
    this.#unread -= wireLength(data.length)
    // Unless it came in the middle of a message.
    if (this.#unread <= this.#lastChunk) this.#pieces = 1
    this.#awaitsPong = false
  }

  /** A message is not gathered beyond what the stream it belongs to may hold now: little, before a login. */
  #checkLength(): void {
    const most = this.#reader?.maxBytes ?? 0
    const isShort = this.#unread <= most + WRAPPING && this.#pieces <= PIECES + most / PIECE
    if (most === 0 || isShort) return
    this.#closeCode = TOO_LONG
    this.#reader!.refuseLength()
    // Nothing more is read, so that whoever is still sending gets to hear why.
    this.#carrier.removeAllListeners('data')
    this.#carrier.on('data', () => {})
    this.#carrier.resume()
    this.#carrier.end()
  }

  #refuse(): void {
    this.#socket.close(UNSUPPORTED, 'XMPP is text.')
    this.#finish('a binary message')
  }

  /** Whoever has not answered the last ping by now is not there any more; an answer nobody reads is not missing. */
  #ping(): void {
    if (this.#closed || this.#ending || this.#paused) return
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

/** How many bytes a message of a client, or a ping or pong, takes when it comes in one piece (RFC 6455 §5.2). */
function wireLength(bytes: number): number {
  return bytes + (bytes < 126 ? 6 : bytes < 65_536 ? 8 : 14)
}
