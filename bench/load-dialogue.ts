import net from 'node:net'
import tls from 'node:tls'
import type { Transport } from './load.ts'
import type { Target } from './load-client.ts'

const timeoutMs = 20_000
/** One for all connections: making one reads the root certificates. */
const secureContext = tls.createSecureContext({ minVersion: 'TLSv1.3' })

/** A stream's header, as clients send it. */
export function headerTo(domain: string): string {
  return `<?xml version='1.0'?><stream:stream to='${domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
}

/** A connection on which a client says one thing at a time and waits for the answer. It parses nothing. */
export class Dialogue {
  /** Whether TLS was resumed. */
  resumed = false
  /** The ticket that came last; with TLS 1.3 it comes after the handshake. */
  session: Buffer | undefined
  #socket!: net.Socket
  #text = ''
  #heard: () => void = () => {}
  #lost = false

  /** Connects, through TLS as the transport says; with a session its ticket is used. */
  static async open(target: Target, transport: Transport, session: Buffer | undefined): Promise<Dialogue> {
    const dialogue = new Dialogue()
    const direct = transport.startsWith('tls')
    if (direct) return await dialogue.#secure({ host: '127.0.0.1', port: target.port }, target.domain, session)
    const socket = net.connect(target.port, '127.0.0.1')
    socket.setNoDelay(true)
    dialogue.#attach(socket)
    await dialogue.#until((resolve) => socket.once('connect', resolve))
    if (transport === 'plain') return dialogue
    await dialogue.ask(headerTo(target.domain), '</stream:features>')
    await dialogue.ask(`<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`, />$/)
    socket.removeAllListeners('data')
    return await dialogue.#secure({ socket }, target.domain, session)
  }

  /** Says something and resolves with what comes until it ends as told. */
  async ask(text: string, end: string | RegExp): Promise<string> {
    this.#text = ''
    this.say(text)
    const ended = typeof end === 'string' ? () => this.#text.endsWith(end) : () => end.test(this.#text)
    if (!ended()) await this.#until((resolve) => (this.#heard = () => ended() && resolve()))
    if (this.#text.includes('<failure')) throw new Error(this.#text)
    return this.#text
  }

  say(text: string): void {
    this.#socket.write(text, 'latin1')
  }

  /** Ends the stream in order, and waits for the server to end it. */
  async leave(): Promise<void> {
    this.#heard = () => {}
    const socket = this.#socket
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    this.#lost = true
    socket.end('</stream:stream>')
    const timer = setTimeout(() => socket.destroy(), timeoutMs)
    await closed
    clearTimeout(timer)
  }

  async #secure(where: tls.ConnectionOptions, servername: string, session: Buffer | undefined): Promise<this> {
    const socket = tls.connect({
      ...where,
      servername,
      secureContext,
      rejectUnauthorized: false,
      ALPNProtocols: ['xmpp-client'],
      ...(session && { session }),
    })
    socket.setNoDelay(true)
    socket.on('session', (ticket) => {
      this.session = ticket
    })
    this.#attach(socket)
    await this.#until((resolve) => socket.once('secureConnect', resolve))
    this.resumed = socket.isSessionReused()
    return this
  }

  #attach(socket: net.Socket): void {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1')
      this.#heard()
    })
    socket.on('error', () => {})
  }

  /** Waits for something, unless the connection goes or nothing comes for long. */
  #until(begin: (resolve: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = this.#socket
      const fail = () => done(this.#lost ? undefined : new Error(`the connection is lost: ${this.#text.slice(-300)}`))
      const timer = setTimeout(() => done(new Error(`no answer: ${this.#text.slice(-300)}`)), timeoutMs)
      const done = (error?: Error) => {
        clearTimeout(timer)
        socket.off('close', fail)
        if (error === undefined) resolve()
        else reject(error)
      }
      socket.once('close', fail)
      begin(() => done())
    })
  }
}
