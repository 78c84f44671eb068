import type { Clock } from '#api'

/** When a client is asked how far it is; 0 is "never for this reason". */
export interface RequestPolicy {
  /** After so many stanzas. */
  readonly stanzas: number
  /** After so many bytes. */
  readonly bytes: number
  /** So long after the first stanza it was not asked about, in ms. */
  readonly delay: number
  /** How long its answer may take, in ms. */
  readonly timeout: number
}

/** Times the load grows twofold before a client that owes an answer is asked again, at most: bounds the exponent. */
const MOST_DOUBLINGS = 20

/**
 * When to ask a client how far it is: by load and time, never for each stanza; and once more only when the load has doubled
 * without an answer.
 */
export class Requests {
  readonly #policy: RequestPolicy
  /** Requests without an answer, and when the first of them was made. */
  #open = 0
  #openSinceMs = 0
  /** What was sent since the last request, and when that began. */
  #stanzas = 0
  #bytes = 0
  #sinceMs = 0

  constructor(policy: RequestPolicy) {
    this.#policy = policy
  }

  /** Whether there is something the client was not asked about. */
  get isDue(): boolean {
    return this.#stanzas > 0
  }

  /** Whether an answer is owed. */
  get isOpen(): boolean {
    return this.#open > 0
  }

  /** Whether enough was sent to ask now. */
  get isOverdue(): boolean {
    const { stanzas, bytes } = this.#policy
    const factor = 2 ** Math.min(this.#open, MOST_DOUBLINGS)
    return (stanzas > 0 && this.#stanzas >= stanzas * factor) || (bytes > 0 && this.#bytes >= bytes * factor)
  }

  /** A stanza was sent; true when it is the first since the last request. */
  sent(bytes: number, clock: Pick<Clock, 'now'>): boolean {
    this.#bytes += bytes
    if (this.#stanzas++ > 0) return false
    this.#sinceMs = clock.now()
    return true
  }

  /** The client is being asked. */
  asked(now: number): void {
    if (this.#open++ === 0) this.#openSinceMs = now
    this.#stanzas = 0
    this.#bytes = 0
  }

  /**
   * The client has told how far it is. `left` says whether something is still unacknowledged; a client whose word changed
   * nothing (`moved` false) is not asked again for the same.
   */
  answered(left: boolean, moved: boolean, now: number): void {
    this.#open = 0
    if (!left) {
      this.#stanzas = 0
      this.#bytes = 0
    } else if (this.#stanzas === 0 && moved) {
      this.#stanzas = 1
      this.#sinceMs = now
    }
  }

  /** What time has made due; `wait` when something may still fall due, `rest` when nothing can. */
  at(now: number): 'ask' | 'dead' | 'rest' | 'wait' {
    const { delay, timeout } = this.#policy
    if (this.#open > 0) {
      if (timeout === 0) return 'rest'
      return now - this.#openSinceMs >= timeout ? 'dead' : 'wait'
    }
    if (this.#stanzas === 0 || delay === 0) return 'rest'
    return now - this.#sinceMs >= delay ? 'ask' : 'wait'
  }

  /** A new connection, or none: nothing was asked on it. */
  reset(): void {
    this.#open = 0
    this.#stanzas = 0
    this.#bytes = 0
  }
}
