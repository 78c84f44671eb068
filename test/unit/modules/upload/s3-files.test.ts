import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import type net from 'node:net'
import { after, before, test } from 'node:test'
import { S3Files } from '../../../../modules/upload/s3-files.ts'
import { freePort } from '../../../support/free-port.ts'
import { ObjectStore } from '../../../support/object-store.ts'

const key = 'ab'.repeat(32)
const file = { key, size: 6, type: 'image/png' }
const signal = new AbortController().signal
const never = () => () => {}
let store: ObjectStore
before(async () => {
  store = await ObjectStore.open()
})
after(() => store.close())

async function* chunks(...parts: (Error | string)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    await new Promise((turn) => setImmediate(turn))
    if (part instanceof Error) throw part
    yield Buffer.from(part)
  }
}

test('a file is an object once it is whole, and is read in whole or in part', async () => {
  const files = new S3Files(store.settings, never)
  assert.equal(await files.read(key, 6, undefined), undefined)
  await assert.rejects(files.write(file, chunks('abc', new Error('cut')), signal))
  await assert.rejects(files.write(file, chunks('abc', 'def'), AbortSignal.abort()))
  assert.equal(store.objects.size, 0)
  await files.write(file, chunks('abc', 'def'), signal)
  assert.deepEqual([...store.objects], [[`/files/ab/${key}`, { bytes: Buffer.from('abcdef'), type: 'image/png' }]])
  const text = async (range?: { start: number; end: number }) =>
    Buffer.concat(await (await files.read(key, 6, range))!.toArray()).toString()
  assert.equal(await text(), 'abcdef')
  assert.equal(await text({ start: 1, end: 3 }), 'bcd')
  await assert.rejects(files.read(key, 7, undefined), /6 bytes instead of 7/)
  await files.remove(key)
  await files.remove(key)
  assert.equal(store.objects.size, 0)
  await files.tidy()
})

test('a store that would rather send less is told to send what there is', async () => {
  const files = new S3Files(store.settings, never)
  await files.write(file, chunks('abc', 'def'), signal)
  await (await files.read(key, 6, undefined))!.toArray()
  assert.equal(store.encodings.at(-1), 'identity')
  await files.remove(key)
})

test('why a store cannot be asked is said', async () => {
  const port = await freePort()
  const files = new S3Files({ ...store.settings, endpoint: `http://127.0.0.1:${port}` }, never)
  await assert.rejects(files.remove(key), /the store cannot be asked to DELETE: .*ECONNREFUSED/)
})

test('a store that does not answer is not waited for', async () => {
  const stuck = http.createServer().listen(0, '127.0.0.1')
  await once(stuck, 'listening')
  const { port } = stuck.address() as net.AddressInfo
  let cancelled = 0
  const files = new S3Files({ ...store.settings, endpoint: `http://127.0.0.1:${port}` }, (ms, fn) => {
    assert.equal(ms, 30_000)
    stuck.once('request', fn)
    return () => void cancelled++
  })
  await assert.rejects(files.remove(key), /does not answer when asked to DELETE/)
  await assert.rejects(files.read(key, 6, undefined), /does not answer when asked to GET/)
  assert.equal(cancelled, 2)
  stuck.closeAllConnections()
  stuck.close()
})

test('a store that does not know the key is no store', async () => {
  const files = new S3Files({ ...store.settings, secretKey: 'another' }, never)
  await assert.rejects(files.write(file, chunks('abc', 'def'), signal), /answered 403 to PUT/)
  await assert.rejects(files.read(key, 6, undefined), /answered 403 to GET/)
  await assert.rejects(files.remove(key), /answered 403 to DELETE/)
})
