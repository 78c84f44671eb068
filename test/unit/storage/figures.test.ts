import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchFullError, BatchWriter, batchWriters } from '../../../src/storage/batch-writer.ts'
import type { Database } from '../../../src/storage/database.ts'
import { HealthWatch } from '../../../src/storage/health.ts'
import { eachDatabase, silentLog } from '../../support/databases.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** A writer of two at a time whose commits end when the test says so. */
function stage() {
  const clock = new FakeClock()
  const db = {} as Database
  const ends: ((error?: Error) => void)[] = []
  const bounds = { maxItems: 2, maxWaiting: 3, retryMs: 0 }
  const write = () =>
    new Promise<void>((resolve, reject) => ends.push((error) => (error === undefined ? resolve() : reject(error))))
  const writer = new BatchWriter<string>({ name: 'test', db, ...bounds, clock, write })
  const append = (count: number) => {
    for (let i = 0; i < count; i++) void writer.append(`${i}`).catch(() => {})
  }
  const end = async (error?: Error) => {
    ends.shift()!(error)
    await turn()
    await turn()
  }
  const lag = () => clock.now() - (writer.figures.waitingSinceMs ?? clock.now())
  return { clock, db, writer, append, end, lag }
}

test('a batch writer is found by its database, and says what waits and since when', async () => {
  const { append, clock, db, end, lag, writer } = stage()
  assert.deepEqual([...batchWriters(db)], [writer])
  assert.deepEqual([writer.figures.waiting, writer.figures.waitingSinceMs], [0, undefined])
  append(3)
  await turn()
  clock.advance(700)
  // Two of the three are being committed: none of them is written yet.
  assert.deepEqual([writer.figures.waiting, lag()], [3, 700])
  await end()
  assert.deepEqual([writer.figures.waiting, writer.figures.written], [1, 2])
  assert.equal(lag(), 700)
  clock.advance(300)
  append(1)
  await end()
  // What came while a commit was under way counts from when that began.
  assert.deepEqual([writer.figures.waiting, writer.figures.written, lag()], [1, 3, 300])
  await end()
  assert.deepEqual([writer.figures.waiting, writer.figures.written, lag()], [0, 4, 0])
  assert.deepEqual([writer.figures.commits.count, writer.figures.commits.sum], [3, 1])
})

test('what a batch writer cannot write is counted, each by itself; what is refused never waited', async () => {
  const { append, end, writer } = stage()
  append(2)
  await turn()
  await end(new Error('one of them is bad'))
  await end(new Error('this one'))
  await end()
  assert.deepEqual([writer.figures.written, writer.figures.failed, writer.figures.waiting], [1, 1, 0])
  append(3)
  await assert.rejects(writer.append('too much'), BatchFullError)
  assert.equal(writer.figures.waiting, 3)
})

test('outages of a database are counted, not the failures of each', async () => {
  const clock = new FakeClock()
  const watch = new HealthWatch(async () => {}, clock, silentLog)
  for (let outage = 1; outage <= 2; outage++) {
    for (let i = 0; i < 3; i++) watch.failed(new Error('lost'))
    assert.equal(watch.outages, outage)
    clock.advance(1000)
    await turn()
  }
})

eachDatabase((open) => {
  test('a database tells statements that failed apart, whichever way they were asked', async () => {
    const db = await open()
    await db.knex.schema.createTable('figures', (table) => table.integer('id').primary())
    const before = db.figures()
    await db.knex('figures').insert({ id: 1 })
    await assert.rejects(async () => await db.knex('figures').insert({ id: 1 }))
    await assert.rejects(db.transaction((trx) => trx('figures').insert({ id: 1 })))
    await assert.rejects(db.commit([{ sql: 'insert into figures (id) values (?)', bindings: [1] }]))
    await assert.rejects(db.rows({ sql: 'select nothing from nowhere', bindings: [] }))
    await assert.rejects(async () => await db.knex.raw('select nothing from nowhere'))
    const { failures, free, outages, queries, used, waiting } = db.figures()
    assert.equal(failures.taken - before.failures.taken, 3)
    assert.equal(failures.fault - before.failures.fault, 2)
    assert.equal(failures.unavailable + failures.contention, 0)
    assert.deepEqual([outages, used, waiting], [0, 0, 0])
    assert.ok(free > 0)
    assert.ok(queries > before.queries)
  })

  test('a database tells how many connections are used, and what waits for one', async () => {
    const db = await open()
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const asked = Array.from({ length: 12 }, () => db.transaction(async () => await held))
    try {
      while (db.figures().used === 0 || db.figures().waiting === 0) await turn()
      assert.ok(db.figures().used + db.figures().waiting <= asked.length)
    } finally {
      release()
      await Promise.all(asked)
    }
    assert.deepEqual([db.figures().used, db.figures().waiting], [0, 0])
  })
})
