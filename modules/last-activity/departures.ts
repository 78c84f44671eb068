import type { Clock } from '#api'
import type { LastActivityStore } from './store.ts'

/** When an account's last session ended, and with what words. */
export interface Departure {
  readonly account: string
  /** Milliseconds since the epoch. */
  readonly leftMs: number
  /** The status of the last unavailable presence, `''` when there was none. */
  readonly status: string
}

const ROWS_AT_ONCE = 100
/** A commit for each who leaves would be the dearest part of a session that comes and goes. */
const GATHER_MS = 2_000

/**
 * The last departure of every account of a host, written behind the back of those who leave: nobody waits for it. What
 * comes up within two seconds, or while a write runs, is written together, one row an account, so that what waits is
 * bounded by the accounts. What a crash or a lost database does not take is forgotten: it is worth a line in the log and
 * nothing more.
 */
export class Departures {
  readonly #store: LastActivityStore
  readonly #clock: Pick<Clock, 'after'>
  readonly #onLost: (error: unknown) => void
  readonly #waiting = new Map<string, Departure>()
  /** What the statement that runs at this moment saves. */
  #underWay: ReadonlyMap<string, Departure> = new Map()
  #writing: Promise<void> | undefined
  #cancelWrite: (() => void) | undefined

  /** `onLost` hears of a write that failed. */
  constructor(store: LastActivityStore, clock: Pick<Clock, 'after'>, onLost: (error: unknown) => void) {
    this.#store = store
    this.#clock = clock
    this.#onLost = onLost
  }

  /** Notes that an account has left, in place of what was known before. */
  note(departure: Departure): void {
    this.#waiting.set(departure.account, departure)
    if (this.#writing === undefined) this.#cancelWrite ??= this.#clock.after(GATHER_MS, () => this.#begin())
  }

  /** The last departure of an account, `undefined` when it has never left. */
  async find(account: string): Promise<Departure | undefined> {
    return this.#waiting.get(account) ?? this.#underWay.get(account) ?? (await this.#store.find(account))
  }

  /** Forgets an account. */
  async forget(account: string): Promise<void> {
    this.#waiting.delete(account)
    await this.#writing
    await this.#store.remove(account)
  }

  /** Writes what waits, and settles when nothing does any more. */
  async idle(): Promise<void> {
    this.#begin()
    await this.#writing
  }

  #begin(): void {
    this.#cancelWrite?.()
    this.#cancelWrite = undefined
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  async #write(): Promise<void> {
    while (this.#waiting.size > 0) {
      this.#underWay = new Map([...this.#waiting].slice(0, ROWS_AT_ONCE))
      for (const account of this.#underWay.keys()) this.#waiting.delete(account)
      try {
        await this.#store.save([...this.#underWay.values()])
      } catch (error) {
        this.#onLost(error)
      }
      this.#underWay = new Map()
    }
  }
}
