import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TokenBucket } from '../../../../modules/muc/token-bucket.ts'

const flow = { perMs: 2 / 1000, capacity: 4 }
const taken = (bucket: TokenBucket, nowMs: number): number => {
  let n = 0
  while (bucket.take(flow, nowMs)) n++
  return n
}

test('a bucket begins full, fills evenly and no higher than its capacity', () => {
  const bucket = new TokenBucket(flow, 1000)
  assert.equal(taken(bucket, 1000), 4)
  assert.equal(taken(bucket, 1499), 0)
  assert.equal(taken(bucket, 1500), 1)
  assert.equal(taken(bucket, 3000), 3)
  assert.equal(taken(bucket, 1_000_000), 4)
})

test('a clock that is put back takes no tokens away and gives none', () => {
  const bucket = new TokenBucket(flow, 10_000)
  assert.equal(taken(bucket, 0), 4)
  assert.equal(taken(bucket, 500), 1)
})

test('who may do more from now on has not more at once', () => {
  const bucket = new TokenBucket(flow, 0)
  assert.equal(taken(bucket, 0), 4)
  assert.equal(bucket.take({ perMs: 1, capacity: 100 }, 0), false)
  assert.equal(bucket.take({ perMs: 1, capacity: 100 }, 1), true)
})
