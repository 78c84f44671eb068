import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type http from 'node:http'
import type { IncomingMessage } from 'node:http'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { defineModule, type HttpRequest, Jid } from '../../../src/api.ts'
import { ConnectionCount } from '../../../src/net/listener.ts'
import { openPlainBed, type PlainBed } from '../../support/bed.ts'
import { connectBosh } from '../../support/bosh-transport.ts'
import { logsInBound } from '../../support/bound-login.ts'
import { Client } from '../../support/client.ts'
import { type LoadBalancer, startHaproxy, startNginx } from '../../support/load-balancer.ts'
import { connectWebSocket } from '../../support/websocket-transport.ts'
import { makeFiles } from './tls-bed.ts'

/** The client, as somebody sees it who knows more than the load balancer's 127.0.0.1. */
const CLIENT = '127.0.0.2'
const PASSWORD = 'pencil'

/** What has come of the body of an upload. */
let bytes = 0
let onBytes: () => void = () => {}

const probe = defineModule({
  name: 'probe',
  summary: 'Says who asks, and counts what comes.',
  implements: [],
  setup(ctx) {
    const who = ({ client }: HttpRequest) => `${ctx.host.domain} ${client.secure} ${client.address}`
    ctx.route({ method: 'GET', path: '/who', access: 'anyone', handle: who })
    ctx.route({
      method: 'PUT',
      path: '/upload-probe',
      access: 'anyone',
      handle: async (request) => {
        for await (const chunk of request.raw) {
          bytes += (chunk as Buffer).length
          onBytes()
        }
        return who(request)
      },
    })
  },
})

const folder = mkdtempSync(join(tmpdir(), 'stonechat-balancers-'))
let bed: PlainBed
let upstream: Record<5222 | 5223 | 5280 | 5443, number>
before(async () => {
  const hosts = ['capulet.example', 'localhost']
  const modules = { bosh: { sessionsPerAddress: 1 } }
  bed = await openPlainBed({ hosts, modules, server: { proxies: ['127.0.0.1'] }, extra: [probe], trace: true }, folder)
  await bed.server.hosts.get('localhost')!.accounts.create('romeo', PASSWORD)
  const count = new ConnectionCount({ connections: 0, connectionsPerAddress: 0 })
  upstream = {
    5222: await bed.server.listenOn('127.0.0.1', 0, bed.tls, false, count),
    5223: await bed.server.listenOn('127.0.0.1', 0, bed.tls, true, count),
    5280: await bed.server.listenForWeb('127.0.0.1', 0, count),
    5443: await bed.server.listenForWeb('127.0.0.1', 0, count, bed.tls),
  }
})
after(async () => {
  await bed.close()
  assert.deepEqual(bed.errors, [], 'the server logged errors')
  rmSync(folder, { recursive: true })
})

/** Logs in through a load balancer, from another address than the balancer's; resolves with the address the server sees. */
async function seenAfterLogin(port: number, direct: boolean): Promise<string> {
  const romeo = await logsInBound({ port, direct, local: 'romeo', password: PASSWORD, from: CLIENT })
  const jid = Jid.parse(romeo.jid)
  const { stream } = bed.server.hosts.get('localhost')!.user(jid)!.sessions.get(jid.resource)!
  await romeo.receivesNothing()
  romeo.transport.cut()
  return stream.remoteAddress
}

/** What is longer than any load balancer keeps of a request or an answer in memory, unless told otherwise. */
const LONG = 'Wherefore? '.repeat(20_000)

/**
 * Logs in by BOSH through a load balancer, from an address that may have one session, and has something come back that is long; the
 * next from there is turned away.
 */
async function logsInByBosh(port: number, localAddress: string, headers: Record<string, string> = {}): Promise<void> {
  const connect = (from: string) =>
    new Client(
      connectBosh(`https://127.0.0.1:${port}`, 'localhost', { localAddress: from, rejectUnauthorized: false, headers }),
    )
  const romeo = connect(localAddress)
  const from = bed.lines.length
  await romeo.logsIn('romeo', 'localhost', PASSWORD)
  const said = bed.lines.slice(from).map((line) => JSON.parse(line) as Record<string, unknown>)
  const login = said.find(({ msg }) => msg === 'logged in')
  const { account, transport, address, secure } = login!
  assert.deepEqual([account, transport, address, secure], ['romeo@localhost', 'bosh', localAddress, true])
  await romeo.sends`<message to='${romeo.jid}'><body>${LONG}</body></message>`
  await romeo.receives`<message><body>${LONG}</body></message>`

  const second = connect(localAddress)
  second.send(
    `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>`,
  )
  await second.receivesStreamError('policy-violation')
  const elsewhere = connect(localAddress.replace(/\d$/, (digit) => String(Number(digit) + 1)))
  await elsewhere.opens('localhost')
  for (const client of [romeo, elsewhere]) {
    client.send('</stream:stream>')
    await client.ends()
  }
}

/** Sends a request from {@link CLIENT}. */
function ask(port: number, path: string, options: https.RequestOptions = {}): http.ClientRequest {
  const from = {
    host: '127.0.0.1',
    localAddress: CLIENT,
    servername: 'localhost',
    rejectUnauthorized: false,
    agent: false,
  }
  return https.request({ ...from, port, path, ...options, headers: { host: 'localhost', ...options.headers } })
}

async function answerTo(request: http.ClientRequest): Promise<string> {
  const [response] = (await once(request.end(), 'response')) as [IncomingMessage]
  return await textOf(response)
}

async function textOf(message: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of message.setEncoding('utf8')) text += chunk
  return text
}

describe('HAProxy, as docs/haproxy.cfg has it', () => {
  let haproxy: LoadBalancer
  before(async () => {
    haproxy = await startHaproxy(folder, upstream)
  })
  after(async () => await haproxy?.stop())

  for (const [port, direct] of [
    [5222, false],
    [5223, true],
  ] as const)
    test(`a login over ${direct ? 'direct TLS' : 'STARTTLS'} is bound to the channel, and seen with its own address`, async () => {
      assert.equal(await seenAfterLogin(haproxy.ports[port]!, direct), CLIENT)
    })

  test('a request over HTTPS comes from its own address, whatever it says of that', async () => {
    const headers = { 'x-forwarded-for': '192.0.2.9', forwarded: 'for=192.0.2.9' }
    assert.equal(await answerTo(ask(haproxy.ports[5443]!, '/who', { headers })), `localhost true ${CLIENT}`)
  })

  test('a login by BOSH is seen with its own address, which has sessions of its own, and carries much', async () => {
    await logsInByBosh(haproxy.ports[5443]!, CLIENT)
  })
})

describe('nginx, as docs/nginx.conf has it', () => {
  let nginx: LoadBalancer
  before(async () => {
    nginx = await startNginx(folder, upstream, makeFiles(folder, 'localhost'))
  })
  after(async () => await nginx?.stop())

  for (const [port, direct] of [
    [5222, false],
    [5223, true],
  ] as const)
    test(`a login over ${direct ? 'direct TLS' : 'STARTTLS'} is bound to the channel, and seen with its own address`, async () => {
      assert.equal(await seenAfterLogin(nginx.ports[port]!, direct), CLIENT)
    })

  /** What clients make up; it is not passed on. */
  const lies = { 'x-forwarded-for': '192.0.2.9', forwarded: 'for=192.0.2.9', 'x-forwarded-proto': 'http' }

  test('a request is seen with its client’s address, name and scheme, whatever the client says of that', async () => {
    assert.equal(await answerTo(ask(nginx.ports[443]!, '/who', { headers: lies })), `localhost true ${CLIENT}`)
  })

  test('a login by WebSocket is seen with its own address, and carries both ways', async () => {
    const options = { localAddress: CLIENT, rejectUnauthorized: false, headers: lies }
    const url = `https://127.0.0.1:${nginx.ports[443]}`
    const romeo = new Client(await connectWebSocket(url, 'localhost', options))
    const from = bed.lines.length
    await romeo.logsIn('romeo', 'localhost', PASSWORD)
    await romeo.asks`<iq type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`
    const [login] = bed.lines.slice(from).map((line) => JSON.parse(line) as Record<string, unknown>)
    assert.deepEqual(
      [login!['msg'], login!['account'], login!['address'], login!['secure'], login!['tls']],
      ['logged in', 'romeo@localhost', CLIENT, true, undefined],
    )
    romeo.transport.cut()
  })

  test('a login by BOSH is seen with its own address, which has sessions of its own, and carries much', async () => {
    await logsInByBosh(nginx.ports[443]!, '127.0.0.4', lies)
  })

  test('an upload may be large, and goes through as it comes', async () => {
    const half = Buffer.alloc(2 * 1024 * 1024)
    const headers = { 'content-length': half.length * 2 }
    const upload = ask(nginx.ports[443]!, '/upload-probe', { method: 'PUT', headers })
    const arrived = new Promise<void>((resolve) => {
      onBytes = () => {
        // All but what may wait for more in nginx.
        if (bytes > half.length - 64 * 1024) resolve()
      }
    })
    upload.write(half)
    await arrived
    upload.write(half)
    assert.equal(await answerTo(upload), `localhost true ${CLIENT}`)
    assert.equal(bytes, half.length * 2)
  })

  test('metrics are not told to the world', async () => {
    const [response] = (await once(ask(nginx.ports[443]!, '/metrics').end(), 'response')) as [IncomingMessage]
    assert.equal(response.statusCode, 404)
    response.resume()
  })
})
