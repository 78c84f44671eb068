import type { Fault, Wrong } from './check.ts'

/** What was found wrong in a play, and the wait for what should happen in it. */
export class Findings {
  readonly faults: Fault[] = []
  /** Whether the server may end connections now. */
  mayBeDropped = false
  /** How long {@link until} waits unless told otherwise. */
  patienceMs = 30_000
  readonly #known = new Set<string>()
  #waiting: { readonly holds: () => boolean; readonly resolve: (held: boolean) => void } | undefined

  blames(wrong: Wrong, where: string): void {
    this.finds([{ wrong, where }])
  }

  /** Notes what is not known yet: the same things are checked over and over. */
  finds(faults: readonly Fault[]): void {
    for (const fault of faults) {
      const { size } = this.#known
      if (this.#known.add(`${fault.wrong} ${fault.where}`).size > size) this.faults.push(fault)
    }
  }

  /** Something happened that {@link until} may wait for. */
  changed(): void {
    if (this.#waiting?.holds() === true) this.#waiting.resolve(true)
  }

  /** Resolves when a condition holds; when it takes too long that is a fault, and it goes on. One at a time. */
  async until(what: string, holds: () => boolean, ms = this.patienceMs): Promise<boolean> {
    if (holds()) return true
    const held = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), ms)
      const settle = (value: boolean) => {
        clearTimeout(timer)
        resolve(value)
      }
      this.#waiting = { holds, resolve: settle }
    })
    this.#waiting = undefined
    if (!held) this.blames('broken', `${what}: not within ${ms / 1000} s`)
    return held
  }
}
