import type { Cancel, Clock, Context } from '#api'
import type { ArchiveStore } from './store.ts'

/** Most messages in one transaction. */
const LOT = 200
/** Accounts that are indexed at once, past their first lot; others wait for their turn. */
const AT_ONCE = 2

/**
 * Brings the search index of an account up to date when it searches, and never otherwise.
 *
 * The first lot is indexed at once, which is all there is to do when the last search was not long ago. What takes longer
 * goes on in the background, lot by lot with pauses as long as the work, to its end, whether somebody waits for it or not.
 * An account waits for its turn once, however often it searches meanwhile.
 */
export class Indexing {
  readonly #store: Pick<ArchiveStore, 'index'>
  readonly #clock: Clock
  readonly #log: Context['log']
  /** By owner: whether all is indexed, in the end. */
  readonly #underway = new Map<string, Promise<boolean>>()
  readonly #turns: (() => void)[] = []
  readonly #pauses = new Map<() => void, Cancel>()
  #long = 0
  #stopped = false

  constructor(store: Pick<ArchiveStore, 'index'>, clock: Clock, log: Context['log']) {
    this.#store = store
    this.#clock = clock
    this.#log = log
  }

  /**
   * Resolves with true when the messages of an owner are ready for searches, and with false when that takes longer than
   * `patience`, in ms; 0 waits for however long. Rejects when the database fails, and the next search goes on from there.
   */
  async ready(owner: string, patience: number): Promise<boolean> {
    const indexed = this.#underway.get(owner) ?? this.#begin(owner)
    if (patience === 0) return await indexed
    let cancel: Cancel = () => {}
    const late = new Promise<boolean>((resolve) => {
      cancel = this.#clock.after(patience, () => resolve(false))
    })
    try {
      return await Promise.race([indexed, late])
    } finally {
      cancel()
    }
  }

  /** Settles when nothing is under way any more; what is ends before its next lot. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const go of this.#turns.splice(0)) go()
    for (const [go, cancel] of this.#pauses) {
      cancel()
      go()
    }
    await Promise.allSettled(this.#underway.values())
  }

  #begin(owner: string): Promise<boolean> {
    const indexed = this.#index(owner).finally(() => this.#underway.delete(owner))
    this.#underway.set(owner, indexed)
    // There may be nobody who still waits for it.
    indexed.catch((error) => this.#log.warn({ err: error, owner }, 'messages could not be made ready for a search'))
    return indexed
  }

  async #index(owner: string): Promise<boolean> {
    if (this.#stopped) return false
    if (!(await this.#store.index(owner, LOT, true))) return true
    await this.#turn()
    let more = true
    try {
      while (more && !this.#stopped) {
        const beganMs = this.#clock.now()
        more = await this.#store.index(owner, LOT, false)
        if (more) await this.#pause(this.#clock.now() - beganMs)
      }
      return !more
    } finally {
      const next = this.#turns.shift()
      if (next === undefined) this.#long--
      else next()
    }
  }

  async #turn(): Promise<void> {
    if (this.#long < AT_ONCE) this.#long++
    // Whoever ends hands the turn on.
    else await new Promise<void>((resolve) => this.#turns.push(resolve))
  }

  async #pause(ms: number): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    if (ms <= 0 || this.#stopped) return
    await new Promise<void>((resolve) => {
      const go = (): void => {
        this.#pauses.delete(go)
        resolve()
      }
      this.#pauses.set(go, this.#clock.after(ms, go))
    })
  }
}
