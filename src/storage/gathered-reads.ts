import { isUnavailable } from './failure.ts'
import type { Statement } from './statement.ts'

/** Reads in one question; what more there are wait for the next. */
const MAX_READS = 50

interface Read {
  readonly statement: Statement
  readonly resolve: (rows: unknown[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * Has reads that come up in one turn of the event loop, or while others are under way, go to the database together: asking costs
 * more than reading. One question at a time; a read waits for no more than the question before it.
 */
export class GatheredReads {
  readonly #ask: (statements: readonly Statement[]) => Promise<unknown[][]>
  /** As many as there are callers that wait. */
  #waiting: Read[] = []
  #isAsking = false

  /** `ask` reads the rows of each statement, or of none when it rejects. */
  constructor(ask: (statements: readonly Statement[]) => Promise<unknown[][]>) {
    this.#ask = ask
  }

  /** The rows of a statement. */
  rows(statement: Statement): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ statement, resolve, reject })
      if (this.#isAsking) return
      this.#isAsking = true
      setImmediate(() => void this.#run())
    })
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) await this.#answer(this.#waiting.splice(0, MAX_READS))
    this.#isAsking = false
  }

  async #answer(reads: readonly Read[]): Promise<void> {
    try {
      const answers = await this.#ask(reads.map(({ statement }) => statement))
      for (const [place, { resolve }] of reads.entries()) resolve(answers[place]!)
    } catch (error) {
      // One that is wrong does not fail the others.
      if (reads.length > 1 && !isUnavailable(error)) for (const read of reads) await this.#answer([read])
      else for (const { reject } of reads) reject(error)
    }
  }
}
