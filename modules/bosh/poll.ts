import type { Answer } from './answer.ts'

/** What a poll needs of the response that its answer goes out by. */
export interface Response {
  once(event: 'close', listener: () => void): unknown
}

/** An HTTP request that waits for its answer. */
export class Poll {
  /** Resolves with the answer; with `undefined` when nobody waits for one any more. */
  readonly answered: Promise<Answer | undefined>
  /** Called when nobody waits for the answer any more. */
  onGone: () => void = () => {}
  readonly #resolve: (answer: Answer | undefined) => void
  #state: 'answered' | 'gone' | 'over' | 'waiting' = 'waiting'
  #onOver: () => void = () => {}

  constructor(response: Response) {
    const { promise, resolve } = Promise.withResolvers<Answer | undefined>()
    this.answered = promise
    this.#resolve = resolve
    response.once('close', () => this.#close())
  }

  /** Whether the client's connection went before there was an answer. */
  get isGone(): boolean {
    return this.#state === 'gone'
  }

  /** Answers; `onOver` is called when the answer is out of our hands, or cannot be delivered. */
  answer(answer: Answer, onOver: () => void = () => {}): void {
    if (this.#state !== 'waiting') return onOver()
    this.#state = 'answered'
    this.#onOver = onOver
    this.#resolve(answer)
  }

  #close(): void {
    if (this.#state === 'answered') {
      this.#state = 'over'
      this.#onOver()
    } else {
      this.#state = 'gone'
      this.#resolve(undefined)
      this.onGone()
    }
  }
}
