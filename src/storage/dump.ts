import type { Database } from './database.ts'

/** The schema as SQL text, the same for every database that the same migrations made. */
export async function dumpSchema(db: Database): Promise<string> {
  const statements = db.dialect === 'sqlite' ? await dumpSqlite(db) : await dumpMysql(db)
  return statements.map((statement) => `${statement};\n`).join('\n')
}

async function dumpSqlite({ knex }: Database): Promise<string[]> {
  const rows: { sql: string; name: string }[] = await knex('sqlite_master')
    .whereNotNull('sql')
    .orderBy(['tbl_name', { column: 'type', order: 'desc' }, 'name'])
    .select('sql', 'name')
  return (
    rows
      // A full-text table keeps its data in tables of SQLite's own making.
      .filter(
        ({ name }) =>
          !name.startsWith('sqlite_') && !rows.some((row) => isFullText(row.sql) && name.startsWith(`${row.name}_`)),
      )
      .map(({ sql }) => (/^create table/i.test(sql) ? layOut(sql) : sql))
  )
}

function layOut(sql: string): string {
  const open = sql.indexOf('(')
  const close = sql.lastIndexOf(')')
  const parts = sql.slice(open + 1, close).replace(/, (?=`\w+` \w+|primary key|foreign key|constraint)/g, ',\n  ')
  return `${sql.slice(0, open)}(\n  ${parts}\n)${sql.slice(close + 1)}`
}

function isFullText(sql: string): boolean {
  return /^create virtual table .* using fts5/i.test(sql)
}

interface ColumnRow {
  readonly tableName: string
  readonly name: string
  readonly type: string
  readonly collation: string | null
  readonly nullable: 'NO' | 'YES'
  readonly extra: string
}
interface IndexRow {
  readonly tableName: string
  readonly name: string
  readonly nonUnique: number
  readonly kind: string
  readonly columnName: string
}
interface ForeignKeyRow {
  readonly tableName: string
  readonly columnName: string
  readonly otherTable: string
  readonly otherColumn: string
  readonly onDelete: string
}

/** Reads the catalogue instead of SHOW CREATE TABLE, whose text differs between servers and versions. */
async function dumpMysql(db: Database): Promise<string[]> {
  const [columns, indexes, foreignKeys] = [await columnsOf(db), await indexesOf(db), await foreignKeysOf(db)]
  const tables = [...new Set(columns.map((column) => column.tableName))].sort()
  return tables.map((table) => {
    const lines = [
      ...columns.filter((column) => column.tableName === table).map(columnLine),
      ...indexLines(indexes.filter((index) => index.tableName === table)),
      ...foreignKeys.filter((key) => key.tableName === table).map(foreignKeyLine),
    ]
    return `create table \`${table}\` (\n  ${lines.join(',\n  ')}\n)`
  })
}

async function columnsOf({ knex }: Database): Promise<ColumnRow[]> {
  return await knex('information_schema.columns')
    .whereRaw('table_schema = database()')
    .orderBy(['table_name', 'ordinal_position'])
    .select({
      tableName: 'table_name',
      name: 'column_name',
      type: 'column_type',
      collation: 'collation_name',
      nullable: 'is_nullable',
      extra: 'extra',
    })
}

async function indexesOf({ knex }: Database): Promise<IndexRow[]> {
  return await knex('information_schema.statistics')
    .whereRaw('table_schema = database()')
    .orderByRaw("table_name, index_name <> 'PRIMARY', index_name, seq_in_index")
    .select({
      tableName: 'table_name',
      name: 'index_name',
      nonUnique: 'non_unique',
      columnName: 'column_name',
      kind: 'index_type',
    })
}

async function foreignKeysOf({ knex }: Database): Promise<ForeignKeyRow[]> {
  return await knex('information_schema.key_column_usage as k')
    .join('information_schema.referential_constraints as r', (on) => {
      on.on('r.constraint_schema', 'k.constraint_schema').andOn('r.constraint_name', 'k.constraint_name')
    })
    .whereRaw('k.table_schema = database() and r.table_name = k.table_name')
    .orderBy(['k.table_name', 'k.constraint_name', 'k.ordinal_position'])
    .select({
      tableName: 'k.table_name',
      columnName: 'k.column_name',
      otherTable: 'k.referenced_table_name',
      otherColumn: 'k.referenced_column_name',
      onDelete: 'r.delete_rule',
    })
}

function columnLine({ name, type, collation, nullable, extra }: ColumnRow): string {
  // MariaDB tells display widths of integers, newer MySQL does not.
  const plain = type.replace(/int\(\d+\)/, 'int')
  const parts = [
    `\`${name}\``,
    plain,
    collation === null ? '' : `collate ${collation}`,
    nullable === 'NO' ? 'not null' : '',
    extra,
  ]
  return parts.filter((part) => part !== '').join(' ')
}

function indexLines(rows: readonly IndexRow[]): string[] {
  const byName = Map.groupBy(rows, (row) => row.name)
  return [...byName].map(([name, parts]) => {
    const columns = parts.map((part) => `\`${part.columnName}\``).join(', ')
    if (name === 'PRIMARY') return `primary key (${columns})`
    const kind = parts[0]!.kind === 'FULLTEXT' ? 'fulltext key' : parts[0]!.nonUnique === 0 ? 'unique key' : 'key'
    return `${kind} \`${name}\` (${columns})`
  })
}

function foreignKeyLine({ columnName, otherTable, otherColumn, onDelete }: ForeignKeyRow): string {
  return `foreign key (\`${columnName}\`) references \`${otherTable}\` (\`${otherColumn}\`) on delete ${onDelete.toLowerCase()}`
}
