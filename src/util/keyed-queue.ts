/**
 * Runs asynchronous work one after the other for each key, and in parallel for different keys.
 *
 * Use it where a resident copy and its rows must change together. It holds one promise a busy key, nothing for idle
 * ones; its length is bounded by what its callers have in flight.
 */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>()

  /** Runs `work` after everything queued earlier under `key`; a failure reaches the caller and nobody else. */
  run<T>(key: string, work: () => Promise<T> | T): Promise<T> {
    // A job gets nothing of the one before it, neither its result nor its error.
    const begin = () => work()
    const mine = (this.#tails.get(key) ?? Promise.resolve()).then(begin, begin)
    this.#tails.set(key, mine)
    const forget = () => {
      if (this.#tails.get(key) === mine) this.#tails.delete(key)
    }
    mine.then(forget, forget)
    return mine
  }

  /** Settles when nothing is queued at this moment any more. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#tails.values())
  }
}
