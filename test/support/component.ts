import { createHash } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import type { Element } from '../../src/api.ts'
import type { Server } from '../../src/server.ts'
import { Client } from './client.ts'
import { MemoryPair, type Transport } from './transport.ts'

interface ComponentTransport extends Transport {
  pause?(): void
}

/** A component (XEP-0114) that says what a story makes it say and remembers what it hears. Its stanzas name both addresses. */
export class ComponentClient {
  readonly domain: string
  readonly transport: ComponentTransport
  /** What does the hearing, and the exchanges. */
  readonly client: Client
  #nextFence = 1
  readonly #streamId = Promise.withResolvers<string>()

  constructor(transport: ComponentTransport, domain: string) {
    this.transport = transport
    this.domain = domain
    this.client = new Client(transport)
    this.client.jid = domain
    const { onText } = transport
    let beginning = ''
    transport.onText = (text) => {
      beginning = (beginning + text).slice(0, 1000)
      const id = /<stream:stream [^>]*\bid='([^']*)'/.exec(beginning)?.[1]
      if (id !== undefined) this.#streamId.resolve(id)
      onText(text)
    }
  }

  /** Connects over TCP and shakes hands. */
  static async connect(port: number, domain: string, secret: string): Promise<ComponentClient> {
    const component = new ComponentClient(await connectPlain(port), domain)
    await component.authenticates(secret)
    return component
  }

  /** Connects in memory and shakes hands. */
  static async join(server: Server, domain: string, secret: string): Promise<ComponentClient> {
    const pair = new MemoryPair()
    server.acceptComponent(pair)
    const component = new ComponentClient(pair, domain)
    await component.authenticates(secret)
    return component
  }

  /** Opens the stream; resolves with its id. */
  async opens(attributes = `xmlns='jabber:component:accept' to='${this.domain}'`): Promise<string> {
    this.send(`<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' ${attributes}>`)
    return await this.#streamId.promise
  }

  /** Opens the stream and shows that it knows the secret. */
  async authenticates(secret: string): Promise<void> {
    this.send(handshake(await this.opens(), secret))
    await this.receives`<handshake/>`
  }

  /** Sends text as it is. */
  send(text: string | Uint8Array): void {
    this.client.send(text)
  }

  /** Takes nothing more from the network; only over TCP. */
  pausesReading(): void {
    this.transport.pause!()
  }

  get ended(): boolean {
    return this.client.ended
  }
  get sends(): Client['sends'] {
    return this.client.sends.bind(this.client)
  }
  get asks(): Client['asks'] {
    return this.client.asks
  }
  get isRefused(): Client['isRefused'] {
    return this.client.isRefused.bind(this.client)
  }
  get receives(): Client['receives'] {
    return this.client.receives
  }

  /** The next stanza, whatever it is. */
  async next(): Promise<Element> {
    return await this.client.next()
  }

  /** Expects nothing to have come before the answer to a ping sent now to one of the server's hosts. */
  async receivesNothing(host = 'localhost'): Promise<void> {
    const id = `component-fence-${this.#nextFence++}`
    this.send(`<iq type='get' id='${id}' from='${this.domain}' to='${host}'><ping xmlns='urn:xmpp:ping'/></iq>`)
    await this.receives`<iq type='result' id='${id}' from='${host}'/>`
  }

  /** Expects the stream to end with this error, after what was heard before, and the connection with it. */
  async receivesStreamError(condition: string): Promise<void> {
    await this.client.receivesStreamError(condition)
  }

  /** Expects the stream to be over, with nothing unheard. */
  async ends(): Promise<void> {
    await this.client.ends()
  }

  /** Closes the stream in order. */
  async leaves(): Promise<void> {
    this.send('</stream:stream>')
    await this.ends()
  }
}

/** The element that shows knowledge of a secret on a stream (XEP-0114 §3). */
export function handshake(streamId: string, secret: string): string {
  return `<handshake>${createHash('sha1')
    .update(streamId + secret)
    .digest('hex')}</handshake>`
}

/** Connects over plain TCP. */
export async function connectPlain(port: number): Promise<ComponentTransport> {
  const socket = net.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.setNoDelay(true)
  socket.setEncoding('utf8')
  const transport: ComponentTransport = {
    onText: () => {},
    onClose: () => {},
    send: (text) => void socket.write(text),
    cut: () => void socket.destroy(),
    pause: () => void socket.pause(),
  }
  socket.on('data', (text: string) => transport.onText(text))
  socket.on('close', () => transport.onClose())
  socket.on('error', () => {})
  return transport
}
