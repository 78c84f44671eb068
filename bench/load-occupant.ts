import { firstName, type LoadClient, markSign, nameDigits, readDigits } from './load-client.ts'
import { Receipts } from './receipts.ts'

const presenceEnd = Buffer.from('</presence>')
/** Part of a namespace that is in every presence of an occupant. */
const occupantSign = Buffer.from('muc#user')
const messageEnd = Buffer.from('</message>')
const nothing = Buffer.alloc(0)

/** What an occupant tells of. */
export interface OccupantEars {
  /** While it counts: a presence has come. */
  readonly presence: () => void
  /** While it reads: a message has come, the one with this number. */
  readonly message: (occupant: Occupant, number: number) => void
  /** An error came. */
  readonly trouble: (reason: string) => void
}

/** A client in a room: counts the ends of presences and messages, or reads the marks of messages, and parses nothing. */
export class Occupant {
  readonly client: LoadClient
  /** What this one has got of the messages, by their place in the room's order. */
  readonly receipts = new Receipts()
  /** Presences of occupants, and messages, that came since the counting began. */
  presences = 0
  messages = 0
  readonly #ears: OccupantEars
  #counts = true
  #rest: Buffer = nothing

  constructor(client: LoadClient, ears: OccupantEars) {
    this.client = client
    this.#ears = ears
    client.tap((chunk) => this.#take(chunk))
  }

  /** Counts from now on, from zero. Nothing may be under way. */
  count(): void {
    this.#counts = true
    this.#rest = nothing
    this.presences = this.messages = 0
  }

  /** Reads marks from now on. Nothing may be under way. */
  read(): void {
    this.#counts = false
    this.#rest = nothing
  }

  #take(chunk: Buffer): void {
    // No text of ours has this word.
    if (chunk.includes('error')) this.#ears.trouble(`${this.client.account}: ${chunk.toString('latin1')}`)
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const at = this.#counts ? this.#count(data) : this.#read(data)
    this.#rest = at === data.length ? nothing : Buffer.from(data.subarray(at))
  }

  /** Returns where the last whole stanza ends. */
  #count(data: Buffer): number {
    let presencesTo = 0
    for (let at = data.indexOf(presenceEnd); at >= 0; at = data.indexOf(presenceEnd, presencesTo)) {
      const sign = data.indexOf(occupantSign, presencesTo)
      presencesTo = at + presenceEnd.length
      // The room itself may have a presence, with its capabilities.
      if (sign < 0 || sign > at) continue
      this.presences++
      this.#ears.presence()
    }
    let messagesTo = 0
    for (let at = data.indexOf(messageEnd); at >= 0; at = data.indexOf(messageEnd, messagesTo)) {
      messagesTo = at + messageEnd.length
      this.messages++
    }
    return Math.max(presencesTo, messagesTo)
  }

  /** Returns where the last whole message ends. */
  #read(data: Buffer): number {
    let at = 0
    for (;;) {
      const close = data.indexOf(messageEnd, at)
      if (close < 0) return at
      const sign = data.indexOf(markSign, at)
      at = close + messageEnd.length
      if (sign >= 0 && sign < close) this.#ears.message(this, readDigits(data, sign + 1, nameDigits) - firstName)
    }
  }
}
