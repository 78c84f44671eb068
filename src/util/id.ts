import { randomBytes } from 'node:crypto'

/** A URL-safe identifier of 128 random bits from the system's secure source. */
export function randomId(): string {
  return randomBytes(16).toString('base64url')
}
