import { Distribution } from '../observe/distribution.ts'
import type { Clock } from '../util/clock.ts'
import type { Database } from './database.ts'
import { isDiskFull, isUnavailable } from './failure.ts'
import { serverWide } from './server-wide.ts'

/** What a batch writer writes with, and its bounds. */
export interface BatchSettings<T> {
  /** What it is called among the writers of the database that it is for, which are watched. */
  readonly name: string
  readonly db: Database
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

/** What is watched of a batch writer. */
export interface BatchFigures {
  readonly name: string
  /** Items that were written, and those that could not be. */
  readonly written: number
  readonly failed: number
  /** Commits by the seconds they took, what was tried again included. */
  readonly commits: Distribution
  /** Items that wait, those of the commit under way included. */
  readonly waiting: number
  /** Since when the oldest of them does, ms since the epoch, give or take one commit; `undefined` when none does. */
  readonly waitingSinceMs: number | undefined
}

/** The batch writers for a database. */
export const batchWriters: (db: Database) => Set<{ readonly figures: BatchFigures }> = serverWide(() => new Set())

const COMMIT_BOUNDS_S = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]

interface Waiting<T> {
  readonly item: T
  readonly sinceMs: number
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
  #batch: readonly Waiting<T>[] = []
  /** When the last commit began, or the first item came that found nothing under way: nobody looks at the clock for each. */
  #sinceMs = 0
  #written = 0
  #failed = 0
  readonly #commits = new Distribution(COMMIT_BOUNDS_S)

  constructor(settings: BatchSettings<T>) {
    this.#settings = settings
    batchWriters(settings.db).add(this)
  }

  get figures(): BatchFigures {
    const oldest = this.#batch[0] ?? this.#waiting[0]
    return {
      name: this.#settings.name,
      written: this.#written,
      failed: this.#failed,
      commits: this.#commits,
      waiting: this.#batch.length + this.#waiting.length,
      waitingSinceMs: oldest?.sinceMs,
    }
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
    if (this.#running === undefined) this.#sinceMs = this.#settings.clock.now()
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, sinceMs: this.#sinceMs, resolve, reject })
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
        this.#sinceMs = this.#settings.clock.now()
        this.#batch = this.#waiting.splice(0, this.#settings.maxItems)
        await this.#commit(this.#batch)
        this.#batch = []
      }
    } finally {
      this.#batch = []
      this.#running = undefined
    }
  }

  async #commit(batch: readonly Waiting<T>[], giveUpMs = this.#giveUpMs()): Promise<void> {
    const beganMs = this.#settings.clock.now()
    const error = await this.#write(batch, giveUpMs)
    this.#commits.add((this.#settings.clock.now() - beganMs) / 1000)
    if (error === undefined) {
      this.#written += batch.length
      for (const { resolve } of batch) resolve()
    } else if (batch.length === 1 || isUnavailable(error)) {
      this.#failed += batch.length
      for (const { reject } of batch) reject(error)
    }
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
