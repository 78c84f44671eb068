/** More pieces than this are made one, so that a byte at a time costs neither quadratic time nor an object a byte. */
const mostPieces = 256

/** A text that arrives in pieces; joined when it is taken. */
export class Pieces {
  readonly #pieces: string[] = []

  get empty(): boolean {
    return this.#pieces.length === 0
  }

  add(piece: string): void {
    if (this.#pieces.length >= mostPieces) this.#pieces.push(this.take())
    this.#pieces.push(piece)
  }

  /** The whole text; nothing is left. */
  take(): string {
    if (this.#pieces.length === 1) return this.#pieces.pop()!
    const whole = this.#pieces.join('')
    this.#pieces.length = 0
    return whole
  }
}
