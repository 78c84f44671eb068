import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ArchiveReader } from '../../../../modules/archive/reader.ts'
import { StanzaError } from '../../../../src/api.ts'

test('nothing is read for somebody who is gone when its turn comes', async () => {
  let asked = 0
  const store = new Proxy({}, { get: () => () => asked++ })
  const reader = new ArchiveReader(store as never, async () => true)
  const asker = { address: 'romeo@localhost/orchard', live: false, pass() {}, drained: () => undefined }
  const query = { named: [1], filter: {}, page: { max: 50 } }
  await assert.rejects(
    reader.answer('romeo@localhost', asker, query as never),
    (error) => error instanceof StanzaError && error.condition === 'recipient-unavailable',
  )
  assert.equal(asked, 0)
})
