import { type Clock, noSuchPage, type StanzaError } from '#api'

/**
 * Gives messages their ids (XEP-0359): microseconds since the epoch, each greater than all before it on this server, so
 * that the order of ids is the order of the archive and an id is also its message's time.
 */
export class ArchiveIds {
  readonly #clock: Pick<Clock, 'now'>
  #last: number

  /** `last` is the greatest id there is: ids go on from there even while the clock is behind it. */
  constructor(clock: Pick<Clock, 'now'>, last: number) {
    this.#clock = clock
    this.#last = last
  }

  next(): number {
    const now = this.#clock.now() * 1000
    this.#last = now > this.#last ? now : this.#last + 1
    return this.#last
  }
}

/** When the message with this id came, ms since the epoch. */
export function timeOf(id: number): number {
  return Math.floor(id / 1000)
}

/** The smallest id of a message that came at this time or later, `ms` since the epoch. */
export function firstIdAt(ms: number): number {
  return Math.min(ms * 1000, Number.MAX_SAFE_INTEGER)
}

/** The id that a client names, or `undefined` when no message has ever been given such an id. */
export function readId(text: string): number | undefined {
  return /^[1-9]\d{0,15}$/.test(text) && Number(text) <= Number.MAX_SAFE_INTEGER ? Number(text) : undefined
}

/** An id that a client has from us. @throws StanzaError `item-not-found` for one that it cannot have. */
export function knownId(text: string): number {
  const id = readId(text)
  if (id === undefined) throw unknownId()
  return id
}

/** XEP-0313 §4.1.3, §4.3.1: the archive has no message with an id that the request names. */
export function unknownId(): StanzaError {
  return noSuchPage('There is no such message in the archive.')
}
