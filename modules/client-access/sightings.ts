import type { Cancel, Context } from '#api'
import type { ClientStore, Sighting } from './store.ts'

/** Sightings written in one statement. */
const ROWS = 200
/** How long logins are gathered, in ms. */
const GATHER_MS = 2_000

/**
 * Notes who has logged in, behind the back of everybody: what comes within seconds in one write, since nobody waits for it. One
 * entry a client waits; a crash in between, or a database that is away, loses it.
 */
export class Sightings {
  readonly #store: ClientStore
  readonly #onFailure: (error: unknown) => void
  #waiting = new Map<string, Sighting>()
  #writing: Promise<void> = Promise.resolve()
  #cancel: Cancel | undefined
  readonly #after: Context['after']

  /** `onFailure` hears of a write that failed. */
  constructor(store: ClientStore, after: Context['after'], onFailure: (error: unknown) => void) {
    this.#store = store
    this.#after = after
    this.#onFailure = onFailure
  }

  note(sighting: Sighting): void {
    const key = `${sighting.local} ${sighting.client}`
    // It may have come with the password a moment ago, and with a token now.
    const passwordMs = sighting.passwordMs ?? this.#waiting.get(key)?.passwordMs
    this.#waiting.set(key, { ...sighting, passwordMs })
    this.#cancel ??= this.#after(GATHER_MS, () => void this.flush())
  }

  /** Writes what waits; settles when everything noted so far is written. */
  flush(): Promise<void> {
    this.#cancel?.()
    this.#cancel = undefined
    this.#writing = this.#writing.then(() => this.#write())
    return this.#writing
  }

  /** Does something once what was noted so far is written, and before anything that is noted later is. */
  follow(work: () => Promise<void>): void {
    this.#writing = this.flush().then(work).catch(this.#onFailure)
  }

  async #write(): Promise<void> {
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
