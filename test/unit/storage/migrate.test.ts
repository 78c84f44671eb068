import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openDatabase } from '../../../src/storage/database.ts'
import { dumpSchema } from '../../../src/storage/dump.ts'
import { migrate, SchemaError } from '../../../src/storage/migrate.ts'
import { dialects, openEmpty, silentLog, sqlFolder } from '../../support/databases.ts'

const cleanups: (() => Promise<void>)[] = []
after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup()
})

const source = (path: string) => fileURLToPath(new URL(`../../../src/storage/${path}`, import.meta.url))

/** Writes migrations into a new folder: name → statements of `up`. */
async function migrations(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-sql-'))
  cleanups.push(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  for (const [name, body] of Object.entries(files)) {
    const file = join(folder, `${name}.ts`)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(
      file,
      `import { keyColumn } from '${source('columns.ts')}'\nexport const up = async (knex, schema) => {\n${body}\n}\n`,
    )
  }
  return folder
}

const table = (name: string) =>
  `await schema.createTable('${name}', (table) => {
    keyColumn(table, 'a').notNullable().primary()
    keyColumn(table, 'b').notNullable()
    table.index(['b', 'a'], '${name}_by_b')
  })`

/** Migrates in a process of its own; resolves with its exit code or signal and output. */
async function migrateElsewhere(
  url: string,
  dataDir: string,
  folder: string,
): Promise<{ end: number | string; output: string }> {
  const script = `
    import { openDatabase } from '${source('database.ts')}'
    import { migrate } from '${source('migrate.ts')}'
    const log = { debug() {}, info() {}, warn() {}, error() {} }
    const db = await openDatabase({ url: ${JSON.stringify(url)}, dataDir: ${JSON.stringify(dataDir)}, pool: 2, log })
    console.log(JSON.stringify((await migrate(db, ${JSON.stringify(folder)})).applied))
    await db.close()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { end: code ?? signal!, output: output.trim() }
}

for (const dialect of dialects) {
  const openHere = async () => {
    const opened = await openEmpty(dialect)
    cleanups.push(opened.close)
    return opened
  }

  describe(`on ${dialect}`, () => {
    test('core owners come first, then the others by name, each by number; a second run does nothing', async () => {
      const { db } = await openHere()
      const folder = await migrations({
        'roster/0002-more': table('c'),
        'roster/0001-initial': table('b'),
        'archive/0001-initial': table('d'),
        'key-value/0001-initial': table('a'),
      })
      const { applied } = await migrate(db, folder)
      assert.deepEqual(applied, [
        'key-value/0001-initial',
        'archive/0001-initial',
        'roster/0001-initial',
        'roster/0002-more',
      ])
      assert.deepEqual(await migrate(db, folder), { applied: [] })
    })

    test('a database that is newer than the program is refused in words and left alone', async () => {
      const { db } = await openHere()
      await migrate(db, await migrations({ 'roster/0001-initial': table('a'), 'roster/0002-more': table('b') }))
      const before = await dumpSchema(db)
      const older = await migrations({ 'roster/0001-initial': table('a'), 'archive/0001-initial': table('c') })
      await assert.rejects(
        migrate(db, older),
        (error) => error instanceof SchemaError && /roster\/0002-more.*\n.*newer version/.test(error.message),
      )
      assert.equal(await dumpSchema(db), before)
    })

    test('a table of another program is not taken for our own', async () => {
      const { db } = await openHere()
      await db.knex.schema.createTable('users', (foreign) => {
        foreign.integer('theirs')
      })
      await assert.rejects(migrate(db, await migrations({ 'users/0001-initial': table('users') })), /users/)
    })

    test('a migration that fails is run again, from where it was', async () => {
      const { db, dataDir } = await openHere()
      const flag = join(dataDir, 'go-on')
      const stop = `if (!(await import('node:fs')).existsSync(${JSON.stringify(flag)})) throw new Error('stopped here')`
      const folder = await migrations({ 'roster/0001-initial': `${table('a')}\n${stop}\n${table('b')}` })
      await assert.rejects(migrate(db, folder), /stopped here/)
      await writeFile(flag, '')
      assert.deepEqual(await migrate(db, folder), { applied: ['roster/0001-initial'] })
      const whole = await openHere()
      await migrate(whole.db, await migrations({ 'roster/0001-initial': `${table('a')}\n${table('b')}` }))
      assert.equal(await dumpSchema(db), await dumpSchema(whole.db))
    })

    test('a migration that was killed halfway is run again, and no lock stays behind', {
      timeout: 60_000,
    }, async () => {
      const { db, url, dataDir } = await openHere()
      const flag = join(dataDir, 'go-on')
      const die = `if (!(await import('node:fs')).existsSync(${JSON.stringify(flag)})) process.kill(process.pid, 'SIGKILL')`
      // Halfway in the midst of a table too: it is there, its index is not.
      const half = `if (knex.client.config.client === 'mysql2') await knex.raw("create table b (a varbinary(255) not null primary key, b varbinary(255) not null) default character set utf8mb4 collate utf8mb4_bin")`
      const folder = await migrations({
        'roster/0001-initial': table('z'),
        'roster/0002-more': `${table('a')}\nif (!(await import('node:fs')).existsSync(${JSON.stringify(flag)})) { ${half} }\n${die}\n${table('b')}`,
      })
      assert.equal((await migrateElsewhere(url, dataDir, folder)).end, 'SIGKILL')
      await writeFile(flag, '')
      const { applied } = await migrate(db, folder)
      assert.equal(applied.at(-1), 'roster/0002-more')
      const whole = await openHere()
      await migrate(
        whole.db,
        await migrations({ 'roster/0001-initial': table('z'), 'roster/0002-more': `${table('a')}\n${table('b')}` }),
      )
      assert.equal(await dumpSchema(db), await dumpSchema(whole.db))
    })

    test('of several that start together each migration is run by one', { timeout: 60_000 }, async () => {
      const { db, url, dataDir } = await openHere()
      const folder = await migrations({ 'roster/0001-initial': table('a'), 'roster/0002-more': table('b') })
      const ends = await Promise.all([1, 2, 3, 4].map(() => migrateElsewhere(url, dataDir, folder)))
      assert.deepEqual(
        ends.map(({ end }) => end),
        [0, 0, 0, 0],
      )
      assert.deepEqual(ends.map(({ output }) => JSON.parse(output).length).sort(), [0, 0, 0, 2])
      assert.deepEqual(await migrate(db, folder), { applied: [] })
    })

    test('the migrations of the program make every table in binary collation', async () => {
      const { db } = await openHere()
      await migrate(db, sqlFolder)
      assert.doesNotMatch(await dumpSchema(db), /collate (?!utf8mb4_bin)|varchar/)
    })
  })
}

test('SQLite: migrations that fail leave nothing of what ran before them', async () => {
  const { db, close } = await openEmpty('sqlite')
  await assert.rejects(
    migrate(db, await migrations({ 'a/0001-initial': table('a'), 'b/0001-initial': "throw new Error('no')" })),
    /no/,
  )
  assert.equal(await dumpSchema(db), '')
  await close()
})

test('SQLite: what was migrated is there after opening again', async () => {
  const { db, dataDir, close } = await openEmpty('sqlite')
  await migrate(db, sqlFolder)
  await db.close()
  const again = await openDatabase({ url: 'sqlite', dataDir, pool: 1, log: silentLog })
  assert.deepEqual(await migrate(again, sqlFolder), { applied: [] })
  await again.close()
  await close()
})
