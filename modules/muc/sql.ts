import type { Database } from '#api'
import { MAX_PAGE, RoomGoneError } from './records.ts'

/** What the work of a transaction makes its queries with. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0]

/** Rows or keys in one statement: SQLite takes 500 rows in an insert of Knex's. */
const PER_STATEMENT = 400

/** Cuts rows into lots that fit into one statement. */
export function* lots<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < rows.length; start += PER_STATEMENT) yield rows.slice(start, start + PER_STATEMENT)
}

/** The rows that a raw SELECT resolved with. */
export function rowsOf<T>(result: unknown): T[] {
  // mysql2: rows and columns
  return (Array.isArray(result) && Array.isArray(result[0]) ? result[0] : result) as T[]
}

/** How many rows a page may have. */
export function bounded(limit: number): number {
  return limit > 0 ? Math.min(Math.trunc(limit), MAX_PAGE) : 0
}

/** A table to be read by one index, also by a database that knows nothing of how full it is, or knows something wrong. */
export function by(db: Database, table: string, index: string): string {
  if (db.dialect === 'mysql') return `${table} force index (${index})`
  return index === 'primary' ? table : `${table} indexed by ${index}`
}

/** Joins in the order in which the tables are named, whatever the planner thinks. */
export function inOrder(db: Database): string {
  return db.dialect === 'mysql' ? 'straight_join' : 'cross join'
}

/**
 * Reads the versions of a room and lets no other transaction change its affiliations until this one ends; by primary key.
 *
 * @throws RoomGoneError when there is no such room.
 */
export async function lockRoom(trx: Transaction, id: number): Promise<{ version: number; floor: number }> {
  const room = await trx('muc_rooms').where({ id }).forUpdate().first('version', 'floor')
  if (room === undefined) throw new RoomGoneError('The room was destroyed.')
  return room
}
