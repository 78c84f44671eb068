import type { Clock } from '../util/clock.ts'
import { isDiskFull, isUnavailable } from './failure.ts'

/** What a batch writer writes with, and its bounds. */
export interface BatchSettings<T> {
  /** Commits these items in one transaction. Repeating it with items that were committed already must change nothing. */
  readonly write: (items: readonly T[]) => Promise<void>
  /** Most items in one commit. */
  readonly maxItems: number
  /** Most items that wait; one more is refused, unless it is owed. */
  readonly maxWaiting: number
  /** For how long a batch is tried again while the database is out of reach, in ms; one that the disk is full for is not. */
  readonly retryMs: number
  readonly clock: Clock
}

/** Too many items wait to be written. */
export class BatchFullError extends Error {}

interface Waiting<T> {
  readonly item: T
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

const RETRY_EVERY_MS = 250

/**
 * Writes what many ask for with few commits: while one commit runs, what is asked for meanwhile gathers, and goes into the
 * next. Nothing waits for a timer: when it is idle, the first item is written at the end of the turn of the event loop.
 *
 * Promises resolve in the order of the items. An item that cannot be written fails alone, not with those beside it.
 */
export class BatchWriter<T> {
  readonly #settings: BatchSettings<T>
  #waiting: Waiting<T>[] = []
  #running: Promise<void> | undefined

  constructor(settings: BatchSettings<T>) {
    this.#settings = settings
  }

  /**
   * Resolves once the item is on disk. Rejects with the error of the database: then the item is not there, or, when that
   * was lost while it committed and stayed so, may be. `isOwed` is for what was taken on before, and in memory until then:
   * it is never too much.
   */
  append(item: T, isOwed = false): Promise<void> {
    const { maxWaiting } = this.#settings
    if (!isOwed && maxWaiting > 0 && this.#waiting.length >= maxWaiting)
      return Promise.reject(new BatchFullError('too much waits to be written'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Settles when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async #run(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        // All that this turn of the event loop brings comes along.
        await new Promise((resolve) => setImmediate(resolve))
        await this.#commit(this.#waiting.splice(0, this.#settings.maxItems))
      }
    } finally {
      this.#running = undefined
    }
  }

  async #commit(batch: readonly Waiting<T>[], giveUpMs = this.#giveUpMs()): Promise<void> {
    const error = await this.#write(batch, giveUpMs)
    if (error === undefined) for (const { resolve } of batch) resolve()
    else if (batch.length === 1 || isUnavailable(error)) for (const { reject } of batch) reject(error)
    // One of them is to blame, and only that one fails. Should the database go meanwhile, they do not wait one by one.
    else for (const waiting of batch) await this.#commit([waiting], giveUpMs)
  }

  #giveUpMs(): number {
    return this.#settings.clock.now() + this.#settings.retryMs
  }

  /** The error that stays, if any. */
  async #write(batch: readonly Waiting<T>[], giveUpMs: number): Promise<unknown> {
    const { clock, write } = this.#settings
    const items = batch.map(({ item }) => item)
    for (;;) {
      try {
        await write(items)
        return undefined
      } catch (error) {
        if (!isUnavailable(error) || isDiskFull(error) || clock.now() >= giveUpMs)
          return error ?? new Error('not written')
        await new Promise<void>((resolve) => clock.after(RETRY_EVERY_MS, resolve))
      }
    }
  }
}
