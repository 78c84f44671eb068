import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { defineModule, Jid } from '../../../src/api.ts'
import { ConnectionCount } from '../../../src/net/listener.ts'
import { forwardedAddress, Networks } from '../../../src/net/trusted-proxies.ts'
import { openPlainBed, type PlainBed } from '../../support/bed.ts'
import { logsInBound } from '../../support/bound-login.ts'
import { type LoadBalancer, startHaproxy, startNginx } from '../../support/load-balancer.ts'
import { makeFiles } from './tls-bed.ts'

/** The client, as somebody sees it who knows more than the load balancer's 127.0.0.1. */
const CLIENT = '127.0.0.2'
const PASSWORD = 'pencil'

const who = defineModule({
  name: 'who',
  summary: 'Says who asks.',
  implements: [],
  setup(ctx) {
    ctx.route({ method: 'GET', path: '/who', access: 'anyone', handle: ({ client }) => client.address })
  },
})

const folder = mkdtempSync(join(tmpdir(), 'stonechat-balancers-'))
let bed: PlainBed
let upstream: { 5222: number; 5223: number; 5443: number }
before(async () => {
  bed = await openPlainBed({ server: { proxies: ['127.0.0.1'] }, extra: [who] }, folder)
  await bed.server.hosts.get('localhost')!.accounts.create('romeo', PASSWORD)
  const count = new ConnectionCount({ connections: 0, connectionsPerAddress: 0 })
  upstream = {
    5222: await bed.server.listenOn('127.0.0.1', 0, bed.tls, false, count),
    5223: await bed.server.listenOn('127.0.0.1', 0, bed.tls, true, count),
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
    assert.equal(await answerTo(ask(haproxy.ports[5443]!, '/who', { headers })), CLIENT)
  })
})

describe('nginx, as docs/nginx.conf has it', () => {
  let nginx: LoadBalancer
  let web: http.Server
  /** What the web server has got of the body of each upload. */
  const bytes = new Map<string, number>()
  let onBytes: () => void = () => {}
  const proxies = new Networks(['127.0.0.1'])
  const describeRequest = ({ headers, socket }: IncomingMessage) => {
    const { forwarded, 'x-forwarded-for': old, 'x-forwarded-proto': scheme, host } = headers
    const address = forwardedAddress(socket.remoteAddress!, { forwarded, xForwardedFor: old as string }, proxies)
    return `${host} ${scheme} ${address}`
  }

  before(async () => {
    web = http.createServer((request, response) => {
      request.on('data', (chunk: Buffer) => {
        bytes.set(request.url!, (bytes.get(request.url!) ?? 0) + chunk.length)
        onBytes()
      })
      request.on('end', () => response.end(describeRequest(request)))
    })
    web.on('upgrade', (request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      socket.write(`${request.headers.upgrade} ${describeRequest(request)}`)
      socket.pipe(socket)
    })
    web.listen(0, '127.0.0.1')
    await once(web, 'listening')
    const certificate = makeFiles(folder, 'localhost')
    nginx = await startNginx(folder, { ...upstream, 5280: (web.address() as AddressInfo).port }, certificate)
  })
  after(async () => {
    await nginx?.stop()
    web.closeAllConnections()
    web.close()
  })

  for (const [port, direct] of [
    [5222, false],
    [5223, true],
  ] as const)
    test(`a login over ${direct ? 'direct TLS' : 'STARTTLS'} is bound to the channel, and seen with its own address`, async () => {
      assert.equal(await seenAfterLogin(nginx.ports[port]!, direct), CLIENT)
    })

  test('a request tells its client’s address, name and scheme, whatever the client says of that', async () => {
    const headers = { 'x-forwarded-for': '192.0.2.9', forwarded: 'for=192.0.2.9', 'x-forwarded-proto': 'http' }
    assert.equal(await answerTo(ask(nginx.ports[443]!, '/', { headers })), `localhost https ${CLIENT}`)
  })

  test('a WebSocket is opened, and carries both ways', async () => {
    const request = ask(nginx.ports[443]!, '/xmpp-websocket', {
      headers: { connection: 'Upgrade', upgrade: 'websocket' },
    }).end()
    const [, socket, head] = (await once(request, 'upgrade')) as [IncomingMessage, import('node:net').Socket, Buffer]
    let heard = head.toString()
    socket.on('data', (chunk: Buffer) => {
      heard += chunk
    })
    socket.write(' and back')
    while (!heard.endsWith(' and back')) await once(socket, 'data')
    assert.equal(heard, `websocket localhost https ${CLIENT} and back`)
    socket.destroy()
  })

  test('an upload may be large, and goes through as it comes', async () => {
    const half = Buffer.alloc(2 * 1024 * 1024)
    const upload = ask(nginx.ports[443]!, '/upload/a/b', {
      method: 'PUT',
      headers: { 'content-length': half.length * 2 },
    })
    const arrived = new Promise<void>((resolve) => {
      onBytes = () => {
        // All but what may wait for more in nginx.
        if (bytes.get('/upload/a/b')! > half.length - 64 * 1024) resolve()
      }
    })
    upload.write(half)
    await arrived
    upload.write(half)
    assert.equal(await answerTo(upload), `localhost https ${CLIENT}`)
    assert.equal(bytes.get('/upload/a/b'), half.length * 2)
  })

  test('metrics are not told to the world', async () => {
    const [response] = (await once(ask(nginx.ports[443]!, '/metrics').end(), 'response')) as [IncomingMessage]
    assert.equal(response.statusCode, 404)
    response.resume()
  })
})
