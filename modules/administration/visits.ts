import { KeyedQueue, lots } from '#api'
import type { Visit, VisitStore } from './store.ts'

/** What happened to an account, to be remembered; what is not given stays as it was. */
export type VisitChange = Partial<Omit<Visit, 'local'>>

/** Who was here when, and has read what. Changes are gathered and written together a while later; a crash may lose the last. */
export class Visits {
  readonly #store: VisitStore
  readonly #writeLater: (write: () => void) => void
  readonly #onFailure: (error: unknown) => void
  /** Changes that are not on disk: one for each account that was here since. */
  readonly #changes = new Map<string, VisitChange>()
  /** One write at a time. */
  readonly #queue = new KeyedQueue()
  /** Whether a write is to come. */
  #isScheduled = false
  #isClosed = false

  /** `writeLater` runs what it is given once, some seconds later. */
  constructor(store: VisitStore, writeLater: (write: () => void) => void, onFailure: (error: unknown) => void) {
    this.#store = store
    this.#writeLater = writeLater
    this.#onFailure = onFailure
  }

  /** Notes a change, to be written with others. */
  note(local: string, change: VisitChange): void {
    this.#changes.set(local, { ...this.#changes.get(local), ...change })
    this.#schedule()
  }

  /** What is known of these accounts, in their order; an account that was never here has nothing but zeros. */
  async find(locals: readonly string[]): Promise<Visit[]> {
    return await this.#queue.run('', async () => {
      const found = new Map((await this.#store.find(locals)).map((visit) => [visit.local, visit]))
      return locals.map((local) => this.#asOfNow(local, found.get(local)))
    })
  }

  /** Forgets an account that is deleted. */
  async forget(local: string): Promise<void> {
    await this.#queue.run('', async () => {
      this.#changes.delete(local)
      await this.#store.remove(local)
    })
  }

  /** Writes what has changed, for the last time; never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#write()
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isClosed) return
    this.#isScheduled = true
    this.#writeLater(() => void this.#write())
  }

  /** What cannot be written is tried again later. */
  async #write(): Promise<void> {
    await this.#queue.run('', async () => {
      this.#isScheduled = false
      const locals = [...this.#changes.keys()]
      try {
        for (const lot of lots(locals)) await this.#writeSome(lot)
      } catch (error) {
        this.#onFailure(error)
      }
      if (this.#changes.size > 0) this.#schedule()
    })
  }

  async #writeSome(locals: readonly string[]): Promise<void> {
    const found = new Map((await this.#store.find(locals)).map((visit) => [visit.local, visit]))
    const changes = locals.map((local) => this.#changes.get(local))
    await this.#store.save(locals.map((local) => this.#asOfNow(local, found.get(local))))
    // What has changed meanwhile is still to be written.
    for (const [place, local] of locals.entries())
      if (this.#changes.get(local) === changes[place]) this.#changes.delete(local)
  }

  #asOfNow(local: string, visit: Visit = { local, loginMs: 0, motdMs: 0, welcomed: false }): Visit {
    return { ...visit, ...this.#changes.get(local) }
  }
}
