import { setTimeout as pause } from 'node:timers/promises'
import type { Element } from '../../src/api.ts'
import { Asker } from './asker.ts'
import { Disconnected, NotLetIn, type Target } from './connection.ts'
import type { Findings } from './findings.ts'
import type { Possible } from './possible.ts'
import { Refused } from './room-person.ts'

const errorPauseMs = 50
/** What is asked for again until the server is there: the refusals of one that has lost its database. */
const passing = ['internal-server-error', 'temporary-auth-failure']
const patienceMs = 20_000

/** What somebody has that is changed, one thing after the other, and looked at. */
export interface Life {
  /** Runs before each login: finds what it takes. */
  prepares?(): Promise<void>
  /** Makes the next change. @throws Refused NotLetIn Disconnected */
  acts(): Promise<void>
  /** Looks at everything from outside; what is wrong goes to the findings. */
  checks(): Promise<void>
}

/** Whoever leads a life. */
export class Doer {
  readonly local: string
  readonly findings: Findings
  target: Target
  /** Changes that the server has acknowledged. */
  acknowledged = 0
  /** Looks at everything. */
  checked = 0
  /** Conditions of all refusals, with how often they came. */
  readonly refusals = new Map<string, number>()
  #life!: Life
  #asker: Asker | undefined
  #goesOn = false
  #running: Promise<void> = Promise.resolve()

  constructor(findings: Findings, target: Target, local: string) {
    this.findings = findings
    this.target = target
    this.local = local
  }

  get bare(): string {
    return `${this.local}@${this.target.domain}`
  }

  leads(life: Life): this {
    this.#life = life
    return this
  }

  /** Logs in anew. */
  async comes(): Promise<void> {
    await this.#life.prepares?.()
    this.#asker?.cut()
    this.#asker = await Asker.login(this.target, this.local, (reason) => {
      if (!this.findings.mayBeDropped) this.findings.blames('broken', `${this.local} was dropped: ${reason}`)
    })
  }

  /** Makes one change after the other until {@link rests} or the end of the server. */
  begins(): void {
    this.#goesOn = true
    this.#running = this.#run()
  }

  /** Resolves when nothing is under way. */
  async rests(): Promise<void> {
    this.#goesOn = false
    await this.#running
  }

  leaves(): void {
    this.#goesOn = false
    this.#asker?.cut()
  }

  /** Sends a request; resolves with the payload of the result. @throws Refused Disconnected */
  asks(type: 'get' | 'set', payload: string, to?: string): Promise<Element | undefined> {
    if (this.#asker === undefined) throw new Error(`${this.local} has not logged in`)
    return this.#asker.asks(type, payload, to)
  }

  /** Makes a change, of steps that a server may make one after the other. Rejects with what the deed does. */
  async tries<T>(
    state: Possible<T>,
    deed: () => Promise<unknown>,
    ...steps: readonly ((state: T) => T)[]
  ): Promise<void> {
    state.tries(...steps)
    try {
      await deed()
    } catch (error) {
      state.isOpen()
      throw error
    }
    state.isMade()
    this.succeeds()
  }

  succeeds(): void {
    this.acknowledged++
    this.findings.changed()
  }

  /** Looks at everything, again for a while where that is refused. */
  async checks(): Promise<void> {
    for (const until = Date.now() + patienceMs; ; ) {
      try {
        await this.#life.checks()
        this.checked++
        return
      } catch (error) {
        if (!this.#notes(error) || Date.now() > until) throw error
        await pause(errorPauseMs)
      }
    }
  }

  async #run(): Promise<void> {
    for (let unsure = false; this.#goesOn; ) {
      try {
        // Whoever was refused looks how things are before going on.
        if (unsure) await this.#life.checks()
        unsure = false
        await this.#life.acts()
        await pause(1)
      } catch (error) {
        if (error instanceof Disconnected && this.findings.mayBeDropped) return
        unsure = true
        if (!this.#notes(error)) return this.findings.blames('broken', `${this.local}: ${(error as Error).stack}`)
        await pause(errorPauseMs)
      }
    }
  }

  /** Whether something that went wrong is a refusal that passes. */
  #notes(error: unknown): boolean {
    if (!(error instanceof Refused) && !(error instanceof NotLetIn)) return false
    const { condition } = error
    this.refusals.set(condition, (this.refusals.get(condition) ?? 0) + 1)
    return passing.includes(condition)
  }
}

/** One of several, at random. */
export function anyOf<T>(all: readonly T[]): T {
  return all[Math.floor(Math.random() * all.length)]!
}
