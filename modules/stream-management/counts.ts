import type { Clock } from '#api'
import type { Count, ResumableStore } from './store.ts'

/** Counts in one statement. */
const ROWS = 200

/**
 * The handled counts of resumable sessions, on disk behind the back of everybody, so that a client whose session a crash
 * took learns what had come: what is on disk is never more than what was handled.
 *
 * One write at a time, of all that came up meanwhile; one entry a session waits. What a lost database does not take waits for
 * the next write.
 */
export class Counts {
  readonly #store: ResumableStore
  readonly #clock: Clock
  readonly #onFailure: (error: unknown) => void
  #waiting = new Map<string, Count>()
  #underWay: ReadonlyMap<string, Count> = new Map()
  /** Sessions that are over, of which something is saved. */
  readonly #ended = new Set<string>()
  #writing: Promise<void> | undefined

  /** `onFailure` hears of a write that failed. */
  constructor(store: ResumableStore, clock: Clock, onFailure: (error: unknown) => void) {
    this.#store = store
    this.#clock = clock
    this.#onFailure = onFailure
  }

  /** Notes a count, to be written soon. */
  note(count: Count): void {
    this.#waiting.set(count.hash, count)
    this.#writeSoon()
  }

  /** Notes that what is saved of a session is of no use any more, to be removed at the next {@link flush}. */
  ended(hash: string): void {
    this.#ended.add(hash)
  }

  /** Writes what waits. */
  flush(): void {
    if (this.#waiting.size > 0 || this.#ended.size > 0) this.#writeSoon()
  }

  /** The count of a session of this host, of now or of before. */
  async find(hash: string): Promise<Count | undefined> {
    return this.#waiting.get(hash) ?? this.#underWay.get(hash) ?? (await this.#store.find(hash))
  }

  /** Removes everything of an account. */
  async forget(local: string): Promise<void> {
    await this.#writing
    for (const [hash, count] of this.#waiting) if (count.local === local) this.#waiting.delete(hash)
    await this.#store.forget(local)
  }

  /** Settles when no write is under way. */
  async idle(): Promise<void> {
    await this.#writing
  }

  #writeSoon(): void {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  async #write(): Promise<void> {
    // All that this turn of the event loop brings comes along.
    await new Promise((resolve) => setImmediate(resolve))
    try {
      while (this.#waiting.size > 0) {
        const part = [...this.#waiting].slice(0, ROWS)
        this.#underWay = new Map(part)
        for (const [hash] of part) this.#waiting.delete(hash)
        await this.#store.count([...this.#underWay.values()], this.#clock.now())
        this.#underWay = new Map()
      }
      const ended = [...this.#ended]
      await this.#store.release(ended)
      for (const hash of ended) this.#ended.delete(hash)
    } catch (error) {
      this.#waiting = new Map([...this.#underWay, ...this.#waiting])
      this.#underWay = new Map()
      this.#onFailure(error)
    }
  }
}
