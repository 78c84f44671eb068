import type { Sealed } from '#api'

/** A message on its way to disk, and from there to those who see it. */
export class Passage {
  readonly accounts: readonly string[]
  readonly turn: Promise<void> | undefined
  /** Settles when it is on disk and may be seen. */
  recorded: Promise<void>
  isOver = false
  #waiting: (() => void)[] | undefined

  constructor(event: Sealed, accounts: readonly string[], recorded: Promise<void>) {
    this.accounts = accounts
    this.turn = event.turn?.before
    this.recorded = recorded
  }

  /** It is seen, or nobody will see it. */
  end(): void {
    this.isOver = true
    for (const resolve of this.#waiting ?? []) resolve()
    this.#waiting = undefined
  }

  /**
   * Settles when it is over; also when it should long be, because another module has refused it after it was on disk: what
   * is to be seen is so in the same turn of the event loop.
   */
  over(): Promise<void> | undefined {
    if (this.isOver) return undefined
    return new Promise((resolve) => {
      this.#waiting ??= []
      this.#waiting.push(resolve)
      const settled = Promise.allSettled([this.recorded, this.turn])
      void settled.then(() => setImmediate(resolve))
    })
  }
}

/**
 * Sees to it that the messages of an account are seen in the order of their ids, whoever sent them: a client that has one
 * and asks its archive for what is after it must not miss an earlier one that was still to come (XEP-0313 §3.1).
 *
 * Each message waits for the one before it in each of its archives. It waits for smaller ids only, so that waiting ends.
 */
export class SeenInOrder {
  /** The newest message of an account, while it has not been seen. */
  readonly #last = new Map<string, Passage>()

  /** Takes a message that is being written to these accounts' archives; `recorded` settles when it may be seen. */
  follow(event: Sealed, accounts: readonly string[], written: Promise<void>): Passage {
    const passage = new Passage(event, accounts, written)
    const earlier = accounts.map((account) => this.#last.get(account)).filter((other) => other !== undefined)
    for (const account of accounts) this.#last.set(account, passage)
    if (earlier.length > 0)
      passage.recorded = written.then(async () => {
        for (const other of earlier) await other.over()
      })
    passage.recorded.catch(() => this.seen(passage))
    return passage
  }

  /** The message is about to be seen, before this turn of the event loop ends; or nobody will see it. */
  seen(passage: Passage): void {
    passage.end()
    for (const account of passage.accounts) if (this.#last.get(account) === passage) this.#last.delete(account)
  }
}
