import type { ClientStore, Sighting } from './store.ts'

/** Sightings written in one statement. */
const ROWS = 200

/**
 * Notes who has logged in, behind the back of everybody: all that a turn of the event loop brings, in one write at a time. One
 * entry a client waits; what a database that is away does not take is forgotten.
 */
export class Sightings {
  readonly #store: ClientStore
  readonly #onFailure: (error: unknown) => void
  #waiting = new Map<string, Sighting>()
  #writing: Promise<void> | undefined

  constructor(store: ClientStore, onFailure: (error: unknown) => void) {
    this.#store = store
    this.#onFailure = onFailure
  }

  note(sighting: Sighting): void {
    this.#waiting.set(`${sighting.local} ${sighting.client}`, sighting)
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  /** Settles when everything is written. */
  async idle(): Promise<void> {
    await this.#writing
  }

  async #write(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.size > 0) {
      const part = [...this.#waiting].slice(0, ROWS)
      for (const [key] of part) this.#waiting.delete(key)
      try {
        await this.#store.note(part.map(([, sighting]) => sighting))
      } catch (error) {
        this.#onFailure(error)
      }
    }
  }
}
