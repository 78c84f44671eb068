import { randomBytes, timingSafeEqual } from 'node:crypto'
import { type Clock, hmac, type Jid, randomId } from '#api'
import { refusal } from './protocol.ts'

/** Sessions of everybody together; the one that was longest without a sign of life ends for another. */
const MAX_SESSIONS = 10_000

/** Bounds of the sessions of commands; 0 is none. */
export interface SessionBounds {
  /** How long one waits for what comes next, in ms. */
  readonly timeout: number
  /** Those of one account; the oldest ends for another. */
  readonly perAccount: number
}

/** Between whom a session is (XEP-0050 §3.3), and which command it is of. */
export interface Between {
  readonly from: Jid
  readonly to: string
  readonly node: string
}

interface Kept<S> {
  readonly state: S
  readonly account: string
  readonly seenMs: number
}

/**
 * Commands that wait for their next stage. Each session is known by an id that only its owner was told and that says, to us,
 * whether it was ever given out: so one that has ended is told from one that never was, at no cost.
 */
export class CommandSessions<S> {
  readonly #bounds: SessionBounds
  readonly #clock: Pick<Clock, 'now'>
  readonly #key: Buffer = randomBytes(32)
  /** The one that was longest without a sign of life first. */
  readonly #kept = new Map<string, Kept<S>>()

  constructor(bounds: SessionBounds, clock: Pick<Clock, 'now'>) {
    this.#bounds = bounds
    this.#clock = clock
  }

  get size(): number {
    return this.#kept.size
  }

  /** A new id for a session between these. */
  issue(between: Between): string {
    const random = randomId()
    return `${random}.${this.#seal(random, between)}`
  }

  /** Keeps a session until it is taken. */
  keep(id: string, { from }: Between, state: S): void {
    const account = from.bare.toString()
    this.#endOld(account)
    this.#kept.set(id, { state, account, seenMs: this.#clock.now() })
  }

  /**
   * Takes a session out, so that nobody else goes on with it meanwhile: `keep` puts it back.
   *
   * @throws StanzaError `bad-sessionid` or `session-expired` (XEP-0050 §4.4).
   */
  take(id: string, between: Between): S {
    if (!this.#isOurs(id, between)) throw refusal('bad-sessionid', 'There is no such session of this command.')
    this.#endOld()
    const kept = this.#kept.get(id)
    if (kept === undefined) throw refusal('session-expired', 'The session is over; begin anew.')
    this.#kept.delete(id)
    return kept.state
  }

  #endOld(account?: string): void {
    const { timeout, perAccount } = this.#bounds
    const own: string[] = []
    for (const [id, kept] of this.#kept) {
      if (timeout > 0 && kept.seenMs + timeout <= this.#clock.now()) this.#kept.delete(id)
      else if (account === undefined) return
      else if (kept.account === account) own.push(id)
    }
    if (account === undefined) return
    const [eldest] = own
    if (perAccount > 0 && own.length >= perAccount && eldest !== undefined) this.#kept.delete(eldest)
    else if (this.#kept.size >= MAX_SESSIONS) this.#kept.delete(this.#kept.keys().next().value!)
  }

  #isOurs(id: string, between: Between): boolean {
    const [random = '', seal = ''] = id.split('.')
    const expected = Buffer.from(this.#seal(random, between))
    const given = Buffer.from(seal)
    return given.length === expected.length && timingSafeEqual(given, expected)
  }

  #seal(random: string, { from, to, node }: Between): string {
    const text = JSON.stringify([random, from.toString(), to, node])
    return hmac('sha256', this.#key, text).toString('base64url').slice(0, 22)
  }
}
