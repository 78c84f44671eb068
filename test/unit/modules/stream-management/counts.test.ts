import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { Counts } from '../../../../modules/stream-management/counts.ts'
import type { Count, ResumableStore } from '../../../../modules/stream-management/store.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

const count = (hash: string, handled: number): Count => ({ hash, local: 'romeo', handled })
let writes: Count[][]
let released: string[]
let rows: Map<string, Count>
let gate: Promise<void>
let broken: boolean
let failures: number
let counts: Counts

beforeEach(() => {
  writes = []
  released = []
  rows = new Map()
  gate = Promise.resolve()
  broken = false
  failures = 0
  const store = {
    count: async (all: Count[]) => {
      writes.push(all)
      await gate
      if (broken) throw new Error('gone')
      for (const one of all) rows.set(one.hash, one)
    },
    find: async (hash: string) => rows.get(hash),
    release: async (hashes: string[]) => void released.push(...hashes),
    forget: async () => rows.clear(),
  }
  counts = new Counts(store as unknown as ResumableStore, new FakeClock(), () => failures++)
})

test('what comes up in a turn, and during a write, shares a write; the newest counts', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  gate = promise
  counts.note(count('a', 1))
  counts.note(count('b', 1))
  counts.note(count('a', 2))
  while (writes.length === 0) await new Promise((next) => setImmediate(next))
  counts.note(count('a', 3))
  counts.note(count('c', 1))
  assert.equal((await counts.find('a'))?.handled, 3)
  assert.equal((await counts.find('b'))?.handled, 1)
  resolve()
  await counts.idle()
  assert.deepEqual(writes, [
    [count('a', 2), count('b', 1)],
    [count('a', 3), count('c', 1)],
  ])
})

test('what a lost database does not take is known, and goes with the next write', async () => {
  broken = true
  counts.note(count('a', 1))
  await counts.idle()
  assert.equal(failures, 1)
  assert.equal((await counts.find('a'))?.handled, 1)
  broken = false
  counts.note(count('b', 1))
  await counts.idle()
  assert.deepEqual([...rows.keys()], ['a', 'b'])
})

test('what is saved of sessions that are over goes at the next flush, not before', async () => {
  counts.ended('a')
  counts.flush()
  await counts.idle()
  assert.deepEqual(released, ['a'])
  counts.flush()
  await counts.idle()
  assert.deepEqual(released, ['a'])
})

test('an account that is forgotten is not written again', async () => {
  counts.note(count('a', 1))
  await counts.forget('romeo')
  counts.flush()
  await counts.idle()
  assert.equal(await counts.find('a'), undefined)
})
