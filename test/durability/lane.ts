import type { Element } from '../../src/api.ts'

/** Where a message stands: a number of a lane. */
export interface Mark {
  readonly lane: Lane
  readonly n: number
}

const filler = 'All the world is a stage, and all the men and women merely players. '.repeat(4)

/** One direction of a conversation: what was sent, numbered from 0, and what became of it. Nothing is forgotten. */
export class Lane {
  /** Unique in a run; no hyphen. */
  readonly name: string
  /** Account of the sender and of the receiver, bare. */
  readonly from: string
  readonly to: string
  /** The address that messages are sent to: the account or its device. */
  readonly address: string
  readonly type: 'chat' | 'groupchat'
  sent = 0
  /** Numbers that the server acknowledged to the sender without refusing them. */
  readonly acknowledged = new Set<number>()
  readonly refused = new Set<number>()
  /** Numbers that the receiver saw live, in the order seen. */
  readonly seen: number[] = []
  /** Archive ids that came along with what was seen (XEP-0359), by number. */
  readonly stanzaIds = new Map<number, string>()

  constructor(name: string, from: string, to: string, address: string, type: Lane['type'] = 'chat') {
    this.name = name
    this.from = from
    this.to = to
    this.address = address
    this.type = type
  }

  /** Takes the next number and gives the message of it. */
  next(): { text: string; mark: Mark } {
    const n = this.sent++
    const id = `${this.name}-${n}`
    const text = `<message type='${this.type}' to='${this.address}' id='${id}'><body>${this.body(n)}</body><origin-id xmlns='urn:xmpp:sid:0' id='${id}'/></message>`
    return { text, mark: { lane: this, n } }
  }

  /** The text of a message: no two are alike. */
  body(n: number): string {
    return `${this.name}-${n} ${filler.slice(0, 40 + ((n * 37) % 200))}`
  }

  /** How many messages have no outcome yet. */
  get open(): number {
    return this.sent - this.acknowledged.size - this.refused.size
  }
}

/** The lanes of a run, by name. */
export type Lanes = ReadonlyMap<string, Lane>

/** Which message a `<message/>` is, by its id; `undefined` when nobody here sent it. */
export function markOf(lanes: Lanes, message: Element): Mark | undefined {
  const [name = '', number = ''] = (message.attrs['id'] ?? '').split('-')
  const lane = lanes.get(name)
  const n = Number.parseInt(number, 10)
  return lane !== undefined && n >= 0 && n < lane.sent ? { lane, n } : undefined
}
