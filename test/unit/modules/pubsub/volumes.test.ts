import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Volumes } from '../../../../modules/pubsub/volumes.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

/** Volumes over what is there, by node; `counts` tells how often that was looked at. */
function scene(there: Record<string, number>) {
  const clock = new FakeClock()
  const seen = { counts: 0, there }
  const count = async () => {
    seen.counts++
    return new Map(Object.entries(seen.there))
  }
  const volumes = new Volumes(count, clock)
  const take = (node: string, bytes: number, isInstead = false) =>
    volumes.take('example.org', 'hamlet@example.org', { node, bytes, isInstead }, 100)
  return { clock, seen, volumes, take }
}

test('volumes: what is there is counted once, and what is added comes to it', async () => {
  const { seen, take } = scene({ a: 50 })
  assert.deepEqual(await Promise.all([take('a', 20), take('b', 30), take('b', 1)]), [true, true, false])
  assert.equal(seen.counts, 1)
  assert.equal(await take('b', 10, true), true)
  assert.equal(await take('b', 20), true)
})

test('volumes: at the limit it is counted again, but not all the time', async () => {
  const { clock, seen, take } = scene({ a: 90 })
  assert.equal(await take('a', 20), false)
  seen.there = { a: 10 }
  assert.equal(await take('a', 20), false)
  assert.equal(seen.counts, 1)
  clock.advance(10_000)
  assert.equal(await take('a', 20), true)
  assert.equal(seen.counts, 2)
})

test('volumes: an emptied node makes room at once; all can be forgotten', async () => {
  const { seen, take, volumes } = scene({ a: 90, b: 5 })
  assert.equal(await take('b', 20), false)
  volumes.emptied('example.org', 'hamlet@example.org', 'a')
  volumes.emptied('example.org', 'horatio@example.org', 'b')
  assert.equal(await take('b', 95), true)
  seen.there = {}
  volumes.clear()
  assert.equal(await take('b', 100), true)
})
