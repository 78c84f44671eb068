import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import tls from 'node:tls'
import { type Context, defineModule, HttpProblem, type HttpRequest } from '../../../src/api.ts'
import type { AnyModule } from '../../../src/module/define.ts'
import { ConnectionCount } from '../../../src/net/listener.ts'
import { type BedOptions, openPlainBed, type PlainBed } from '../../support/bed.ts'

/** Routes as modules have them; each host has the same. */
function attach(ctx: Context): void {
  const { domain } = ctx.host
  ctx.route({ method: 'GET', path: '/open', access: 'anyone', handle: () => ({ domain }) })
  ctx.route({ method: 'GET', path: '/client', access: 'anyone', handle: ({ client }) => ({ ...client }) })
  ctx.route({ method: 'GET', path: '/part/:name', access: 'anyone', handle: ({ params }) => params })
  ctx.route({ method: 'GET', path: '/closed', access: () => false, handle: () => 'secret' })
  ctx.route({
    method: 'GET',
    path: '/later',
    access: async ({ query }) => 'key' in (query as object),
    handle: () => 'secret',
  })
  ctx.route({ method: 'GET', path: '/forgotten', handle: () => 'secret' } as never)
  ctx.route({ method: 'GET', path: '/teapot', access: 'anyone', handle: teapot })
  ctx.route({ method: 'GET', path: '/bug', access: 'anyone', handle: () => JSON.parse('secret') })
  ctx.route({ method: 'GET', path: '/never', access: 'anyone', handle: never })
  ctx.route({ method: 'PUT', path: '/body', access: 'anyone', handle: sizeOfBody })
  ctx.route({ method: 'POST', path: '/shared', access: 'anyone', origins: ['https://a.example'], handle: () => 'read' })
  ctx.route({ method: 'GET', path: '/shared', access: 'anyone', origins: ['https://a.example'], handle: () => 'read' })
  ctx.route({ method: 'GET', path: '/public', access: 'anyone', origins: ['*'], handle: () => 'read' })
  ctx.upgrade({
    path: '/echo',
    protocol: 'echo',
    upgrade: (_request, socket, head) => {
      socket.unshift(head)
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n')
      socket.pipe(socket)
    },
  })
}

function teapot(): never {
  throw new HttpProblem(418, 'No coffee here.', { 'retry-after': '7' })
}

let started = 0

function never(): Promise<void> {
  started++
  return new Promise(() => {})
}

let reading = Promise.withResolvers<void>()
const broken = Promise.withResolvers<void>()

async function sizeOfBody({ raw }: HttpRequest): Promise<string> {
  let size = 0
  raw.once('error', () => broken.resolve())
  for await (const chunk of raw) {
    size += (chunk as Buffer).length
    reading.resolve()
  }
  return String(size)
}

const module = defineModule({ name: 'test-routes', summary: '', implements: [], setup: attach }) as AnyModule

interface Web {
  readonly bed: PlainBed
  readonly base: string
  readonly port: number
  readonly securePort: number
  close(): Promise<void>
}

async function openWeb(options: BedOptions = {}): Promise<Web> {
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-web-'))
  const bed = await openPlainBed({ ...options, extra: [module] }, folder)
  const count = new ConnectionCount(bed.config.limits)
  const port = await bed.server.listenForWeb('127.0.0.1', 0, count)
  const securePort = await bed.server.listenForWeb('127.0.0.1', 0, count, bed.tls)
  const close = async () => {
    await bed.close()
    await rm(folder, { recursive: true })
  }
  return { bed, base: `http://127.0.0.1:${port}`, port, securePort, close }
}

let web: Web
before(async () => {
  web = await openWeb({
    hosts: ['localhost', 'capulet.example'],
    server: { http: { url: 'https://{host}:8443' } },
    trace: true,
  })
})
after(() => web.close())

/** Sends bytes as they are and returns all of the answer, until the server closes. */
async function raw(text: string, port: number = web.port): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  socket.setEncoding('utf8')
  socket.end(text)
  let answer = ''
  for await (const chunk of socket) answer += chunk
  return answer
}

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])
const get = (path: string, headers = '') =>
  raw(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`)

test('a route answers GET and HEAD', async () => {
  const answer = await fetch(`${web.base}/open`)
  assert.deepEqual([answer.status, await answer.json()], [200, { domain: 'localhost' }])
  const head = await fetch(`${web.base}/open`, { method: 'HEAD' })
  assert.deepEqual([head.status, await head.text()], [200, ''])
})

test('a host answers to its name, with any port, and the first one to every other name', async () => {
  for (const [name, domain] of [
    ['localhost', 'localhost'],
    ['capulet.example', 'capulet.example'],
    ['CAPULET.example.:5280', 'capulet.example'],
    ['capulet.example.evil', 'localhost'],
    ['127.0.0.1:5280', 'localhost'],
    ['[::1]:5280', 'localhost'],
  ]) {
    const answer = await raw(`GET /open HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`)
    assert.equal(JSON.parse(answer.split('\r\n\r\n')[1]!).domain, domain, name)
  }
})

test('who may use a route says the route, and one that does not say lets nobody in', async () => {
  for (const path of ['/closed', '/later', '/forgotten']) {
    const answer = await fetch(web.base + path)
    assert.equal(answer.status, 403, path)
    assert.equal(answer.headers.get('content-type')?.split(';')[0], 'application/problem+json')
    assert.deepEqual(await answer.json(), { title: 'Forbidden', status: 403, detail: 'You may not use this address.' })
  }
  assert.equal(await (await fetch(`${web.base}/later?key`)).text(), 'secret')
})

test('what is on no route is not there, by whatever method or spelling', async () => {
  // Openfire’s administration was reached by ways around its filter (CVE-2023-32315).
  const around = ['..', '%2e%2e', '%252e%252e', '.%2e', '%u002e%u002e', '..%2f', '..%5c', '..;', '%00', '%c0%ae%c0%ae']
  const paths = [
    '/nothing',
    '/open/',
    '//open',
    '/Open',
    '/open;x=1',
    '/open%00',
    '/./open',
    '/%6fpen/x',
    ...around.flatMap((way) => [
      `/open/${way}/closed`,
      `/part/${way}/closed`,
      `/${way}/closed`,
      `/${way}/${way}/etc/passwd`,
    ]),
  ]
  for (const path of paths) {
    const answer = await get(path)
    assert.ok([400, 403, 404].includes(statusOf(answer)), `${path}: ${answer}`)
    assert.doesNotMatch(answer, /secret|root:/, path)
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'OPTIONS', 'CONNECT'])
    assert.notEqual(
      statusOf(await raw(`${method} /open HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)),
      200,
      method,
    )
})

test('a part of a path comes decoded, and never more than one', async () => {
  assert.match(await get('/part/%2e%2e'), /"name":"\.\."/)
  assert.match(await get('/part/a%2Fb'), /"name":"a\/b"/)
  assert.equal(statusOf(await get('/part/a/b')), 404)
  assert.equal(statusOf(await get('/part/%zz')), 400)
})

test('a problem is told as one, and a bug by a number of the log alone', async () => {
  const answer = await fetch(`${web.base}/teapot`)
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [418, '7'])
  assert.deepEqual(await answer.json(), { title: "I'm a Teapot", status: 418, detail: 'No coffee here.' })
  const bug = await fetch(`${web.base}/bug`)
  const { detail } = (await bug.json()) as { detail: string }
  assert.equal(bug.status, 500)
  const id = /under (\S+)\.$/.exec(detail)?.[1]
  assert.ok(web.bed.errors.splice(0).some((line) => line.includes(id!) && line.includes('a request failed')))
  assert.doesNotMatch(detail, /secret/)
})

test('the log tells requests apart by ids of its own, and what a client writes stays out of it', async () => {
  const from = web.bed.lines.length
  const sent = { 'request-id': 'mine', 'x-request-id': 'mine', traceparent: 'mine' }
  for (const path of ['/part/mine', '/bug', '/mine?mine']) await fetch(web.base + path, { headers: sent })
  const said = () => web.bed.lines.slice(from).map((line) => JSON.parse(line) as Record<string, unknown>)
  // A line follows the answer.
  while (said().length < 4) await new Promise((resolve) => setImmediate(resolve))
  const [part, failure, bug, unknown] = said()
  assert.deepEqual(
    [part, failure, bug, unknown].map((line) => [line!['msg'], line!['path'], line!['status']]),
    [
      ['request', '/part/:name', 200],
      ['a request failed', '/bug', undefined],
      ['request', '/bug', 500],
      ['request', undefined, 404],
    ],
  )
  assert.equal(failure!['requestId'], bug!['requestId'])
  assert.equal(new Set(said().map(({ requestId }) => requestId)).size, 3)
  for (const { requestId } of said()) assert.match(String(requestId), /^\w+-\w+$/)
  assert.doesNotMatch(web.bed.lines.slice(from).join(''), /mine/)
  web.bed.errors.length = 0
})

test('every answer says that it is no page and loads nothing', async () => {
  for (const path of ['/open', '/closed', '/nothing', '/part/%zz']) {
    const { headers } = await fetch(web.base + path)
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/, path)
    assert.equal(headers.get('x-content-type-options'), 'nosniff', path)
    assert.equal(headers.get('x-frame-options'), 'DENY', path)
    assert.equal(headers.get('referrer-policy'), 'no-referrer', path)
  }
})

test('a body of any type reaches its route unread', async () => {
  for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/xml', 'nonsense/x']) {
    const body = Readable.toWeb(Readable.from(['a'.repeat(300_000), '{'])) as never
    const answer = await fetch(`${web.base}/body`, {
      method: 'PUT',
      headers: { 'content-type': type },
      body,
      duplex: 'half',
    } as never)
    assert.equal(await answer.text(), '300001', type)
  }
})

test('a body that is waited for with a word is asked for by the route that reads it', async () => {
  const expecting = 'HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nabcde'
  const close = 'GET /open HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  const codes = (answer: string) => [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, code]) => code)
  assert.deepEqual(codes(await raw(`PUT /body ${expecting}${close}`)), ['100', '200', '200'])
  assert.deepEqual(codes(await raw(`PUT /nothing ${expecting}${close}`)), ['404'])
})

test('scripts of other origins read what lets them, and ask first as the standard says', async () => {
  const from = (origin: string, path: string, method = 'GET') => fetch(web.base + path, { method, headers: { origin } })
  assert.equal(
    (await from('https://a.example', '/shared')).headers.get('access-control-allow-origin'),
    'https://a.example',
  )
  assert.equal((await from('https://b.example', '/shared')).headers.get('access-control-allow-origin'), null)
  assert.equal((await from('https://b.example', '/shared')).headers.get('vary'), 'origin')
  assert.equal((await from('https://b.example', '/public')).headers.get('access-control-allow-origin'), '*')
  assert.equal((await from('https://b.example', '/open')).headers.get('access-control-allow-origin'), null)
  const asked = await from('https://a.example', '/shared', 'OPTIONS')
  assert.deepEqual([asked.status, asked.headers.get('access-control-allow-methods')], [204, 'POST, GET'])
  assert.equal(
    (await from('https://b.example', '/shared', 'OPTIONS')).headers.get('access-control-allow-methods'),
    null,
  )
  assert.equal((await from('https://a.example', '/open', 'OPTIONS')).status, 404)
})

test('whoever asks for an upgrade in vain does not keep its connection by staying', async () => {
  const socket = net.connect({ port: web.port, host: '127.0.0.1', allowHalfOpen: true })
  let answer = ''
  socket.setEncoding('utf8').on('data', (text) => {
    answer += text
  })
  socket.on('error', () => {})
  socket.write('GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n')
  await once(socket, 'end')
  assert.equal(statusOf(answer), 404)
  // Who writes to a connection that is gone hears of it.
  const closed = new Promise((resolve) => socket.on('close', resolve))
  const writing = setInterval(() => socket.write('still here'), 5)
  await closed
  clearInterval(writing)
})

test('an upgrade is had where its route is, for what it speaks', async () => {
  const ask = (path: string, protocol: string, method = 'GET') =>
    raw(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: ${protocol}\r\n\r\nhello`)
  assert.match(await ask('/echo', 'Echo'), /^HTTP\/1\.1 101 .*\r\n\r\nhello$/s)
  for (const [path, protocol, method] of [
    ['/echo', 'websocket'],
    ['/open', 'echo'],
    ['/%65cho', 'echo'],
    ['/echo/', 'echo'],
    ['/echo', 'echo', 'POST'],
  ] as const)
    assert.equal(statusOf(await ask(path, protocol, method)), 404, `${method} ${path} ${protocol}`)
})

test('what stands in the way of a request is refused: headers too long, broken, or in two ways', async () => {
  assert.equal(statusOf(await get('/open', `X-Long: ${'a'.repeat(20_000)}\r\n`)), 431)
  assert.equal(statusOf(await raw('GET /open HTTP/1.1\r\n\r\n')), 400)
  assert.equal(statusOf(await raw('nonsense\r\n\r\n')), 400)
  const twice = 'Host: localhost\r\nConnection: close\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n'
  assert.equal(statusOf(await raw(`PUT /body HTTP/1.1\r\n${twice}\r\n0\r\n\r\n`)), 400)
})

// RFC 9112 §3.2, §6.1: else a proxy may take it for another host's, or see its end somewhere else.
test('for whom a request is, and where it ends, is one thing', async () => {
  const next = 'GET /open HTTP/1.1\r\nHost: localhost\r\n\r\n'
  const upgrade = 'Connection: upgrade\r\nUpgrade: echo\r\n'
  for (const [text, status] of [
    [`GET /open HTTP/1.1\r\nHost: localhost\r\nHost: capulet.example\r\n\r\n${next}`, 400],
    [`GET /echo HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n${upgrade}\r\n`, 400],
    [`PUT /body HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${next}`, 400],
    [`GET /open HTTP/2.0\r\nHost: localhost\r\n\r\n${next}`, 505],
  ] as const) {
    const answer = await raw(text)
    assert.deepEqual(
      [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, code]) => Number(code)),
      [status],
      text,
    )
    assert.match(answer, /application\/problem\+json/)
  }
  // RFC 9112 §3.2.2
  for (const [target, domain] of [
    ['http://capulet.example/open', 'capulet.example'],
    ['HTTPS://Capulet.Example:8443/open?x', 'capulet.example'],
    ['http://localhost/open', 'localhost'],
  ]) {
    const answer = await raw(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    assert.equal(JSON.parse(answer.split('\r\n\r\n')[1]!).domain, domain, target)
  }
  const absolute = `GET http://localhost/echo HTTP/1.1\r\nHost: localhost\r\n${upgrade}\r\n`
  assert.equal(statusOf(await raw(absolute)), 101)
})

test('of all who ask on without waiting for answers, few are at work at once, and too many are nobody’s', async () => {
  const ask = (path: string, times: number) => raw(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(times))
  started = 0
  const waiting = net.connect(web.port, '127.0.0.1')
  waiting.on('error', () => {})
  waiting.write('GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(2000))
  await new Promise((resolve) => waiting.once('close', resolve))
  assert.ok(started > 0 && started <= 8, `${started} at once`)
  const answers = (text: string) => text.match(/HTTP\/1\.1 200/g)?.length
  assert.equal(answers(await ask('/open', 8)), 8)
})

test('who would rather speak another protocol is answered in this one', async () => {
  const answer = await get(
    '/open',
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n',
  )
  assert.equal(statusOf(answer), 200)
})

test('what never becomes a request is told of as everything else is', async () => {
  const long = `GET /part/${'a'.repeat(10_000)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`
  assert.equal(statusOf(await raw(long)), 200)
  for (const text of ['nonsense\r\n\r\n', `GET / HTTP/1.1\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`]) {
    const answer = await raw(text)
    assert.match(answer, /^HTTP\/1\.1 4\d\d .*application\/problem\+json.*"detail"/s)
  }
})

test('a body that breaks off is the fault of whoever sent it, and no error of the log', async () => {
  reading = Promise.withResolvers()
  const socket = net.connect(web.port, '127.0.0.1')
  socket.write('PUT /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab')
  await reading.promise
  socket.destroy()
  await broken.promise
  await get('/open')
  assert.deepEqual(web.bed.errors, [])
})

test('headers that take too long are not waited for', async () => {
  const hasty = await openWeb({ server: { limits: { http: { headerTime: 100 } } } })
  try {
    const socket = net.connect(hasty.port, '127.0.0.1')
    socket.write('GET /open HTTP/1.1\r\n')
    let answer = ''
    for await (const chunk of socket) answer += chunk
    assert.equal(statusOf(answer), 408)
  } finally {
    await hasty.close()
  }
})

test('TLS is what makes a connection secure, or that it does not leave the machine', async () => {
  const plain = (await (await fetch(`${web.base}/client`)).json()) as object
  assert.deepEqual(plain, { address: '127.0.0.1', secure: true })
  const socket = tls.connect({
    port: web.securePort,
    host: '127.0.0.1',
    servername: 'localhost',
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  })
  await once(socket, 'secureConnect')
  assert.equal(socket.alpnProtocol, 'http/1.1')
  socket.end('GET /client HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  let answer = ''
  for await (const chunk of socket) answer += chunk
  assert.match(answer, /"secure":true,"channelBinding":\{"tlsVersion":"TLSv1\.3"/)
})

test('who stands behind a trusted proxy is believed of the proxy, and of nobody else', async () => {
  const trusting = await openWeb({ server: { proxies: ['127.0.0.1'] } })
  try {
    const ask = async (base: string, headers: Record<string, string>) =>
      (await fetch(`${base}/client`, { headers })).json()
    const forged = { 'x-forwarded-for': '192.0.2.7', 'x-forwarded-proto': 'https' }
    assert.deepEqual(await ask(web.base, forged), { address: '127.0.0.1', secure: true })
    assert.deepEqual(await ask(trusting.base, forged), { address: '192.0.2.7', secure: true })
    assert.deepEqual(await ask(trusting.base, { forwarded: 'for="[2001:db8::1]:80"', 'x-forwarded-proto': 'http' }), {
      address: '2001:db8::1',
      secure: false,
    })
    assert.deepEqual(await ask(trusting.base, { forwarded: 'for=192.0.2.7;proto=https' }), {
      address: '192.0.2.7',
      secure: true,
    })
    // How somebody has come to a proxy, only that can say.
    for (const [headers, address] of [
      [{ 'x-forwarded-for': '192.0.2.7' }, '192.0.2.7'],
      [{ forwarded: 'for=unknown' }, '127.0.0.1'],
      [{ forwarded: 'for=192.0.2.7;proto=https', 'x-forwarded-proto': 'http' }, '192.0.2.7'],
      [{ 'x-forwarded-for': '192.0.2.7', 'x-forwarded-proto': 'https, http' }, '192.0.2.7'],
    ] as const)
      assert.deepEqual(await ask(trusting.base, headers), { address, secure: false }, JSON.stringify(headers))
    assert.deepEqual(await ask(trusting.base, {}), { address: '127.0.0.1', secure: true })
  } finally {
    await trusting.close()
  }
})

test('a server that is stopped ends its connections', async () => {
  const stopping = await openWeb()
  const socket = net.connect(stopping.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write('GET /open HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(socket, 'data')
  const closed = once(socket, 'close')
  await stopping.close()
  await closed
})

test('two modules that serve the same path are told at the start', async () => {
  const twice = defineModule({
    name: 'test-twice',
    summary: '',
    implements: [],
    setup: (ctx) => ctx.route({ method: 'GET', path: '/open', access: 'anyone', handle: () => '' }),
  }) as AnyModule
  await assert.rejects(openPlainBed({ extra: [module, twice] }, tmpdir()), /test-twice.*GET \/open is served already/)
})
