import type { Jid } from '../jid/jid.ts'
import { Slots } from '../util/slot.ts'
import type { Session } from './session.ts'

/** An account with at least one bound session; what its traffic needs is resident in its slots. */
export class User {
  /** The account's bare JID. */
  readonly jid: Jid
  /** The bound sessions by resource, oldest first. */
  readonly sessions: Map<string, Session> = new Map()
  readonly slots: Slots = new Slots()
  /** Settles when all modules have loaded what they keep of the user; kept by the host. */
  loaded: Promise<void> | undefined
  /** Sessions being bound at this moment; kept by the host. */
  binding = 0

  /** Whether the account is being deleted: what its sessions still had under way is dropped. Kept by the host. */
  deleted = false

  constructor(jid: Jid) {
    this.jid = jid
  }

  /** The sessions that announced themselves, by RFC 6121 the "available resources". */
  *available(): Generator<Session> {
    for (const session of this.sessions.values()) if (session.presence !== null) yield session
  }
}
