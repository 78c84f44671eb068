import type { Database } from '#api'

/** The rows that a raw SELECT resolved with. */
export function rowsOf<T>(result: unknown): T[] {
  // mysql2: rows and columns
  return (Array.isArray(result) && Array.isArray(result[0]) ? result[0] : result) as T[]
}

/** A table to be read by one index, also by a database that knows nothing of how full it is, or knows something wrong. */
export function by(db: Database, table: string, index: string): string {
  return `${table} ${db.dialect === 'mysql' ? `force index (${index})` : `indexed by ${index}`}`
}

/** Begins a DELETE of rows of a table, there named `t`, that reads by one index. */
export function deleteBy(db: Database, table: string, index: string): string {
  return `delete ${db.dialect === 'mysql' ? 't ' : ''}from ${by(db, `${table} as t`, index)}`
}

/** Joins in the order in which the tables are named, whatever the planner thinks. */
export function inOrder(db: Database): string {
  return db.dialect === 'mysql' ? 'straight_join' : 'cross join'
}

/** A number of rows that both databases take for one: SQLite reads all for a negative one. */
export function bounded(limit: number): number {
  return limit > 0 ? Math.trunc(Math.min(limit, Number.MAX_SAFE_INTEGER)) : 0
}

/** Question marks for a list of values. */
export function places(values: readonly unknown[]): string {
  return values.map(() => '?').join(',')
}

type Value = string | number

/** Puts rows into a table: where there is one of the same `keys`, which are its only unique ones, it takes on the other columns. */
export function put(
  db: Database,
  table: string,
  keys: readonly string[],
  others: readonly string[],
  rows: readonly (readonly Value[])[],
): { readonly sql: string; readonly bindings: Value[] } {
  const columns = [...keys, ...others]
  const one = `(${places(columns)})`
  const update =
    db.dialect === 'mysql'
      ? `on duplicate key update ${others.map((name) => `${name} = values(${name})`).join(', ')}`
      : `on conflict (${keys.join(', ')}) do update set ${others.map((name) => `${name} = excluded.${name}`).join(', ')}`
  return {
    sql: `insert into ${table} (${columns.join(', ')}) values ${rows.map(() => one).join(',')} ${update}`,
    bindings: rows.flat(),
  }
}
