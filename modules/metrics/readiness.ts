import type { Context, Database } from '#api'
import type { HealthStore } from './store.ts'

/** How long the database may take to answer. */
export const PATIENCE_MS = 2_000

/** What readiness depends on. */
export interface ReadinessParts {
  readonly store: Pick<HealthStore, 'ask'>
  readonly db: Pick<Database, 'health'>
  readonly isStopping: () => boolean
  readonly after: Context['after']
}

/** Knows whether the server can serve at this moment. */
export class Readiness {
  readonly #parts: ReadinessParts
  /** However many want to know, one question is under way. */
  #asked: Promise<boolean> | undefined

  constructor(parts: ReadinessParts) {
    this.#parts = parts
  }

  /** What keeps the server from serving; nothing when it can. */
  async problems(): Promise<string[]> {
    const { db, isStopping } = this.#parts
    const isThere = db.health === 'up' && (await this.#answers())
    return [
      ...(isStopping() ? ['The server is being stopped.'] : []),
      ...(isThere ? [] : ['The database does not answer.']),
    ]
  }

  async #answers(): Promise<boolean> {
    this.#asked ??= this.#ask()
    const { promise: late, resolve } = Promise.withResolvers<boolean>()
    const cancel = this.#parts.after(PATIENCE_MS, () => resolve(false))
    const isThere = await Promise.race([this.#asked, late])
    cancel()
    return isThere
  }

  async #ask(): Promise<boolean> {
    try {
      await this.#parts.store.ask()
      return true
    } catch {
      return false
    } finally {
      this.#asked = undefined
    }
  }
}
