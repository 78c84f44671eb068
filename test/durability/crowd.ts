import type { Element } from '../../src/api.ts'
import { readBackward, readForward } from './archive.ts'
import { checkArchives, checkSeen, type Kept } from './check.ts'
import { Client, type Listener, type Sent } from './client.ts'
import type { Target } from './connection.ts'
import { Findings } from './findings.ts'
import { Lane, type Mark, markOf } from './lane.ts'

const errorPauseMs = 50
const loginsAtOnce = 16

/** Runs something for each item, so many at once; rejects with the first failure. */
export async function each<T>(items: readonly T[], atOnce: number, run: (item: T) => Promise<unknown>): Promise<void> {
  const rest = [...items]
  const worker = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await run(item)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

/** Somebody who writes to one other person and hears from that one only. */
export class Person implements Listener {
  readonly client: Client
  readonly out: Lane
  /** The own archive as read so far, oldest first. */
  readonly archive: Kept[] = []
  /** Messages sent in this session that the server has not acknowledged. */
  inFlight = 0
  #writing = false
  #pausing = false
  readonly #crowd: Crowd

  constructor(crowd: Crowd, target: Target, local: string, out: Lane) {
    this.#crowd = crowd
    this.out = out
    this.client = new Client(target, local, 'device', this)
  }

  /** Writes without end, up to a window of unacknowledged messages, until {@link rests}. */
  writes(): void {
    this.#writing = true
    this.#pump()
  }

  rests(): void {
    this.#writing = false
    this.client.asksForAck()
  }

  /** Goes on after the session was resumed, or, with `anew`, another was bound. */
  isBack(anew: boolean): void {
    if (anew) this.inFlight = 0
    this.#pump()
    this.#crowd.findings.changed()
  }

  /** The next message, for a connection that will be cut in the middle of it. */
  begins(): Sent {
    const { text, mark } = this.out.next()
    this.inFlight++
    return { text, tag: mark }
  }

  message(message: Element): void {
    const mark = markOf(this.#crowd.lanes, message)
    if (mark === undefined || mark.lane.to !== this.client.bare)
      return this.#crowd.findings.blames('strange', `${message} at ${this.client.jid}`)
    const { lane, n } = mark
    if (message.getChildText('body') !== lane.body(n)) this.#crowd.findings.blames('changed', `${lane.name}-${n}, live`)
    const ids = message
      .getChildren('stanza-id', 'urn:xmpp:sid:0')
      .filter(({ attrs }) => attrs['by'] === this.client.bare)
    // XEP-0359 §3: one id by each archive.
    if (ids.length === 1) lane.stanzaIds.set(n, ids[0]!.attrs['id'] ?? '')
    else this.#crowd.findings.blames('renamed', `${lane.name}-${n} has ${ids.length} ids by ${this.client.bare}`)
    lane.seen.push(n)
    this.#crowd.findings.changed()
  }

  refused(message: Element): void {
    const mark = markOf(this.#crowd.lanes, message)
    if (mark === undefined || mark.lane !== this.out) return this.#crowd.findings.blames('strange', `${message}`)
    const { n } = mark
    if (this.out.acknowledged.has(n))
      this.#crowd.findings.blames('broken', `${this.out.name}-${n} was acknowledged, then refused`)
    this.out.refused.add(n)
    this.#crowd.findings.changed()
    this.#pausing = true
    setTimeout(() => {
      this.#pausing = false
      this.#pump()
    }, errorPauseMs)
  }

  acknowledged(tag: unknown): void {
    const { lane, n } = tag as Mark
    this.inFlight--
    if (!lane.refused.has(n)) lane.acknowledged.add(n)
    this.#pump()
    this.#crowd.findings.changed()
  }

  dropped(reason: string): void {
    if (!this.#crowd.findings.mayBeDropped)
      this.#crowd.findings.blames('broken', `${this.client.jid} was dropped: ${reason}`)
    this.#crowd.findings.changed()
  }

  fault(what: string): void {
    this.#crowd.findings.blames('broken', what)
  }

  #pump(): void {
    const { window } = this.#crowd
    if (!this.#writing || this.#pausing || !this.client.live || this.inFlight > window / 2) return
    while (this.inFlight < window) {
      const { text, mark } = this.out.next()
      this.inFlight++
      this.client.send(text, mark)
      // Acknowledgements come halfway through a burst too.
      if (mark.n % 4 === 0) this.client.asksForAck()
    }
    this.client.asksForAck()
  }
}

/** Pairs of people who write to each other, and what was found wrong with it. */
export class Crowd {
  readonly findings: Findings = new Findings()
  readonly people: readonly Person[]
  readonly lanes: ReadonlyMap<string, Lane>
  /** The most unacknowledged messages a person has under way. */
  readonly window: number

  /** Account `user0` and its neighbour `user1` are a pair, and so on. */
  constructor(target: Target, pairs: number, window = 6) {
    this.window = window
    const lanes = new Map<string, Lane>()
    this.people = Array.from({ length: pairs * 2 }, (_, i) => {
      const [local, peer] = [`user${i}`, `user${i ^ 1}@${target.domain}`]
      // Every other pair writes to the device, the rest to the account (RFC 6121 §8.5.2, §8.5.3).
      const lane = new Lane(`m${i}`, `${local}@${target.domain}`, peer, i % 4 < 2 ? peer : `${peer}/device`)
      lanes.set(lane.name, lane)
      return new Person(this, target, local, lane)
    })
    this.lanes = lanes
  }

  async login(): Promise<void> {
    await each(this.people, loginsAtOnce, (person) => person.client.login())
  }

  writes(): void {
    for (const person of this.people) person.writes()
  }

  /** Stops writing and waits until all is acknowledged; with `seen`, until all that was not refused was seen too. */
  async rests(seen: boolean): Promise<void> {
    for (const person of this.people) person.rests()
    const isSeen = ({ out }: Person) => out.seen.length + out.refused.size >= out.sent
    await this.findings.until(seen ? 'all is acknowledged and seen' : 'all is acknowledged', () =>
      this.people.every((person) => person.inFlight === 0 && (!seen || isSeen(person))),
    )
  }

  async areDropped(): Promise<void> {
    await this.findings.until('all are disconnected', () => this.people.every(({ client }) => !client.live))
  }

  /** Reads what is new in all archives and checks them; what is wrong already is not looked for twice. */
  async checksArchives(): Promise<void> {
    await each(this.people, loginsAtOnce, async ({ client, archive }) => {
      archive.push(...(await readForward(client, this.lanes, archive.at(-1)?.archiveId)))
    })
    for (let i = 0; i < this.people.length; i += 2) {
      const [one, other] = [this.people[i]!, this.people[i + 1]!]
      this.findings.finds(checkArchives({ lanes: [one.out, other.out], archives: [one.archive, other.archive] }))
    }
  }

  checksSeen(whole: boolean): void {
    for (const { out } of this.people) this.findings.finds(checkSeen(out, whole))
  }

  /** Reads the archives once more, from the other end: what was there is there still. */
  async checksArchivesAgain(): Promise<void> {
    await each(this.people, loginsAtOnce, async ({ client, archive }) => {
      const again = await readBackward(client, this.lanes)
      const [before, now] = [archive, again].map((kept) => kept.map(({ archiveId }) => archiveId))
      if (before!.join() !== now!.join())
        this.findings.blames('lost', `the archive of ${client.bare} is another read backwards`)
    })
  }

  /** How many messages were sent, acknowledged, refused and seen. */
  get figures(): { sent: number; acknowledged: number; refused: number; seen: number } {
    const sum = (count: (lane: Lane) => number) => this.people.reduce((total, { out }) => total + count(out), 0)
    return {
      sent: sum((lane) => lane.sent),
      acknowledged: sum((lane) => lane.acknowledged.size),
      refused: sum((lane) => lane.refused.size),
      seen: sum((lane) => lane.seen.length),
    }
  }

  async leaves(): Promise<void> {
    await Promise.allSettled(this.people.map(({ client }) => client.cut()))
  }
}
