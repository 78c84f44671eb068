import { networkOf, serverWide } from '#api'
import { BindingError } from './answer.ts'
import { BoshSession, type SessionParts } from './session.ts'
import type { Wrapper } from './wrapper.ts'

/** Bounds on sessions; 0 is none. */
export interface SessionLimits {
  readonly sessions: number
  readonly sessionsPerAddress: number
}

/**
 * The sessions of a server, whichever host they are with: a client may be one of no connection, and count all the same. One that is
 * over counts as long as its last answers are kept.
 */
export class Sessions {
  readonly #byId = new Map<string, BoshSession>()
  readonly #byNetwork = new Map<string, number>()

  get count(): number {
    return this.#byId.size
  }

  find(sid: string): BoshSession | undefined {
    return this.#byId.get(sid)
  }

  /** Begins the session that a request asks for. @throws BindingError `policy-violation` when there are too many. */
  open(request: Wrapper, parts: Omit<SessionParts, 'onGone'>, limits: SessionLimits): BoshSession {
    const network = networkOf(parts.client.address)
    const here = this.#byNetwork.get(network) ?? 0
    const isFull = (limit: number, count: number) => limit > 0 && count >= limit
    if (isFull(limits.sessions, this.#byId.size) || isFull(limits.sessionsPerAddress, here))
      throw new BindingError('policy-violation', 'There are too many sessions.')
    const session = new BoshSession(request, { ...parts, onGone: (gone) => this.#forget(gone, network) })
    this.#byId.set(session.sid, session)
    this.#byNetwork.set(network, here + 1)
    return session
  }

  #forget({ sid }: BoshSession, network: string): void {
    this.#byId.delete(sid)
    const left = this.#byNetwork.get(network)! - 1
    if (left > 0) this.#byNetwork.set(network, left)
    else this.#byNetwork.delete(network)
  }
}

export const sessionsOf: ReturnType<typeof serverWide<Sessions>> = serverWide(() => new Sessions())
