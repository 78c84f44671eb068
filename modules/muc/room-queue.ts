type Pending = void | Promise<void>

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
  #sharing = 0
  #shared: PromiseWithResolvers<void> | undefined
  #onIdle: () => void

  /** `onIdle` is told when something that took time was the last to be over. */
  constructor(onIdle: () => void) {
    this.#onIdle = onIdle
  }

  get isIdle(): boolean {
    return this.#alone === undefined && this.#sharing === 0
  }

  /** Does something alone. Throws or rejects with what `work` does. */
  run(work: () => Pending): Pending {
    if (this.isIdle) {
      const pending = work()
      if (pending === undefined) return
      return this.#wait(pending)
    }
    return this.#wait(this.#before().then(work))
  }

  /** Does something beside others that are shared, beginning in order. Throws or rejects with what `work` does. */
  share(work: () => Pending): Pending {
    const pending = this.#alone === undefined ? work() : this.#alone.then(work)
    if (pending === undefined) return
    this.#sharing++
    const over = (): void => {
      if (--this.#sharing > 0) return
      this.#shared?.resolve()
      this.#shared = undefined
      if (this.isIdle) this.#onIdle()
    }
    pending.then(over, over)
    return pending
  }

  async #before(): Promise<void> {
    const alone = this.#alone
    if (this.#sharing > 0) {
      this.#shared ??= Promise.withResolvers()
      await this.#shared.promise
    }
    await alone
  }

  #wait(pending: Promise<void>): Promise<void> {
    const over = (): void => {
      if (this.#alone !== settled) return
      this.#alone = undefined
      if (this.isIdle) this.#onIdle()
    }
    const settled: Promise<void> = pending.then(over, over)
    this.#alone = settled
    return pending
  }
}
