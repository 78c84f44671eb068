import { networkOf } from '#api'
import type { BoshSession } from './session.ts'

/** Most sessions nobody has logged in to; 0 is no limit. */
export interface SessionLimits {
  readonly perAddress: number
  readonly total: number
}

interface Entry {
  readonly session: BoshSession
  readonly domain: string
  /** What it is counted by until somebody has logged in. */
  network: string | undefined
}

/**
 * The sessions of a server by their ids. One that nobody has logged in to has no connection that would count: it is counted here,
 * whether somebody asks in it or not.
 */
export class Sessions {
  readonly #bySid = new Map<string, Entry>()
  readonly #byNetwork = new Map<string, number>()
  #total = 0

  find(sid: string): BoshSession | undefined {
    return this.#bySid.get(sid)?.session
  }

  /** How many there are by way of a host. */
  count(domain: string): number {
    let count = 0
    for (const entry of this.#bySid.values()) if (entry.domain === domain) count++
    return count
  }

  /** Whether an address may have one more. */
  hasRoom(address: string, { perAddress, total }: SessionLimits): boolean {
    if (total > 0 && this.#total >= total) return false
    return perAddress === 0 || (this.#byNetwork.get(networkOf(address)) ?? 0) < perAddress
  }

  /** Keeps a session of an address, by way of the host `domain`. */
  enter(session: BoshSession, domain: string, address: string): void {
    const network = networkOf(address)
    this.#bySid.set(session.sid, { session, domain, network })
    this.#byNetwork.set(network, (this.#byNetwork.get(network) ?? 0) + 1)
    this.#total++
  }

  /** Somebody has logged in: the limits of accounts hold from here on. */
  settle({ sid }: BoshSession): void {
    const entry = this.#bySid.get(sid)
    if (entry !== undefined) this.#uncount(entry)
  }

  leave({ sid }: BoshSession): void {
    const entry = this.#bySid.get(sid)
    if (entry === undefined) return
    this.#uncount(entry)
    this.#bySid.delete(sid)
  }

  /** Ends those that came by way of a host. */
  endAll(domain: string, reason: string): void {
    for (const { domain: own, session } of [...this.#bySid.values()]) if (own === domain) session.abandon(reason)
  }

  #uncount(entry: Entry): void {
    const { network } = entry
    if (network === undefined) return
    entry.network = undefined
    this.#total--
    const left = this.#byNetwork.get(network)! - 1
    if (left > 0) this.#byNetwork.set(network, left)
    else this.#byNetwork.delete(network)
  }
}
