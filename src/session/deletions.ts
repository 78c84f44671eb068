import type { Cancel } from '../util/clock.ts'
import type { Host } from './host.ts'

/** Longest time to the next look, in ms: a longer grace period does not depend on one timer, nor on what timers can hold. */
const LOOK_MS = 3_600_000
/** Accounts deleted at one look. */
const BATCH = 100

/**
 * The accounts of a host that are to be deleted: they are closed and hidden at once, and deleted when the grace period is
 * over. What waits is in the database, so a restart loses none; one that cannot be deleted is tried again within the hour.
 */
export class Deletions {
  readonly #host: Host
  readonly #graceMs: number
  readonly #onFailure: (what: string, error: unknown) => void
  #cancel: Cancel = () => {}
  /** When it looks next. */
  #nextMs = Infinity
  #look: Promise<void> = Promise.resolve()
  #stopped = true

  /** With `graceMs` 0 accounts are deleted at once. `onFailure` hears which could not be deleted, and why. */
  constructor(host: Host, graceMs: number, onFailure: (what: string, error: unknown) => void) {
    this.#host = host
    this.#graceMs = graceMs
    this.#onFailure = onFailure
  }

  /** Deletes what fell due meanwhile, and from now on what falls due. */
  begin(): void {
    this.#stopped = false
    this.#lookNow()
  }

  /** Ends the work; settles when what is being deleted is. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel()
    await this.#look
  }

  /**
   * Has an account deleted, after the grace period if there is one; resolves with the time when that is (ms since the
   * epoch), `undefined` when it is gone already. For one that waits already nothing changes.
   *
   * @throws AccountError `not-found`; with whatever keeps the account when it is to be deleted at once.
   */
  async request(local: string): Promise<number | undefined> {
    const { accounts, clock } = this.#host
    if (this.#graceMs === 0) {
      await this.#host.deleteAccount(local)
      return undefined
    }
    const state = await accounts.state(local)
    if (state?.kind === 'deleting') return state.atMs
    const atMs = clock.now() + this.#graceMs
    await accounts.setDeletion(local, atMs)
    this.#lookAt(atMs)
    return atMs
  }

  /** Keeps an account that waits to be deleted, as it was; false when there is none, or it is too late. */
  async restore(local: string): Promise<boolean> {
    const { accounts } = this.#host
    if ((await accounts.state(local))?.kind !== 'deleting' || this.#host.isBeingDeleted(local)) return false
    await accounts.setDeletion(local, null)
    return !this.#host.isBeingDeleted(local)
  }

  #lookNow(): void {
    this.#nextMs = Infinity
    this.#look = this.#look.then(() => this.#deleteDue())
  }

  #lookAt(atMs: number): void {
    const { clock } = this.#host
    const nextMs = Math.min(atMs, clock.now() + LOOK_MS)
    if (this.#stopped || nextMs >= this.#nextMs) return
    this.#cancel()
    this.#nextMs = nextMs
    this.#cancel = clock.after(Math.max(0, nextMs - clock.now()), () => this.#lookNow())
  }

  async #deleteDue(): Promise<void> {
    const { accounts, clock } = this.#host
    try {
      const waiting = await accounts.deletions(BATCH)
      let failures = 0
      for (const { local, atMs } of waiting) {
        if (this.#stopped) return
        if (atMs > clock.now()) return this.#lookAt(atMs)
        await this.#deleteIfDue(local).catch((error) => {
          failures++
          this.#onFailure(local, error)
        })
      }
      if (failures > 0) this.#lookAt(Infinity)
      else if (waiting.length > 0) this.#lookAt(clock.now())
    } catch (error) {
      this.#onFailure('accounts', error)
      this.#lookAt(Infinity)
    }
  }

  /** One that was restored while others were being deleted stays. */
  async #deleteIfDue(local: string): Promise<void> {
    const { accounts, clock } = this.#host
    const state = await accounts.state(local)
    if (state?.kind === 'deleting' && state.atMs <= clock.now()) await this.#host.deleteAccount(local)
  }
}
