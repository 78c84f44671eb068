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

  /** Takes a token; false when there is none. */
  take({ perMs, capacity }: Flow, nowMs: number): boolean {
    const elapsed = Math.max(0, nowMs - this.#atMs)
    this.#tokens = Math.min(capacity, this.#tokens + elapsed * perMs)
    this.#atMs = nowMs
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
