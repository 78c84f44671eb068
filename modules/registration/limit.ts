import { type Clock, Lru, networkOf } from '#api'

/** How many requests are allowed in any window of `windowMs`; 0 is no limit. */
export interface Allowance {
  readonly perAddress: number
  readonly total: number
  readonly windowMs: number
}

/**
 * Counts requests to register, for each network address and for all together, in a window that moves on with time.
 *
 * Remembers `addresses` addresses; when there are more, the one that was quiet longest is forgotten, so that a crowd of
 * addresses can win requests of one of them back, but none past the total.
 */
export class RegistrationLimit {
  readonly #allowance: Allowance
  readonly #clock: Pick<Clock, 'now'>
  readonly #byAddress: Lru<string, number[]>
  #all: number[] = []

  constructor(allowance: Allowance, clock: Pick<Clock, 'now'>, addresses = 10_000) {
    this.#allowance = allowance
    this.#clock = clock
    this.#byAddress = new Lru(addresses)
  }

  /** Counts one request; false when it is one too many, which then does not count. */
  take(address: string): boolean {
    if (!this.allows(address)) return false
    const { perAddress, total } = this.#allowance
    const now = this.#clock.now()
    if (perAddress > 0) this.#byAddress.set(networkOf(address), [...this.#recent(address), now])
    if (total > 0) this.#all.push(now)
    return true
  }

  /** Whether one more request would not be one too many. */
  allows(address: string): boolean {
    const { perAddress, total, windowMs } = this.#allowance
    const since = this.#clock.now() - windowMs
    this.#all = this.#all.filter((at) => at > since)
    if (perAddress > 0 && this.#recent(address).length >= perAddress) return false
    return total === 0 || this.#all.length < total
  }

  /** When an address took what counts still. */
  #recent(address: string): number[] {
    const since = this.#clock.now() - this.#allowance.windowMs
    return (this.#byAddress.get(networkOf(address)) ?? []).filter((at) => at > since)
  }
}
