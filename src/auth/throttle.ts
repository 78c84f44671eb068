import type { Clock } from '../util/clock.ts'
import { Lru } from '../util/lru.ts'
import { networkOf } from '../util/network.ts'

/** How wrong guesses are slowed; for each limit 0 is none. */
export interface ThrottleOptions {
  /** Wrong guesses from one network address, for any accounts, before it has to wait. */
  readonly perAddress: number
  /** Wrong guesses for one account from one network address before that address has to wait for that account. */
  readonly perAccount: number
  /** Time in which a full measure of wrong guesses is forgotten, evenly. */
  readonly windowMs: number
  /** How much later a wrong guess is answered. */
  readonly delayMs: number
  /** Addresses, and pairs of address and account, remembered; past it the one heard from least recently is forgotten. */
  readonly maxEntries?: number
}

/** A guess that was let through. It counts as wrong until one of these is called, as one must be; the first call counts. */
export interface Guess {
  /** The password was right: this guess is taken back, and those for the account from the address are forgotten. */
  right(): void
  /** The password was wrong: this guess stays. */
  wrong(): void
  /** Nothing was learnt, the check could not be made: this guess is taken back. */
  cancel(): void
}

/**
 * Slows guessing by network address, and by account together with address.
 *
 * Never by account alone: a stranger could lock its owner out. A guess is counted when it begins, so many at once gain
 * nothing. IPv6 addresses count by their /64.
 */
export class Throttle {
  readonly #options: ThrottleOptions
  readonly #clock: Clock
  readonly #addresses: Levels
  readonly #pairs: Levels
  /** By address, and by address and account: who waits for the guesses that are being checked; no longer than logins. */
  readonly #checks = new Map<string, { running: number; readonly waiting: (() => void)[] }>()

  constructor(options: ThrottleOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
    const { windowMs, maxEntries = 20_000 } = options
    this.#addresses = new Levels(options.perAddress, windowMs, maxEntries)
    this.#pairs = new Levels(options.perAccount, windowMs, maxEntries)
  }

  /** Whether a guess would be let through now. */
  isOpen(address: string, account: string): boolean {
    const now = this.#clock.now()
    const network = networkOf(address)
    return this.#addresses.hasRoom(network, now) && this.#pairs.hasRoom(pairOf(network, account), now)
  }

  /** Like {@link isOpen}, once it does not depend on guesses that are being checked. */
  async opens(address: string, account: string): Promise<boolean> {
    while (!this.isOpen(address, account)) {
      const check = this.#check(address, account)
      if (check === undefined) return false
      await check
    }
    return true
  }

  /**
   * Like {@link guess}, once it does not depend on guesses that are being checked: when an office comes back all at once,
   * nobody with a right password is sent away.
   */
  async guessInTurn(address: string, account: string): Promise<Guess | undefined> {
    for (;;) {
      const check = this.#check(address, account)
      const guess = this.guess(address, account)
      if (guess !== undefined || check === undefined) return guess
      await check
    }
  }

  /** Begins a guess, or returns `undefined` when the address has to wait. `account` is the prepared bare address. */
  guess(address: string, account: string): Guess | undefined {
    if (!this.isOpen(address, account)) return undefined
    const now = this.#clock.now()
    const network = networkOf(address)
    const pair = pairOf(network, account)
    this.#addresses.raise(network, now)
    this.#pairs.raise(pair, now)
    this.#beginCheck(network)
    this.#beginCheck(pair)
    let settled = false
    const settle = (then: () => void): void => {
      if (settled) return
      settled = true
      then()
      this.#endCheck(network)
      this.#endCheck(pair)
    }
    return {
      right: () =>
        settle(() => {
          this.#addresses.lower(network)
          this.#pairs.forget(pair)
        }),
      wrong: () => settle(() => {}),
      cancel: () =>
        settle(() => {
          this.#addresses.lower(network)
          this.#pairs.lower(pair)
        }),
    }
  }

  /** The end of a guess that is being checked, and without which another might be let through. */
  #check(address: string, account: string): Promise<void> | undefined {
    const network = networkOf(address)
    const now = this.#clock.now()
    const pair = pairOf(network, account)
    if (this.#addresses.hasRoom(network, now) && this.#pairs.hasRoom(pair, now)) return undefined
    const checks = this.#checks.get(this.#addresses.hasRoom(network, now) ? pair : network)
    return checks && new Promise((resolve) => checks.waiting.push(resolve))
  }

  #beginCheck(key: string): void {
    const checks = this.#checks.get(key)
    if (checks === undefined) this.#checks.set(key, { running: 1, waiting: [] })
    else checks.running++
  }

  #endCheck(key: string): void {
    const checks = this.#checks.get(key)!
    if (--checks.running === 0) this.#checks.delete(key)
    for (const wake of checks.waiting.splice(0)) wake()
  }

  /** Resolves when a wrong guess may be answered. */
  async delay(): Promise<void> {
    const { delayMs } = this.#options
    if (delayMs > 0) await new Promise<void>((resolve) => this.#clock.after(delayMs, resolve))
  }
}

/** Counts that sink evenly: a full measure in `windowMs`. */
class Levels {
  readonly #limit: number
  readonly #sinkPerMs: number
  readonly #levels: Lru<string, { level: number; atMs: number }>

  constructor(limit: number, windowMs: number, capacity: number) {
    this.#limit = limit
    this.#sinkPerMs = limit / windowMs
    this.#levels = new Lru(capacity)
  }

  hasRoom(key: string, now: number): boolean {
    return this.#limit === 0 || this.#levelOf(key, now) + 1 <= this.#limit
  }

  raise(key: string, now: number): void {
    if (this.#limit > 0) this.#levels.set(key, { level: this.#levelOf(key, now) + 1, atMs: now })
  }

  lower(key: string): void {
    const known = this.#levels.get(key)
    if (known !== undefined) known.level = Math.max(0, known.level - 1)
  }

  forget(key: string): void {
    this.#levels.delete(key)
  }

  #levelOf(key: string, now: number): number {
    const known = this.#levels.get(key)
    if (known === undefined) return 0
    return Math.max(0, known.level - Math.max(0, now - known.atMs) * this.#sinkPerMs)
  }
}

function pairOf(network: string, account: string): string {
  return `${network} ${account}`
}
