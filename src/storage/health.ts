import { randomInt } from 'node:crypto'
import type { Cancel, Clock } from '../util/clock.ts'
import type { StorageLog } from './knex-log.ts'

/** Whether the database answers. */
export type Health = 'down' | 'up'

const FIRST_MS = 100
const LONGEST_MS = 5000

/** Knows whether the database answers: down from the first sign of it, up when a probe got through. */
export class HealthWatch {
  readonly #probe: () => Promise<unknown>
  readonly #clock: Clock
  readonly #log: StorageLog
  readonly #listeners = new Set<(health: Health) => void>()
  #health: Health = 'up'
  #cancel: Cancel | undefined
  #stopped = false
  #outages = 0

  constructor(probe: () => Promise<unknown>, clock: Clock, log: StorageLog) {
    this.#probe = probe
    this.#clock = clock
    this.#log = log
  }

  get health(): Health {
    return this.#health
  }

  /** How often the database was lost. */
  get outages(): number {
    return this.#outages
  }

  /** Calls the listener at every change, until what is returned is called. */
  onChange(listener: (health: Health) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Tells that the database did not answer; from now on it is probed, at growing intervals, until it does. */
  failed(error: unknown): void {
    if (this.#health === 'down' || this.#stopped) return
    this.#outages++
    this.#log.error({ err: error }, 'the database does not answer; it is tried again until it does')
    this.#change('down')
    this.#probeLater(0)
  }

  /** Ends probing. */
  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  #probeLater(attempt: number): void {
    if (this.#stopped) return
    const ms = Math.min(FIRST_MS * 2 ** attempt, LONGEST_MS)
    // Jitter: the nodes of a cluster, which lost it at the same moment, do not come back at the same moment.
    this.#cancel = this.#clock.after(randomInt(Math.ceil(ms / 2), ms + 1), () => void this.#try(attempt))
  }

  async #try(attempt: number): Promise<void> {
    try {
      await this.#probe()
    } catch {
      this.#probeLater(attempt + 1)
      return
    }
    if (this.#stopped) return
    this.#log.info({ attempts: attempt + 1 }, 'the database answers again')
    this.#change('up')
  }

  #change(health: Health): void {
    this.#health = health
    for (const listener of [...this.#listeners]) {
      try {
        listener(health)
      } catch (error) {
        this.#log.error({ err: error }, 'a listener to the health of the database crashed')
      }
    }
  }
}
