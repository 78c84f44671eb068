import type { Terms } from './terms.ts'
import type { Wrapper } from './wrapper.ts'

/** Whether a request brings nothing, and only asks. */
export function isEmpty({ pause, payloads, restarts, terminates }: Wrapper): boolean {
  return payloads.length === 0 && !terminates && !restarts && pause === undefined
}

/** Watches that a client does not ask for nothing more often than was agreed (XEP-0124 §11, §12). */
export class Pace {
  readonly #terms: Pick<Terms, 'polling' | 'polls' | 'requests'>
  /** The new request with the highest number, when the last came, and whether it was answered with nothing. */
  #last: { readonly rid: number; readonly atMs: number; readonly isEmpty: boolean; gotNothing: boolean } | undefined

  constructor(terms: Pick<Terms, 'polling' | 'polls' | 'requests'>) {
    this.#terms = terms
  }

  /** Takes note of a new request, one of so many that have no answer; false when it comes too soon after the one before. */
  allows(request: Wrapper, atMs: number, unanswered: number): boolean {
    const { polling, polls, requests } = this.#terms
    const before = this.#last
    const isNext = before === undefined || request.rid > before.rid
    // One that has been overtaken is not the last of those that have no answer.
    const last = isNext ? { rid: request.rid, atMs, isEmpty: isEmpty(request), gotNothing: false } : { ...before, atMs }
    this.#last = last
    if (!last.isEmpty || before === undefined || atMs - before.atMs >= polling * 1000) return true
    return polls ? !(before.isEmpty && before.gotNothing) : unanswered < requests
  }

  answered(rid: number, hasPayloads: boolean): void {
    if (this.#last?.rid === rid) this.#last.gotNothing = !hasPayloads
  }
}
