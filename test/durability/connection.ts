import net from 'node:net'
import tls from 'node:tls'
import { type Element, serialize } from '../../src/api.ts'
import { NS } from '../../src/xml/namespaces.ts'
import { StreamParser } from '../../src/xml/parser.ts'

/** Where the server under test takes clients, in the clear. */
export interface Target {
  readonly port: number
  readonly domain: string
  readonly password: string
}

/** A way to lose a connection. */
export type Cut = 'close' | 'half-stanza' | 'reset' | 'silence'

const unlimited = { bytes: 0, depth: 0, elements: 0, attributes: 0 }
const patienceMs = 20_000

/** The other side, or the connection, ended what was under way. */
export class Disconnected extends Error {}

/** The server refused a login, or what was asked for with it. */
export class NotLetIn extends Error {
  /** Such as `not-authorized`. */
  readonly condition: string

  constructor(local: string, answer: Element, condition = answer.getChildElements()[0]?.name) {
    super(`${local} was not let in: ${serialize(answer)}`)
    this.condition = condition ?? answer.name
  }
}

/** One connection of a client, from TCP to the stream after login; it knows no stanza. */
export class Connection {
  /** Hears each top-level element once set; what came before is kept for {@link next} and then for this. */
  #listener: ((element: Element) => void) | undefined
  #onGone: (reason: string) => void = () => {}
  #pending: Element[] = []
  #waiter: (() => void) | undefined
  #reason: string | undefined
  #parser: StreamParser | undefined
  #deaf = false
  #socket!: net.Socket

  private constructor(socket: net.Socket) {
    this.#hears(socket)
  }

  #hears(socket: net.Socket): void {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      if (!this.#deaf) this.#parser?.write(chunk)
    })
    socket.on('error', (error) => this.#gone(error.message))
    socket.on('close', () => this.#gone('closed'))
  }

  /** Connects; resolves when the features have come. */
  static async open(target: Target): Promise<{ connection: Connection; features: Element }> {
    const connection = new Connection(net.connect({ port: target.port, host: '127.0.0.1', noDelay: true }))
    try {
      return { connection, features: await connection.#opens(target.domain) }
    } catch (error) {
      connection.cut('close')
      throw error
    }
  }

  /**
   * Connects and logs in with SASL PLAIN; resolves when the features of the new stream have come (RFC 6120 §6).
   *
   * @throws NotLetIn
   */
  static async login(target: Target, local: string): Promise<Connection> {
    const { connection } = await Connection.open(target)
    try {
      const secret = Buffer.from(`\0${local}\0${target.password}`).toString('base64')
      connection.write(`<auth xmlns='${NS.sasl}' mechanism='PLAIN'>${secret}</auth>`)
      const answer = await connection.next()
      if (answer.name !== 'success') throw new NotLetIn(local, answer)
      await connection.#opens(target.domain)
      return connection
    } catch (error) {
      connection.cut('close')
      throw error
    }
  }

  /** Goes on with TLS, whatever the certificate (RFC 6120 §5); resolves when the features have come anew. */
  async secures(domain: string): Promise<void> {
    this.write(`<starttls xmlns='${NS.tls}'/>`)
    const answer = await this.next()
    if (answer.name !== 'proceed') throw new Error(`no TLS: ${serialize(answer)}`)
    this.#socket.removeAllListeners('data')
    this.#hears(tls.connect({ socket: this.#socket, servername: domain, rejectUnauthorized: false }))
    this.#parser?.stop()
    this.#parser = undefined
    await this.#opens(domain)
  }

  /** Whether nothing more can be sent. */
  get gone(): boolean {
    return this.#reason !== undefined
  }

  write(text: string): void {
    if (!this.#deaf) this.#socket.write(text)
  }

  /** Resolves with the next top-level element; rejects with {@link Disconnected} when there will be none. */
  async next(): Promise<Element> {
    if (this.#pending.length === 0 && this.#reason === undefined) await this.#arrival()
    const element = this.#pending.shift()
    if (element === undefined) throw new Disconnected(this.#reason)
    if (element.is('error', NS.streams)) throw new Disconnected(serialize(element))
    return element
  }

  /** Gives all that comes to a listener, from what nobody has taken yet on; `onGone` hears of the end, unless cut here. */
  listen(listener: (element: Element) => void, onGone: (reason: string) => void): void {
    this.#listener = listener
    for (const element of this.#pending.splice(0)) if (!this.#deaf) listener(element)
    if (this.#reason === undefined || this.#deaf) this.#onGone = onGone
    else onGone(this.#reason)
  }

  /**
   * Loses the connection on purpose; nothing that comes later is heard. With `silence` it stays open and says nothing,
   * like a peer that has moved to another network. `half` is sent before: the beginning of a stanza.
   */
  cut(how: Cut, half = ''): void {
    this.#deaf = true
    this.#reason ??= 'cut'
    this.#waiter?.()
    if (how === 'reset') this.#socket.resetAndDestroy()
    else if (how === 'half-stanza') this.#socket.write(half, () => this.#socket.destroy())
    else if (how === 'close') this.#socket.destroy()
  }

  /** Resolves when the socket is closed, by whomever; rejects when it takes too long. */
  async closed(): Promise<void> {
    if (this.#socket.destroyed) return
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the server keeps a connection that was replaced')), patienceMs)
      this.#socket.once('close', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /** Closes the stream with its closing tag (RFC 6120 §4.4) and resolves when the connection has ended. */
  async leave(): Promise<void> {
    this.write('</stream:stream>')
    await this.closed()
  }

  async #opens(domain: string): Promise<Element> {
    const rest = this.#parser?.stop()
    this.#parser = this.#newParser()
    if (rest !== undefined) this.#parser.write(rest)
    this.write(
      `<?xml version='1.0'?><stream:stream to='${domain}' version='1.0' xmlns='jabber:client' xmlns:stream='${NS.streams}'>`,
    )
    const features = await this.next()
    if (features.name !== 'features') throw new Error(`no stream features: ${serialize(features)}`)
    return features
  }

  #newParser(): StreamParser {
    return new StreamParser(
      {
        onOpen: () => {},
        onStanza: (element) => this.#take(element),
        onEnd: () => {
          // RFC 6120 §4.4: whoever is told that a stream is closed closes it too.
          this.write('</stream:stream>')
          this.#socket.end()
        },
        onError: (error) => {
          this.#gone(`the server sent what is no XML: ${error.message}`)
          this.#socket.destroy()
        },
      },
      unlimited,
    )
  }

  #take(element: Element): void {
    if (this.#deaf) return
    if (this.#listener !== undefined) return this.#listener(element)
    this.#pending.push(element)
    this.#waiter?.()
  }

  async #arrival(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the server does not answer')), patienceMs)
      this.#waiter = () => {
        clearTimeout(timer)
        this.#waiter = undefined
        resolve()
      }
    })
  }

  #gone(reason: string): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.#waiter?.()
    this.#onGone(reason)
  }
}
