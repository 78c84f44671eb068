import type net from 'node:net'
import tls from 'node:tls'
import type { Connection, ConnectionReceiver } from '../../src/net/connection.ts'

/** The client's end of a connection, whatever carries it. */
export interface Transport {
  onText: (text: string) => void
  onClose: () => void
  send(text: string | Uint8Array): void
  /** Ends it without a word. */
  cut(): void
}

/** A pair of ends in memory: the server's is a `Connection` that counts as encrypted, the client's a `Transport`. */
export class MemoryPair implements Connection, Transport {
  receiver!: ConnectionReceiver
  readonly remoteAddress = '192.0.2.1'
  readonly secure = true
  readonly canStartTls = false
  readonly channelBinding = undefined
  onText: (text: string) => void = () => {}
  onClose: () => void = () => {}
  #input: Uint8Array[] = []
  #paused = false
  #closed = false

  send(text: string | Uint8Array): void {
    this.#input.push(typeof text === 'string' ? Buffer.from(text) : text)
    setImmediate(() => this.#pump())
  }

  cut(): void {
    this.#finish('cut')
  }

  write(text: string): void {
    if (!this.#closed) setImmediate(() => this.onText(text))
  }

  drained(): undefined {}

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    setImmediate(() => this.#pump())
  }

  startTls(): void {
    throw new Error('memory is secure already')
  }

  end(): void {
    setImmediate(() => this.#finish('closed'))
  }

  destroy(reason: string): void {
    this.#finish(reason)
  }

  #pump(): void {
    while (!this.#paused && !this.#closed && this.#input.length > 0) this.receiver.onData(this.#input.shift()!)
  }

  #finish(reason: string): void {
    if (this.#closed) return
    this.#closed = true
    this.receiver.onClose(reason)
    this.onClose()
  }
}

/** Connects over direct TLS, trusting whatever certificate is served. */
export function connectTls(port: number, servername: string): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      port,
      host: '127.0.0.1',
      servername,
      ALPNProtocols: ['xmpp-client'],
      rejectUnauthorized: false,
    })
    socket.setNoDelay(true)
    const transport = overSocket(socket)
    socket.on('error', reject)
    socket.once('secureConnect', () => resolve(transport))
  })
}

/** The client's end of a socket; `cut` ends `carrier`, which what `socket` does goes over. */
export function overSocket(socket: net.Socket, carrier: net.Socket = socket): Transport {
  const transport: Transport = {
    onText: () => {},
    onClose: () => {},
    send: (text) => void socket.write(text),
    cut: () => void carrier.destroy(),
  }
  socket.setEncoding('utf8').on('data', (text: string) => transport.onText(text))
  socket.on('close', () => transport.onClose())
  socket.on('error', () => {})
  return transport
}
