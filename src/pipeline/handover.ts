import { ownText } from '../util/own-text.ts'

/**
 * One message or request in the hands of clients that acknowledge what they get (XEP-0198), until one of them has: when
 * all their sessions end without, somebody is still owed its outcome. All who got it share this.
 */
export class Handover {
  /** The stanza as XML, to its own address. */
  readonly text: string
  /** When it was first handed to a client, ms since the epoch. */
  readonly sinceMs: number
  /** Whether a client has it for certain. */
  reached = false
  #holders = 0

  constructor(text: string, sinceMs: number) {
    // Kept for long, perhaps, so it must not keep what came in with it.
    this.text = ownText(text)
    this.sinceMs = sinceMs
  }

  /** One more client was sent it. */
  hold(): void {
    this.#holders++
  }

  /** A client has acknowledged it. */
  acknowledge(): void {
    this.#holders--
    this.reached = true
  }

  /** A client's session ended without acknowledging it; true when nobody has it now and nobody else may get it. */
  giveUp(): boolean {
    this.#holders--
    return this.#holders === 0 && !this.reached
  }
}
