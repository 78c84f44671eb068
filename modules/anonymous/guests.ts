import { randomUUID } from 'node:crypto'
import {
  type Clock,
  decodeUtf8,
  type Host,
  type Jid,
  type ModuleMechanism,
  networkOf,
  SaslError,
  type SaslStep,
} from '#api'
import type { AnonymousStore } from './store.ts'

/** How many may be there at once; 0 is no limit. */
export interface GuestLimits {
  readonly total: number
  /** From one network address (IPv6: one /64 network). */
  readonly perAddress: number
}

/** Characters of RFC 4505 §2. */
const MAX_TRACE = 255
/** How long an account without a session is kept: for a client that binds later, or comes back after the server has. */
const GRACE_MS = 15 * 60_000

/** The accounts of those who have logged in as nobody; each is there as long as its sessions are. */
export class Guests {
  readonly #host: Host
  readonly #store: AnonymousStore
  readonly #clock: Pick<Clock, 'now'>
  readonly #limits: GuestLimits
  readonly #onFailure: (error: unknown, account: string) => void
  /** Those this process knows, and where they come from. */
  readonly #networks = new Map<string, string | undefined>()

  /** `onFailure` hears which account could not be deleted; it is tried again by {@link tidy}. */
  constructor(parts: {
    host: Host
    store: AnonymousStore
    clock: Pick<Clock, 'now'>
    limits: GuestLimits
    onFailure: (error: unknown, account: string) => void
  }) {
    this.#host = parts.host
    this.#store = parts.store
    this.#clock = parts.clock
    this.#limits = parts.limits
    this.#onFailure = parts.onFailure
  }

  has({ local }: Jid): boolean {
    return this.#networks.has(local)
  }

  /** Logs a client in as nobody: with a new account, whose name nobody can guess (XEP-0175 §2). */
  async logIn(
    message: Buffer,
    { address }: Pick<Parameters<ModuleMechanism['start']>[0], 'address'>,
  ): Promise<SaslStep> {
    // RFC 4505 §2; the trace is used for nothing.
    if (decodeUtf8(message).length > MAX_TRACE) throw new SaslError('malformed-request', 'The trace is too long.')
    const network = networkOf(address)
    const { total, perAddress } = this.#limits
    const here = [...this.#networks.values()].filter((other) => other === network).length
    if ((total > 0 && this.#networks.size >= total) || (perAddress > 0 && here >= perAddress))
      throw new SaslError('temporary-auth-failure', 'Too many guests are here already; try again later.')
    const local = randomUUID()
    this.#networks.set(local, network)
    try {
      await this.#host.accounts.create(local, undefined, (tx) => this.#store.add(tx, local, this.#clock.now()))
    } catch (error) {
      this.#networks.delete(local)
      throw error
    }
    return { kind: 'success', by: 'nothing', local, passwordVersion: 0 }
  }

  /** Knows those again who were there when the server stopped. */
  async load(): Promise<void> {
    for (const { local } of await this.#store.all()) this.#networks.set(local, undefined)
  }

  /** The last session of an account is over. */
  left(jid: Jid): void {
    // Not before whoever tells of it has let go of the account.
    if (this.has(jid)) queueMicrotask(() => void this.#delete(jid.local))
  }

  /** Deletes accounts that have been without a session for long. */
  async tidy(): Promise<void> {
    const before = this.#clock.now() - GRACE_MS
    for (const { local, createdMs } of await this.#store.all()) if (createdMs < before) await this.#delete(local)
  }

  /** An account is being deleted. */
  async forget({ local }: Jid): Promise<void> {
    if (!this.#networks.has(local)) return
    await this.#store.remove(local)
    this.#networks.delete(local)
  }

  #isHere(local: string): boolean {
    return [...this.#host.users()].some((user) => user.jid.local === local)
  }

  async #delete(local: string): Promise<void> {
    if (this.#isHere(local)) return
    await this.#host.deleteAccount(local).catch((error) => this.#onFailure(error, `${local}@${this.#host.domain}`))
  }
}
