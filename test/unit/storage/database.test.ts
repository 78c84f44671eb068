import assert from 'node:assert/strict'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  type Database,
  DatabaseError,
  isUnavailable,
  isUniqueViolation,
  openDatabase,
} from '../../../src/storage/database.ts'
import { connectionSettings, describeMysql } from '../../../src/storage/mysql.ts'
import { eachDatabase, silentLog } from '../../support/databases.ts'
import { sharedMariadb } from '../../support/mariadb.ts'

const folders: string[] = []
after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-data-'))
  folders.push(folder)
  return folder
}

const open = (url: string, dataDir: string, pool = 5) => openDatabase({ url, dataDir, pool, log: silentLog })
const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

test('SQLite: folder and files are made for their owner only', async () => {
  const dataDir = join(await newFolder(), 'data')
  const db = await open('sqlite', dataDir)
  await db.knex.raw('create table t (a integer)')
  assert.equal(await mode(dataDir), '700')
  for (const name of ['stonechat.sqlite', 'stonechat.sqlite-wal', 'stonechat.sqlite-shm']) {
    assert.equal(await mode(join(dataDir, name)), '600', name)
  }
  await db.close()
})

test('SQLite: commits are durable and foreign keys hold', async () => {
  const db = await open('sqlite', await newFolder())
  const pragma = async (name: string) => Object.values((await db.knex.raw(`pragma ${name}`))[0])[0]
  assert.equal(await pragma('journal_mode'), 'wal')
  assert.equal(await pragma('synchronous'), 2)
  assert.equal(await pragma('foreign_keys'), 1)
  await db.close()
})

test('SQLite: a file of another name, relative to the data folder', async () => {
  const dataDir = await newFolder()
  const db = await open('sqlite:chat/main.db', dataDir)
  assert.equal(await mode(join(dataDir, 'chat/main.db')), '600')
  await db.close()
})

test('SQLite: a database in memory leaves no file and lives until it is closed', async () => {
  const dataDir = join(await newFolder(), 'none')
  const db = await open('sqlite::memory:', dataDir)
  await db.knex.raw('create table t (a integer)')
  await db.transaction((trx) => trx('t').insert({ a: 1 }))
  assert.deepEqual(await db.knex('t'), [{ a: 1 }])
  await assert.rejects(stat(dataDir), { code: 'ENOENT' })
  await db.close()
})

test('SQLite: a file that is no database is refused with its name', async () => {
  const dataDir = await newFolder()
  await writeFile(
    join(dataDir, 'stonechat.sqlite'),
    'This is not a database, and long enough to be seen as none. '.repeat(100),
  )
  await assert.rejects(
    open('sqlite', dataDir),
    (error) => error instanceof DatabaseError && error.message.includes('stonechat.sqlite'),
  )
})

test('SQLite: what another connection commits meanwhile does not fail a transaction', async () => {
  const dataDir = await newFolder()
  const [one, other] = [await open('sqlite', dataDir), await open('sqlite', dataDir)]
  await one.knex.raw('create table t (a integer)')
  await one.transaction(async (trx) => {
    // The write lock is taken as the transaction begins; another writer is told to wait and in the end that it is busy.
    await other.knex.raw('pragma busy_timeout = 1')
    await assert.rejects(other.knex('t').insert({ a: 2 }), isUnavailable)
    assert.deepEqual(await trx('t'), [])
    await trx('t').insert({ a: 1 })
  })
  assert.deepEqual(await other.knex('t'), [{ a: 1 }])
  await one.close()
  await other.close()
})

test('MySQL: a server that is not there is told of in words, without the password', async () => {
  await assert.rejects(open('mysql://romeo:secret@127.0.0.1:1/chat', '/nowhere'), (error: Error) => {
    assert.ok(error instanceof DatabaseError)
    assert.match(
      error.message,
      /mysql:\/\/romeo@127\.0\.0\.1:1\/chat cannot be used: .*ECONNREFUSED.*Start the database/,
    )
    assert.doesNotMatch(error.message, /secret/)
    return true
  })
})

test('MySQL: a missing database and a wrong password are told apart', async () => {
  const server = await sharedMariadb()
  await assert.rejects(open(server.url('nothing_here'), '/nowhere'), /Create it/)
  const url = new URL(server.url('mysql'))
  url.password = 'wrong'
  await assert.rejects(open(url.href, '/nowhere'), /Correct user and password/)
})

test('MySQL: the URL may have escapes and an IPv6 address; anything else is refused', () => {
  const { user, password, host, port, database } = connectionSettings('mysql://ro%40meo:p%2Fw@[::1]/chat') as Record<
    string,
    unknown
  >
  assert.deepEqual([user, password, host, port, database], ['ro@meo', 'p/w', '::1', 3306, 'chat'])
  for (const url of [
    'mysql://',
    'mysql://host',
    'mysql://host/',
    'mysql://host/db?x=1',
    'postgres://host/db',
    'mysql:host/db',
  ]) {
    assert.throws(() => describeMysql(url), DatabaseError, url)
  }
})

test('MySQL: sessions are strict, in UTC and in binary collation whatever the database says', async () => {
  const db = await open(await (await sharedMariadb()).createDatabase(), '/nowhere')
  const [[row]] = await db.knex.raw(
    'select @@session.sql_mode as mode, @@session.time_zone as zone, @@collation_connection as collation',
  )
  assert.match(row.mode, /STRICT_ALL_TABLES/)
  assert.match(row.mode, /NO_ENGINE_SUBSTITUTION/)
  assert.equal(row.zone, '+00:00')
  assert.equal(row.collation, 'utf8mb4_bin')
  await db.close()
})

test('MySQL: of two transactions in a deadlock the one that loses is run again', async () => {
  const db = await open(await (await sharedMariadb()).createDatabase(), '/nowhere')
  await db.knex.raw('create table t (a int primary key, n int not null) engine = innodb')
  await db.knex('t').insert([
    { a: 1, n: 0 },
    { a: 2, n: 0 },
  ])
  let runs = 0
  const meeting = Promise.withResolvers<void>()
  const cross = (first: number, second: number) =>
    db.transaction(async (trx) => {
      await trx('t').where({ a: first }).increment('n')
      if (++runs === 2) meeting.resolve()
      await meeting.promise
      await trx('t').where({ a: second }).increment('n')
    })
  await Promise.all([cross(1, 2), cross(2, 1)])
  assert.equal(runs, 3)
  assert.deepEqual(await db.knex('t').pluck('n'), [2, 2])
  await db.close()
})

test('MySQL: a statement of its own that loses in a deadlock is run again', async () => {
  const db = await open(await (await sharedMariadb()).createDatabase(), '/nowhere')
  await db.knex.raw('create table lonely (a int primary key, n int not null) engine = innodb')
  await db.knex('lonely').insert(Array.from({ length: 20 }, (_, a) => ({ a, n: 0 })))
  const isWaiting = async () => {
    const waiting = db.knex('information_schema.innodb_trx').where('trx_state', 'LOCK WAIT')
    return (await waiting.andWhere('trx_query', 'like', '%lonely%').first()) !== undefined
  }
  let alone: Promise<unknown> | undefined
  await db.transaction(async (trx) => {
    // Whoever has changed least is the victim.
    await trx('lonely').where('a', '>', 0).increment('n')
    alone = db.knex('lonely').where('a', '<', 2).increment('n').then()
    while (!(await isWaiting()));
    await trx('lonely').where({ a: 0 }).increment('n')
  })
  assert.equal(await alone, 2)
  assert.deepEqual(await db.knex('lonely').where('a', '<', 3).orderBy('a').pluck('n'), [2, 2, 1])
  assert.equal(db.figures().failures.contention, 1)
  await db.close()
})

eachDatabase((openMigrated) => {
  let db: Database
  before(async () => {
    db = await openMigrated()
    await db.knex.schema.createTable('counted', (table) => {
      table.integer('a').notNullable().primary()
      table.integer('b').unique()
    })
  })

  test('a transaction that rejects leaves nothing', async () => {
    const refusal = new Error('no')
    const work = db.transaction(async (trx) => {
      await trx('counted').insert({ a: 1 })
      throw refusal
    })
    await assert.rejects(work, refusal)
    assert.deepEqual(await db.knex('counted'), [])
  })

  test('a transaction resolves with what its work does', async () => {
    assert.equal(await db.transaction(async (trx) => (await trx('counted').insert({ a: 2, b: 7 })) && 'done'), 'done')
  })

  test('rows are read past Knex with its bindings, counted, and the connection is given back', async () => {
    await db.knex('counted').insert([{ a: 90 }, { a: 91 }])
    const before = db.queries
    const read = (from: number) =>
      db.rows<{ a: number }>({ sql: 'select a from counted where a >= ? order by a', bindings: [from] })
    assert.deepEqual(
      (await read(90)).map(({ a }) => a),
      [90, 91],
    )
    assert.equal(db.queries - before, 1)
    await assert.rejects(db.rows({ sql: 'select a from nowhere', bindings: [] }))
    for (const rows of await Promise.all(Array.from({ length: 20 }, () => read(91)))) assert.equal(rows.length, 1)
    await db.knex('counted').where('a', '>=', 90).delete()
    assert.deepEqual(await read(90), [])
  })

  test('statements are committed together or not at all, and the connection is as good as before', async () => {
    const insert = (a: number) => ({ sql: 'insert into counted (a) values (?)', bindings: [a] })
    await db.commit([insert(10), insert(11)])
    await assert.rejects(db.commit([insert(12), insert(10)]), isUniqueViolation)
    await assert.rejects(db.commit([insert(13), { sql: 'insert into nowhere values (1)', bindings: [] }]))
    await db.commit([])
    await db.transaction(async (trx) => void (await trx('counted').insert({ a: 14 })))
    await Promise.all(Array.from({ length: 20 }, (_, n) => db.commit([insert(20 + n), insert(40 + n)])))
    const kept = await db.knex('counted').where('a', '>=', 10).orderBy('a').pluck('a')
    assert.deepEqual(kept, [10, 11, 14, ...Array.from({ length: 40 }, (_, n) => 20 + n)])
    await db.knex('counted').where('a', '>=', 10).delete()
  })

  test('primary and unique keys that are taken are told apart from other errors', async () => {
    await assert.rejects(db.knex('counted').insert({ a: 2 }), isUniqueViolation)
    await assert.rejects(db.knex('counted').insert({ a: 3, b: 7 }), isUniqueViolation)
    const other = await db
      .knex('counted')
      .insert({ c: 1 })
      .catch((error: unknown) => error)
    assert.ok(other instanceof Error && !isUniqueViolation(other) && !isUnavailable(other))
  })

  test('errors do not carry the values of the statement', async () => {
    await assert.rejects(
      db.knex('absent').insert({ secret: 'wherefore' }),
      (error: Error) => !error.message.includes('wherefore'),
    )
  })

  test('statements are counted, those of transactions too', async () => {
    const start = db.queries
    await db.knex('counted').select()
    assert.equal(db.queries - start, 1)
    await db.transaction((trx) => trx('counted').select())
    assert.equal(db.queries - start, 4)
  })
})
