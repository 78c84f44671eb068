/** What fills a bucket, and how full it gets. */
export interface Flow {
  /** Tokens a millisecond. */
  readonly perMs: number
  readonly capacity: number
}

/** Lets things happen at a rate, and a few at once after a pause: each takes a token, and tokens come back evenly. */
export class TokenBucket {
  #tokens: number
  #atMs: number

  /** It begins full. */
  constructor(flow: Flow, nowMs: number) {
    this.#tokens = flow.capacity
    this.#atMs = nowMs
  }

  /** Takes a token, or several at once; false, and none is taken, when there are not as many. */
  take({ perMs, capacity }: Flow, nowMs: number, tokens = 1): boolean {
    const elapsed = Math.max(0, nowMs - this.#atMs)
    this.#tokens = Math.min(capacity, this.#tokens + elapsed * perMs)
    this.#atMs = nowMs
    if (this.#tokens < tokens) return false
    this.#tokens -= tokens
    return true
  }
}
