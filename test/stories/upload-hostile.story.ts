import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import net from 'node:net'
import { join } from 'node:path'
import { after } from 'node:test'
import { ObjectStore } from '../support/object-store.ts'
import { restartStory } from '../support/restart.ts'
import { type Actor, type Story, story } from '../support/story.ts'

const NS = 'urn:xmpp:http:upload:0'
const SIZE = 100_000

interface Slot {
  readonly path: string
  readonly authorization: string
}

async function slotFor(actor: Actor, size = SIZE): Promise<Slot> {
  const iq =
    await actor.asks`<iq type='get' to='upload.localhost'><request xmlns='${NS}' filename='a.bin' size='${String(size)}'/></iq>`
  const put = iq.getChild('slot', NS)!.getChild('put')!
  return { path: new URL(put.attrs['url']!).pathname, authorization: put.getChildText('header')! }
}

/** A request as bytes on a connection of its own; what comes back is gathered. */
class RawPut {
  readonly socket: net.Socket
  heard = ''
  readonly closed: Promise<unknown>

  constructor(socket: net.Socket) {
    this.socket = socket
    // It may be reset.
    this.closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => {})
    socket.on('data', (chunk) => (this.heard += chunk.toString('latin1')))
  }

  static async begin(s: Story, { path, authorization }: Slot, ...headers: string[]): Promise<RawPut> {
    const { port } = new URL(await s.bed.web())
    const put = new RawPut(net.connect(Number(port), '127.0.0.1'))
    await once(put.socket, 'connect')
    const lines = [`PUT ${path} HTTP/1.1`, 'Host: localhost', `Authorization: ${authorization}`, ...headers]
    put.socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    return put
  }

  async status(): Promise<number> {
    while (!this.socket.destroyed && !/^HTTP\/1\.1 \d{3}.*\r\n\r\n/s.test(this.heard))
      await Promise.race([once(this.socket, 'data'), this.closed])
    return Number(this.heard.slice(9, 12))
  }
}

async function drafts(s: Story): Promise<string[]> {
  return await readdir(join(s.bed.folder, 'upload', 'localhost', 'incoming')).catch(() => [])
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve))
}

story('What comes in part is never there', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const slot = await slotFor(romeo)
  const put = await RawPut.begin(s, slot, `Content-Length: ${SIZE}`)
  put.socket.write(Buffer.alloc(SIZE - 1, 'x'))
  await until(async () => (await drafts(s)).length === 1)
  assert.equal((await s.fetch(slot.path)).status, 404, 'while it comes')
  const second = await RawPut.begin(s, slot, `Content-Length: ${SIZE}`)
  assert.equal(await second.status(), 409)
  second.socket.destroy()
  // Its slot is over, but it is coming: the room is still its own.
  await s.advance(3_600_000)
  assert.match((await s.bed.server.commands.run('upload usage', ['romeo@localhost'])).join(), /1 file/)
  put.socket.destroy()
  await until(async () => (await drafts(s)).length === 0)
  assert.equal((await s.fetch(slot.path)).status, 404)
})

story('A file that takes too long is given up, and so are those of an account that is deleted', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const begin = async () => {
    const put = await RawPut.begin(s, await slotFor(romeo), `Content-Length: ${SIZE}`)
    put.socket.write('x')
    await until(async () => (await drafts(s)).length === 1)
    return put
  }
  const slow = await begin()
  await s.advance(7_200_000)
  assert.equal(await slow.status(), 408)
  await s.advance(2_000)
  await slow.closed
  assert.deepEqual(await drafts(s), [])
  const deleted = await begin()
  await s.host.deleteAccount('romeo')
  assert.deepEqual(await drafts(s), [])
  assert.equal(await deleted.status(), 503)
  await s.advance(2_000)
  await deleted.closed
})

story('Requests that lie about their length get nowhere', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const slot = await slotFor(romeo, 5)
  for (const [headers, status] of [
    [['Content-Length: -5'], 400],
    [['Content-Length: 5x'], 400],
    [['Content-Length: 99999999999999999999'], 400],
    [['Content-Length: 9999999999999'], 413],
    [['Content-Length: 5', 'Content-Length: 6'], 400],
    [['Content-Length: 5', 'Transfer-Encoding: chunked'], 400],
    [['Transfer-Encoding: gzip, chunked'], 501],
    [['Content-Range: bytes 0-4/5', 'Content-Length: 5'], 400],
    [[], 400],
  ] as const) {
    const put = await RawPut.begin(s, slot, ...headers)
    // Without a length there is no body.
    if (headers.length > 0) put.socket.write('abcde')
    assert.equal(await put.status(), status, headers.join(', '))
    put.socket.destroy()
  }
  assert.equal((await s.fetch(slot.path)).status, 404)
  // A chunk more than was promised, and no end.
  const more = await RawPut.begin(s, slot, 'Transfer-Encoding: chunked')
  more.socket.write('5\r\nabcde\r\n1\r\nf\r\n')
  assert.equal(await more.status(), 413)
  await s.advance(2_000)
  await more.closed
  assert.deepEqual(await drafts(s), [])
})

const bucket = await ObjectStore.open()
after(() => bucket.close())

story(
  'A store that fails is no reason to listen on',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const size = 30_000_000
    const slot = await slotFor(romeo, size)
    bucket.broken = 500
    const put = await RawPut.begin(s, slot, `Content-Length: ${size}`)
    put.socket.write(Buffer.alloc(size / 2, 'x'))
    assert.equal(await put.status(), 500)
    await s.advance(2_000)
    await put.closed
    s.bed.errors.length = 0
    // What is not long is taken in, and the connection goes on.
    const short = await RawPut.begin(s, await slotFor(romeo, 5), 'Content-Length: 5')
    short.socket.write('abcde')
    assert.equal(await short.status(), 500)
    short.heard = ''
    short.socket.write('GET /upload/a/b HTTP/1.1\r\nHost: localhost\r\n\r\n')
    assert.equal(await short.status(), 404)
    short.socket.destroy()
    s.bed.errors.length = 0
    bucket.broken = undefined
  },
  { modules: { upload: { s3: bucket.settings } } },
)

// Else what it has not sent yet would have its connection reset, and the answer lost.
story('Who is refused in the middle hears so, even when it is to be its last request', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const slot = { ...(await slotFor(romeo, 50_000_000)), authorization: 'Bearer x' }
  const put = await RawPut.begin(s, slot, 'Content-Length: 50000000', 'Connection: close')
  put.socket.write(Buffer.alloc(100_000))
  assert.equal(await put.status(), 403)
  const isTaken = (bytes: number) => new Promise<unknown>((resolve) => put.socket.write(Buffer.alloc(bytes), resolve))
  // More than what is in between takes in.
  for (let n = 0; n < 30; n++) assert.ok(!(await isTaken(1_000_000)))
  await s.advance(2_000)
  await put.closed
  const short = await RawPut.begin(s, { ...slot }, 'Content-Length: 50000000', 'Connection: close')
  assert.equal(await short.status(), 403)
  short.socket.end()
  await short.closed
})

// RFC 9110 §10.1.1
story('Who asks first is told to send a file that is taken, and no other', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const slot = await slotFor(romeo, 5)
  const begin = (authorization: string) =>
    RawPut.begin(s, { ...slot, authorization }, 'Content-Length: 5', 'Expect: 100-continue')
  const refused = await begin('Bearer x')
  assert.equal(await refused.status(), 403)
  await refused.closed
  const put = await begin(slot.authorization)
  assert.equal(await put.status(), 100)
  put.heard = ''
  put.socket.write('abcde')
  assert.equal(await put.status(), 201)
  assert.doesNotMatch(put.heard, /connection: close/i)
  put.socket.destroy()
})

// What browsers send of a file whose type they do not know.
story('No type is no fault', async (s) => {
  const romeo = await s.login('romeo/orchard')
  for (const header of ['Content-Type:', 'Content-Type: ', 'Content-Type: a/b; c', 'Content-Type: nonsense']) {
    const slot = await slotFor(romeo, 5)
    const put = await RawPut.begin(s, slot, 'Content-Length: 5', header)
    put.socket.write('abcde')
    const isFine = header.trim() === 'Content-Type:'
    assert.equal((await put.status()) === 201, isFine, `${header} ${put.heard}`)
    assert.equal((await s.fetch(slot.path)).status, isFine ? 200 : 404)
    put.socket.destroy()
  }
})

story('Paths lead to files of the server’s own making only', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const { path } = await slotFor(romeo)
  const { port } = new URL(await s.bed.web())
  const [, , id] = path.split('/')
  for (const target of [
    '/upload/../server.key',
    '/upload/..%2f..%2fserver.key/a',
    `/upload/${id}/..%2f..%2f..%2fserver.key`,
    `/upload/${id}/%2e%2e`,
    `/upload/%2e%2e/%2e%2e`,
    `/upload/${id}/a.bin%00`,
    `/upload/${id}/%u002e%u002e`,
    `/upload/${id}//a.bin`,
    `/upload/incoming/${'0'.repeat(64)}`,
    `/upload/${id}/a.bin;x`,
    '/upload/',
    '/upload',
  ]) {
    const socket = net.connect(Number(port), '127.0.0.1')
    socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    let heard = ''
    for await (const chunk of socket) heard += String(chunk)
    assert.match(heard, /^HTTP\/1\.1 40[04] /, target)
  }
})

restartStory('A slot outlives the server, and what was left of a file does not', async (r) => {
  const s = await r.starts()
  const romeo = await s.login('romeo/orchard')
  const slot = await slotFor(romeo)
  const put = await RawPut.begin(s, slot, `Content-Length: ${SIZE}`)
  put.socket.write(Buffer.alloc(SIZE - 1, 'x'))
  await until(async () => (await drafts(s)).length === 1)
  await r.stops()
  assert.deepEqual(await drafts(s), [])
  const again = await r.starts()
  assert.equal((await again.fetch(slot.path)).status, 404)
})
