import { randomFillSync } from 'node:crypto'

const idBytes = 16
/** Random bytes that nobody has got yet: asked for one by one, each id would cost as much as all of these. */
const pool = Buffer.alloc(128 * idBytes)
let at = pool.length

/** A URL-safe identifier of 128 random bits from the system's secure source. */
export function randomId(): string {
  if (at === pool.length) {
    randomFillSync(pool)
    at = 0
  }
  const id = pool.toString('base64url', at, at + idBytes)
  // What was given away is not kept.
  pool.fill(0, at, at + idBytes)
  at += idBytes
  return id
}
