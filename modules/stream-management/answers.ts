/** What of the client's stanzas is taken up and dealt with; the session's inbox. */
interface Progress {
  readonly accepted: number
  readonly handled: number
}

/** After so long a request is answered with what is reached, in ms; with the length of a round it is a second at most. */
const PATIENCE_MS = 750

/**
 * When a client's `<r/>` is answered: as soon as everything that came before it is handled; at the latest after a second
 * with what is reached, and then once more, unasked, when the rest is.
 *
 * Requests that come while one waits are answered together, so that however many there are cost nothing.
 */
export class Answers {
  readonly #progress: Progress
  readonly #send: () => void
  /** The count that the next answer waits for, and that of the last request; 0 for none. */
  #target = 0
  #last = 0
  /** When the oldest request came that has had no answer at all. */
  #sinceMs: number | undefined

  /** `send` tells the client the handled count. */
  constructor(progress: Progress, send: () => void) {
    this.#progress = progress
    this.#send = send
  }

  /** The client asks; true when the answer has to wait. */
  request(now: number): boolean {
    const { accepted, handled } = this.#progress
    if (handled >= accepted) {
      this.forget()
      this.#send()
      return false
    }
    this.#last = accepted
    if (this.#target === 0) this.#target = accepted
    this.#sinceMs ??= now
    return true
  }

  /** More of what the client sent may be handled. */
  progressed(): void {
    const { handled } = this.#progress
    if (this.#target === 0 || handled < this.#target) return
    this.#send()
    if (this.#last > handled) this.#target = this.#last
    else this.forget()
  }

  /** Answers what has waited too long; true while something waits. */
  tick(now: number): boolean {
    if (this.#sinceMs === undefined) return false
    if (now - this.#sinceMs < PATIENCE_MS) return true
    this.#sinceMs = undefined
    this.#send()
    return false
  }

  /** Nobody waits for an answer any more. */
  forget(): void {
    this.#target = 0
    this.#last = 0
    this.#sinceMs = undefined
  }
}
