import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Knex } from 'knex'
import { type Clock, systemClock } from '../util/clock.ts'
import { keyColumn, timeColumn } from './columns.ts'
import type { Database } from './database.ts'
import type { MysqlConnection } from './mysql.ts'
import { type Migration, Schema } from './schema.ts'

/** The schema cannot be brought up to date; the message tells an admin what to do. Nothing was changed. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError'
}

/** Owners whose tables come first, in this order; the others follow by name. */
export const CORE_OWNERS: readonly string[] = ['key-value', 'accounts']

const TABLE = 'schema_migrations'
/** How long a starting server waits for another that is migrating. */
const LOCK_SECONDS = 600

interface MigrationFile {
  readonly name: string
  readonly path: string
}

/**
 * Runs the migrations in `dir` that have not been run, in order, and records each. Two starting at the same time run one
 * after the other. On SQLite all of them are one transaction; on MySQL one that was killed halfway is run again.
 *
 * @returns the names (`owner/NNNN-name`) of those that were run.
 * @throws SchemaError when the database has seen a migration that this program does not have, or an earlier program left
 * one unfinished that this one does not have.
 */
export async function migrate(
  db: Database,
  dir: URL | string,
  clock: Clock = systemClock,
): Promise<{ applied: string[] }> {
  const files = await findMigrations(typeof dir === 'string' ? dir : fileURLToPath(dir))
  return await db.transaction((trx) =>
    exclusively(trx, db.dialect, async () => {
      await createMigrationsTable(trx, db.dialect)
      const rows: { name: string; applied_ms: number | null }[] = await trx(TABLE).select('name', 'applied_ms')
      const known = new Map(rows.map((row) => [row.name, row.applied_ms]))
      refuseNewer([...known.keys()], files)
      const applied: string[] = []
      for (const file of files) {
        if (typeof known.get(file.name) === 'number') continue
        await run(trx, db.dialect, file, known.has(file.name), clock)
        applied.push(file.name)
      }
      return { applied }
    }),
  )
}

/** Runs one migration between two marks: begun (`applied_ms` null) and done. */
async function run(
  trx: Knex,
  dialect: Database['dialect'],
  file: MigrationFile,
  resumed: boolean,
  clock: Clock,
): Promise<void> {
  const { up } = (await import(pathToFileURL(file.path).href)) as { up?: Migration }
  if (up === undefined) throw new Error(`${file.path} does not export a function named up`)
  if (!resumed) await trx(TABLE).insert({ name: file.name, applied_ms: null })
  await up(trx, new Schema(trx, dialect === 'mysql', resumed))
  await trx(TABLE).where({ name: file.name }).update({ applied_ms: clock.now() })
}

async function createMigrationsTable(trx: Knex, dialect: Database['dialect']): Promise<void> {
  if (await trx.schema.hasTable(TABLE)) return
  const schema = new Schema(trx, dialect === 'mysql', false)
  await schema.createTable(TABLE, (table) => {
    keyColumn(table, 'name').notNullable().primary()
    timeColumn(table, 'applied_ms').nullable()
  })
}

/** Holds the lock of migrations on this database while `work` runs. SQLite's transaction is one, being immediate. */
async function exclusively<T>(trx: Knex.Transaction, dialect: Database['dialect'], work: () => Promise<T>): Promise<T> {
  if (dialect === 'sqlite') return await work()
  // MySQL commits at each change of the schema, so a transaction excludes nobody. This lock goes with its connection.
  const connection = (await trx.client.acquireConnection()) as MysqlConnection
  connection.patient = true
  const name = `stonechat-${createHash('sha256').update(String(trx.client.database())).digest('hex').slice(0, 32)}`
  const [[row]] = await trx.raw('select get_lock(?, ?) as locked', [name, LOCK_SECONDS])
  if (row.locked !== 1)
    throw new SchemaError(
      'Another server has been changing the schema of this database for ten minutes. Wait for it to end.',
    )
  try {
    return await work()
  } finally {
    connection.patient = false
    // When the connection is lost so is the lock, and the first error is the one to tell.
    await trx.raw('select release_lock(?)', [name]).catch(() => {})
  }
}

function refuseNewer(recorded: readonly string[], files: readonly MigrationFile[]): void {
  const present = new Set(files.map((file) => file.name))
  const unknown = recorded.filter((name) => !present.has(name)).sort()
  if (unknown.length === 0) return
  const lines = [
    `The database was changed by a newer Stonechat: it has had ${unknown.join(', ')}, which this version does not know.`,
    'Start the newer version, or restore the backup made before the upgrade. Nothing was changed.',
    'If you removed a folder from sql/ instead, put it back.',
  ]
  throw new SchemaError(lines.join('\n'))
}

async function findMigrations(dir: string): Promise<MigrationFile[]> {
  const folders = (await readdir(dir, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
  const found: MigrationFile[] = []
  for (const owner of inOrder(folders)) {
    for (const file of (await readdir(join(dir, owner))).sort()) {
      const name = /^(\d{4}-[a-z0-9-]+)\.[jt]s$/.exec(file)?.[1]
      if (name !== undefined) found.push({ name: `${owner}/${name}`, path: join(dir, owner, file) })
    }
  }
  return found
}

function inOrder(owners: readonly string[]): string[] {
  const others = owners.filter((owner) => !CORE_OWNERS.includes(owner)).sort()
  return [...CORE_OWNERS.filter((owner) => owners.includes(owner)), ...others]
}
