import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, beforeEach, describe } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Database, openDatabase } from '../../src/storage/database.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { sharedMariadb } from './mariadb.ts'

/** The kinds of database everything is tested on. */
export const dialects = ['sqlite', 'mysql'] as const
export type Dialect = (typeof dialects)[number]

/** Where the migrations are. */
export const sqlFolder: string = fileURLToPath(new URL('../../sql', import.meta.url))

/** A logger that is not listened to. */
export const silentLog = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * Registers a suite for SQLite (a file) and for MySQL. `open` resolves with a database that has all tables and nothing in them;
 * it is closed when the test ends that has opened it, or the suite when none has. On MySQL, where tables take long to make, another suite may have used it before. The second
 * argument of the suite says which it is.
 */
export function eachDatabase(suite: DatabaseSuite): void {
  register(suite, (dialect) => (dialect === 'mysql' ? openUsed() : openNew(dialect)))
}

/** The same with databases that nobody has used before or will afterwards, for what leaves more than rows, such as statistics. */
export function eachNewDatabase(suite: DatabaseSuite): void {
  register(suite, openNew)
}

type DatabaseSuite = (open: () => Promise<Database>, dialect: Dialect) => void
type Opened = Awaited<ReturnType<typeof openEmpty>>
type Close = () => Promise<void>

function register(suite: DatabaseSuite, openOne: (dialect: Dialect) => Promise<Opened>): void {
  for (const dialect of dialects) {
    describe(`on ${dialect}`, () => {
      /** What is closed when the suite ends, and when the present test does. */
      const ofSuite: Close[] = []
      let ofTest: Close[] | undefined
      beforeEach(() => {
        ofTest = []
      })
      afterEach(async () => {
        const closing = ofTest ?? []
        ofTest = undefined
        for (const close of closing) await close()
      })
      after(async () => {
        for (const close of ofSuite) await close()
      })
      suite(async () => {
        const { db, close } = await openOne(dialect)
        const opened = ofTest ?? ofSuite
        opened.push(close)
        return db
      }, dialect)
    })
  }
}

async function openNew(dialect: Dialect): Promise<Opened> {
  const opened = await openEmpty(dialect)
  await migrate(opened.db, sqlFolder)
  return opened
}

/** Databases on MySQL with all tables, which suites are done with. */
const spare: string[] = []

async function openUsed(): Promise<Opened> {
  const url = spare.pop()
  const opened = url === undefined ? await openNew('mysql') : await openEmpty('mysql', url)
  const close = async () => {
    const isClean = await clear(opened.db).then(
      () => true,
      () => false,
    )
    await opened.close()
    if (isClean) spare.push(opened.url)
  }
  return { ...opened, close }
}

/** Removes all rows but those that say which migrations were run. */
async function clear(db: Database): Promise<void> {
  const [tables] = (await db.knex.raw(
    "select table_name as name from information_schema.tables where table_schema = database() and table_name <> 'schema_migrations'",
  )) as [{ name: string }[]]
  await db.transaction(async (tx) => {
    await tx.raw('set foreign_key_checks = 0')
    for (const { name } of tables) await tx(name).delete()
    await tx.raw('set foreign_key_checks = 1')
  })
}

/** A new database without tables, or the one on MySQL at `known`, and what closes and removes it. */
export async function openEmpty(
  dialect: Dialect,
  known?: string,
): Promise<{ db: Database; url: string; dataDir: string; close(): Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'stonechat-data-'))
  const url = dialect === 'sqlite' ? 'sqlite' : (known ?? (await (await sharedMariadb()).createDatabase()))
  const db = await openDatabase({ url, dataDir, pool: 5, log: silentLog })
  const close = async () => {
    await db.close()
    await rm(dataDir, { recursive: true, force: true })
  }
  return { db, url, dataDir, close }
}
