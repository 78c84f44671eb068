import type { Database } from '../../src/storage/database.ts'

interface Statement {
  readonly sql: string
  readonly bindings: readonly string[]
}

/**
 * How each statement that `run` makes reads: `alias:index` for each table, `scan:alias` for reading all, `sort`. Subqueries
 * whose aliases are in `derived` are no tables.
 */
export async function plansOf(
  db: Database,
  run: () => Promise<unknown>,
  derived: readonly string[] = [],
): Promise<string[]> {
  const statements: Statement[] = []
  const listen = (statement: Statement) => statements.push(statement)
  db.knex.on('query', listen)
  await run()
  db.knex.off('query', listen)
  const plans = []
  for (const statement of statements)
    if (/^\s*(select|update|delete)/i.test(statement.sql)) plans.push(await planOf(db, statement, derived))
  return plans
}

async function planOf(db: Database, { sql, bindings }: Statement, derived: readonly string[]): Promise<string> {
  const reading = sql.replace(/(for update|lock in share mode)\s*$/, '')
  if (db.dialect === 'sqlite') {
    const rows: { detail: string }[] = await db.knex.raw(`explain query plan ${reading}`, [...bindings])
    return rows.flatMap(({ detail }) => sqliteStep(detail, derived)).join(' ')
  }
  const [rows] = await db.knex.raw(`explain ${reading}`, [...bindings])
  return (rows as MysqlStep[]).flatMap(mysqlStep).join(' ')
}

/** SQLite's names for its automatic indexes say which of a table's keys they are: the first is the primary one. */
function sqliteStep(detail: string, derived: readonly string[]): string[] {
  if (detail.includes('TEMP B-TREE')) return ['sort']
  const search = /^SEARCH (\w+)(?: USING (?:INTEGER )?(?:COVERING )?(?:INDEX )?(\w+))?/.exec(detail)
  if (search) return [`${search[1]}:${(search[2] ?? 'end').replace(/^sqlite_autoindex_.*$/, 'primary').toLowerCase()}`]
  const scan = /^SCAN (\w+)/.exec(detail)
  return scan && ![...derived, 'CONSTANT'].includes(scan[1]!) ? [`scan:${scan[1]}`] : []
}

interface MysqlStep {
  readonly table: string | null
  readonly type: string
  readonly key: string | null
  readonly Extra: string
}

function mysqlStep({ table, type, key, Extra }: MysqlStep): string[] {
  if (table === null || table.startsWith('<')) return /filesort/.test(Extra) ? ['sort'] : []
  const way = type === 'ALL' || type === 'index' || key === null ? `scan:${table}` : `${table}:${key.toLowerCase()}`
  return [way, ...(/filesort|temporary/.test(Extra) ? ['sort'] : [])]
}
