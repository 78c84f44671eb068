import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { DiskFiles } from '../../../../modules/upload/disk-files.ts'

const key = 'ab'.repeat(32)
const folders: string[] = []
after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true })
})

async function open() {
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-files-'))
  folders.push(folder)
  const list = async () =>
    (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter((one) => one.isFile())
      .map((one) => one.name)
  return { folder, list, files: new DiskFiles(folder) }
}

async function* chunks(...parts: (Error | string)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part
    yield Buffer.from(part)
  }
}

async function text(
  files: DiskFiles,
  size: number,
  range?: { start: number; end: number },
): Promise<string | undefined> {
  const stream = await files.read(key, size, range)
  return stream && Buffer.concat(await stream.toArray()).toString()
}

const signal = new AbortController().signal

test('a file is there whole or not at all, for its server only', async () => {
  const { folder, list, files } = await open()
  const file = { key, size: 6, type: 'a/b' }
  await assert.rejects(files.write(file, chunks('abc', new Error('cut')), signal), /cut/)
  await assert.rejects(files.write(file, chunks('abc'), AbortSignal.abort()))
  assert.deepEqual(await list(), [])
  assert.equal(await text(files, 6), undefined)
  await files.write(file, chunks('abc', 'def'), signal)
  assert.equal(await text(files, 6), 'abcdef')
  assert.equal(await text(files, 6, { start: 1, end: 3 }), 'bcd')
  await assert.rejects(text(files, 7), /6 bytes instead of 7/)
  const mode = async (path: string) => ((await stat(join(folder, path))).mode & 0o777).toString(8)
  assert.deepEqual(
    [await mode('ab'), await mode('ab/ab'), await mode(`ab/ab/${key}`), await mode('incoming')],
    ['700', '700', '600', '700'],
  )
  await files.remove(key)
  await files.remove(key)
  assert.deepEqual(await list(), [])
  await assert.rejects(files.read('../../server.key', 1, undefined), /key/)
})

test('what was left of files is removed, and what is coming is not', async () => {
  const { folder, list, files } = await open()
  await files.tidy()
  await mkdir(join(folder, 'incoming'))
  await writeFile(join(folder, 'incoming', 'left'), 'x')
  const { promise, resolve } = Promise.withResolvers<void>()
  async function* slow() {
    yield Buffer.from('ab')
    await promise
    yield Buffer.from('c')
  }
  const written = files.write({ key, size: 3, type: 'a/b' }, slow(), signal)
  while ((await list()).length < 2) await new Promise((turn) => setImmediate(turn))
  await files.tidy()
  assert.equal((await list()).length, 1)
  resolve()
  await written
  assert.equal(await text(files, 3), 'abc')
})

test('a long file comes as it is, however slowly it is taken', async () => {
  const { files } = await open()
  // More than what the machine keeps of a connection.
  const content = randomBytes(16_000_001)
  const size = content.length
  await files.write({ key, size, type: 'a/b' }, inPieces(content, 65_536), signal)
  const { promise: sending, resolve: sends } = Promise.withResolvers<http.ServerResponse>()
  const server = http.createServer(async (_request, response) => {
    const bytes = await files.read(key, size, undefined)
    bytes!.pipe(response)
    sends(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo
    const [taken] = (await once(http.get({ host: '127.0.0.1', port, agent: false }), 'response')) as [
      http.IncomingMessage,
    ]
    const sent = await sending
    const turn = () => new Promise((done) => setImmediate(done))
    // The next piece is read while one waits that does not go.
    for (let turns = 0; turns < 200; turns++) {
      if (!sent.writableNeedDrain) turns = 0
      await turn()
    }
    assert.ok(Buffer.concat(await taken.toArray()).equals(content))
  } finally {
    server.close()
  }
  const end = await files.read(key, size, { start: size - 200_000, end: size - 1 })
  const got: Buffer[] = []
  end!.on('data', (chunk) => got.push(Buffer.from(chunk)))
  await once(end!, 'close')
  assert.ok(Buffer.concat(got).equals(content.subarray(-200_000)))
})

test('memory that bytes came in is given back once they are on disk, and none that others have a part of', async () => {
  const { files } = await open()
  const own = new Uint8Array(300_000).fill(120)
  const shared = new Uint8Array(10).fill(121)
  const part = shared.subarray(2, 4)
  async function* both() {
    yield part
    yield own
  }
  await files.write({ key, size: 300_002, type: 'a/b' }, both(), signal)
  assert.deepEqual([own.length, shared.length], [0, 10])
  assert.equal((await text(files, 300_002, { start: 0, end: 3 })) ?? '', 'yyxx')
})

async function* inPieces(content: Buffer, length: number): AsyncGenerator<Uint8Array> {
  // Copies, as what is given is given away.
  for (let at = 0; at < content.length; at += length) yield new Uint8Array(content.subarray(at, at + length))
}
