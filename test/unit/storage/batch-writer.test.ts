import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BatchFullError, BatchWriter } from '../../../src/storage/batch-writer.ts'
import { type Database, isUnavailable, openDatabase } from '../../../src/storage/database.ts'
import { migrate } from '../../../src/storage/migrate.ts'
import { systemClock } from '../../../src/util/clock.ts'
import { eachDatabase, silentLog, sqlFolder } from '../../support/databases.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { startMariadb } from '../../support/mariadb.ts'

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n)
const turn = () => new Promise((resolve) => setImmediate(resolve))
const away = () => Object.assign(new Error('away'), { code: 'ECONNREFUSED' })

/** A writer whose writes end when the test says so. */
function stage(over: { maxItems?: number; maxWaiting?: number; retryMs?: number } = {}) {
  const clock = new FakeClock()
  const batches: (readonly string[])[] = []
  const ends: ((error?: Error) => void)[] = []
  const order: string[] = []
  const writer = new BatchWriter<string>({
    name: 'test',
    db: {} as Database,
    maxItems: 100,
    maxWaiting: 0,
    retryMs: 0,
    ...over,
    clock,
    write: (items) => {
      batches.push(items)
      return new Promise((resolve, reject) => ends.push((error) => (error === undefined ? resolve() : reject(error))))
    },
  })
  return {
    writer,
    clock,
    batches,
    order,
    /** Asks for an item; its outcome goes to `order`. */
    append: (item: string) =>
      void writer.append(item).then(
        () => order.push(item),
        (error: Error) => order.push(`${item}: ${error.message}`),
      ),
    /** The write under way ends, and what follows from it begins. */
    end: async (error?: Error) => {
      ends.shift()!(error)
      await turn()
      await turn()
    },
  }
}

describe('a batch writer', () => {
  test('writes what one turn brings at once, and what comes meanwhile in the next batch', async () => {
    const { append, end, batches, order } = stage()
    append('1')
    append('2')
    assert.deepEqual(batches, [])
    await turn()
    append('3')
    append('4')
    await turn()
    assert.deepEqual(batches, [['1', '2']])
    assert.deepEqual(order, [])
    await end()
    assert.deepEqual(batches, [
      ['1', '2'],
      ['3', '4'],
    ])
    assert.deepEqual(order, ['1', '2'])
    await end()
    assert.deepEqual(order, ['1', '2', '3', '4'])
    append('5')
    await turn()
    assert.deepEqual(batches.at(-1), ['5'])
  })

  test('puts no more into a commit than it may', async () => {
    const { append, end, batches } = stage({ maxItems: 2 })
    for (const item of ['1', '2', '3', '4', '5']) append(item)
    await turn()
    for (let i = 0; i < 3; i++) await end()
    assert.deepEqual(batches, [['1', '2'], ['3', '4'], ['5']])
  })

  test('refuses what is past its bound, and takes more when it has room again', async () => {
    const { append, end, order, writer } = stage({ maxItems: 2, maxWaiting: 2 })
    append('1')
    append('2')
    append('too much')
    await turn()
    assert.deepEqual(order, ['too much: too much waits to be written'])
    await assert.rejects(
      async () => {
        append('3')
        append('4')
        await writer.append('5')
      },
      (error) => error instanceof BatchFullError,
    )
    await end()
    append('6')
    await end()
    await end()
    assert.deepEqual(order.slice(1), ['1', '2', '3', '4', '6'])
  })

  test('takes what is owed past its bound, in its place', async () => {
    const { append, end, order, writer } = stage({ maxItems: 2, maxWaiting: 2 })
    append('1')
    append('2')
    const owed = writer.append('owed', true).then(() => order.push('owed'))
    await turn()
    append('3')
    await end()
    await end()
    await owed
    assert.deepEqual(order, ['1', '2', 'owed', '3'])
  })

  test('lets an item that cannot be written fail alone, and keeps the order of all', async () => {
    const { append, end, batches, order } = stage()
    for (const item of ['1', 'bad', '3']) append(item)
    await turn()
    append('4')
    await end(new Error('one is bad'))
    await end()
    await end(new Error('it is'))
    await end()
    await end()
    assert.deepEqual(batches, [['1', 'bad', '3'], ['1'], ['bad'], ['3'], ['4']])
    assert.deepEqual(order, ['1', 'bad: it is', '3', '4'])
  })

  test('tries a batch again while the database is away, and blames nobody in it', async () => {
    const { append, end, batches, order, clock } = stage({ retryMs: 1000 })
    append('1')
    append('2')
    await turn()
    await end(away())
    assert.deepEqual(batches.length, 1)
    clock.advance(250)
    await turn()
    append('3')
    await end(away())
    clock.advance(250)
    await turn()
    await end()
    assert.deepEqual(order, ['1', '2'])
    assert.deepEqual(batches, [['1', '2'], ['1', '2'], ['1', '2'], ['3']])
  })

  test('tells everybody at once that the disk is full', async () => {
    const { append, end, batches, order } = stage({ retryMs: 1000 })
    append('1')
    append('2')
    await turn()
    await end(Object.assign(new Error('full'), { code: 'SQLITE_FULL' }))
    assert.deepEqual(order, ['1: full', '2: full'])
    assert.equal(batches.length, 1)
  })

  test('gives a batch up when the database stays away, all of it at once', async () => {
    const { append, end, batches, order, clock } = stage({ retryMs: 500 })
    append('1')
    append('2')
    await turn()
    for (let i = 0; i < 2; i++) {
      await end(away())
      clock.advance(250)
      await turn()
    }
    await end(away())
    assert.deepEqual(order, ['1: away', '2: away'])
    assert.equal(batches.length, 3)
  })

  test('waits for a database that goes while one is found to blame no longer than for any other batch', async () => {
    const { append, end, order, clock, batches } = stage({ retryMs: 500 })
    for (const item of ['1', 'bad', '3', '4']) append(item)
    await turn()
    await end(new Error('one is bad'))
    const began = clock.now()
    while (order.length < 4) {
      await end(away())
      if (order.length < 4 && clock.hasTimerWithin(250)) clock.advance(250)
      await turn()
    }
    assert.ok(clock.now() - began <= 500, `${clock.now() - began} ms`)
    assert.deepEqual(
      order,
      ['1', 'bad', '3', '4'].map((item) => `${item}: away`),
    )
    assert.ok(batches.length < 10)
  })

  test('is idle when nothing waits any more', async () => {
    const { append, end, writer, order } = stage()
    await writer.idle()
    append('1')
    const idle = writer.idle().then(() => order.push('idle'))
    await turn()
    append('2')
    await end()
    assert.deepEqual(order, ['1'])
    await end()
    await idle
    assert.deepEqual(order, ['1', '2', 'idle'])
  })
})

interface Item {
  readonly name: string
  readonly value: string | null
}

/** A writer into a table of two columns, of which the second takes no null. */
function into(db: Database, over: { retryMs?: number } = {}): BatchWriter<Item> {
  return new BatchWriter<Item>({
    name: 'test',
    db,
    maxItems: 50,
    maxWaiting: 1000,
    retryMs: 0,
    clock: systemClock,
    ...over,
    write: async (items) => {
      const rows = items.map((item) => ({ owner: 'batch', ...item }))
      await db.transaction((trx) => trx('key_values').insert(rows).onConflict(['owner', 'name']).merge(['value']))
    },
  })
}

const namesIn = async (db: Database): Promise<number[]> =>
  (await db.knex('key_values').where({ owner: 'batch' }).pluck('name')).map(Number).sort((a, b) => a - b)

eachDatabase((open) => {
  test('a batch writer commits much with little, in order', async () => {
    const db = await open()
    const writer = into(db)
    const before = db.queries
    const order: number[] = []
    await Promise.all(
      numbers(200).map(async (n) => {
        await writer.append({ name: `${n}`, value: 'x' })
        order.push(n)
      }),
    )
    assert.deepEqual(order, numbers(200))
    assert.deepEqual(await namesIn(db), numbers(200))
    // Begin, insert and commit for each of four.
    assert.ok(db.queries - before <= 13, `${db.queries - before} queries`)
  })

  test('what resolves is there, and what cannot be written takes nothing along', async () => {
    const db = await open()
    const writer = into(db)
    const outcomes = await Promise.allSettled(
      numbers(20).map((n) => writer.append({ name: `${n}`, value: n % 7 === 3 ? null : 'x' })),
    )
    const written = outcomes.flatMap(({ status }, n) => (status === 'fulfilled' ? [n] : []))
    assert.deepEqual(
      written,
      numbers(20).filter((n) => n % 7 !== 3),
    )
    assert.deepEqual(await namesIn(db), written)
  })
})

test('a batch writer outlives a database that is killed: nothing it said was written is missing', {
  timeout: 60_000,
}, async () => {
  const server = await startMariadb()
  const url = await server.createDatabase()
  const db = await openDatabase({ url, dataDir: '/nowhere', pool: 2, log: silentLog, answerMs: 2000 })
  await migrate(db, sqlFolder)
  const writer = into(db, { retryMs: 30_000 })
  const hasty = into(db)
  await writer.append({ name: '0', value: 'x' })
  let isOver = false
  const written: number[] = []
  const load = async (): Promise<void> => {
    for (let n = 1; !isOver; n++) {
      await writer.append({ name: `${n}`, value: 'x' })
      written.push(n)
    }
  }
  const loading = load()
  while (written.length < 20) await turn()
  await server.kill()
  await assert.rejects(hasty.append({ name: 'never', value: 'x' }), isUnavailable)
  const before = written.length
  await server.start()
  while (written.length < before + 20) await new Promise((resolve) => setTimeout(resolve, 5))
  isOver = true
  await loading
  assert.deepEqual(await namesIn(db), [0, ...written])
  await db.close()
  await server.stop()
})
