import type { Clock } from '#api'

/** Someone to whom something falls due. */
export interface Due {
  /** Does what is due by now, ms since the epoch; true to be asked again. */
  tick(now: number): boolean
}

/** How often those are asked for whom something may fall due, in ms. */
export const ROUND_MS = 250

/** One timer for all sessions for which something may fall due, so that no stanza costs one. None runs when there are none. */
export class Rounds {
  readonly #members = new Set<Due>()
  readonly #after: Clock['after']
  readonly #clock: Pick<Clock, 'now'>
  #running = false

  constructor(after: Clock['after'], clock: Pick<Clock, 'now'>) {
    this.#after = after
    this.#clock = clock
  }

  /** Has somebody asked from now on. */
  add(member: Due): void {
    this.#members.add(member)
    if (!this.#running) this.#later()
  }

  #later(): void {
    this.#running = true
    this.#after(ROUND_MS, () => {
      this.#running = false
      const now = this.#clock.now()
      for (const member of this.#members) if (!member.tick(now)) this.#members.delete(member)
      if (this.#members.size > 0 && !this.#running) this.#later()
    })
  }
}
