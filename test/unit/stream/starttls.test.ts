import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { after, before, test } from 'node:test'
import tls from 'node:tls'
import { type Element, serialize } from '../../../src/api.ts'
import { Jid } from '../../../src/jid/jid.ts'
import { Client } from '../../support/client.ts'
import { openTcpBed, type TcpBed } from '../../support/tcp-bed.ts'
import { overSocket, type Transport } from '../../support/transport.ts'
import { ScramClient } from '../auth/sasl-bed.ts'

const NS_TLS = 'urn:ietf:params:xml:ns:xmpp-tls'
let bed: TcpBed
before(async () => {
  bed = await openTcpBed()
  await bed.server.hosts.get('localhost')!.accounts.create('romeo', 'pencil')
})
after(async () => await bed.close())

/** A client on a plain socket, which can be upgraded. */
class PlainClient extends Client {
  readonly socket: net.Socket
  secured: tls.TLSSocket | undefined

  constructor(socket: net.Socket, transport: Transport) {
    super(transport)
    this.socket = socket
  }

  static async connect(): Promise<PlainClient> {
    const socket = net.connect(bed.port, '127.0.0.1')
    await once(socket, 'connect')
    const transport = overSocket(socket)
    return new PlainClient(socket, transport)
  }

  /** Goes on over TLS. */
  async secures(): Promise<Client> {
    this.socket.removeAllListeners('data')
    const secure = tls.connect({ socket: this.socket, servername: 'localhost', rejectUnauthorized: false })
    await once(secure, 'secureConnect')
    const transport: Transport = {
      onText: () => {},
      onClose: () => {},
      send: (text) => void secure.write(text),
      cut: () => void secure.destroy(),
    }
    secure.on('data', (chunk) => transport.onText(chunk.toString()))
    secure.on('close', () => transport.onClose())
    this.secured = secure
    return new Client(transport)
  }
}

/** A client that is about to log in over STARTTLS, what it was offered, and its TLS socket. */
async function aboutToLogIn(): Promise<{ client: Client; features: Element; socket: tls.TLSSocket }> {
  const plain = await PlainClient.connect()
  await plain.opens('localhost')
  plain.send(`<starttls xmlns='${NS_TLS}'/>`)
  await plain.receives`<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`
  const client = await plain.secures()
  const features = await client.opens('localhost')
  return { client, features, socket: plain.secured! }
}

test('STARTTLS is required, alone in the features, and leads to a login // RFC 6120 §5.3.1, §5.4', async () => {
  const client = await PlainClient.connect()
  const features = await client.opens('localhost')
  assert.ok(features.getChild('starttls', NS_TLS)?.getChild('required'))
  assert.equal(features.getChildElements().length, 1, String(features))
  client.send(`<starttls xmlns='${NS_TLS}'/>`)
  await client.receives`<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`
  const secure = await client.secures()
  await secure.logsIn('romeo', 'localhost', 'pencil')
  assert.equal(secure.header!.attrs['from'], 'localhost')
  await secure.receivesNothing()
  secure.transport.cut()
})

test('a login before TLS fails with encryption-required // RFC 6120 §6.5.4', async () => {
  const client = await PlainClient.connect()
  await client.opens('localhost')
  client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${btoa('\0romeo\0pencil')}</auth>`)
  await client.receives`<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><encryption-required/></failure>`
  client.transport.cut()
})

test('plain text sent along with <starttls/> is never answered inside TLS // RFC 6120 §5.4.3.3', async () => {
  const client = await PlainClient.connect()
  await client.opens('localhost')
  client.send(
    `<starttls xmlns='${NS_TLS}'/><auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${btoa('\0romeo\0pencil')}</auth>`,
  )
  while (!client.ended) await new Promise((resolve) => setImmediate(resolve))
})

test('STARTTLS inside TLS fails and ends the stream // RFC 6120 §5.4.2.2', async () => {
  const client = await PlainClient.connect()
  await client.opens('localhost')
  client.send(`<starttls xmlns='${NS_TLS}'/>`)
  await client.receives`<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`
  const secure = await client.secures()
  const features = await secure.opens('localhost')
  assert.equal(features.getChild('starttls', NS_TLS), undefined)
  secure.send(`<starttls xmlns='${NS_TLS}'/>`)
  await secure.receives`<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`
  await secure.ends()
})

test('a connection that never says anything is closed with connection-timeout', async () => {
  const client = await PlainClient.connect()
  await bed.accepted()
  bed.clock.advance(30_000)
  await client.receivesStreamError('connection-timeout')
})

test('a handshake that never comes is cut', async () => {
  const client = await PlainClient.connect()
  await client.opens('localhost')
  client.send(`<starttls xmlns='${NS_TLS}'/>`)
  await client.receives`<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`
  bed.clock.advance(30_000)
  await client.ends()
})

test('a peer that does not read is cut at the bound, and the server goes on', async () => {
  const romeo = await bed.login('romeo', 'pencil')
  const { socket } = romeo
  socket.pause()
  const jid = romeo.jid
  const other = await bed.login('romeo', 'pencil')
  const body = 'x'.repeat(60_000)
  const session = bed.server.hosts
    .get('localhost')!
    .user({ local: 'romeo' } as never)!
    .sessions.get(romeo.resource)!
  for (let sent = 0; session.live; sent++) {
    assert.ok(sent < 2_000, 'the session is still there after 120 MB')
    other.send(`<message to='${jid}'><body>${body}</body></message>`)
    if (sent % 20 === 0) await other.asks`<iq type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`
  }
  await other.asks`<iq type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`
  other.transport.cut()
  socket.destroy()
})

/** Stores more for Juliet than a peer may leave unread. */
async function storeMessages(): Promise<void> {
  const romeo = await bed.login('romeo', 'pencil')
  for (let i = 0; i < 90; i++) {
    romeo.send(`<message type='chat' to='juliet@localhost' id='${i}'><body>${'x'.repeat(200_000)}</body></message>`)
    if (i % 10 === 9) await romeo.asks`<iq type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`
  }
  romeo.transport.cut()
}

test('messages that waited come at the pace of who reads them, however many they are', async () => {
  await bed.server.hosts.get('localhost')!.accounts.create('juliet', 'nightingale')
  await storeMessages()
  const juliet = await bed.login('juliet', 'nightingale')
  juliet.socket.pause()
  juliet.send('<presence/>')
  // Time enough for everything to be sent, to whoever does not ask whether it is read.
  for (let turn = 0; turn < 3_000; turn++) await new Promise((resolve) => setImmediate(resolve))
  juliet.socket.resume()
  for (let i = 0; i < 90; ) {
    const next = await juliet.next()
    if (next.name === 'message') assert.equal(next.attrs['id'], String(i++))
  }
  juliet.transport.cut()
})

test('messages that waited do not wait for ever for who never reads them', async () => {
  await storeMessages()
  const juliet = await bed.login('juliet', 'nightingale')
  juliet.socket.pause()
  juliet.send('<presence/>')
  const session = bed.server.hosts.get('localhost')!.user(Jid.parse('juliet@localhost'))!.sessions.get(juliet.resource)!
  while (session.presence === null) await new Promise((resolve) => setImmediate(resolve))
  while (session.live) {
    bed.clock.advance(1_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  juliet.socket.destroy()
})

test('a burst of requests is answered at the pace of who reads the answers', async () => {
  const small = await openTcpBed({ server: { limits: { outbound: { pause: 16_384, drop: 65_536 } } } })
  await small.server.hosts.get('localhost')!.accounts.create('romeo', 'pencil')
  const romeo = await small.login('romeo', 'pencil')
  const ping = (id: number) => `<iq type='get' id='${id}' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`
  romeo.send(Array.from({ length: 5_000 }, (_, id) => ping(id)).join(''))
  for (let id = 0; id < 5_000; id++) assert.equal((await romeo.next()).attrs['id'], String(id))
  romeo.transport.cut()
  await small.close()
})

test('connections are limited in total and for each address', async () => {
  const limited = await openTcpBed({ server: { limits: { connectionsPerAddress: 2 } } })
  const connect = async () => {
    const socket = net.connect(limited.port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    return socket
  }
  const first = await connect()
  const second = await connect()
  const third = await connect()
  await once(third, 'close')
  first.destroy()
  await limited.closed()
  const fourth = await connect()
  fourth.write(
    `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>`,
  )
  const [answer] = (await once(fourth, 'data')) as [Buffer]
  assert.match(answer.toString(), /stream:features/)
  for (const socket of [second, fourth]) socket.destroy()
  await limited.close()
})

test('a connection that went over to TLS is counted out, too', async () => {
  const limited = await openTcpBed({ server: { limits: { connectionsPerAddress: 2 } } })
  await limited.server.hosts.get('localhost')!.accounts.create('romeo', 'pencil')
  for (let round = 0; round < 3; round++) {
    const client = await limited.login('romeo', 'pencil')
    const closed = limited.closed()
    // In order, without a word, and in the middle of a handshake.
    if (round === 0) client.send('</stream:stream>')
    else client.transport.cut()
    await closed
    const half = net.connect(limited.port, '127.0.0.1')
    half.write(
      `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'><starttls xmlns='${NS_TLS}'/>`,
    )
    for (let heard = ''; !heard.includes('<proceed'); ) heard += String((await once(half, 'data'))[0])
    half.write(round === 0 ? 'no TLS at all' : Buffer.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01))
    const gone = limited.closed()
    if (round > 0) half.destroy()
    await gone
  }
  await limited.close()
})

test('a stream that is quiet hears white space // RFC 6120 §4.6.1', async () => {
  const romeo = await bed.login('romeo', 'pencil')
  const heard: string[] = []
  const listen = romeo.transport.onText
  romeo.transport.onText = (text) => {
    heard.push(text)
    listen(text)
  }
  bed.clock.advance(600_000)
  await romeo.receivesNothing()
  assert.ok(heard.join('').startsWith(' '), heard.join(''))
  romeo.transport.cut()
})

test('a peer that does not answer the closing tag is cut after a while // RFC 6120 §4.4', async () => {
  const plain = net.connect({ port: bed.port, host: '127.0.0.1', allowHalfOpen: true })
  plain.on('data', () => {})
  await once(plain, 'connect')
  plain.write('<stream:nonsense')
  plain.write(' xmlns:stream="http://etherx.jabber.org/streams">')
  await once(plain, 'end')
  const closed = bed.closed()
  bed.clock.advance(500)
  await closed
  plain.destroy()
})

test('what a login can be bound to is announced // XEP-0440 §2', async () => {
  const { client, features } = await aboutToLogIn()
  const announced = features.getChild('sasl-channel-binding', 'urn:xmpp:sasl-cb:0')!.getChildElements()
  assert.deepEqual(
    announced.map((el) => el.attrs['type']),
    ['tls-exporter', 'tls-server-end-point'],
  )
  const mechanisms = features.getChild('mechanisms', 'urn:ietf:params:xml:ns:xmpp-sasl')!.getChildElements()
  assert.equal(mechanisms[0]!.getText(), 'SCRAM-SHA-512-PLUS')
  client.transport.cut()
})

test('SCRAM-SHA-256-PLUS logs in when it is bound to this connection, and not when to another // RFC 5802 §6, RFC 9266', async () => {
  for (const [isOwn, verdict] of [
    [true, 'success'],
    [false, 'failure'],
  ] as const) {
    const { client, socket } = await aboutToLogIn()
    const own = socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
    const bindingData = isOwn ? own : Buffer.from(own.map((byte) => byte ^ 1))
    const scram = new ScramClient({ user: 'romeo', password: 'pencil', gs2: 'p=tls-exporter,,', bindingData })
    client.send(
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256-PLUS'>${scram.first().toString('base64')}</auth>`,
    )
    const data = Buffer.from((await client.next()).getText(), 'base64')
    const final = scram.final({ kind: 'challenge', data }).toString('base64')
    client.send(`<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${final}</response>`)
    const answer = await client.next()
    assert.equal(answer.name, verdict, serialize(answer))
    if (isOwn) assert.equal(Buffer.from(answer.getText(), 'base64').toString(), scram.serverFinal)
    client.transport.cut()
  }
})

test('a token is bound to the TLS connection it is shown on // XEP-0484 §3.4, RFC 9266', async () => {
  const agent = "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/>"
  const authenticate = (mechanism: string, response: Uint8Array, inline: string) =>
    `<authenticate xmlns='urn:xmpp:sasl:2' mechanism='${mechanism}'><initial-response>${Buffer.from(response).toString('base64')}` +
    `</initial-response>${agent}${inline}</authenticate>`
  const first = await aboutToLogIn()
  const wish = `<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-EXPR'/>`
  first.client.send(authenticate('PLAIN', Buffer.from('\0romeo\0pencil'), wish))
  const token = (await first.client.next()).getChild('token')!.attrs['token']!
  const exported = (socket: tls.TLSSocket) =>
    socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
  const proof = (data: Uint8Array) => createHmac('sha256', token).update('Initiator').update(data).digest()
  const comes = async (bindsTo: (socket: tls.TLSSocket) => Uint8Array) => {
    const { client, socket } = await aboutToLogIn()
    const response = Buffer.concat([Buffer.from('romeo\0'), proof(bindsTo(socket))])
    client.send(authenticate('HT-SHA-256-EXPR', response, `<fast xmlns='urn:xmpp:fast:0'/>`))
    const answer = await client.next()
    client.transport.cut()
    return answer.name
  }
  assert.equal(await comes(exported), 'success')
  // What was bound to another connection, or to none, is worth nothing here.
  const elsewhere = exported(first.socket)
  assert.equal(await comes(() => elsewhere), 'failure')
  assert.equal(await comes(() => Buffer.alloc(0)), 'failure')
  first.client.transport.cut()
})
