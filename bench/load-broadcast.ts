import { setTimeout as sleep } from 'node:timers/promises'
import type { BroadcastBurst, BroadcastFigures, Show } from './load.ts'
import { firstName, type LoadClient, lanesApart, markSign, nameDigits, nameMessage, readDigits } from './load-client.ts'
import { Receipts } from './receipts.ts'

const giveUpMs = 20_000
const nothing = Buffer.alloc(0)
const markBytes = nameDigits + 1
const tune = 'http://jabber.org/protocol/tune'

/** What somebody shows the others, again and again. */
interface Lane {
  readonly number: number
  readonly from: LoadClient
  readonly seats: readonly Receipts[]
  sent: number
  base: number
  /** Of each one of this burst: when it was sent, and how many have not got it yet. */
  readonly sentMs: number[]
  readonly awaited: number[]
}

/** The stanza that shows a name: a change of presence, a tune that is published, or only a question to the server. */
const stanzas: Readonly<Record<Show, (name: string, number: number, domain: string) => string>> = {
  presence: (name, number) =>
    `<presence><show>${number % 2 === 0 ? 'away' : 'dnd'}</show><status>~${name}</status></presence>`,
  pep: (name, number) => {
    const item = `<item id='current'><tune xmlns='${tune}'><artist>Yes</artist><title>~${name}</title></tune></item>`
    const publish = `<publish node='${tune}'>${item}</publish>`
    return `<iq type='set' id='p${number}'><pubsub xmlns='http://jabber.org/protocol/pubsub'>${publish}</pubsub></iq>`
  },
  ping: (name, _number, domain) => `<iq type='get' id='~${name}' to='${domain}'><ping xmlns='urn:xmpp:ping'/></iq>`,
}

/** The node that clients ask to be told of. */
export const interestingNode: string = tune

/**
 * Clients each of whom shows something: presence and what is published to everybody, themselves included; a ping's
 * answer to whom it belongs. A client looks for the mark in what comes and parses nothing.
 */
export class Broadcast {
  readonly #show: Show
  readonly #domain: string
  readonly #lanes: readonly Lane[]
  #trouble: string | undefined
  #refill = false
  #deliveries = 0
  #lastMs: number[] = []

  /** The first `senders` clients show something. */
  constructor(show: Show, clients: readonly LoadClient[], senders: number, domain: string) {
    this.#show = show
    this.#domain = domain
    this.#lanes = clients.slice(0, senders).map((from, number) => {
      const seats = clients.map(() => new Receipts())
      return { number, from, seats, sent: 0, base: 0, sentMs: [], awaited: [] }
    })
    for (const [index, client] of clients.entries()) this.#listen(client, index)
  }

  /** Ends what runs: there will be no figures. */
  fail(reason: string): void {
    this.#trouble ??= reason.slice(0, 500)
  }

  /** Has the senders show something for a while, then waits for what is under way. */
  async run(burst: BroadcastBurst): Promise<BroadcastFigures> {
    this.#deliveries = 0
    this.#lastMs = []
    for (const lane of this.#lanes) {
      lane.base = lane.sent
      lane.sentMs.length = lane.awaited.length = 0
      for (const receipts of lane.seats) receipts.doubled = receipts.reordered = 0
    }
    if (this.#lanes.some((lane) => lane.sent === 0)) await this.#begin()
    const before = this.#lost()
    const start = performance.now()
    if (burst.window !== undefined) {
      this.#refill = true
      for (const lane of this.#lanes) for (let i = 0; i < burst.window; i++) this.#send(lane)
      await sleep(burst.seconds * 1000)
      this.#refill = false
    } else await this.#pace(burst.rate, start, start + burst.seconds * 1000)
    await this.#settled(performance.now() + giveUpMs)
    const seconds = (performance.now() - start) / 1000
    // What comes twice comes late.
    await sleep(50)
    if (this.#trouble !== undefined) throw new Error(this.#trouble)
    return this.#figures(seconds, before)
  }

  #figures(seconds: number, before: number): BroadcastFigures {
    const sorted = Float64Array.from(this.#lastMs).sort()
    const seats = this.#lanes.flatMap((lane) => lane.seats)
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
    return {
      sent: this.#lanes.reduce((sum, lane) => sum + lane.sent - lane.base, 0),
      deliveries: this.#deliveries,
      lost: this.#lost() - before,
      doubled: seats.reduce((sum, { doubled }) => sum + doubled, 0),
      reordered: seats.reduce((sum, { reordered }) => sum + reordered, 0),
      seconds,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
    }
  }

  /** One after the other: ejabberd cannot make the nodes of several accounts at once. */
  async #begin(): Promise<void> {
    for (const lane of this.#lanes) {
      this.#send(lane)
      await this.#settled(performance.now() + giveUpMs)
      lane.base = lane.sent
      lane.sentMs.length = lane.awaited.length = 0
    }
    this.#deliveries = 0
    this.#lastMs = []
  }

  async #settled(endMs: number): Promise<void> {
    while (this.#trouble === undefined && this.#lanes.some((lane) => lane.awaited.some((count) => count > 0))) {
      if (performance.now() > endMs) break
      await sleep(2)
    }
  }

  #seatsOf(lane: Lane): readonly Receipts[] {
    return this.#show === 'ping' ? lane.seats.slice(lane.number, lane.number + 1) : lane.seats
  }

  #lost(): number {
    return this.#lanes.reduce(
      (sum, lane) => sum + this.#seatsOf(lane).reduce((all, receipts) => all + receipts.outstanding(lane.sent), 0),
      0,
    )
  }

  #send(lane: Lane): void {
    const number = lane.sent++
    lane.sentMs.push(performance.now())
    lane.awaited.push(this.#show === 'ping' ? 1 : lane.seats.length)
    lane.from.send(stanzas[this.#show](nameMessage(lane.number, number), number, this.#domain))
  }

  async #pace(rate: number, start: number, endMs: number): Promise<void> {
    let sent = 0
    for (let now = performance.now(); now < endMs; now = performance.now()) {
      for (const due = ((now - start) * rate) / 1000; sent < due; sent++)
        this.#send(this.#lanes[sent % this.#lanes.length]!)
      await sleep(1)
    }
  }

  #listen(client: LoadClient, index: number): void {
    let rest: Buffer = nothing
    client.tap((chunk) => {
      // No text of ours has this word.
      if (chunk.includes('error')) this.fail(`${client.account}: ${chunk.toString('latin1')}`)
      const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      let at = data.indexOf(markSign)
      for (; at >= 0 && at + markBytes <= data.length; at = data.indexOf(markSign, at + markBytes)) {
        const place = readDigits(data, at + 1, nameDigits) - firstName
        const number = place % lanesApart
        this.#take(index, (place - number) / lanesApart, number)
      }
      rest = at < 0 ? nothing : Buffer.from(data.subarray(at))
    })
  }

  #take(index: number, laneNumber: number, number: number): void {
    const lane = this.#lanes[laneNumber]
    if (lane === undefined || number >= lane.sent) return this.fail(`user${index} got what nobody sent`)
    const at = number - lane.base
    if (!lane.seats[index]!.take(number) || at < 0) return
    this.#deliveries++
    if (--lane.awaited[at]! > 0) return
    this.#lastMs.push(performance.now() - lane.sentMs[at]!)
    if (this.#refill) this.#send(lane)
  }
}
