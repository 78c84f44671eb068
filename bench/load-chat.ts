import { setTimeout as sleep } from 'node:timers/promises'
import type { Burst, ChatFigures } from './load.ts'
import { type LoadClient, nameMessage } from './load-client.ts'
import { Receipts } from './receipts.ts'

const stanzaBytes = 320
const giveUpMs = 20_000
const askAgainMs = 250
const most = 4_000_000

/** One direction of a conversation. */
interface Lane {
  readonly number: number
  readonly from: LoadClient
  readonly head: string
  readonly tail: string
  /** Who gets each message: first its receiver, then the devices that get a copy. */
  readonly seats: Seat[]
  /** How many messages were sent in all, and before this burst. */
  sent: number
  base: number
  /** Of each message of this burst: when it was sent, and how many have not got it yet. */
  readonly sentMs: number[]
  readonly awaited: number[]
}

/** A device in its place at a lane. */
interface Seat {
  readonly lane: Lane
  readonly receipts: Receipts
  readonly isReceiver: boolean
}

/** Accounts that chat in pairs over lanes, one in each direction; every message is followed to all who are to have it. */
export class Chat {
  readonly #lanes: Lane[] = []
  /** By client, then by number of the lane. */
  readonly #seats = new Map<LoadClient, Map<number, Seat>>()
  readonly #latenciesMs = new Float64Array(most)
  #received = 0
  #refill = false
  #trouble: string | undefined

  /**
   * `devices[d][a]` is device d of account a. Neighbours talk to each other: to the account's address, as clients do;
   * with several devices to the first one's, so that on every server the others get carbons.
   */
  constructor(devices: readonly (readonly LoadClient[])[]) {
    const accounts = devices[0]!
    for (let i = 0; i + 1 < accounts.length; i += 2)
      for (const [from, to] of [
        [i, i + 1],
        [i + 1, i],
      ] as const) {
        const sender = accounts[from]!
        const receiver = accounts[to]!
        const address = devices.length === 1 ? receiver.account : `${receiver.account}/bench0`
        const copied = devices.slice(1).flatMap((device) => [device[from]!, device[to]!])
        this.#addLane(sender, address, [receiver, ...copied])
      }
  }

  /** Ends what runs: there will be no figures. */
  fail(reason: string): void {
    this.#trouble ??= reason
  }

  /** Notes that a message has come to a client. */
  take(client: LoadClient, laneNumber: number, number: number): void {
    const seat = this.#seats.get(client)?.get(laneNumber)
    if (seat === undefined) return this.fail(`${client.account} got a message of lane ${laneNumber}`)
    const { lane, receipts, isReceiver } = seat
    if (number >= lane.sent) return this.fail(`${client.account} got a message nobody sent`)
    const at = number - lane.base
    if (!receipts.take(number) || at < 0) return
    if (isReceiver) this.#latenciesMs[Math.min(this.#received++, most - 1)] = performance.now() - lane.sentMs[at]!
    if (--lane.awaited[at]! === 0 && this.#refill) this.#send(lane)
  }

  /** Has everybody chat for a while, then waits for what is under way. */
  async run(burst: Burst): Promise<ChatFigures> {
    this.#received = 0
    const lanes = this.#lanes
    for (const lane of lanes) {
      lane.base = lane.sent
      lane.sentMs.length = 0
      lane.awaited.length = 0
      for (const { receipts } of lane.seats) receipts.doubled = receipts.reordered = 0
    }
    const before = lanes.map(lostSoFar)
    const start = performance.now()
    if (burst.window !== undefined) {
      this.#refill = true
      for (const lane of lanes) for (let i = 0; i < burst.window; i++) this.#send(lane)
      await sleep(burst.seconds * 1000)
      this.#refill = false
    } else await this.#pace(burst.rate, start, start + burst.seconds * 1000)
    const tookMs = performance.now() - start
    await this.#drained()
    const seats = lanes.flatMap((lane) => lane.seats)
    const sorted = this.#latenciesMs.subarray(0, Math.min(this.#received, most)).slice().sort()
    return {
      messages: this.#received,
      sent: lanes.reduce((sum, lane) => sum + lane.sent - lane.base, 0),
      lost: lanes.reduce((sum, lane, i) => sum + lostSoFar(lane) - before[i]!, 0),
      doubled: seats.reduce((sum, { receipts }) => sum + receipts.doubled, 0),
      reordered: seats.reduce((sum, { receipts }) => sum + receipts.reordered, 0),
      seconds: tookMs / 1000,
      p50Ms: at(sorted, 0.5),
      p99Ms: at(sorted, 0.99),
    }
  }

  #addLane(from: LoadClient, to: string, receivers: readonly LoadClient[]): void {
    const number = this.#lanes.length
    const head = `<message to='${to}' type='chat' id='`
    const close = `</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>`
    const fixed = head.length + 2 * nameMessage(0, 0).length + `'><body>~ `.length + close.length
    const tail = `${'All the world is a stage. '.repeat(20).slice(0, stanzaBytes - fixed)}${close}`
    const lane: Lane = { number, from, head, tail, seats: [], sent: 0, base: 0, sentMs: [], awaited: [] }
    for (const [i, client] of receivers.entries()) {
      const seat = { lane, receipts: new Receipts(), isReceiver: i === 0 }
      lane.seats.push(seat)
      const seats = this.#seats.get(client) ?? new Map<number, Seat>()
      this.#seats.set(client, seats.set(number, seat))
    }
    this.#lanes.push(lane)
  }

  #send(lane: Lane): void {
    const number = lane.sent++
    lane.sentMs.push(performance.now())
    lane.awaited.push(lane.seats.length)
    const name = nameMessage(lane.number, number)
    lane.from.sendMessage(`${lane.head}${name}'><body>~${name} ${lane.tail}`)
  }

  /** Sends one message after the other, each from the next lane, at an even rate. */
  async #pace(rate: number, start: number, endMs: number): Promise<void> {
    let sent = 0
    for (let now = performance.now(); now < endMs; now = performance.now()) {
      for (const due = ((now - start) * rate) / 1000; sent < due; sent++)
        this.#send(this.#lanes[sent % this.#lanes.length]!)
      await sleep(1)
    }
  }

  /** Waits until everything has come and is acknowledged; what has not come in the end counts as lost. */
  async #drained(): Promise<void> {
    const start = performance.now()
    let askedMs = 0
    while (this.#trouble === undefined && this.#lanes.some((lane) => lane.awaited.some((count) => count > 0))) {
      if (performance.now() - start > giveUpMs) break
      await sleep(5)
    }
    for (;;) {
      if (this.#trouble !== undefined) throw new Error(this.#trouble)
      const waiting = this.#lanes.filter(({ from }) => !from.isAcknowledged())
      if (waiting.length === 0) return
      if (performance.now() - start > giveUpMs * 2) throw new Error('messages were never acknowledged')
      if (performance.now() - askedMs > askAgainMs) {
        askedMs = performance.now()
        for (const { from } of waiting) from.askToAcknowledge()
      }
      await sleep(5)
    }
  }
}

function lostSoFar({ seats, sent }: Lane): number {
  return seats.reduce((sum, { receipts }) => sum + receipts.outstanding(sent), 0)
}

function at(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
