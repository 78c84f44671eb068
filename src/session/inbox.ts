interface Waiting<T> {
  readonly number: number
  readonly item: T
}

/**
 * Takes up what one stream sends, in order for each addressee (RFC 6120 §10.1): while a stanza waits for something,
 * later ones to the same address queue behind it and those to others go on.
 *
 * Bounded by its owner: `onFull` is told when `limit` stanzas are under way, `onDrained` when no more than half of them
 * are left; in between the owner reads nothing from the socket.
 */
export class Inbox<T> {
  readonly #process: (item: T) => void | Promise<void>
  readonly #limit: number
  readonly #onFull: () => void
  readonly #onDrained: () => void
  #queues: Map<string, Waiting<T>[]> | undefined
  #pending = 0
  #full = false
  #idle: (() => void)[] | undefined
  #accepted = 0
  #handled = 0
  /** Numbers of stanzas that ended before one that was accepted earlier. */
  #early: Set<number> | undefined
  /** Told when {@link handled} has grown after something was waited for. */
  onHandled: (() => void) | undefined

  /** `process` never throws and its promise never rejects; a `limit` of 0 means none. */
  constructor(process: (item: T) => void | Promise<void>, limit: number, onFull: () => void, onDrained: () => void) {
    this.#process = process
    this.#limit = limit
    this.#onFull = onFull
    this.#onDrained = onDrained
  }

  /** How many items were accepted so far. */
  get accepted(): number {
    return this.#accepted
  }

  /** How many of the items accepted first are dealt with: all before that number, in the order they came. */
  get handled(): number {
    return this.#handled
  }

  accept(address: string, item: T): void {
    const number = ++this.#accepted
    const queue = this.#queues?.get(address)
    if (queue !== undefined) {
      queue.push({ number, item })
      this.#begin()
      return
    }
    const pending = this.#process(item)
    if (pending === undefined) {
      this.#count(number)
      return
    }
    const waiting: Waiting<T>[] = []
    this.#queues ??= new Map()
    this.#queues.set(address, waiting)
    this.#begin()
    void this.#drain(address, waiting, pending, number)
  }

  /** Settles when nothing is under way. */
  idle(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle ??= []
      this.#idle.push(resolve)
    })
  }

  async #drain(address: string, waiting: Waiting<T>[], pending: Promise<void>, first: number): Promise<void> {
    await pending
    this.#end(first)
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const more = this.#process(next.item)
      if (more !== undefined) await more
      this.#end(next.number)
    }
    this.#queues!.delete(address)
  }

  #count(number: number): void {
    if (number !== this.#handled + 1) {
      this.#early ??= new Set()
      this.#early.add(number)
      return
    }
    this.#handled = number
    while (this.#early?.delete(this.#handled + 1)) this.#handled++
  }

  #begin(): void {
    this.#pending++
    if (this.#limit > 0 && this.#pending >= this.#limit && !this.#full) {
      this.#full = true
      this.#onFull()
    }
  }

  #end(number: number): void {
    this.#pending--
    this.#count(number)
    this.onHandled?.()
    if (this.#full && this.#pending <= this.#limit / 2) {
      this.#full = false
      this.#onDrained()
    }
    if (this.#pending === 0 && this.#idle !== undefined) {
      const waiters = this.#idle
      this.#idle = undefined
      for (const resolve of waiters) resolve()
    }
  }
}
