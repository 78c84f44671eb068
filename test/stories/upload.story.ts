import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after } from 'node:test'
import { type Element, Jid, serialize } from '../../src/api.ts'
import { ObjectStore } from '../support/object-store.ts'
import { type Actor, type Story, story } from '../support/story.ts'

const NS = 'urn:xmpp:http:upload:0'

/** A slot as a client has it. */
interface Slot {
  readonly path: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

const attribute = (text: string) => text.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;')

function request(name: string, size: number | string, type?: string, payload = ''): string {
  const ofType = type === undefined ? '' : ` content-type="${attribute(type)}"`
  return `<request xmlns='${NS}' filename="${attribute(name)}" size="${size}"${ofType}>${payload}</request>`
}

/** Asks for a slot as clients do, and keeps of its headers what XEP-0363 §4 lets them. */
async function slotFor(actor: Actor, name: string, size: number, type?: string, payload = ''): Promise<Slot> {
  const iq = await actor.asks([
    `<iq type='get' to='upload.localhost'>${request(name, size, type, payload)}</iq>`,
  ] as never)
  const slot = iq.getChild('slot', NS)!
  const put = slot.getChild('put')!
  assert.equal(put.attrs['url'], slot.getChild('get')!.attrs['url'])
  const url = put.attrs['url']!
  assert.match(url, /^https:\/\/localhost:5443\/upload\/[\w-]{22}\/[\w.~%-]+$/)
  const headers = put.getChildren('header').map((one) => [one.attrs['name']!, one.getText()] as const)
  assert.deepEqual(
    headers.map(([header]) => header),
    ['Authorization'],
  )
  return { path: new URL(url).pathname, url, headers: Object.fromEntries(headers) }
}

async function put(
  s: Story,
  { path, headers }: Slot,
  body: Uint8Array<ArrayBuffer> | string,
  type?: string,
): Promise<Response> {
  const all = { ...headers, ...(type !== undefined && { 'content-type': type }) }
  return await s.fetch(path, { method: 'PUT', body: typeof body === 'string' ? Buffer.from(body) : body, headers: all })
}

async function refusal(actor: Actor, what: string, condition: string): Promise<Element> {
  const error = await actor.isRefused(condition)([`<iq type='get' to='upload.localhost'>${what}</iq>`] as never)
  return error as unknown as Element
}

// XEP-0363 §3
story('The service is found, and says how large a file may be', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const items =
    await romeo.asks`<iq type='get' to='localhost'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`
  const item = items
    .getChild('query')!
    .getChildren('item')
    .find(({ attrs }) => attrs['jid'] === 'upload.localhost')
  assert.equal(item?.attrs['name'], 'File upload')
  const info =
    await romeo.asks`<iq type='get' to='upload.localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`
  const query = info.getChild('query')!
  assert.deepEqual(query.getChild('identity')!.attrs, { category: 'store', type: 'file', name: 'File upload' })
  const features = query.getChildren('feature').map(({ attrs }) => attrs['var'])
  assert.ok(features.includes(NS))
  assert.ok(features.includes('urn:xmpp:http:upload:purpose:0#ephemeral'))
  const fields = query.getChild('x', 'jabber:x:data')!.getChildren('field')
  assert.deepEqual(
    fields.map((field) => [field.attrs['var'], field.getChildText('value')]),
    [
      ['FORM_TYPE', NS],
      ['max-file-size', String(100 * 1024 * 1024)],
    ],
  )
})

// XEP-0363 §4, §6
story('A file is sent once, and fetched by whoever has its address, whole or in part', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const content = randomBytes(200_000)
  const slot = await slotFor(romeo, 'très cool.png', content.length, 'image/png')
  assert.equal((await s.fetch(slot.path)).status, 404, 'nothing is there yet')
  const preflight = await s.fetch(slot.path, {
    method: 'OPTIONS',
    headers: { origin: 'https://chat.example', 'access-control-request-method': 'PUT' },
  })
  assert.equal(preflight.headers.get('access-control-allow-origin'), '*')
  assert.match(preflight.headers.get('access-control-allow-methods')!, /PUT/)
  assert.equal((await put(s, slot, content, 'image/png')).status, 201)
  assert.equal((await put(s, slot, content, 'image/png')).status, 409, 'a second time')

  const got = await s.fetch(slot.path, { headers: { origin: 'https://chat.example' } })
  assert.equal(got.status, 200)
  assert.deepEqual(Buffer.from(await got.arrayBuffer()), content)
  const header = (name: string) => got.headers.get(name)
  assert.equal(header('content-type'), 'image/png')
  assert.equal(header('content-length'), '200000')
  assert.equal(header('content-disposition'), `inline; filename="tr_s cool.png"; filename*=UTF-8''tr%C3%A8s%20cool.png`)
  assert.equal(header('x-content-type-options'), 'nosniff')
  assert.match(header('content-security-policy')!, /default-src 'none'.*sandbox/)
  assert.equal(header('cross-origin-resource-policy'), 'cross-origin')
  assert.equal(header('access-control-allow-origin'), '*')
  assert.equal(header('cache-control'), 'private, max-age=2592000, immutable')
  const etag = header('etag')!

  const head = await s.fetch(slot.path, { method: 'HEAD' })
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, '200000'])
  assert.equal(head.headers.get('content-type'), 'image/png')
  const ask = async (headers: Record<string, string>) => await s.fetch(slot.path, { headers })
  const part = await ask({ range: 'bytes=100-199', 'if-range': etag })
  assert.deepEqual([part.status, part.headers.get('content-range')], [206, 'bytes 100-199/200000'])
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), content.subarray(100, 200))
  assert.equal((await ask({ range: 'bytes=100-199', 'if-range': '"other"' })).status, 200)
  const beyond = await ask({ range: 'bytes=200000-' })
  assert.deepEqual([beyond.status, beyond.headers.get('content-range')], [416, 'bytes */200000'])
  assert.equal((await ask({ 'if-none-match': `"x", ${etag}` })).status, 304)
  assert.equal((await ask({ 'if-modified-since': header('last-modified')! })).status, 304)
  assert.equal((await ask({ 'if-modified-since': 'Thu, 01 Jan 2015 00:00:00 GMT' })).status, 200)

  const [id] = /[\w-]{22}/.exec(slot.path)!
  for (const path of [
    `/upload/${id}/other.png`,
    `/upload/${'A'.repeat(22)}/tr%C3%A8s%20cool.png`,
    `/upload/${id}/`,
    `/upload/${id}`,
  ])
    assert.equal((await s.fetch(path)).status, 404, path)
})

// RFC 9110 §14.2: ranges are of GET only.
story('Whoever asks about a file hears of all of it', async (s) => {
  const slot = await slotFor(await s.login('romeo/orchard'), 'a.txt', 5)
  assert.equal((await put(s, slot, 'abcde')).status, 201)
  for (const range of ['bytes=1-2', 'bytes=5-', 'bytes=-0']) {
    const answer = await s.fetch(slot.path, { method: 'HEAD', headers: { range } })
    assert.deepEqual([answer.status, answer.headers.get('content-length')], [200, '5'], range)
  }
})

story('What browsers would read as a page or a program is bytes to them', async (s) => {
  const romeo = await s.login('romeo/orchard')
  for (const [name, type, served, kind] of [
    ['a.html', 'text/html', 'application/octet-stream', 'attachment'],
    ['a.svg', 'image/svg+xml', 'application/octet-stream', 'attachment'],
    ['a.js', 'Text/JavaScript; charset=utf-8', 'application/octet-stream', 'attachment'],
    ['a.pdf', 'application/pdf', 'application/pdf', 'attachment'],
    ['a.txt', 'text/plain; charset=utf-8', 'text/plain; charset=utf-8', 'inline'],
    ['a.ogg', 'audio/ogg', 'audio/ogg', 'inline'],
    ['a', undefined, 'application/octet-stream', 'attachment'],
  ] as const) {
    const slot = await slotFor(romeo, name, 3, type)
    assert.equal((await put(s, slot, 'abc', type)).status, 201, name)
    const got = await s.fetch(slot.path)
    assert.equal(await got.text(), 'abc')
    assert.equal(got.headers.get('content-type'), served, name)
    assert.equal(got.headers.get('content-disposition'), `${kind}; filename="${name}"`)
  }
})

story('Only what was promised is taken', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const slot = await slotFor(romeo, 'a.png', 5, 'image/png')
  const other = await slotFor(romeo, 'a.png', 5, 'image/png')
  const status = async (over: Partial<Slot>, body: string, type?: string) =>
    (await put(s, { ...slot, ...over }, body, type)).status
  const { Authorization = '' } = slot.headers
  assert.equal(await status({ headers: {} }, 'abcde'), 403)
  assert.equal(await status({ headers: other.headers }, 'abcde'), 403)
  assert.equal(await status({ headers: { Authorization: `${Authorization}A` } }, 'abcde'), 403)
  assert.equal(await status({ headers: { Authorization: Authorization.replace('Bearer ', '') } }, 'abcde'), 403)
  assert.equal(await status({ path: slot.path.replace('a.png', 'b.png') }, 'abcde'), 404)
  assert.equal(await status({}, 'abcd'), 400)
  assert.equal(await status({}, 'x'.repeat(100)), 413)
  assert.equal(await status({}, 'x'.repeat(300_000)), 413)
  assert.equal(await status({}, 'abcde', 'text/html'), 415)
  assert.equal(await status({ headers: { Authorization, 'content-encoding': 'gzip' } }, 'abcde'), 415)
  // Without a length, in chunks.
  const chunked = async (...parts: string[]) => {
    const body = new ReadableStream({
      start(controller) {
        for (const part of parts) controller.enqueue(Buffer.from(part))
        controller.close()
      },
    })
    const init = { method: 'PUT', body, headers: slot.headers, duplex: 'half' } as RequestInit
    return (await s.fetch(slot.path, init)).status
  }
  assert.equal(await chunked('abc', 'x'.repeat(97)), 413)
  assert.equal(await chunked('abc'), 400)
  assert.equal((await s.fetch(slot.path)).status, 404)
  assert.equal(await chunked('ab', 'cde'), 201, 'it is taken still')
  assert.equal(await (await s.fetch(slot.path)).text(), 'abcde')

  await s.advance(5 * 60_000)
  assert.equal((await put(s, other, 'abcde')).status, 410)
  await s.advance(3_600_000)
  while ((await put(s, other, 'abcde')).status !== 404) await s.advance(3_600_000)
  assert.equal((await s.fetch(slot.path)).status, 200)
})

// XEP-0363 §4, §5
story('A wish that cannot be is refused', async (s) => {
  const romeo = await s.login('romeo/orchard')
  for (const [condition, what] of [
    ['not-acceptable', request('..', 5)],
    ['not-acceptable', request('.', 5)],
    ['not-acceptable', request('', 5)],
    ['not-acceptable', request('a/b', 5)],
    ['not-acceptable', request('..\\b', 5)],
    ['not-acceptable', request('a&#10;b', 5).replace('&amp;', '&')],
    ['not-acceptable', request('\u202egpj.exe', 5)],
    ['not-acceptable', request('é'.repeat(128), 5)],
    ['bad-request', request('a', 0)],
    ['bad-request', request('a', -1)],
    ['bad-request', request('a', '1e3')],
    ['bad-request', request('a', '9'.repeat(16))],
    ['bad-request', `<request xmlns='${NS}' size='5'/>`],
    ['bad-request', `<request xmlns='${NS}' filename='a'/>`],
    ['bad-request', request('a', 5, 'png')],
    ['bad-request', request('a', 5, 'image/png&#13;&#10;x: y').replace(/&amp;/g, '&')],
    ['feature-not-implemented', request('a', 5, undefined, `<permanent xmlns='urn:xmpp:http:upload:purpose:0'/>`)],
    ['bad-request', request('a', 5, undefined, `<ephemeral xmlns='urn:xmpp:http:upload:purpose:0'/>`)],
    ['service-unavailable', `<request xmlns='urn:xmpp:http:upload'/>`],
  ] as const)
    await refusal(romeo, what, condition)
  const large = await refusal(romeo, request('a', 100 * 1024 * 1024 + 1), 'not-acceptable')
  assert.match(serialize(large), /<file-too-large xmlns="urn:xmpp:http:upload:0"><max-file-size>104857600</)
  const picture = request('a', 5_242_881, undefined, `<profile xmlns='urn:xmpp:http:upload:purpose:0'/>`)
  assert.match(serialize(await refusal(romeo, picture, 'not-acceptable')), /<max-file-size>5242880</)
  await romeo.isRefused(
    'item-not-found',
  )`<iq type='get' to='a@upload.localhost'><request xmlns='${NS}' filename='a' size='5'/></iq>`
  for (const name of ['ünïcødé 文件.txt', '...a', "it's (1)!*.txt", '100%.txt', 'a?b#c;d'])
    assert.equal((await put(s, await slotFor(romeo, name, 3), 'abc')).status, 201, name)
})

story(
  'Only accounts of the host upload',
  async (s) => {
    await s.createAccount('iago', undefined, 'venice.example')
    const iago = await s.login('iago@venice.example/x')
    await refusal(iago, request('a', 5), 'forbidden')
  },
  { hosts: ['localhost', 'venice.example'] },
)

const small = {
  fileSize: 1000,
  quota: 2000,
  files: 5,
  openSlots: 3,
  perMinute: 5,
  profileSize: 1000,
  profileQuota: 1000,
}

// XEP-0363 §5
story(
  'An account has its share, and hears when it may try again',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.login('juliet/balcony')
    const now = () => s.bed.clock.now()
    const stamp = (error: Element) =>
      Date.parse(/<retry xmlns="urn:xmpp:http:upload:0" stamp="([^"]+)"/.exec(serialize(error))?.[1] ?? '')
    // Of many at once no more are given than there is room for.
    const start = now()
    const many = Array.from(
      { length: 6 },
      (_, n) => `<iq type='get' id='m${n}' to='upload.localhost'>${request('a', 900)}</iq>`,
    )
    romeo.send(many.join(''))
    const types: string[] = []
    for (let n = 0; n < many.length; n++) types.push((await romeo.next()).attrs['type']!)
    assert.deepEqual(types.sort(), ['error', 'error', 'error', 'error', 'result', 'result'])
    assert.equal(stamp(await refusal(romeo, request('a', 900), 'resource-constraint')), start + 5 * 60_000)
    await slotFor(juliet, 'a', 900)
    await slotFor(romeo, 'a', 1)
    assert.equal(stamp(await refusal(romeo, request('a', 1), 'resource-constraint')), start + 5 * 60_000, 'open slots')
    // What nothing came of is free again, at once.
    await s.advance(5 * 60_000)
    const first = await slotFor(romeo, 'a', 900)
    assert.equal((await put(s, first, 'x'.repeat(900))).status, 201)
    const storedMs = now()
    assert.equal((await put(s, await slotFor(romeo, 'a', 900), 'x'.repeat(900))).status, 201)
    await s.advance(60_000)
    assert.equal(stamp(await refusal(romeo, request('a', 201), 'resource-constraint')), storedMs + 30 * 86_400_000)
    const profile = `<profile xmlns='urn:xmpp:http:upload:purpose:0'/>`
    for (let n = 0; n < 3; n++)
      assert.equal((await put(s, await slotFor(romeo, 'a', 1, undefined, profile), 'x')).status, 201)
    await refusal(romeo, request('a', 1), 'resource-constraint')
    // The fifth in a minute.
    await s.advance(60_000)
    for (let n = 0; n < 5; n++) {
      const slot = await slotFor(juliet, 'a', 1)
      if (n < 3) assert.equal((await put(s, slot, 'x')).status, 201)
      if (n < 4) await s.advance(1000)
    }
    assert.equal(stamp(await refusal(juliet, request('a', 1), 'resource-constraint')), now() - 4_000 + 60_000)
  },
  { modules: { upload: { limits: small } } },
)

story(
  'Guests share what is theirs, and what one had is free when it has gone',
  async (s) => {
    const comes = async () => {
      const guest = await s.connects('localhost')
      await guest.opens('localhost')
      guest.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>`)
      await guest.next()
      await guest.opens('localhost')
      await guest.binds()
      return guest
    }
    const [first, second, romeo] = [await comes(), await comes(), await s.login('romeo/orchard')]
    assert.equal((await put(s, await slotFor(first, 'a', 900), 'x'.repeat(900))).status, 201)
    // Of two at once one has room.
    for (const guest of [first, second])
      guest.send(`<iq type='get' id='at-once' to='upload.localhost'>${request('a', 1000)}</iq>`)
    assert.deepEqual([(await first.next()).attrs['type'], (await second.next()).attrs['type']].sort(), [
      'error',
      'result',
    ])
    await refusal(second, request('a', 101), 'resource-constraint')
    await slotFor(second, 'a', 100)
    await slotFor(romeo, 'a', 1000)
    await first.disconnects()
    while (s.host.isGuest(Jid.parse(first.bare))) await new Promise((resolve) => setImmediate(resolve))
    await slotFor(second, 'a', 800)
  },
  {
    modules: {
      anonymous: { enabled: true },
      upload: { limits: { ...small, guestQuota: 2000, openSlots: 0, quota: 4000 } },
    },
  },
)

async function filesOf(s: Story): Promise<string[]> {
  const folder = join(s.bed.folder, 'upload', 'localhost')
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  return found.filter((entry) => entry.isFile()).map(({ name }) => name)
}

story('Files go with their time, with their account, and when an admin says so', async (s) => {
  const run = async (name: string, ...args: string[]) => await s.bed.server.commands.run(`upload ${name}`, args)
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const there = async (slot: Slot) => (await s.fetch(slot.path)).status === 200
  const store = async (actor: Actor, payload = '') => {
    const slot = await slotFor(actor, 'a.txt', 3, 'text/plain', payload)
    assert.equal((await put(s, slot, 'abc')).status, 201)
    return slot
  }
  const purpose = (what: string) => `<${what} xmlns='urn:xmpp:http:upload:purpose:0'/>`
  const before = new Date(s.bed.clock.now() + 90_000).toISOString()
  const ephemeral = await store(romeo, purpose(`ephemeral expire-before='${before}'`))
  const [old, face] = [await store(romeo), await store(romeo, purpose('profile'))]
  await slotFor(romeo, 'b', 10)
  assert.deepEqual(await run('usage', 'romeo@localhost'), [
    'romeo@localhost: 4 files, 0.0 MiB of 500.0 MiB, 1 of the files announced only',
  ])
  const shown = await s.bed.server.commands.run('user show', ['romeo@localhost'])
  assert.ok(
    shown.includes('  uploads    4 files, 0.0 MiB of 500.0 MiB, 1 of the files announced only'),
    shown.join('\n'),
  )
  assert.equal((await s.fetch(ephemeral.path)).headers.get('cache-control'), 'private, max-age=90, immutable')
  await s.advance(90_000)
  assert.deepEqual([await there(ephemeral), await there(old)], [false, true])
  await s.advance(30 * 86_400_000)
  assert.deepEqual([await there(old), await there(face)], [false, true])
  await run('purge', 'localhost')
  assert.equal((await filesOf(s)).length, 1)

  const [mine, hers, last] = [await store(romeo), await store(juliet), await store(juliet)]
  assert.deepEqual(await run('usage', 'localhost'), [
    'localhost: 4 files, 0.0 MiB',
    '  juliet@localhost: 2 files, 0.0 MiB',
    '  romeo@localhost: 2 files, 0.0 MiB',
  ])
  await s.advance(7_200_000)
  const newest = await store(romeo)
  assert.deepEqual(await run('purge', 'romeo@localhost', '1h'), ['Removed 2 files.'])
  assert.deepEqual([await there(mine), await there(face), await there(newest)], [false, false, true])
  assert.match((await run('delete', 'localhost', hers.url)).join(), /^Removed/)
  assert.deepEqual([await there(hers), await there(last)], [false, true])
  for (const wrong of [
    ['delete', 'localhost', hers.url],
    ['delete', 'localhost', 'https://localhost/upload/x/%zz'],
    ['purge', 'romeo@localhost'],
    ['purge', 'romeo@localhost', 'soon'],
    ['usage', 'nobody@localhost'],
  ])
    await assert.rejects(run(...(wrong as [string, ...string[]])), { name: 'Error' }, wrong.join(' '))
  const open = await slotFor(juliet, 'a', 3)
  await s.host.deleteAccount('juliet')
  assert.deepEqual([await there(last), (await put(s, open, 'abc')).status], [false, 404])
  assert.deepEqual(await run('usage', 'localhost'), [
    'localhost: 1 file, 0.0 MiB',
    '  romeo@localhost: 1 file, 0.0 MiB',
  ])
  assert.equal((await filesOf(s)).length, 1)
})

story('Neither a name nor an address stands on disk', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const slot = await slotFor(romeo, 'secret.txt', 3)
  await put(s, slot, 'abc')
  const [name] = await filesOf(s)
  const id = /[\w-]{22}/.exec(slot.path)![0]
  assert.equal(name, createHash('sha256').update(`${id}\0secret.txt`).digest('hex'))
  const rows = JSON.stringify(await s.database.knex('upload_files').select('*'))
  for (const secret of [id, 'secret', slot.headers['Authorization']!.slice(7)])
    assert.ok(!rows.includes(secret), secret)
})

const bucket = await ObjectStore.open()
after(() => bucket.close())

story(
  'Files can be kept in a store that speaks S3',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const content = randomBytes(300_000)
    const slot = await slotFor(romeo, 'a.png', content.length, 'image/png')
    assert.equal((await put(s, slot, content.subarray(1))).status, 400)
    assert.equal((await s.fetch(slot.path)).status, 404)
    assert.equal(bucket.objects.size, 0)
    assert.equal((await put(s, slot, content)).status, 201)
    assert.equal((await put(s, slot, content)).status, 409)
    assert.deepEqual(Buffer.from(await (await s.fetch(slot.path)).arrayBuffer()), content)
    const part = await s.fetch(slot.path, { headers: { range: 'bytes=-10' } })
    assert.deepEqual([part.status, Buffer.from(await part.arrayBuffer())], [206, content.subarray(-10)])
    assert.equal((await s.fetch(slot.path, { method: 'HEAD' })).headers.get('content-length'), '300000')
    await s.host.deleteAccount('romeo')
    assert.equal(bucket.objects.size, 0)
  },
  { modules: { upload: { s3: bucket.settings } } },
)
