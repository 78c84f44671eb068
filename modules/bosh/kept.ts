/** An answer that a client may not have got. */
export interface KeptAnswer {
  readonly rid: number
  /** Of the request: who asks again asks the same. */
  readonly digest: string
  readonly text: string
  readonly sentMs: number
  /** Of a request that a client may have besides all others: one that pauses or ends. */
  readonly isExtra: boolean
  repeats: number
}

/** The last answers of a session (XEP-0124 §14.3), `most` and one that is extra; of more the oldest is forgotten. */
export class Kept {
  readonly #most: number
  #answers: KeptAnswer[] = []

  constructor(most: number) {
    this.#most = most
  }

  add(answer: KeptAnswer): void {
    this.#answers.push(answer)
    const extra = this.#answers.some(({ isExtra }) => isExtra) ? 1 : 0
    if (this.#answers.length > this.#most + extra) this.#answers.shift()
  }

  /** The answer to a request like this one, if it is known still. */
  find({ digest, rid }: Pick<KeptAnswer, 'digest' | 'rid'>): string | undefined {
    return this.#answers.find((one) => one.rid === rid && one.digest === digest)?.text
  }

  /** Counts a request that came once more; returns how often that was. */
  repeat(rid: number): number {
    const answer = this.#answers.find((one) => one.rid === rid)
    return answer === undefined ? 0 : ++answer.repeats
  }

  /** Forgets what the client has, all up to `rid`; returns the first answer that it has not (XEP-0124 §9.2). */
  acknowledge(rid: number): KeptAnswer | undefined {
    this.#answers = this.#answers.filter((one) => one.rid > rid)
    return this.#answers[0]
  }
}
