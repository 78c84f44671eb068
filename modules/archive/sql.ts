import type { Database } from '#api'
import type { Filter } from './message.ts'

/** What the work of a transaction makes its queries with. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0]

/** SQL text and what belongs to its question marks. */
export interface Fragment {
  readonly sql: string
  readonly bindings: readonly (string | number)[]
}

/** Messages of one owner, by number, between two ids, both included. */
export interface Selection {
  readonly owner: number
  readonly peer: number | undefined
  readonly resource: number | undefined
  readonly groupchat: boolean
  readonly from: number
  readonly to: number
}

/** What a filter selects, once its addresses have numbers. */
export function selectionOf(owner: number, filter: Filter, peer?: number, resource?: number): Selection {
  const from = Math.max(0, filter.fromId ?? 0)
  const to = Math.min(Number.MAX_SAFE_INTEGER, filter.toId ?? Number.MAX_SAFE_INTEGER)
  return { owner, peer, resource, groupchat: filter.groupchat !== false, from, to }
}

/** A part of a selection. */
export function between(selection: Selection, from: number, to: number): Selection {
  return { ...selection, from: Math.max(selection.from, from), to: Math.min(selection.to, to) }
}

/** Whether no id can be in a selection; so it is when one of its ends is no number. */
export function isEmpty({ from, to }: Selection): boolean {
  return !(from <= to)
}

/**
 * The rows of a selection, in the order of ids without sorting: those of one peer by the index `archive_copies_by_peer`,
 * which covers all conditions, all others by primary key. MySQL, which knows nothing of how long an archive is, is told.
 */
export function copiesOf(dialect: Database['dialect'], { peer }: Pick<Selection, 'peer'>): string {
  if (dialect === 'mysql')
    return `archive_copies as c force index (${peer === undefined ? 'primary' : 'archive_copies_by_peer'})`
  return peer === undefined ? 'archive_copies as c' : 'archive_copies as c indexed by archive_copies_by_peer'
}

/** The conditions of a selection on the table `archive_copies as c`. */
export function conditionsOf({ owner, peer, resource, groupchat, from, to }: Selection): Fragment {
  const terms = ['c.owner = ?']
  const bindings = [owner]
  if (peer !== undefined) {
    terms.push('c.peer = ?')
    bindings.push(peer)
  }
  terms.push('c.id between ? and ?')
  bindings.push(from, to)
  if (resource !== undefined) {
    terms.push('c.resource = ?')
    bindings.push(resource)
  }
  if (!groupchat) terms.push('c.groupchat = 0')
  return { sql: terms.join(' and '), bindings }
}

/** Joins in the order in which the tables are named, whatever the planner thinks. */
export function joinInOrder(dialect: Database['dialect']): string {
  return dialect === 'mysql' ? 'straight_join' : 'cross join'
}

/** The rows that a raw SELECT resolved with. */
export function rowsOf<T>(result: unknown): T[] {
  // mysql2: rows and columns
  return (Array.isArray(result) && Array.isArray(result[0]) ? result[0] : result) as T[]
}

/** Rows in one statement: what SQLite's 32,766 bindings allow, with six each. */
const MAX_ROWS = 1000
/** UTF-16 units in one statement, at most 6 MB of SQL as they are escaped: MySQL takes 16 MiB unless told otherwise. */
const MAX_LENGTH = 1_000_000

/** Cuts rows into lots that fit into one statement; a row of its own when it is longer than all should be. */
export function* lots<T>(rows: readonly T[], lengthOf: (row: T) => number): Generator<readonly T[]> {
  let start = 0
  let length = 0
  for (let index = 0; index < rows.length; index++) {
    const added = lengthOf(rows[index]!)
    if (index > start && (index - start === MAX_ROWS || length + added > MAX_LENGTH)) {
      yield rows.slice(start, index)
      start = index
      length = 0
    }
    length += added
  }
  if (start < rows.length) yield start === 0 ? rows : rows.slice(start)
}
