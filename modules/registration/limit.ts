import { type Clock, Lru } from '#api'

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

/** What one party has to itself: an IPv4 address, or the first 64 bits of an IPv6 address. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  if (!address.includes(':')) return address
  const [head = '', tail] = address.replace(/%.*$/, '').split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  const all = [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right]
  return `${all
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':')}::/64`
}
