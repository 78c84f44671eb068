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

/**
 * The last departure of every account of a host, written behind the back of those who leave: nobody waits for it. What
 * came up while a write ran is written together, one row an account, so that what waits is bounded by the accounts.
 * What a lost database does not take is forgotten: it is worth a line in the log and nothing more.
 */
export class Departures {
  readonly #store: LastActivityStore
  readonly #onLost: (error: unknown) => void
  readonly #waiting = new Map<string, Departure>()
  /** What the statement that runs at this moment saves. */
  #underWay: ReadonlyMap<string, Departure> = new Map()
  #writing: Promise<void> | undefined

  /** `onLost` hears of a write that failed. */
  constructor(store: LastActivityStore, onLost: (error: unknown) => void) {
    this.#store = store
    this.#onLost = onLost
  }

  /** Notes that an account has left, in place of what was known before. */
  note(departure: Departure): void {
    this.#waiting.set(departure.account, departure)
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
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

  /** Settles when nothing waits to be written. */
  async idle(): Promise<void> {
    await this.#writing
  }

  async #write(): Promise<void> {
    // Those who leave in one turn, as at a stop of the server, share a statement.
    await Promise.resolve()
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
