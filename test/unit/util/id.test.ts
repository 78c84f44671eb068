import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomId } from '../../../src/util/id.ts'

test('ids are 128 bits in base64url, and none comes twice', () => {
  const ids = Array.from({ length: 1_000 }, randomId)
  assert.equal(new Set(ids).size, ids.length)
  for (const id of ids) assert.match(id, /^[A-Za-z0-9_-]{21}[AQgw]$/)
})
