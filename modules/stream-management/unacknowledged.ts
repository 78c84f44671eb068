import { type Handover, ownText } from '#api'

/** A stanza that was sent and not acknowledged yet. */
export interface Entry {
  readonly text: string
  /** Set when somebody is owed an outcome. */
  readonly handover: Handover | undefined
}

/** What a stanza counts for beside its text. */
const ENTRY_SIZE = 64
/** Empty places at the front that are not worth moving the rest for. */
const SLACK = 256

/** The stanzas that a client has not acknowledged, oldest first. Adding and taking away cost the same however many there are. */
export class Unacknowledged {
  #entries: (Entry | undefined)[] = []
  #head = 0
  #size = 0

  get length(): number {
    return this.#entries.length - this.#head
  }

  /** About the bytes they hold: a character counts as one. */
  get size(): number {
    return this.#size
  }

  push(entry: Entry): void {
    const { text, handover } = entry
    this.#entries.push(text === handover?.text ? entry : { text: ownText(text), handover })
    this.#size += entry.text.length + ENTRY_SIZE
  }

  /** The entry so many places behind the oldest. */
  at(index: number): Entry | undefined {
    return this.#entries[this.#head + index]
  }

  /** Takes the oldest away. */
  shift(): Entry | undefined {
    const entry = this.#entries[this.#head]
    if (entry === undefined) return undefined
    this.#entries[this.#head++] = undefined
    this.#size -= entry.text.length + ENTRY_SIZE
    if (this.#head === this.#entries.length || (this.#head > SLACK && this.#head * 2 > this.#entries.length)) {
      this.#entries.splice(0, this.#head)
      this.#head = 0
    }
    return entry
  }

  *[Symbol.iterator](): Generator<Entry> {
    for (let index = 0; index < this.length; index++) yield this.at(index)!
  }
}
