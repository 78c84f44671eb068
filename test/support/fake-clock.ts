import type { Cancel, Clock } from '../../src/util/clock.ts'

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now: number
  readonly #timers = new Set<{ at: number; fn: () => void }>()

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  after(ms: number, fn: () => void): Cancel {
    const timer = { at: this.#now + ms, fn }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Whether something is to run in the next `ms`. */
  hasTimerWithin(ms: number): boolean {
    for (const timer of this.#timers) if (timer.at <= this.#now + ms) return true
    return false
  }

  /** Moves on, running what falls due in order of time. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      let next: { at: number; fn: () => void } | undefined
      for (const timer of this.#timers) if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer
      if (next === undefined) break
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.fn()
    }
    this.#now = end
  }
}
