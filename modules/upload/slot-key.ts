import { createHash, timingSafeEqual } from 'node:crypto'
import { hmac } from '#api'

/** What a slot's token vouches for. */
export interface Promised {
  readonly key: string
  readonly account: string
  readonly size: number
  readonly type: string | null
  /** When the slot is over, ms since the epoch. */
  readonly untilMs: number
}

/**
 * By what a file is found: a hash of its slot's id and its name, both of which stand in its address. That way no table and no folder tells an
 * address, and a name that is not the file's finds nothing.
 */
export function keyOf(id: string, name: string): string {
  return createHash('sha256').update(`${id}\0${name}`).digest('hex')
}

/** What whoever sends the file has to show: nobody can make it without the host's key, and it is kept nowhere. */
export function tokenOf(secret: Uint8Array, { key, account, size, type, untilMs }: Promised): string {
  return hmac('sha256', secret, JSON.stringify([key, account, size, type, untilMs])).toString('base64url')
}

/** Whether an `Authorization` header (RFC 6750 §2.1) shows the token of a slot. */
export function showsToken(header: string | undefined, secret: Uint8Array, slot: Promised): boolean {
  const shown = /^Bearer +([\w-]{1,100})$/i.exec(header ?? '')?.[1]
  const wanted = Buffer.from(tokenOf(secret, slot))
  const given = Buffer.from(shown ?? '')
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}
