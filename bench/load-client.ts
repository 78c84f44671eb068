import net from 'node:net'
import tls from 'node:tls'

/** Where a server under test takes clients. */
export interface Target {
  readonly domain: string
  readonly port: number
  /** Whether the port speaks TLS from the first byte (XEP-0368). */
  readonly tls: boolean
  readonly password: string
}

const end = Buffer.from('</message>')
const loginTimeoutMs = 60_000

/**
 * A client on a raw socket that is cheaper than any server: once logged in it counts closing tags of messages and
 * looks at nothing else, so that the load never waits for its generator.
 */
export class LoadClient {
  /** Hears how many messages have just come in. */
  onMessages: (count: number) => void = () => {}
  /** Hears that the connection is gone or an error stanza came. */
  onTrouble: (reason: string) => void = () => {}
  readonly account: string
  readonly #socket: net.Socket
  #text = ''
  #tail = ''
  #online = false
  #ended = false
  #arrived: () => void = () => {}

  private constructor(socket: net.Socket, account: string) {
    this.#socket = socket
    this.account = account
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => (this.#online ? this.#count(chunk) : this.#collect(chunk)))
    socket.on('error', (error) => this.#lose(error.message))
    socket.on('close', () => this.#lose('closed'))
  }

  /** Connects, logs in with SASL PLAIN, binds and sends initial presence; rejects with what the server said. */
  static async login(target: Target, local: string, resource: string): Promise<LoadClient> {
    const client = new LoadClient(await connect(target), `${local}@${target.domain}`)
    try {
      const header = `<?xml version='1.0'?><stream:stream to='${target.domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
      await client.#ask(header, '</stream:features>')
      const secret = Buffer.from(`\0${local}\0${target.password}`).toString('base64')
      await client.#ask(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${secret}</auth>`, '<success')
      await client.#ask(header, '</stream:features>')
      const bind = `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${resource}</resource></bind>`
      await client.#ask(`<iq type='set' id='bind'>${bind}</iq>`, '</iq>')
      await client.#ask(
        `<presence/><iq type='get' id='up' to='${target.domain}'><ping xmlns='urn:xmpp:ping'/></iq>`,
        /id=['"]up['"]/,
      )
      client.#text = ''
      client.#online = true
      return client
    } catch (error) {
      client.close()
      throw error
    }
  }

  send(text: string): void {
    this.#socket.write(text, 'latin1')
  }

  /** Cuts the connection. */
  close(): void {
    this.#ended = true
    this.#socket.destroy()
  }

  async #ask(text: string, answer: string | RegExp): Promise<void> {
    this.#text = ''
    this.#socket.write(text)
    const deadline = Date.now() + loginTimeoutMs
    while (!(typeof answer === 'string' ? this.#text.includes(answer) : answer.test(this.#text))) {
      if (this.#ended || /<failure|<stream:error/.test(this.#text) || Date.now() > deadline)
        throw new Error(`${this.account} was not let in: ${this.#text.slice(-300) || 'connection lost'}`)
      await new Promise<void>((resolve) => {
        this.#arrived = resolve
        setTimeout(resolve, 1_000).unref()
      })
    }
  }

  #collect(chunk: Buffer): void {
    this.#text += chunk.toString('latin1')
    this.#arrived()
  }

  #count(chunk: Buffer): void {
    let found =
      this.#tail !== '' && `${this.#tail}${chunk.toString('latin1', 0, end.length - 1)}`.includes('</message>') ? 1 : 0
    for (let at = chunk.indexOf(end); at >= 0; at = chunk.indexOf(end, at + end.length)) found++
    const kept = end.length - 1
    this.#tail =
      chunk.length >= kept
        ? chunk.toString('latin1', chunk.length - kept)
        : `${this.#tail}${chunk.toString('latin1')}`.slice(-kept)
    if (chunk.includes('error')) this.onTrouble(chunk.toString('latin1'))
    if (found > 0) this.onMessages(found)
  }

  #lose(reason: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#arrived()
    if (this.#online) this.onTrouble(reason)
  }
}

function connect(target: Target): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const where = { host: '127.0.0.1', port: target.port }
    const socket = target.tls
      ? tls.connect({
          ...where,
          servername: target.domain,
          ALPNProtocols: ['xmpp-client'],
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
