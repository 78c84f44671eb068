type Pending = void | Promise<void>

/** Things that are shared, between two that run alone. */
class Sharers {
  count = 0
  /** Settles when none is left; made when somebody waits for it. */
  over: PromiseWithResolvers<void> | undefined
}

/**
 * Orders what is done to a room. What changes the room is `run`: alone, after all that came before it. What is said in it is
 * `share`d: it may begin while other things that are said are still on their way to disk. As long as nothing waits,
 * everything runs at once.
 *
 * Its length is bounded by what its senders may have under way (`limits.inboundPending` each).
 */
export class RoomQueue {
  /** Settles when everything that runs alone, and was asked for so far, is over; `undefined` when it is. */
  #alone: Promise<void> | undefined
  /** Those behind it. */
  #sharers = new Sharers()
  readonly #onIdle: () => void
  /** Something is being done at this very moment. */
  #isBusy = false
  /** What that has brought about, such as the end of a session that takes no more. */
  readonly #brought: (() => void)[] = []

  /** `onIdle` is told when something that took time was the last to be over. */
  constructor(onIdle: () => void) {
    this.#onIdle = onIdle
  }

  get isIdle(): boolean {
    return this.#alone === undefined && this.#sharers.count === 0 && !this.#isBusy
  }

  /** Does something alone. Throws or rejects with what `work` does. */
  run(work: () => Pending): Pending {
    if (this.#isBusy) return this.#later(() => this.run(work))
    try {
      const pending = this.isIdle ? this.#now(work) : this.#before().then(work)
      if (pending !== undefined) this.#keepAlone(pending)
      return pending
    } finally {
      this.#goOn()
    }
  }

  /** Does something beside others that are shared, beginning in order. Throws or rejects with what `work` does. */
  share(work: () => Pending): Pending {
    if (this.#isBusy) return this.#later(() => this.share(work))
    try {
      const pending = this.#alone === undefined ? this.#now(work) : this.#alone.then(work)
      if (pending !== undefined) this.#keepShared(pending)
      return pending
    } finally {
      this.#goOn()
    }
  }

  #now(work: () => Pending): Pending {
    this.#isBusy = true
    try {
      return work()
    } finally {
      this.#isBusy = false
    }
  }

  #later(begin: () => Pending): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#brought.push(() => {
        try {
          Promise.resolve(begin()).then(resolve, reject)
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  #goOn(): void {
    for (let next = this.#brought.shift(); next !== undefined; next = this.#brought.shift()) next()
  }

  #keepAlone(pending: Promise<void>): void {
    const over = (): void => {
      if (this.#alone !== settled) return
      this.#alone = undefined
      if (this.isIdle) this.#onIdle()
    }
    const settled: Promise<void> = pending.then(over, over)
    this.#alone = settled
  }

  #keepShared(pending: Promise<void>): void {
    const sharers = this.#sharers
    sharers.count++
    const over = (): void => {
      if (--sharers.count > 0) return
      sharers.over?.resolve()
      if (this.isIdle) this.#onIdle()
    }
    pending.then(over, over)
  }

  /** Settles when all that was asked for so far is over; what is shared from now on comes behind. */
  #before(): Promise<unknown> {
    const sharers = this.#sharers
    if (sharers.count === 0) return this.#alone!
    this.#sharers = new Sharers()
    sharers.over ??= Promise.withResolvers()
    // They wait for what runs alone before them.
    return sharers.over.promise
  }
}
