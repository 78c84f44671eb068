/** Cancels what {@link Clock.after} scheduled; calling it late or twice does nothing. */
export type Cancel = () => void

/** The only source of time in the program, so that tests can own it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Runs `fn` once, `ms` milliseconds from now. A pending call does not keep the process alive. */
  after(ms: number, fn: () => void): Cancel
}

/** The machine's clock. Node keeps one list per duration, so many timers of one duration cost no more than a wheel. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
