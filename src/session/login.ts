import { createHash } from 'node:crypto'
import { asJson, defineSlot, type Slot } from '../util/slot.ts'

/** What a client says of itself when it logs in (XEP-0388 §2.3). It is for the account's owner and nobody else. */
export interface UserAgent {
  /** The installation, the same at each login: a UUID in lower case. */
  readonly id?: string
  readonly software?: string
  readonly device?: string
}

/** How the client of a session has logged in. */
export interface SessionLogin {
  /** What it has proven to have. */
  readonly by: 'nothing' | 'password' | 'token'
  readonly userAgent?: UserAgent
}

/** How the client of a session has logged in; the same after it came back to its session. */
export const sessionLogin: Slot<SessionLogin> = defineSlot<SessionLogin>(
  'session/login',
  () => ({ by: 'password' }),
  asJson,
)

/** What stands for an installation where its id itself is not to be kept: 128 bits of a hash. */
export function clientKey(id: string): string {
  return createHash('sha256').update(id).digest().subarray(0, 16).toString('base64url')
}
