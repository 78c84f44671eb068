import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { S3Files } from '../../../../modules/upload/s3-files.ts'
import { freePort } from '../../../support/free-port.ts'
import { ObjectStore } from '../../../support/object-store.ts'

const key = 'ab'.repeat(32)
const file = { key, size: 6, type: 'image/png' }
const signal = new AbortController().signal
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
  const files = new S3Files(store.settings)
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
  const files = new S3Files(store.settings)
  await files.write(file, chunks('abc', 'def'), signal)
  await (await files.read(key, 6, undefined))!.toArray()
  assert.equal(store.encodings.at(-1), 'identity')
  await files.remove(key)
})

test('why a store cannot be asked is said', async () => {
  const port = await freePort()
  const files = new S3Files({ ...store.settings, endpoint: `http://127.0.0.1:${port}` })
  await assert.rejects(files.remove(key), /the store cannot be asked to DELETE: .*ECONNREFUSED/)
})

test('a store that does not know the key is no store', async () => {
  const files = new S3Files({ ...store.settings, secretKey: 'another' })
  await assert.rejects(files.write(file, chunks('abc', 'def'), signal), /answered 403 to PUT/)
  await assert.rejects(files.read(key, 6, undefined), /answered 403 to GET/)
  await assert.rejects(files.remove(key), /answered 403 to DELETE/)
})
