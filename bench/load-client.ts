import { createHash } from 'node:crypto'
import net from 'node:net'
import tls from 'node:tls'
import { type Line, openWebSocketLine } from './websocket-line.ts'

/** Where a server under test takes clients. */
export interface Target {
  readonly domain: string
  readonly port: number
  /** Whether the port speaks TLS from the first byte (XEP-0368). */
  readonly tls: boolean
  /** Whether it speaks HTTP, and XMPP by WebSocket (RFC 7395). */
  readonly webSocket?: boolean
  readonly password: string
}

/** What a client asks for once it is logged in. */
export interface Wishes {
  /** Stream management (XEP-0198): acknowledges, and asks to be acknowledged, every `ackEvery` messages. */
  readonly streamManagement?: boolean
  /** Copies of what the account's other devices send and receive (XEP-0280). */
  readonly carbons?: boolean
  /** To be told of what contacts publish at this node (XEP-0163 §4.2), which the client says in its capabilities. */
  readonly interest?: string
}

/** What a client tells of. */
export interface Ears {
  /** A message has come: the number of its lane, and its number there (see `nameMessage`). */
  readonly message: (lane: number, number: number) => void
  /** The connection is gone, or an error came. */
  readonly trouble: (reason: string) => void
}

/** A client acknowledges, and asks to be acknowledged, each time so many messages have come or gone. */
export const ackEvery = 5

const end = Buffer.from('</message>')
/** What stands before a message's name in its body. */
export const markSign = '~'.charCodeAt(0)
/** The length of a name, and the first one. */
export const nameDigits = 14
export const firstName = 10 ** (nameDigits - 1)
/** Names of one lane and those of the next are so far apart. */
export const lanesApart = 10 ** 8
const loginTimeoutMs = 60_000
const smXmlns = 'urn:xmpp:sm:3'
const discoXmlns = 'http://jabber.org/protocol/disco#info'
const nothing = Buffer.alloc(0)

/** The name of the `number`th message of a lane. Behind a `~` at the beginning of the body it is read again. */
export function nameMessage(lane: number, number: number): string {
  return String(firstName + lane * lanesApart + number)
}

/**
 * A client on a raw socket that is cheaper than any server: once logged in it looks for the ends of messages, reads
 * the mark in each, and parses nothing, so that the load never waits for its generator.
 */
export class LoadClient {
  readonly account: string
  /** Messages sent. */
  sent = 0
  /** How many of them the server has acknowledged (XEP-0198). */
  acknowledged = 0
  readonly #socket: Line
  readonly #ears: Ears
  #managed = false
  #handled = 0
  #text = ''
  #rest: Buffer = nothing
  #online = false
  #ended = false
  #arrived: () => void = () => {}
  #tap: ((chunk: Buffer) => void) | undefined
  #capabilities: Capabilities | undefined

  private constructor(socket: Line, account: string, ears: Ears) {
    this.#socket = socket
    this.account = account
    this.#ears = ears
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => (this.#online ? this.#hand(chunk) : this.#collect(chunk)))
    socket.on('error', (error) => this.#lose(error.message))
    socket.on('close', () => this.#lose('closed'))
  }

  /** Connects, logs in with SASL PLAIN, binds and sends initial presence; rejects with what the server said. */
  static async login(
    target: Target,
    local: string,
    resource: string,
    ears: Ears,
    wishes: Wishes = {},
  ): Promise<LoadClient> {
    const client = new LoadClient(await connect(target), `${local}@${target.domain}`, ears)
    try {
      const header = `<?xml version='1.0'?><stream:stream to='${target.domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
      await client.#ask(header, '</stream:features>')
      const secret = Buffer.from(`\0${local}\0${target.password}`).toString('base64')
      await client.#ask(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${secret}</auth>`, '<success')
      await client.#ask(header, '</stream:features>')
      const bind = `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${resource}</resource></bind>`
      await client.#ask(`<iq type='set' id='bind'>${bind}</iq>`, '</iq>')
      if (wishes.carbons)
        await client.#ask(`<iq type='set' id='cc'><enable xmlns='urn:xmpp:carbons:2'/></iq>`, /id=['"]cc['"]/)
      const ping = `<iq type='get' id='up' to='${target.domain}'><ping xmlns='urn:xmpp:ping'/></iq>`
      if (wishes.interest !== undefined) client.#capabilities = capabilitiesOf(wishes.interest)
      const presence = client.#capabilities === undefined ? '<presence/>' : client.#capabilities.presence
      const early = await client.#ask(`${presence}${ping}`, /id=['"]up['"][\s\S]*>/)
      if (wishes.streamManagement) {
        await client.#ask(`<enable xmlns='${smXmlns}' resume='true'/>`, /<enabled [\s\S]*>/)
        client.#managed = true
        client.#resume('')
      } else client.#resume(early)
      return client
    } catch (error) {
      client.close()
      throw error
    }
  }

  /** Sends text as it is. */
  send(text: string): void {
    this.#socket.write(text, 'latin1')
  }

  /** Sends a message, now and then with a request to acknowledge it. */
  sendMessage(text: string): void {
    this.sent++
    this.send(this.#managed && this.sent % ackEvery === 0 ? `${text}<r xmlns='${smXmlns}'/>` : text)
  }

  /** Whether the server has acknowledged all that was sent, or need not. */
  isAcknowledged(): boolean {
    return !this.#managed || this.acknowledged === this.sent
  }

  /** Asks the server what it has handled. */
  askToAcknowledge(): void {
    this.send(`<r xmlns='${smXmlns}'/>`)
  }

  /** Sends something and resolves with all that comes until the answer is there; rejects on an error. Not with marks. */
  async ask(text: string, answer: string | RegExp): Promise<string> {
    this.#online = false
    const said = await this.#ask(text, answer)
    this.#resume('')
    return said
  }

  /** Hands all that comes, but for what is asked for, to somebody who reads it instead. */
  tap(take: (chunk: Buffer) => void): void {
    this.#tap = take
  }

  /** Ends the stream as a client does that is switched off; resolves when the server has ended it too. */
  async leave(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    const closed = new Promise((resolve) => this.#socket.once('close', resolve))
    this.#socket.end('</stream:stream>')
    const patience = setTimeout(() => this.#socket.destroy(), 5_000)
    await closed
    clearTimeout(patience)
  }

  /** Cuts the connection. */
  close(): void {
    this.#ended = true
    this.#socket.destroy()
  }

  async #ask(text: string, answer: string | RegExp): Promise<string> {
    this.#text = ''
    this.#socket.write(text)
    const deadline = Date.now() + loginTimeoutMs
    while (!(typeof answer === 'string' ? this.#text.includes(answer) : answer.test(this.#text))) {
      if (this.#ended || /<failure|<stream:error|<failed|type=['"]error/.test(this.#text) || Date.now() > deadline)
        throw new Error(`${this.account} was refused: ${this.#text.slice(-300) || 'connection lost'}`)
      await new Promise<void>((resolve) => {
        this.#arrived = resolve
        setTimeout(resolve, 1_000).unref()
      })
    }
    return this.#text
  }

  /** Answers a question for the client's capabilities, which comes after its presence (XEP-0115 §6.2). */
  #answerDisco({ info }: Capabilities, chunk: Buffer): void {
    if (!chunk.includes('disco#info')) return
    for (const [, attributes, query] of chunk
      .toString('latin1')
      .matchAll(/<iq ([^>]*)>\s*<query ([^>]*disco#info[^>]*)>/g)) {
      const attribute = (text: string, name: string) => new RegExp(`${name}=['"]([^'"]*)`).exec(text)?.[1] ?? ''
      const node = attribute(query!, 'node')
      const result = `<query xmlns='${discoXmlns}'${node && ` node='${node}'`}>${info}</query>`
      this.send(
        `<iq type='result' id='${attribute(attributes!, 'id')}' to='${attribute(attributes!, 'from')}'>${result}</iq>`,
      )
    }
  }

  #collect(chunk: Buffer): void {
    if (this.#capabilities !== undefined) this.#answerDisco(this.#capabilities, chunk)
    this.#text += chunk.toString('latin1')
    this.#arrived()
  }

  /** Goes on with reading marks, of what has come already first. */
  #resume(early: string): void {
    this.#text = ''
    this.#online = true
    if (early !== '') this.#read(Buffer.from(early, 'latin1'))
  }

  #hand(chunk: Buffer): void {
    if (this.#capabilities !== undefined) this.#answerDisco(this.#capabilities, chunk)
    if (this.#tap === undefined) this.#read(chunk)
    else this.#tap(chunk)
  }

  #read(chunk: Buffer): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    // No text of ours has this word.
    if (chunk.includes('error')) this.#ears.trouble(chunk.toString('latin1'))
    let at = 0
    for (;;) {
      if (this.#managed) at = this.#readAcks(data, at)
      const close = data.indexOf(end, at)
      if (close < 0) break
      const sign = data.indexOf(markSign, at)
      at = close + end.length
      this.#handle()
      // Of a carbon, the message inside it bears the mark; what ends after it bears none.
      if (sign >= 0 && sign < close) this.#hear(readDigits(data, sign + 1, nameDigits) - firstName)
    }
    this.#rest = at === data.length ? nothing : Buffer.from(data.subarray(at))
  }

  #hear(place: number): void {
    const number = place % lanesApart
    this.#ears.message((place - number) / lanesApart, number)
  }

  #handle(): void {
    this.#handled++
    if (this.#managed && this.#handled % ackEvery === 0) this.#acknowledge()
  }

  #acknowledge(): void {
    this.send(`<a xmlns='${smXmlns}' h='${this.#handled}'/>`)
  }

  /** Answers `<r/>` and reads `<a/>` where the next message would begin; returns where they end. */
  #readAcks(data: Buffer, at: number): number {
    for (;;) {
      while (data[at]! <= 0x20) at++
      const letter = data[at] === 0x3c ? data[at + 1] : undefined
      if ((letter !== 0x72 && letter !== 0x61) || (data[at + 2] ?? 0x61) >= 0x61) return at
      const close = data.indexOf(0x3e, at)
      if (close < 0) return at
      if (letter === 0x72) this.#acknowledge()
      else this.acknowledged = Number(/h=['"](\d+)/.exec(data.toString('latin1', at, close))?.[1])
      at = close + 1
    }
  }

  #lose(reason: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#arrived()
    if (this.#online) this.#ears.trouble(reason)
  }
}

/** What a client says it can do: the presence that announces it, and what a question for it is answered with. */
interface Capabilities {
  readonly presence: string
  readonly info: string
}

/** XEP-0115 §5.1. */
function capabilitiesOf(node: string): Capabilities {
  const features = [`${node}+notify`, discoXmlns].sort()
  const ver = createHash('sha1')
    .update(`client/pc//bench<${features.map((name) => `${name}<`).join('')}`)
    .digest('base64')
  const caps = `<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:bench' ver='${ver}'/>`
  return {
    presence: `<presence>${caps}</presence>`,
    info: `<identity category='client' type='pc' name='bench'/>${features.map((name) => `<feature var='${name}'/>`).join('')}`,
  }
}

/** The number that stands somewhere in so many digits. */
export function readDigits(data: Buffer, at: number, count: number): number {
  let value = 0
  for (let i = at; i < at + count; i++) value = value * 10 + data[i]! - 0x30
  return value
}

async function connect(target: Target): Promise<Line> {
  const socket = await connectSocket(target)
  return target.webSocket ? await openWebSocketLine(socket, target.domain) : socket
}

function connectSocket(target: Target): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const where = { host: '127.0.0.1', port: target.port }
    const socket = target.tls
      ? tls.connect({
          ...where,
          servername: target.domain,
          ALPNProtocols: [target.webSocket ? 'http/1.1' : 'xmpp-client'],
          rejectUnauthorized: false,
        })
      : net.connect(where)
    socket.once('error', reject)
    socket.once(target.tls ? 'secureConnect' : 'connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}
