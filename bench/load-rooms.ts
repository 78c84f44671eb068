import { setTimeout as sleep } from 'node:timers/promises'
import type { RoomBurst, RoomFigures } from './load.ts'
import { type LoadClient, nameMessage } from './load-client.ts'
import { Occupant } from './load-occupant.ts'

const stanzaBytes = 320
/** So many are on their way into the room at a time. */
const entrancesAtOnce = 8
/** When nothing has come for so long, what is missing does not come. */
const giveUpMs = 20_000
const muc = 'http://jabber.org/protocol/muc'

/** A message of a burst. */
interface Sent {
  readonly by: Occupant
  readonly atMs: number
  /** Its place in the order in which the room sends messages out, once somebody has got it. */
  place: number
  awaited: number
}

/**
 * Clients of one room, client i as `n<i>`. All must get all messages in the same order, that in which the first to get
 * each got them.
 */
export class Crowd {
  readonly #room: string
  readonly #occupants: readonly Occupant[]
  readonly #head: string
  readonly #tail: string
  /** How many are in the room, always the first ones. */
  #present = 0
  #awaitedPresences = 0
  #heardMs = 0
  #trouble: string | undefined
  /** Messages sent in all, and before this burst, and those whose place in the room's order is known. */
  #numbers = 0
  #base = 0
  #placed = 0
  #refill = false
  #outstanding = 0
  #burst: Sent[] = []
  #reflectionsMs: number[] = []
  #lastMs: number[] = []
  #deliveries = 0

  /** `room` is the room's address. */
  constructor(room: string, clients: readonly LoadClient[]) {
    this.#room = room
    const ears = {
      presence: () => {
        this.#awaitedPresences--
        this.#heardMs = performance.now()
      },
      message: (occupant: Occupant, number: number) => this.#take(occupant, number),
      trouble: (reason: string) => this.fail(reason),
    }
    this.#occupants = clients.map((client) => new Occupant(client, ears))
    this.#head = `<message to='${room}' type='groupchat' id='`
    const close = '</body></message>'
    const fixed = this.#head.length + 2 * nameMessage(0, 0).length + `'><body>~ `.length + close.length
    this.#tail = `${'All the world is a stage. '.repeat(20).slice(0, stanzaBytes - fixed)}${close}`
  }

  /** Ends what runs: there will be no figures. */
  fail(reason: string): void {
    this.#trouble ??= reason.slice(0, 500)
  }

  /** Has the first client create the room and stay. */
  async create(): Promise<void> {
    const { client } = this.#occupants[0]!
    await createRoom(client, this.#room, 'n0', false)
    // What the change of the configuration set off has come when this is answered.
    const query = `<query xmlns='http://jabber.org/protocol/disco#info'/>`
    await client.ask(`<iq type='get' id='fence' to='${this.#room}'>${query}</iq>`, /id=['"]fence['"][\s\S]*<\/iq>/)
    this.#present = 1
  }

  /**
   * Has clients enter until so many are present; resolves when each has got the presences of all, and each newcomer the
   * subject, with the time it took and how many presences came.
   */
  async enter(until: number): Promise<{ ms: number; presences: number }> {
    const before = this.#present
    const presences = (until - before) * (until + before)
    const startMs = this.#expect(until, presences)
    let next = before
    const enterNext = async (): Promise<void> => {
      while (next < until) {
        const index = next++
        const occupant = this.#occupants[index]!
        const x = `<x xmlns='${muc}'><history maxstanzas='0'/></x>`
        occupant.client.send(`<presence to='${this.#room}/n${index}'>${x}</presence>`)
        await this.#until(() => occupant.messages > 0)
      }
    }
    await Promise.all(Array.from({ length: entrancesAtOnce }, enterNext))
    await this.#until(() => this.#awaitedPresences <= 0)
    this.#present = until
    for (const [i, { presences: got }] of this.#occupants.slice(0, until).entries()) {
      const due = i < before ? until - before : until
      if (got !== due) throw new Error(`n${i} got ${got} presences instead of ${due}`)
    }
    return { ms: this.#heardMs - startMs, presences }
  }

  /** Has the last one leave; resolves when all have got its presence. */
  async leave(): Promise<void> {
    const index = this.#present - 1
    this.#expect(this.#present, this.#present)
    this.#occupants[index]!.client.send(`<presence type='unavailable' to='${this.#room}/n${index}'/>`)
    await this.#until(() => this.#awaitedPresences <= 0)
    this.#present = index
  }

  /** Has some of those present talk for a while, then waits until all have got everything. */
  async talk(burst: RoomBurst): Promise<RoomFigures> {
    const present = this.#occupants.slice(0, this.#present)
    const count = Math.min(burst.senders, present.length)
    const senders = Array.from({ length: count }, (_, i) => present[Math.floor((i * present.length) / count)]!)
    const before = present.map(({ receipts }) => receipts.outstanding(this.#numbers))
    const start = this.#begin(present)
    if (burst.rate === undefined) {
      this.#refill = true
      for (const sender of senders) this.#send(sender)
      await sleep(burst.seconds * 1000)
      this.#refill = false
    } else await this.#pace(senders, burst.rate, start, burst.seconds * 1000)
    await this.#until(() => this.#outstanding === 0, false)
    const sum = (of: (occupant: Occupant, i: number) => number) => present.map(of).reduce((a, b) => a + b, 0)
    return {
      sent: this.#burst.length,
      deliveries: this.#deliveries,
      lost: sum(({ receipts }, i) => receipts.outstanding(this.#numbers) - before[i]!),
      doubled: sum(({ receipts }) => receipts.doubled),
      reordered: sum(({ receipts }) => receipts.reordered),
      seconds: (this.#heardMs - start) / 1000,
      reflectionMs: middle(this.#reflectionsMs),
      lastMs: middle(this.#lastMs),
    }
  }

  #expect(occupants: number, presences: number): number {
    for (const occupant of this.#occupants.slice(0, occupants)) occupant.count()
    this.#awaitedPresences = presences
    return performance.now()
  }

  #begin(present: readonly Occupant[]): number {
    this.#burst = []
    this.#reflectionsMs = []
    this.#lastMs = []
    this.#deliveries = this.#outstanding = 0
    this.#base = this.#numbers
    for (const occupant of present) {
      occupant.read()
      occupant.receipts.doubled = occupant.receipts.reordered = 0
    }
    return performance.now()
  }

  #send(by: Occupant): void {
    const name = nameMessage(0, this.#numbers++)
    this.#burst.push({ by, atMs: performance.now(), place: -1, awaited: this.#present })
    this.#outstanding += this.#present
    by.client.send(`${this.#head}${name}'><body>~${name} ${this.#tail}`)
  }

  #take(occupant: Occupant, number: number): void {
    const sent = this.#burst[number - this.#base]
    if (sent === undefined) return this.fail(`${occupant.client.account} got a message of another time`)
    this.#heardMs = performance.now()
    if (sent.place < 0) sent.place = this.#placed++
    if (!occupant.receipts.take(sent.place)) return
    this.#deliveries++
    this.#outstanding--
    if (--sent.awaited === 0) this.#lastMs.push(this.#heardMs - sent.atMs)
    if (occupant !== sent.by) return
    this.#reflectionsMs.push(this.#heardMs - sent.atMs)
    if (this.#refill) this.#send(occupant)
  }

  /** Sends one message after the other, each from the next sender, at an even rate. */
  async #pace(senders: readonly Occupant[], rate: number, start: number, ms: number): Promise<void> {
    let sent = 0
    for (let now = start; now < start + ms; now = performance.now()) {
      for (const due = ((now - start) * rate) / 1000; sent < due; sent++) this.#send(senders[sent % senders.length]!)
      await sleep(1)
    }
  }

  /** Waits for something; when nothing comes any more that is trouble, or, unless it `must` be, the end. */
  async #until(isDone: () => boolean, must = true): Promise<void> {
    const start = performance.now()
    while (this.#trouble === undefined && !isDone()) {
      if (performance.now() - Math.max(this.#heardMs, start) < giveUpMs) await sleep(1)
      else if (must) this.fail(`${this.#awaitedPresences} presences did not come, or no subject`)
      else return
    }
    if (this.#trouble !== undefined) throw new Error(this.#trouble)
  }
}

/** Has each client open so many rooms on a service, `<prefix><client>-<i>`, and stay there or leave them. */
export async function openRooms(
  clients: readonly LoadClient[],
  { service, prefix, each, persistent, leave }: OpenRooms,
): Promise<void> {
  const open = async (client: LoadClient, index: number): Promise<void> => {
    for (let i = 0; i < each; i++) {
      const room = `${prefix}${index}-${i}@${service}`
      await createRoom(client, room, 'n0', persistent)
      if (leave) await client.ask(`<presence type='unavailable' to='${room}/n0'/>`, left)
    }
  }
  await Promise.all(clients.map(open))
}

/** Rooms that every client opens. */
export interface OpenRooms {
  readonly service: string
  readonly prefix: string
  readonly each: number
  readonly persistent: boolean
  readonly leave: boolean
}

const left = /<presence[^>]*type=['"]unavailable['"][\s\S]*<\/presence>/
const entered = /code=['"]201['"][\s\S]*<\/presence>/

/** Enters a room that is not there and accepts its configuration, but for whether it lasts (XEP-0045 §10.1). */
async function createRoom(client: LoadClient, room: string, nick: string, persistent: boolean): Promise<void> {
  await client.ask(`<presence to='${room}/${nick}'><x xmlns='${muc}'/></presence>`, entered)
  const fields = persistent
    ? `<field var='FORM_TYPE'><value>${muc}#roomconfig</value></field><field var='muc#roomconfig_persistentroom'><value>1</value></field>`
    : ''
  const form = `<x xmlns='jabber:x:data' type='submit'>${fields}</x>`
  const query = `<query xmlns='${muc}#owner'>${form}</query>`
  await client.ask(`<iq type='set' id='conf' to='${room}'>${query}</iq>`, /<iq[^>]*id=['"]conf['"]/)
}

function middle(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? 0
}
