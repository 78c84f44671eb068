import { randomBytes } from 'node:crypto'
import { type Clock, hmac, Lru } from '#api'

/** How long what was done is remembered, in ms. */
const MEMORY_MS = 600_000

/**
 * Does once what is sent twice, such as by a button that is pressed twice, and gives both the same answer. Keeps no word of what was
 * sent; when there are more than `capacity`, the oldest is forgotten.
 */
export class Submissions<T> {
  readonly #clock: Pick<Clock, 'now'>
  readonly #secret = randomBytes(32)
  readonly #done: Lru<string, { readonly answer: Promise<T>; readonly untilMs: number }>

  constructor(clock: Pick<Clock, 'now'>, capacity = 1000) {
    this.#clock = clock
    this.#done = new Lru(capacity)
  }

  /** Does the work unless just these words came a while ago; what fails is done again the next time. */
  async once(words: readonly string[], work: () => Promise<T>): Promise<T> {
    const key = hmac('sha256', this.#secret, JSON.stringify(words)).toString('base64')
    const known = this.#done.get(key)
    const nowMs = this.#clock.now()
    if (known !== undefined && known.untilMs > nowMs) return await known.answer
    const answer = work()
    this.#done.set(key, { answer, untilMs: nowMs + MEMORY_MS })
    answer.catch(() => this.#done.delete(key))
    return await answer
  }
}
