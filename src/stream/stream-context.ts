import type Logger from 'bunyan'
import type { Throttle } from '../auth/throttle.ts'
import type { Router } from '../routing/router.ts'
import type { Host } from '../session/host.ts'
import type { Clock } from '../util/clock.ts'
import type { ParserLimits } from '../xml/limits.ts'
import type { StreamCounts } from './stream-counts.ts'

/** What all client streams of a server share: made once, never changed. */
export interface StreamContext {
  readonly hosts: ReadonlyMap<string, Host>
  readonly router: Router
  readonly clock: Clock
  readonly log: Logger
  readonly counts: StreamCounts
  readonly settings: StreamSettings
  readonly throttle: Throttle
  /** Keys the invented salts of accounts that do not exist. */
  readonly decoySecret: Uint8Array
}

/** The options of streams; numbers are bytes, counts and milliseconds, and 0 is no limit. */
export interface StreamSettings {
  readonly requireTls: boolean
  readonly mechanisms: readonly string[]
  /** Whether clients get to know whether somebody has changed what they were offered (XEP-0474). */
  readonly downgradeProtection: boolean
  readonly preAuthLimits: ParserLimits
  /** Time from the connection to a bound resource. */
  readonly preAuthMs: number
  /** Wrong logins a connection may try. */
  readonly loginAttempts: number
  readonly liveLimits: ParserLimits
  readonly sessionsPerAccount: number
  readonly resourceConflict: 'kick' | 'refuse'
  /** How long a closing stream waits for its peer. */
  readonly closeMs: number
}
