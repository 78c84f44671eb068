interface Waiting<T> {
  readonly number: number
  readonly item: T
}

/** What one addressee is sent and waits for something. */
interface Lane<T> {
  readonly waiting: Waiting<T>[]
  /** Settles when all that was begun has ended. */
  tail: Promise<void>
  /** The item begun last. */
  last: Turn
}

/** How an item stands to the one before it, to the same addressee. */
export class Turn {
  /** Nobody may see anything of the item before this settles; `undefined` when nothing is before it. */
  readonly before: Promise<void> | undefined
  isRecorded = false
  onRecorded: (() => void) | undefined

  constructor(before: Promise<void> | undefined) {
    this.before = before
  }

  /** The item is on its way to disk, behind those before it: the next may be taken up. */
  recorded(): void {
    this.isRecorded = true
    this.onRecorded?.()
  }
}

/**
 * Takes up what one stream sends, in order for each addressee (RFC 6120 §10.1): while a stanza waits for something,
 * later ones to the same address queue behind it and those to others go on. Once it is on its way to disk, the next is
 * taken up if it `mayRunAhead`: so a burst shares commits, while `Turn.before` keeps in order what others see.
 *
 * Bounded by its owner: `onFull` is told when `limit` stanzas are under way, `onDrained` when no more than half of them
 * are left; in between the owner reads nothing from the socket.
 */
export class Inbox<T> {
  readonly #process: (item: T, turn: Turn) => void | Promise<void>
  readonly #limit: number
  readonly #onFull: () => void
  readonly #onDrained: () => void
  readonly #mayRunAhead: (item: T) => boolean
  #lanes: Map<string, Lane<T>> | undefined
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
  constructor(
    process: (item: T, turn: Turn) => void | Promise<void>,
    limit: number,
    onFull: () => void,
    onDrained: () => void,
    mayRunAhead: (item: T) => boolean = () => false,
  ) {
    this.#process = process
    this.#limit = limit
    this.#onFull = onFull
    this.#onDrained = onDrained
    this.#mayRunAhead = mayRunAhead
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
    const busy = this.#lanes?.get(address)
    if (busy !== undefined) {
      busy.waiting.push({ number, item })
      this.#begin()
      this.#runAhead(busy)
      return
    }
    const turn = new Turn(undefined)
    const pending = this.#process(item, turn)
    if (pending === undefined) {
      this.#count(number)
      return
    }
    this.#begin()
    const lane: Lane<T> = { waiting: [], tail: pending.then(() => this.#end(number)), last: turn }
    turn.onRecorded = () => this.#runAhead(lane)
    this.#lanes ??= new Map()
    this.#lanes.set(address, lane)
    void this.#drain(address, lane)
  }

  /** Settles when nothing is under way. */
  idle(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle ??= []
      this.#idle.push(resolve)
    })
  }

  async #drain(address: string, lane: Lane<T>): Promise<void> {
    for (;;) {
      const { tail } = lane
      await tail
      if (tail !== lane.tail) continue
      if (lane.waiting.length === 0) break
      this.#take(lane, undefined)
      this.#runAhead(lane)
    }
    this.#lanes!.delete(address)
  }

  #runAhead(lane: Lane<T>): void {
    while (lane.last.isRecorded && lane.waiting.length > 0 && this.#mayRunAhead(lane.waiting[0]!.item))
      this.#take(lane, lane.tail)
  }

  /** Takes up the next of a lane. */
  #take(lane: Lane<T>, before: Promise<void> | undefined): void {
    const { item, number } = lane.waiting.shift()!
    const turn = new Turn(before)
    lane.last = turn
    const pending = this.#process(item, turn)
    // One that ended at once, with a refusal, holds nobody up.
    if (pending === undefined) turn.recorded()
    lane.tail = Promise.all([before, pending]).then(() => this.#end(number))
    turn.onRecorded = () => this.#runAhead(lane)
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
