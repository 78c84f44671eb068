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
    const { perAddress, total, windowMs } = this.#allowance
    const since = this.#clock.now() - windowMs
    const network = networkOf(address)
    const own = (this.#byAddress.get(network) ?? []).filter((at) => at > since)
    this.#all = this.#all.filter((at) => at > since)
    if (perAddress > 0 && own.length >= perAddress) return false
    if (total > 0 && this.#all.length >= total) return false
    if (perAddress > 0) this.#byAddress.set(network, [...own, this.#clock.now()])
    if (total > 0) this.#all.push(this.#clock.now())
    return true
  }
}
