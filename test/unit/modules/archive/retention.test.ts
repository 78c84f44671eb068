import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Context, KeyValue } from '#api'
import { Retention } from '../../../../modules/archive/retention.ts'
import type { SettingsStore } from '../../../../modules/archive/settings-store.ts'
import type { ArchiveStore } from '../../../../modules/archive/store.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

const HOUR_MS = 3_600_000

/** An archive of ids for each owner, and a key-value store, both in memory; `log` has what is logged. */
function bench(retention: number, maxMessages: number, archives: Record<string, number[]>) {
  const values = new Map<string, string>()
  const clock = new FakeClock()
  const lines: string[] = []
  const batches: number[] = []
  const own = new Map<string, number>()
  const kv = {
    get: async (key: string) => values.get(key),
    set: async (key: string, value: string) => void values.set(key, value),
    delete: async (key: string) => void values.delete(key),
  }
  const store = {
    owners: async (after: string | undefined, limit: number) =>
      Object.keys(archives)
        .filter((owner) => after === undefined || owner > after)
        .slice(0, limit),
    nthNewest: async (owner: string, n: number) => archives[owner]!.at(-n),
    purge: async (owner: string, before: number, limit: number) => {
      const gone = archives[owner]!.filter((id) => id < before).slice(0, limit)
      archives[owner] = archives[owner]!.slice(gone.length)
      batches.push(gone.length)
      return gone.length
    },
  }
  const accounts = { retentions: async () => own, removeReadersBefore: async () => {} }
  const log = {
    info: (_: unknown, text: string) => lines.push(text),
    warn: (_: unknown, text: string) => lines.push(text),
  }
  const make = () =>
    new Retention({
      store: store as unknown as ArchiveStore,
      accounts: accounts as unknown as SettingsStore,
      kv: kv as unknown as KeyValue,
      settings: { retention, maxMessages },
      clock,
      log: log as unknown as Context['log'],
    })
  return { archives, values, clock, lines, batches, own, make, store }
}

const turns = async () => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}

test('messages go when they are too old, an account’s own time being first', async () => {
  const { make, clock, archives, own } = bench(HOUR_MS, 0, {})
  const at = (hoursAgo: number) => (clock.now() - hoursAgo * HOUR_MS) * 1000
  archives['a@x'] = [at(3), at(1) - 1, at(1), at(0)]
  archives['b@x'] = [at(3), at(0)]
  archives['c@x'] = [at(3), at(0)]
  own.set('b@x', 0)
  own.set('c@x', 4 * HOUR_MS)
  assert.equal(await make().purge(), 2)
  assert.deepEqual([archives['a@x'].length, archives['b@x'].length, archives['c@x'].length], [2, 2, 2])
})

test('the quota keeps the newest; without bounds nothing is touched', async () => {
  const { make, archives } = bench(0, 2, { 'a@x': [1, 2, 3, 4], 'b@x': [1, 2], 'c@x': [] })
  assert.equal(await make().purge(), 2)
  assert.deepEqual(archives, { 'a@x': [3, 4], 'b@x': [1, 2], 'c@x': [] })
  const unbound = bench(0, 0, { 'a@x': [1] })
  assert.equal(await unbound.make().purge(), 0)
  assert.deepEqual(unbound.batches, [])
})

test('much is removed in small batches with pauses, and the log tells of it', async () => {
  const { make, clock, batches, lines, archives } = bench(0, 1, {
    'a@x': Array.from({ length: 1201 }, (_, n) => n + 1),
  })
  const purged = make().purge()
  await turns()
  assert.deepEqual(batches, [500])
  clock.advance(50)
  await turns()
  assert.deepEqual(batches, [500, 500])
  clock.advance(50)
  assert.equal(await purged, 1200)
  assert.deepEqual(archives['a@x'], [1201])
  assert.deepEqual(lines, ['old messages were removed from the archive'])
})

test('the log tells how far it has got, of each fifty thousand', async () => {
  const numbers = (length: number) => Array.from({ length }, (_, n) => n + 1)
  const { make, clock, lines } = bench(0, 1, { 'a@x': numbers(100_001), 'b@x': numbers(3) })
  let isOver = false
  const purged = make()
    .purge()
    .finally(() => {
      isOver = true
    })
  while (!isOver) {
    clock.advance(50)
    await turns()
  }
  assert.equal(await purged, 100_002)
  assert.deepEqual(lines, [
    'old messages are being removed from the archive',
    'old messages are being removed from the archive',
    'old messages were removed from the archive',
  ])
})

test('one node does it at a time; one that is gone does not keep the others from it', async () => {
  const { make, values, clock, archives } = bench(0, 1, { 'a@x': [1, 2] })
  values.set('purge', `another ${clock.now() + 600_000}`)
  assert.equal(await make().purge(), 0)
  clock.advance(600_001)
  assert.equal(await make().purge(), 1)
  assert.equal(values.get('purge'), undefined)
  assert.deepEqual(archives['a@x'], [2])
})

test('it begins by itself, goes on after a failure, and stops between two batches', async () => {
  const { make, clock, batches, lines, archives, store } = bench(0, 1, {
    'a@x': Array.from({ length: 1201 }, (_, n) => n + 1),
  })
  const { owners } = store
  store.owners = () => Promise.reject(new Error('no database'))
  const retention = make()
  retention.start()
  clock.advance(60_000)
  await turns()
  assert.match(lines.join(), /could not be removed/)
  store.owners = owners
  clock.advance(HOUR_MS)
  await turns()
  assert.deepEqual(batches, [500])
  await retention.stop()
  clock.advance(HOUR_MS)
  await turns()
  assert.equal(archives['a@x']!.length, 701)
})
