import assert from 'node:assert/strict'
import { once } from 'node:events'
import WebSocket from 'ws'
import { type Element, parseDocument } from '../../src/api.ts'
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
