import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Departure, Departures } from '../../../../modules/last-activity/departures.ts'
import type { LastActivityStore } from '../../../../modules/last-activity/store.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

/** A store in memory whose saves end when the test says so. */
class SlowStore implements Pick<LastActivityStore, 'find' | 'remove' | 'save'> {
  readonly rows = new Map<string, Departure>()
  readonly batches: string[][] = []
  gate: Promise<void> = Promise.resolve()
  async save(departures: readonly Departure[]): Promise<void> {
    this.batches.push(departures.map(({ account }) => account))
    await this.gate
    for (const departure of departures) this.rows.set(departure.account, departure)
  }
  async find(account: string): Promise<Departure | undefined> {
    return this.rows.get(account)
  }
  async remove(account: string): Promise<void> {
    this.rows.delete(account)
  }
}

const setUp = () => {
  const store = new SlowStore()
  const lost: unknown[] = []
  const clock = new FakeClock()
  const departures = new Departures(store as unknown as LastActivityStore, clock, (error) => lost.push(error))
  return { store, lost, departures, clock }
}
const romeo = (leftMs: number): Departure => ({ account: 'romeo@localhost', leftMs, status: '' })

test('those who leave within two seconds share a statement, a hundred at most', async () => {
  const { store, departures, clock } = setUp()
  for (let i = 0; i < 150; i++) {
    departures.note({ account: `${i}@localhost`, leftMs: i, status: '' })
    clock.advance(10)
  }
  assert.equal(store.batches.length, 0)
  clock.advance(500)
  assert.equal(store.batches.length, 1)
  await departures.idle()
  assert.deepEqual(
    store.batches.map((batch) => batch.length),
    [100, 50],
  )
  assert.equal(store.rows.size, 150)
})

test('those who leave while a write runs are written after it, each once', async () => {
  const { store, departures, clock } = setUp()
  const { promise, resolve } = Promise.withResolvers<void>()
  store.gate = promise
  departures.note(romeo(1))
  clock.advance(2_000)
  departures.note(romeo(2))
  departures.note(romeo(3))
  resolve()
  await departures.idle()
  assert.equal(store.batches.length, 2)
  assert.equal(store.rows.get('romeo@localhost')?.leftMs, 3)
})

test('a stop waits for nothing', async () => {
  const { store, departures, clock } = setUp()
  departures.note(romeo(1))
  await departures.idle()
  assert.equal(store.rows.size, 1)
  clock.advance(10_000)
  await departures.idle()
  assert.equal(store.batches.length, 1)
})

test('what was noted is found at once', async () => {
  const { departures } = setUp()
  departures.note(romeo(7))
  assert.equal((await departures.find('romeo@localhost'))?.leftMs, 7)
  assert.equal(await departures.find('juliet@localhost'), undefined)
})

test('an account is forgotten, also while its departure is being written', async () => {
  const { store, departures, clock } = setUp()
  departures.note(romeo(1))
  clock.advance(2_000)
  departures.note(romeo(2))
  await departures.forget('romeo@localhost')
  await departures.idle()
  assert.equal(store.rows.size, 0)
  assert.equal(await departures.find('romeo@localhost'), undefined)
})

test('a write that fails is told, and the next one goes on', async () => {
  const { store, lost, departures } = setUp()
  store.gate = Promise.reject(new Error('no database'))
  departures.note(romeo(1))
  await departures.idle()
  assert.equal(lost.length, 1)
  store.gate = Promise.resolve()
  departures.note(romeo(2))
  assert.equal((await departures.find('romeo@localhost'))?.leftMs, 2)
})
