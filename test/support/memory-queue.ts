import type { Handover, OutgoingQueue, Session } from '../../src/api.ts'

/** Remembers what a session is sent until the test says that the client has acknowledged it. */
export class MemoryQueue implements OutgoingQueue {
  #entries: { readonly text: string; readonly handover: Handover | undefined }[] = []
  #added = 0
  #acknowledged = 0
  #waiting: { readonly upTo: number; readonly resolve: (received: boolean) => void }[] = []

  /** The queue of a session, which has none. */
  static of(session: Session): MemoryQueue {
    const queue = new MemoryQueue()
    session.queue = queue
    return queue
  }

  add(text: string, handover: Handover | undefined): boolean {
    handover?.hold()
    this.#entries.push({ text, handover })
    this.#added++
    return true
  }

  acknowledged(): boolean | Promise<boolean> {
    if (this.#entries.length === 0) return true
    return new Promise((resolve) => this.#waiting.push({ upTo: this.#added, resolve }))
  }

  *unacknowledged(): Iterable<string> {
    for (const { text } of this.#entries) yield text
  }

  /** The client says that it has this many stanzas more, or all. */
  acknowledge(count: number = this.#entries.length): void {
    for (const { handover } of this.#entries.splice(0, count)) handover?.acknowledge()
    this.#acknowledged = this.#added - this.#entries.length
    const received = this.#waiting.filter(({ upTo }) => upTo <= this.#acknowledged)
    this.#waiting = this.#waiting.filter(({ upTo }) => upTo > this.#acknowledged)
    for (const { resolve } of received) resolve(true)
  }

  abandon(): Handover[] {
    const entries = this.#entries
    this.#entries = []
    for (const { resolve } of this.#waiting.splice(0)) resolve(false)
    return entries.flatMap(({ handover }) => (handover?.giveUp() ? [handover] : []))
  }
}
