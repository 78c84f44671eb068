import type { Cancel, Clock } from '#api'
import type { Occupant, Seat } from './occupant.ts'

/**
 * Those who have entered a large room and whom the others have not seen yet: when many enter at a time, each of the others gets
 * many presences at once instead of one at a time, which costs a fraction.
 */
export class Newcomers {
  readonly #clock: Clock
  readonly #delayMs: number
  readonly #show: (newcomer: Occupant, isMeant: (seat: Seat) => boolean) => void
  readonly #waiting = new Map<Occupant, Seat>()
  #cancel: Cancel | undefined

  /** `show` shows an occupant to those who are meant. */
  constructor(clock: Clock, delayMs: number, show: (newcomer: Occupant, isMeant: (seat: Seat) => boolean) => void) {
    this.#clock = clock
    this.#delayMs = delayMs
    this.#show = show
  }

  /** Takes somebody who has just entered with this client. */
  add(seat: Seat): void {
    this.#waiting.set(seat.occupant, seat)
    this.#cancel ??= this.#clock.after(this.#delayMs, () => this.show())
  }

  /** Whether the others are still to see somebody. */
  has(occupant: Occupant): boolean {
    return this.#waiting.has(occupant)
  }

  /** Shows the others whoever they are still to see. */
  show(): void {
    this.#cancel?.()
    this.#cancel = undefined
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    // Whoever came later has been shown them on entering.
    for (const [occupant, { number }] of waiting) this.#show(occupant, (seat) => seat.number < number)
  }
}
