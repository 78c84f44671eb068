import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Context } from '#api'
import { Indexing } from '../../../../modules/archive/indexing.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

const turns = async (n = 20) => {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** A store that takes `msPerLot` for a lot; `lots` says how many each owner has left. */
function setUp(lots: Record<string, number>, msPerLot = 0) {
  const clock = new FakeClock()
  const calls: string[] = []
  const warnings: string[] = []
  const store = {
    failing: undefined as Error | undefined,
    async index(owner: string, _limit: number, begin: boolean): Promise<boolean> {
      calls.push(begin ? `${owner}!` : owner)
      await new Promise<void>((resolve) => (msPerLot === 0 ? resolve() : clock.after(msPerLot, resolve)))
      if (store.failing !== undefined) throw store.failing
      lots[owner] = Math.max(0, (lots[owner] ?? 0) - 1)
      return lots[owner] > 0
    },
  }
  const log = { warn: (_fields: unknown, text: string) => warnings.push(text) } as unknown as Context['log']
  return { indexing: new Indexing(store, clock, log), clock, calls, store, warnings }
}

test('archive indexing: a search waits until all is indexed, and one after that for one look', async () => {
  const { indexing, calls } = setUp({ a: 3 })
  assert.equal(await indexing.ready('a', 1000), true)
  assert.deepEqual(calls, ['a!', 'a', 'a'])
  assert.equal(await indexing.ready('a', 1000), true)
  assert.deepEqual(calls, ['a!', 'a', 'a', 'a!'])
})

test('archive indexing: past its patience a search is told so, and the work goes on to its end, with pauses', async () => {
  const { indexing, clock, calls } = setUp({ a: 5 }, 100)
  const first = indexing.ready('a', 250)
  for (const [ms, count] of [
    [100, 2],
    [100, 2],
    [50, 2],
  ] as const) {
    clock.advance(ms)
    await turns()
    assert.equal(calls.length, count)
  }
  assert.equal(await first, false)
  // Nobody waits now. Each lot is followed by a pause of the same length.
  for (let n = 0; n < 5; n++) {
    clock.advance(100)
    await turns()
  }
  assert.equal(calls.length, 5)
  const second = indexing.ready('a', 250)
  assert.equal(calls.length, 5)
  clock.advance(100)
  await turns()
  assert.equal(await second, true)
  assert.deepEqual(calls, ['a!', 'a', 'a', 'a', 'a'])
})

test('archive indexing: without a bound a search waits for however long', async () => {
  const { indexing, clock } = setUp({ a: 40 }, 1000)
  let isReady = false
  void indexing.ready('a', 0).then(() => {
    isReady = true
  })
  for (let n = 0; n < 77; n++) {
    clock.advance(1000)
    await turns(3)
  }
  assert.equal(isReady, false)
  clock.advance(1000)
  await turns(3)
  assert.equal(isReady, true)
})

test('archive indexing: an account is indexed once however many wait, two at a time, and short work waits for nobody', async () => {
  const { indexing, clock, calls } = setUp({ a: 3, b: 3, c: 3, d: 1 }, 100)
  const all = ['a', 'a', 'b', 'c', 'd'].map((owner) => indexing.ready(owner, 0))
  assert.deepEqual(calls, ['a!', 'b!', 'c!', 'd!'])
  for (let n = 0; n < 3; n++) {
    clock.advance(100)
    await turns()
  }
  assert.equal(await all.at(-1), true)
  assert.deepEqual(calls.slice(4), ['a', 'b', 'a', 'b'])
  for (let n = 0; n < 5; n++) {
    clock.advance(100)
    await turns()
  }
  assert.deepEqual(await Promise.all(all), [true, true, true, true, true])
  assert.deepEqual(calls.slice(8), ['c', 'c'])
})

test('archive indexing: a failure reaches those who wait, the log, and not the next search', async () => {
  const { indexing, calls, store, warnings } = setUp({ a: 2, b: 2, c: 2, d: 2 })
  store.failing = new Error('gone')
  await assert.rejects(indexing.ready('a', 1000), /gone/)
  assert.deepEqual(warnings, ['messages could not be made ready for a search'])
  store.failing = undefined
  assert.deepEqual(await Promise.all(['a', 'b', 'c', 'd'].map((owner) => indexing.ready(owner, 1000))), [
    true,
    true,
    true,
    true,
  ])
  assert.equal(calls.length, 9)
})

test('archive indexing: it stops between two lots, whether in a pause or waiting for a turn, and begins nothing more', async () => {
  const { indexing, clock, calls } = setUp({ a: 9, b: 9, c: 9 }, 100)
  const all = ['a', 'b', 'c'].map((owner) => indexing.ready(owner, 0))
  for (let n = 0; n < 2; n++) {
    clock.advance(100)
    await turns()
  }
  assert.equal(calls.length, 5)
  await indexing.stop()
  assert.deepEqual(await Promise.all(all), [false, false, false])
  assert.equal(await indexing.ready('a', 0), false)
  assert.equal(calls.length, 5)
})
