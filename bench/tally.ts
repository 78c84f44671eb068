import { setTimeout as sleep } from 'node:timers/promises'
import { type Contender, type Cpu, used } from './contender.ts'

/** The CPU of a contender outside of the rounds that are measured: work it puts off until later. */
export class Tally {
  readonly #contender: Contender
  #idleMicrosPerSecond = 0
  #begin: Cpu
  #beginMs = performance.now()
  #insideMicros = 0
  #insideMs = 0

  constructor(contender: Contender) {
    this.#contender = contender
    this.#begin = contender.cpu()
  }

  /** Measures what it uses while nobody wants anything, and begins. */
  async begin(idleSeconds: number): Promise<void> {
    const before = this.#contender.cpu()
    await sleep(idleSeconds * 1000)
    this.#begin = this.#contender.cpu()
    this.#beginMs = performance.now()
    this.#idleMicrosPerSecond = idleSeconds === 0 ? 0 : total(used(before, this.#begin)) / idleSeconds
  }

  /** Runs a round and resolves with its CPU. */
  async round(work: () => Promise<void>): Promise<Cpu> {
    const before = this.#contender.cpu()
    const startMs = performance.now()
    await work()
    const cpu = used(before, this.#contender.cpu())
    this.#insideMicros += total(cpu)
    this.#insideMs += performance.now() - startMs
    return cpu
  }

  /** The CPU used since the beginning and outside of the rounds, less what it uses for nothing, in microseconds. */
  outsideMicros(): number {
    const all = total(used(this.#begin, this.#contender.cpu()))
    const outsideSeconds = (performance.now() - this.#beginMs - this.#insideMs) / 1000
    return Math.max(0, all - this.#insideMicros - outsideSeconds * this.#idleMicrosPerSecond)
  }
}

function total({ server, database }: Cpu): number {
  return server + database
}
