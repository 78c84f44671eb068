import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Database, type Health, isUnavailable, openDatabase } from '../../../src/storage/database.ts'
import { silentLog } from '../../support/databases.ts'
import { type Mariadb, startMariadb } from '../../support/mariadb.ts'

let server: Mariadb
let db: Database
const heard: Health[] = []

before(async () => {
  server = await startMariadb()
  const url = await server.createDatabase()
  db = await openDatabase({ url, dataDir: '/nowhere', pool: 3, log: silentLog, answerMs: 1500 })
  await db.knex.raw('create table t (a int primary key) engine = innodb')
  db.onHealth((health) => heard.push(health))
})
after(async () => {
  await db?.close()
  await server?.stop()
})

/** Resolves when the health is `wanted`, within the time limit of the test. */
async function healthIs(wanted: Health): Promise<void> {
  if (db.health === wanted) return
  await new Promise<void>((resolve) => {
    const detach = db.onHealth((health) => {
      if (health !== wanted) return
      detach()
      resolve()
    })
  })
}

async function failsQuickly(work: () => Promise<unknown>, withinMs: number): Promise<void> {
  const start = performance.now()
  await assert.rejects(work, isUnavailable)
  assert.ok(performance.now() - start < withinMs, `took ${performance.now() - start} ms`)
}

test('a database that was killed fails queries at once, and is used again when it is back', {
  timeout: 60_000,
}, async () => {
  // All connections of the pool are open, one is in the middle of a transaction.
  await Promise.all([1, 2, 3].map((a) => db.transaction((trx) => trx('t').insert({ a }))))
  const begun = Promise.withResolvers<void>()
  const killed = Promise.withResolvers<void>()
  const open = db.transaction(async (trx) => {
    await trx('t').insert({ a: 4 })
    begun.resolve()
    await killed.promise
    await trx('t').insert({ a: 5 })
  })
  open.catch(() => {})
  await begun.promise
  await server.kill()
  killed.resolve()
  await failsQuickly(() => open, 2000)
  for (let i = 0; i < 5; i++) await failsQuickly(async () => await db.knex('t').insert({ a: 6 }), 2000)
  await failsQuickly(() => db.transaction((trx) => trx('t').insert({ a: 6 })), 2000)
  assert.equal(db.health, 'down')
  await server.start()
  await healthIs('up')
  // More than the pool holds, so that every connection is taken.
  await Promise.all([7, 8, 9, 10, 11].map((a) => db.transaction((trx) => trx('t').insert({ a }))))
  assert.deepEqual(await db.knex('t').orderBy('a').pluck('a'), [1, 2, 3, 7, 8, 9, 10, 11])
  assert.deepEqual(heard, ['down', 'up'])
})

test('connections that died unnoticed are not lent again', { timeout: 60_000 }, async () => {
  await Promise.all([1, 2, 3].map(() => db.knex('t').count()))
  await server.kill()
  await server.start()
  const results = await Promise.allSettled([1, 2, 3, 4].map(async () => await db.knex('t').count({ n: '*' })))
  assert.ok(results.every((result) => result.status === 'fulfilled' || isUnavailable(result.reason)))
  await healthIs('up')
  assert.deepEqual(await db.knex('t').count({ n: '*' }), [{ n: 8 }])
})

test('a database that hangs fails queries after the time limit, and is used again when it goes on', {
  timeout: 60_000,
}, async () => {
  await db.knex('t').count()
  await server.freeze()
  try {
    await failsQuickly(async () => await db.knex('t').count(), 4000)
    assert.equal(db.health, 'down')
  } finally {
    server.thaw()
  }
  await healthIs('up')
  assert.deepEqual(await db.knex('t').count({ n: '*' }), [{ n: 8 }])
})

test('statements that are committed together fail likewise, and the database is told to be down', {
  timeout: 60_000,
}, async () => {
  const insert = (a: number) => ({ sql: 'insert into t (a) values (?)', bindings: [a] })
  await db.commit([insert(20)])
  await server.freeze()
  try {
    await failsQuickly(() => db.commit([insert(21), insert(22)]), 4000)
    assert.equal(db.health, 'down')
  } finally {
    server.thaw()
  }
  await healthIs('up')
  await db.commit([insert(23)])
  assert.deepEqual(await db.knex('t').whereIn('a', [20, 23]).pluck('a'), [20, 23])
})

test('a connection lost in the middle of a statement leaves no timer that keeps the program from ending', {
  timeout: 60_000,
}, async () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  await db.knex('t').count()
  const before = timers()
  const asked = db.knex.raw('select sleep(10)').then(() => {})
  const lost = assert.rejects(asked, isUnavailable)
  while (timers() <= before) await new Promise((resolve) => setImmediate(resolve))
  await server.kill()
  await lost
  await server.start()
  await healthIs('up')
  assert.ok(timers() <= before, `${timers() - before} timers are left`)
})
