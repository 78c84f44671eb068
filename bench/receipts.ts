/** What one receiver has got of messages that are numbered from 0 in the order of sending. */
export class Receipts {
  /** Copies that came although the message had come before. */
  doubled = 0
  /** Messages that came after a later one. */
  reordered = 0
  #next = 0
  readonly #missing = new Set<number>()

  /** Notes a number; true when the message had not come before. */
  take(number: number): boolean {
    if (number === this.#next) {
      this.#next++
      return true
    }
    if (number > this.#next) {
      for (let i = this.#next; i < number; i++) this.#missing.add(i)
      this.#next = number + 1
      return true
    }
    if (!this.#missing.delete(number)) {
      this.doubled++
      return false
    }
    this.reordered++
    return true
  }

  /** How many of the first `sent` messages have not come. */
  outstanding(sent: number): number {
    return sent - this.#next + this.#missing.size
  }
}
