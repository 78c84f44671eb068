import type { Database } from './database.ts'

/** Something that all hosts of a server have in common, which are known by the database they share: made when one asks first. */
export function serverWide<T>(make: () => T): (db: Database) => T {
  const all = new WeakMap<Database, T>()
  return (db) => {
    const known = all.get(db)
    if (known !== undefined) return known
    const made = make()
    all.set(db, made)
    return made
  }
}
