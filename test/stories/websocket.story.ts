import assert from 'node:assert/strict'
import { once } from 'node:events'
import WebSocket from 'ws'
import { type Element, parseDocument } from '../../src/api.ts'
import { ConnectionCount } from '../../src/net/listener.ts'
import { type Story, story } from '../support/story.ts'

// RFC 7395

const FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing'
const PLAIN = Buffer.from('\0romeo\0wherefore art thou').toString('base64')

/** A client that hears one frame after another. */
class Socket {
  readonly socket: WebSocket
  readonly #frames: string[] = []
  #hear: () => void = () => {}
  readonly closed: Promise<number>

  constructor(url: string, protocols: string[] = ['xmpp'], headers: Record<string, string> = {}) {
    this.socket = new WebSocket(url, protocols, { headers })
    this.socket.on('message', (data) => {
      this.#frames.push(String(data))
      this.#hear()
    })
    this.closed = once(this.socket, 'close').then(([code]) => code as number)
  }

  async text(): Promise<string> {
    while (this.#frames.length === 0) await new Promise<void>((resolve) => (this.#hear = resolve))
    return this.#frames.shift()!
  }

  async next(): Promise<Element> {
    return parseDocument(await this.text())
  }

  send(text: string): void {
    this.socket.send(text)
  }

  async opens(): Promise<Element> {
    this.send(`<open xmlns='${FRAMING}' to='localhost' version='1.0'/>`)
    const open = await this.next()
    assert.deepEqual([open.name, open.attrs['from'], open.attrs['version']], ['open', 'localhost', '1.0'])
    const features = await this.next()
    assert.equal(features.name, 'features', String(features))
    return features
  }

  async logsIn(): Promise<string> {
    await once(this.socket, 'open')
    await this.opens()
    this.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${PLAIN}</auth>`)
    assert.equal((await this.next()).name, 'success')
    await this.opens()
    this.send("<iq xmlns='jabber:client' type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
    const answer = await this.next()
    assert.equal(answer.attrs['type'], 'result', String(answer))
    return answer.getChild('bind', 'urn:ietf:params:xml:ns:xmpp-bind')!.getChildText('jid')!
  }
}

const url = async (s: Story) => `${(await s.bed.web()).replace('http', 'ws')}/xmpp-websocket`

story('A client logs in by WebSocket and talks to one that came another way // RFC 7395 §3', async (s) => {
  const juliet = await s.online('juliet/balcony')
  await s.createAccount('romeo')
  const romeo = new Socket(await url(s))
  const jid = await romeo.logsIn()
  assert.equal(romeo.socket.protocol, 'xmpp')
  romeo.send(`<message xmlns='jabber:client' to='${juliet.jid}' type='chat'><body>Hi</body></message>`)
  await juliet.receives`<message from='${jid}' type='chat'><body>Hi</body></message>`
  await juliet.sends`<message to='${jid}' type='chat'><body>Ho</body></message>`
  assert.match(await romeo.text(), /^<message xmlns="jabber:client" .*<body>Ho<\/body>/)
  // §3.6
  romeo.send(`<close xmlns='${FRAMING}'/>`)
  assert.equal((await romeo.next()).name, 'close')
  assert.equal(await romeo.closed, 1000)
})

story(
  'A connection that goes without a word is lost, and the session may be taken up again // XEP-0198 §5',
  async (s) => {
    await s.createAccount('romeo')
    const first = new Socket(await url(s))
    await first.logsIn()
    first.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
    const { attrs } = await first.next()
    first.socket.terminate()
    await first.closed
    while ([...s.host.users()].some((user) => [...user.sessions.values()].some(({ resting }) => !resting)))
      await new Promise((resolve) => setImmediate(resolve))
    const second = new Socket(await url(s))
    await once(second.socket, 'open')
    await second.opens()
    second.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${PLAIN}</auth>`)
    await second.next()
    await second.opens()
    second.send(`<resume xmlns='urn:xmpp:sm:3' h='0' previd='${attrs['id']}'/>`)
    assert.equal((await second.next()).name, 'resumed')
    second.send(`<close xmlns='${FRAMING}'/>`)
    await second.closed
  },
)

story('An error comes after the server’s <open/>, and ends everything // RFC 7395 §3.5', async (s) => {
  for (const [said, condition] of [
    ["<message xmlns='jabber:client'/>", 'bad-format'],
    [`<open xmlns='${FRAMING}' to='elsewhere.example' version='1.0'/>`, 'host-unknown'],
    [`<open xmlns='${FRAMING}' to='${'a'.repeat(20_000)}' version='1.0'/>`, 'policy-violation'],
  ] as const) {
    const client = new Socket(await url(s))
    await once(client.socket, 'open')
    client.send(said)
    assert.equal((await client.next()).name, 'open')
    const text = await client.text()
    assert.match(text, /^<stream:error xmlns:stream="http:\/\/etherx.jabber.org\/streams">/)
    assert.ok(text.includes(`<${condition} `), text)
    assert.equal((await client.next()).name, 'close')
    assert.equal(await client.closed, 1000)
  }
})

story(
  'A domain that has WebSocket turned off is not there by that of another',
  async (s) => {
    for (const [to, said] of [
      ['verona.example', 'error'],
      ['localhost', 'features'],
    ] as const) {
      const client = new Socket(await url(s))
      await once(client.socket, 'open')
      client.send(`<open xmlns='${FRAMING}' to='${to}' version='1.0'/>`)
      assert.equal((await client.next()).attrs['from'], 'localhost')
      assert.ok((await client.text()).startsWith(`<stream:${said}`))
      client.socket.close()
      await client.closed
    }
  },
  { hosts: ['localhost', 'verona.example'], without: { 'verona.example': ['websocket'] } },
)

story('What is no XMPP gets no connection, or loses it // RFC 7395 §3.1, §3.2', async (s) => {
  const status = async (client: Socket) => {
    const [, response] = (await once(client.socket, 'unexpected-response')) as [unknown, { statusCode: number }]
    return response.statusCode
  }
  assert.equal(await status(new Socket(await url(s), ['chat'])), 400)
  assert.equal(await status(new Socket(await url(s), [])), 400)
  const binary = new Socket(await url(s))
  await once(binary.socket, 'open')
  binary.socket.send(Buffer.from('<a/>'), { binary: true })
  assert.equal(await binary.closed, 1003)
  const large = new Socket(await url(s))
  await once(large.socket, 'open')
  large.socket.on('error', () => {})
  large.send('a'.repeat(300 * 1024))
  assert.equal(await large.closed, 1009)
})

story(
  'A message that comes in crumbs, each of which takes room, is not gathered for long before a login',
  async (s) => {
    const client = new Socket(await url(s))
    await once(client.socket, 'open')
    const carrier = (client.socket as unknown as { _socket: import('node:net').Socket })._socket
    // The beginning of a message of 8000 bytes, which is within the limit.
    carrier.write(Buffer.from('81fe1f4000000000', 'hex'))
    let crumbs = 0
    while (client.socket.readyState === WebSocket.OPEN && crumbs < 1_000) {
      carrier.write('<')
      crumbs++
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.ok(crumbs < 1_000)
    assert.equal((await client.next()).name, 'open')
    assert.match(await client.text(), /<policy-violation /)
    assert.equal((await client.next()).name, 'close')
    assert.equal(await client.closed, 1009)
    // Pings and messages of their own, in pieces, are no crumbs.
    const patient = new Socket(await url(s))
    await once(patient.socket, 'open')
    const pieces = (patient.socket as unknown as { _socket: import('node:net').Socket })._socket
    for (let i = 0; i < 200; i++)
      for (const piece of ['89', '81', '0000000061']) {
        pieces.write(Buffer.from(piece, 'hex'))
        await new Promise((resolve) => setImmediate(resolve))
      }
    await patient.opens()
    patient.socket.terminate()
  },
)

story(
  'Pages of other origins may not connect where an admin names those that may',
  async (s) => {
    const refused = new Socket(await url(s), ['xmpp'], { origin: 'https://evil.example' })
    const [, response] = (await once(refused.socket, 'unexpected-response')) as [unknown, { statusCode: number }]
    assert.equal(response.statusCode, 403)
    const taken = new Socket(await url(s), ['xmpp'], { origin: 'https://chat.example' })
    await once(taken.socket, 'open')
    taken.socket.terminate()
  },
  { modules: { websocket: { origins: ['https://chat.example'] } } },
)

story(
  'A client that answers no ping is not there any more // RFC 7395 §3.8',
  async (s) => {
    await s.createAccount('romeo')
    const client = new Socket(await url(s))
    await client.logsIn()
    // It reads on, but its answers do not come.
    ;(client.socket as unknown as { pong: () => void }).pong = () => {}
    const pinged = once(client.socket, 'ping')
    while (!(await Promise.race([pinged.then(() => true), s.advance(300_000).then(() => false)])));
    while (client.socket.readyState === WebSocket.OPEN) await s.advance(300_000)
    assert.equal(await client.closed, 1006)
  },
  { server: { limits: { keepalive: 300_000 } } },
)

story(
  'Who comes through a proxy counts by its own address, as long as the connection is there',
  async (s) => {
    const count = new ConnectionCount({ connections: 0, connectionsPerAddress: 2 })
    const port = await s.bed.server.listenForWeb('127.0.0.1', 0, count)
    const connects = (...said: [name: string, address: string][]) =>
      new Socket(`ws://127.0.0.1:${port}/xmpp-websocket`, ['xmpp'], Object.fromEntries(said))
    const opened = async (...said: [name: string, address: string][]) => {
      const client = connects(...said)
      await once(client.socket, 'open')
      return client
    }
    const first = await opened(['x-forwarded-for', '192.0.2.7'])
    const second = await opened(['forwarded', 'for=192.0.2.7'])
    const refused = connects(['x-forwarded-for', '192.0.2.9, 192.0.2.7'])
    const [, response] = (await once(refused.socket, 'unexpected-response')) as [unknown, { statusCode: number }]
    assert.equal(response.statusCode, 429)
    assert.deepEqual(count.refused, { address: 1, total: 0 })
    const others = [await opened(['x-forwarded-for', '192.0.2.8']), await opened(), await opened(), await opened()]
    // A request that is no client's own for long does not count.
    const headers = { 'x-forwarded-for': '192.0.2.7' }
    assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`, { headers })).status, 200)
    first.socket.terminate()
    let third = connects(['x-forwarded-for', '192.0.2.7'])
    third.socket.on('error', () => {})
    while (third.socket.readyState !== WebSocket.OPEN) {
      if (third.socket.readyState === WebSocket.CLOSED) third = connects(['x-forwarded-for', '192.0.2.7'])
      third.socket.on('error', () => {})
      await new Promise((resolve) => setImmediate(resolve))
    }
    for (const { socket } of [second, third, ...others]) socket.terminate()
  },
  { server: { proxies: ['127.0.0.1'] } },
)
