import { setTimeout as pause } from 'node:timers/promises'
import { readRoom } from './archive.ts'
import type { Target } from './connection.ts'
import { each } from './crowd.ts'
import { Findings } from './findings.ts'
import {
  builds,
  configures,
  HomeRoom,
  readAffiliations,
  readField,
  regrets,
  rules,
  SideRoom,
  type Stage,
} from './room-deeds.ts'
import { checkRoom, type RoomLedger, readMessage, retraction } from './room-ledger.ts'
import { Refused, RoomPerson } from './room-person.ts'

const DISCO = `<query xmlns='http://jabber.org/protocol/disco#info'/>`
const atOnce = 16
/**
 * Occupants of each room: the first owns it, the second makes other rooms, the third is given affiliations, and
 * the fourth takes back what it has said.
 */
const perRoom = 4
/** How many rooms that are no more are made again at a time, to see that nothing of them is left. */
const madeAgain = 5

/** Rooms whose occupants talk and change things, and what was found wrong with it. */
export class RoomCrowd implements Stage {
  readonly findings = new Findings()
  readonly rooms = new Map<string, RoomLedger>()
  readonly service: string
  readonly homes: readonly HomeRoom[]
  readonly people: readonly RoomPerson[]
  #goesOn = false
  #doing: Promise<unknown> = Promise.resolve()
  /** Whether the server was started anew since rooms were looked at. */
  #isAnew = false

  constructor(target: Target, homes: number) {
    this.service = `conference.${target.domain}`
    this.homes = Array.from(
      { length: homes },
      (_, i) => new HomeRoom(`home${i}@${this.service}`, `p${i * perRoom + 2}`),
    )
    for (const home of this.homes) this.rooms.set(home.address, home)
    this.people = Array.from(
      { length: homes * perRoom },
      (_, i) => new RoomPerson(this, target, i, this.homes[Math.floor(i / perRoom)]!),
    )
  }

  /** Accounts that a crowd in so many rooms needs. */
  static accounts(homes: number): number {
    return homes * perRoom
  }

  goesOn(): boolean {
    return this.#goesOn
  }

  /** All log in; the owners make the rooms, and the others enter them. */
  async gathers(): Promise<void> {
    await each(this.people, atOnce, (person) => person.client.login())
    await each(this.homes, atOnce, async (home) => {
      const [owner] = this.#of(home)
      await owner.enters(home)
      await owner.asks(home, 'set', configures({ 'muc#roomconfig_persistentroom': '1' }))
    })
    await each(this.#all(1, 2, 3), atOnce, (person) => person.enters(person.home))
  }

  /** All talk and do things, until {@link rests} or the connections go. */
  begins(): void {
    this.#goesOn = true
    for (const person of this.people) person.talks()
    const works = this.homes.flatMap((home) => {
      const [owner, builder, member, author] = this.#of(home)
      return [rules(this, owner, home, member.client.bare), builds(this, builder), regrets(this, author, home)]
    })
    this.#doing = Promise.all(
      works.map((work) =>
        work.catch((error: Error) => {
          if (!this.findings.mayBeDropped) this.findings.blames('broken', `${error.stack}`)
        }),
      ),
    )
  }

  /** Ends it all without waiting for anything; what has no outcome has none. */
  stops(): void {
    this.#goesOn = false
    for (const person of this.people) person.rests()
  }

  /** Ends it all, and waits until everything has an outcome and everybody has heard it. */
  async rests(): Promise<void> {
    this.stops()
    await this.#doing
    for (const person of this.people) person.client.asksForAck()
    await this.findings.until('all is acknowledged', () => this.people.every(({ inFlight }) => inFlight === 0))
    // What all have got was sent before.
    await this.#pings()
  }

  async areDropped(): Promise<void> {
    await this.findings.until('all are disconnected', () => this.people.every(({ client }) => !client.live))
  }

  /** After the sessions were lost: everybody binds anew and enters its room again. */
  async comesBackAnew(): Promise<void> {
    await each(this.people, atOnce, async (person) => {
      const { resumed } = await person.client.resumes()
      if (resumed) this.findings.blames('broken', `${person.client.jid} resumed what the server cannot know`)
      person.isLost()
    })
    await this.#doing
    await this.#entersAgain()
  }

  /** After a stop in order: everybody resumes, hears that it is in no room any more, and enters again. */
  async comesBack(): Promise<void> {
    await each(this.people, atOnce, async (person) => {
      const { resumed, condition } = await person.client.resumes()
      if (!resumed) this.findings.blames('broken', `${person.client.jid} was not resumed: ${condition}`)
    })
    await this.rests()
    for (const person of this.people)
      if (person.isIn(person.home)) this.findings.blames('broken', `${person.nick} was not told that it is out`)
    await this.#entersAgain()
  }

  async #entersAgain(): Promise<void> {
    this.#isAnew = true
    const subjects = new Map<HomeRoom, Set<string>>(this.homes.map((home) => [home, new Set()]))
    await each(this.people, atOnce, async (person) => {
      const { codes, subject } = await person.enters(person.home)
      if (codes.includes(201)) this.findings.blames('lost', `${person.home.address} itself`)
      subjects.get(person.home as HomeRoom)!.add(subject)
    })
    for (const [home, seen] of subjects)
      if (seen.size > 1) this.findings.blames('broken', `${home.address} has the subjects ${[...seen]}`)
  }

  /** Looks at everything from outside. When `whole`, nobody was cut off, and all must have heard all. */
  async checks(whole: boolean): Promise<void> {
    await each(this.homes, atOnce, (home) => this.#checksHome(home, whole))
    const sides = [...this.rooms.values()].filter((room) => room instanceof SideRoom)
    const isAnew = this.#isAnew
    this.#isAnew = false
    const gone: SideRoom[] = []
    await each(sides, atOnce, async (room) => {
      if (!(await this.#checksSide(room, isAnew))) gone.push(room)
    })
    if (isAnew) await each(gone.slice(-madeAgain), 1, (room) => this.#makesAgain(room))
    // What is gone for good is not looked at again.
    if (isAnew) for (const { address } of gone) this.rooms.delete(address)
    // Those of rooms that are no more were asked for.
    for (const { refusals } of this.people) refusals.delete('item-not-found')
  }

  async #checksHome(home: HomeRoom, whole: boolean): Promise<void> {
    const [owner, , member] = this.#of(home)
    await this.#checksArchive(owner, home, whole)
    const lists = await readAffiliations(owner, home)
    const { findings } = this
    if (lists.get(owner.client.bare) !== 'owner') findings.blames('lost', `the owner of ${home.address}`)
    findings.finds(home.affiliation.check(lists.get(member.client.bare) ?? 'none'))
    for (const [jid, register] of home.others) findings.finds(register.check(lists.get(jid) ?? 'none'))
    if (whole)
      for (const { nick, madeBefore, notices } of this.#of(home))
        if (madeBefore + notices !== home.name.made)
          findings.blames('lost', `${nick} heard of ${notices} changes after ${madeBefore}, of ${home.name.made}`)
    findings.finds(home.name.check(await readField(owner, home, 'muc#roomconfig_roomname')))
    findings.finds(home.subject.check(await this.#subjectOf(owner, home)))
  }

  async #checksArchive(reader: RoomPerson, room: RoomLedger, whole: boolean): Promise<void> {
    const results = await readRoom(reader.client, room.address)
    const kept = results.flatMap((result) => {
      const message = result.getChild('forwarded', 'urn:xmpp:forward:0')?.getChildren('message')[0]
      return message === undefined ? [] : [readMessage(message, result.attrs['id'])]
    })
    this.findings.finds(checkRoom(room, kept, whole))
    for (const [id, outcome] of room.takenBack)
      if (outcome === 'made' && !kept.some(({ text }) => text === retraction(id)))
        this.findings.blames('lost', `what took ${id} back in ${room.address}`)
  }

  /** The subject, as service discovery says to those who are in the room. */
  async #subjectOf(owner: RoomPerson, home: HomeRoom): Promise<string> {
    const answer = await owner.asks(home, 'get', DISCO)
    const fields = answer.getChild('query')!.getChild('x', 'jabber:x:data')!.getChildren('field')
    return fields.find(({ attrs }) => attrs['var'] === 'muc#roominfo_subject')?.getChildText('value') ?? ''
  }

  /** Resolves with whether the room is there. */
  async #checksSide(room: SideRoom, isAnew: boolean): Promise<boolean> {
    const builder = this.#builderOf(room)
    const isThere = await this.#exists(builder, room)
    // Whoever made a room that does not stay, or not yet, may be in it still; or again, when the entry was sent once more
    // on resumption (XEP-0198 §5).
    if (room.stays.made > 0 || (isAnew && !builder.isIn(room)))
      this.findings.finds(room.stays.check(isThere ? 'yes' : 'no'))
    if (!isThere || !room.isPersistent) return isThere
    await this.#checksArchive(builder, room, false)
    const lists = await readAffiliations(builder, room)
    this.findings.finds(room.affiliation.check(lists.get('stranger0@verona.example') ?? 'none'))
    return true
  }

  /** A room that was destroyed, or was left by the end of the server, is made again: of the old one nothing may be there. */
  async #makesAgain({ address }: SideRoom): Promise<void> {
    const room = new SideRoom(address, false)
    this.rooms.set(address, room)
    const maker = this.people[0]!
    const { codes, subject } = await maker.enters(room)
    await maker.asks(room, 'set', configures({}))
    const kept = await readRoom(maker.client, address)
    const lists = await readAffiliations(maker, room)
    if (!codes.includes(201) || subject !== '' || kept.length > 0 || [...lists.keys()].join() !== maker.client.bare)
      this.findings.blames('strange', `${address} came back with ${kept.length} messages, for ${[...lists.keys()]}`)
    maker.client.send(`<presence type='unavailable' to='${address}/${maker.nick}'/>`)
    await this.findings.until(`${maker.nick} is out`, () => !maker.isIn(room))
    await this.#pings()
  }

  async #exists(person: RoomPerson, room: SideRoom): Promise<boolean> {
    try {
      await person.asks(room, 'get', DISCO)
      return true
    } catch (error) {
      if (error instanceof Refused && error.condition === 'item-not-found') return false
      throw error
    }
  }

  async #pings(): Promise<void> {
    const ping = () => `<ping xmlns='urn:xmpp:ping'/>`
    await Promise.all(this.people.map(({ client }) => client.asks('get', ping, { to: this.service.slice(11) })))
  }

  /** Looks at what was refused since the last time: only for these reasons may it be. */
  checksRefusals(conditions: readonly string[]): void {
    for (const [condition, count] of this.refusals)
      if (!conditions.includes(condition)) this.findings.blames('broken', `${condition} was answered ${count} times`)
    for (const { refusals } of this.people) refusals.clear()
  }

  /** How often anything was refused, by condition. */
  get refusals(): Map<string, number> {
    const all = new Map<string, number>()
    for (const { refusals } of this.people)
      for (const [condition, count] of refusals) all.set(condition, (all.get(condition) ?? 0) + count)
    return all
  }

  get figures(): { said: number; acknowledged: number; refused: number; changes: number; rooms: number } {
    const rooms = [...this.rooms.values()]
    const sum = (count: (room: RoomLedger) => number) => rooms.reduce((total, room) => total + count(room), 0)
    return {
      said: sum(({ sent }) => sent.size),
      acknowledged: sum(({ acknowledged }) => acknowledged.size),
      refused: sum(({ refused }) => refused.size),
      changes: this.homes.reduce(
        (total, { subject, name, affiliation }) => total + subject.made + name.made + affiliation.made,
        0,
      ),
      rooms: this.#all(1).reduce((total, { deeds }) => total + deeds, this.homes.length),
    }
  }

  async leaves(): Promise<void> {
    this.stops()
    await Promise.allSettled(this.people.map(({ client }) => client.cut()))
    for (const person of this.people) person.isLost()
    await pause(0)
  }

  #of(home: HomeRoom): readonly [RoomPerson, RoomPerson, RoomPerson, RoomPerson] {
    const at = this.homes.indexOf(home) * perRoom
    return this.people.slice(at, at + perRoom) as [RoomPerson, RoomPerson, RoomPerson, RoomPerson]
  }

  #all(...places: number[]): RoomPerson[] {
    return this.people.filter((_, i) => places.includes(i % perRoom))
  }

  #builderOf(room: SideRoom): RoomPerson {
    const nick = room.address.split('-')[1]
    return this.people.find((person) => person.nick === nick)!
  }
}
