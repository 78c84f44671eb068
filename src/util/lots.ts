/** Rows or keys in one statement; SQLite takes 500 rows in an insert of Knex's. */
const PER_STATEMENT = 400
/** UTF-16 units in one statement, about: as they are escaped, MySQL takes them unless told otherwise. */
const MAX_LENGTH = 1_000_000

/** Cuts rows into lots that fit into one statement; a row of its own when it is longer than all should be. */
export function* lots<T>(rows: readonly T[], lengthOf: (row: T) => number = () => 0): Generator<readonly T[]> {
  let start = 0
  let length = 0
  for (const [index, row] of rows.entries()) {
    const added = lengthOf(row)
    if (index > start && (index - start === PER_STATEMENT || length + added > MAX_LENGTH)) {
      yield rows.slice(start, index)
      start = index
      length = 0
    }
    length += added
  }
  if (start < rows.length) yield rows.slice(start)
}
