import type { Fault } from './check.ts'

type Step<T> = (state: T) => T

/**
 * A state that one person changes, one change after the other: what it may be now. A change of several steps that the
 * server makes one after the other may have ended after any of them when nobody knows how it ended.
 */
export class Possible<T> {
  readonly name: string
  #states: readonly T[]
  #steps: readonly Step<T>[] = []

  constructor(name: string, initial: T) {
    this.name = name
    this.#states = [initial]
  }

  /** All that it may be. */
  get states(): readonly T[] {
    return this.#states
  }

  /** One of them. */
  get some(): T {
    return this.#states[0]!
  }

  /** A change is asked for. */
  tries(...steps: readonly Step<T>[]): void {
    this.#steps = steps
  }

  /** It was acknowledged. */
  isMade(): void {
    this.#states = this.#states.map((state) => this.#steps.reduce((now, step) => step(now), state))
    this.#steps = []
  }

  /** Nobody knows whether it was made: there was no answer, or a refusal that may come of a database that has done it. */
  isOpen(): void {
    const after = this.#states.flatMap((state) => {
      let now = state
      return this.#steps.map((step) => {
        now = step(now)
        return now
      })
    })
    this.#states = [...this.#states, ...after]
    this.#steps = []
  }

  /** Looks at the state as it is: what it cannot be is a fault. From then on it is certain. */
  sees(actual: T): Fault[] {
    const text = JSON.stringify(actual)
    const expected = this.#states.map((state) => JSON.stringify(state))
    this.#states = [actual]
    if (expected.includes(text)) return []
    return [{ wrong: 'lost', where: `${this.name} is ${text}; it could be ${expected.join(' or ')}` }]
  }
}
