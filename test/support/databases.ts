import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe } from 'node:test'
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
 * Registers a suite for SQLite (a file) and for MySQL. `open` resolves with a new database that has all tables and is
 * closed when the suite ends. The second argument of the suite says which it is.
 */
export function eachDatabase(suite: (open: () => Promise<Database>, dialect: Dialect) => void): void {
  for (const dialect of dialects) {
    describe(`on ${dialect}`, () => {
      const opened: (() => Promise<void>)[] = []
      after(async () => {
        for (const close of opened) await close()
      })
      suite(async () => {
        const { db, close } = await openEmpty(dialect)
        opened.push(close)
        await migrate(db, sqlFolder)
        return db
      }, dialect)
    })
  }
}

/** A new database without tables, and what closes and removes it. */
export async function openEmpty(
  dialect: Dialect,
): Promise<{ db: Database; url: string; dataDir: string; close(): Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'stonechat-data-'))
  const url = dialect === 'sqlite' ? 'sqlite' : await (await sharedMariadb()).createDatabase()
  const db = await openDatabase({ url, dataDir, pool: 5, log: silentLog })
  const close = async () => {
    await db.close()
    await rm(dataDir, { recursive: true, force: true })
  }
  return { db, url, dataDir, close }
}
