import { type Element, serialize } from '../../src/api.ts'
import { Client, type Listener } from './client.ts'
import type { Target } from './connection.ts'
import type { Findings } from './findings.ts'
import { Lane } from './lane.ts'
import { type Register, type RoomLedger, readMessage, type Stretch } from './room-ledger.ts'

const MUC = 'http://jabber.org/protocol/muc'
const MUC_USER = `${MUC}#user`
const NS_SID = 'urn:xmpp:sid:0'
const NS_DELAY = 'urn:xmpp:delay'
const NS_RETRACT = 'urn:xmpp:message-retract:1'
const patienceMs = 30_000
const errorPauseMs = 50
const window = 4

/** The room said no. */
export class Refused extends Error {
  readonly condition: string

  constructor(stanza: Element) {
    const condition = stanza.getChild('error')?.getChildElements()[0]?.name ?? 'no condition'
    super(`${condition}: ${serialize(stanza)}`)
    this.condition = condition
  }
}

/** A room with the states that its owner changes, as far as they are announced to those in it. */
export interface Home extends RoomLedger {
  readonly subject: Register<string>
  readonly name: Register<string>
  /** Affiliation of the occupant whose nick is `member`. */
  readonly affiliation: Register<string>
  readonly member: string
}

/** What somebody learns who enters. */
export interface Entrance {
  readonly codes: readonly number[]
  readonly subject: string
}

interface Entering {
  readonly resolve: (entrance: Entrance) => void
  readonly reject: (error: Error) => void
  readonly history: Stretch
  codes: readonly number[] | undefined
}

/** What a person belongs to. */
export interface Company {
  readonly findings: Findings
  /** By address. */
  readonly rooms: ReadonlyMap<string, RoomLedger>
}

interface Tag {
  readonly room: RoomLedger
  readonly key: string
  readonly isOfLane: boolean
}

/** Somebody who talks in one room, and may do more in others. */
export class RoomPerson implements Listener {
  readonly client: Client
  readonly nick: string
  readonly home: Home
  readonly lane: Lane
  /** Messages sent in this session that the server has not acknowledged. */
  inFlight = 0
  /** Changes of the configuration that this person was told of since it entered its room, and that were made before. */
  notices = 0
  madeBefore = 0
  /** Numbers what it does beside talking. */
  deeds = 0
  /** Conditions of all refusals, with how often they came. */
  readonly refusals = new Map<string, number>()
  readonly #company: Company
  readonly #stretches = new Map<string, Stretch>()
  readonly #entering = new Map<string, Entering>()
  readonly #waiting = new Map<string, (error: Error | undefined) => void>()
  #writing = false
  #pausing = false

  constructor(company: Company, target: Target, number: number, home: Home) {
    this.#company = company
    this.nick = `p${number}`
    this.home = home
    const local = `user${number}`
    this.lane = new Lane(`r${number}`, `${local}@${target.domain}`, home.address, home.address, 'groupchat')
    this.client = new Client(target, local, 'device', this)
  }

  /** Enters a room; resolves when it has heard all that comes before what is said next. @throws Refused */
  enters(room: RoomLedger): Promise<Entrance> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(() => reject(new Error(`${this.nick} waits to enter`))), patienceMs)
      const settle = (then: () => void) => {
        clearTimeout(timer)
        this.#entering.delete(room.address)
        then()
      }
      this.#entering.set(room.address, {
        resolve: (entrance) => settle(() => resolve(entrance)),
        reject: (error) => settle(() => reject(error)),
        history: room.begins(this.nick, true),
        codes: undefined,
      })
      this.client.send(`<presence to='${room.address}/${this.nick}'><x xmlns='${MUC}'/></presence>`)
    })
  }

  isIn(room: RoomLedger): boolean {
    return this.#stretches.has(room.address)
  }

  /** Says something in a room; resolves when it hears itself. @throws Refused */
  async says(room: RoomLedger, key: string, payload: string, text: string): Promise<void> {
    room.sent.set(key, text)
    const heard = new Promise<Error | undefined>((resolve) => this.#waiting.set(key, resolve))
    this.client.send(`<message type='groupchat' to='${room.address}' id='${key}'>${payload}</message>`, {
      ...{ room, key, isOfLane: false },
    } satisfies Tag)
    const error = await heard
    if (error !== undefined) throw error
  }

  /** Asks a room; resolves with the answer. @throws Refused */
  async asks(room: RoomLedger, type: 'get' | 'set', payload: string): Promise<Element> {
    const answer = await this.client.asks(type, () => payload, { to: room.address })
    if (answer.attrs['type'] === 'result') return answer
    const refusal = new Refused(answer)
    this.#notes(refusal)
    throw refusal
  }

  /** Talks at home without end until {@link rests}. */
  talks(): void {
    this.#writing = true
    this.#pump()
  }

  rests(): void {
    this.#writing = false
    this.client.asksForAck()
  }

  /** The session was lost with all that hung on it: nobody answers any more. */
  isLost(): void {
    this.inFlight = 0
    for (const address of this.#stretches.keys()) this.#isOut(address)
    const lost = new Error('the session was lost')
    for (const { reject } of [...this.#entering.values()]) reject(lost)
    for (const [key, resolve] of [...this.#waiting]) {
      this.#waiting.delete(key)
      resolve(lost)
    }
  }

  presence(presence: Element): void {
    const [address = '', nick = ''] = (presence.attrs['from'] ?? '').split('/')
    const room = this.#company.rooms.get(address)
    if (room === undefined) return
    if (presence.attrs['type'] === 'error') {
      const refusal = new Refused(presence)
      this.#notes(refusal)
      return this.#entering.get(address)?.reject(refusal)
    }
    const x = presence.getChild('x', MUC_USER)
    const codes = (x?.getChildren('status') ?? []).map(({ attrs }) => Number(attrs['code']))
    const isGone = presence.attrs['type'] === 'unavailable'
    if (nick === this.home.member && room === this.home && !isGone)
      this.#company.findings.finds(this.home.affiliation.isAnnounced(x?.getChild('item')?.attrs['affiliation'] ?? ''))
    if (codes.includes(110) || (isGone && nick === this.nick)) {
      if (isGone) this.#isOut(address)
      const entering = this.#entering.get(address)
      if (entering !== undefined && !isGone) entering.codes = codes
    }
    this.#company.findings.changed()
  }

  message(message: Element): void {
    const { rooms, findings } = this.#company
    const room = rooms.get((message.attrs['from'] ?? '').split('/')[0]!)
    if (room === undefined) return findings.blames('strange', `${message} at ${this.client.jid}`)
    const ids = message.getChildren('stanza-id', NS_SID).filter(({ attrs }) => attrs['by'] === room.address)
    const heard = readMessage(message, ids.length === 1 ? ids[0]!.attrs['id'] : undefined)
    const entering = this.#entering.get(room.address)
    if (entering?.codes !== undefined) {
      const isSubject = message.getChild('subject') !== undefined && message.getChild('body') === undefined
      if (!isSubject) return void entering.history.heard.push(heard)
      this.#stretches.set(room.address, room.begins(this.nick))
      this.notices = 0
      this.madeBefore = this.home.name.made
      return entering.resolve({ codes: entering.codes, subject: heard.text })
    }
    const statuses = message.getChild('x', MUC_USER)?.getChildren('status') ?? []
    if (statuses.some(({ attrs }) => attrs['code'] === '104')) this.#hearsOfChange(room)
    if (heard.text === '') return
    if (message.getChild('delay', NS_DELAY) !== undefined) findings.blames('strange', `${message}, late`)
    this.#hears(room, heard, message)
    findings.changed()
  }

  refused(message: Element): void {
    const room = this.#company.rooms.get((message.attrs['from'] ?? '').split('/')[0]!)
    const key = message.attrs['id'] ?? ''
    if (room?.sent.has(key) !== true) return this.#company.findings.blames('strange', `${message}`)
    if (room.acknowledged.has(key)) this.#company.findings.blames('broken', `${key} was acknowledged, then refused`)
    room.refused.add(key)
    const refusal = new Refused(message)
    this.#notes(refusal)
    if (this.#settles(key, refusal)) return
    this.#pausing = true
    setTimeout(() => {
      this.#pausing = false
      this.#pump()
    }, errorPauseMs)
    this.#company.findings.changed()
  }

  acknowledged(tag: unknown): void {
    const { room, key, isOfLane } = tag as Tag
    if (isOfLane) this.inFlight--
    if (!room.refused.has(key)) room.acknowledged.add(key)
    this.#pump()
    this.#company.findings.changed()
  }

  dropped(reason: string): void {
    const { findings } = this.#company
    if (!findings.mayBeDropped) findings.blames('broken', `${this.client.jid} was dropped: ${reason}`)
    findings.changed()
  }

  fault(what: string): void {
    this.#company.findings.blames('broken', what)
  }

  #isOut(address: string): void {
    const stretch = this.#stretches.get(address)
    if (stretch !== undefined) stretch.isOver = true
    this.#stretches.delete(address)
  }

  #hearsOfChange(room: RoomLedger): void {
    if (room !== this.home) return
    this.notices++
    this.#company.findings.finds(this.home.name.isAnnouncedFor(this.madeBefore + this.notices))
  }

  #hears(room: RoomLedger, heard: ReturnType<typeof readMessage>, message: Element): void {
    const { findings } = this.#company
    const stretch = this.#stretches.get(room.address)
    if (stretch === undefined)
      findings.blames('strange', `${heard.key} for ${this.nick}, who is not in ${room.address}`)
    stretch?.heard.push(heard)
    if (room.refused.has(heard.key)) findings.blames('broken', `${heard.key} was refused, then heard by ${this.nick}`)
    if (room === this.home && message.getChild('subject') !== undefined)
      findings.finds(this.home.subject.isAnnounced(heard.text))
    const taken = message.getChild('retract', NS_RETRACT)?.attrs['id']
    if (taken !== undefined) {
      if (room.takenBack.get(taken) === 'refused') findings.blames('broken', `${taken} was not, then taken back`)
      room.takenBack.set(taken, 'made')
    }
    this.#settles(heard.key, undefined)
  }

  #settles(key: string, refusal: Error | undefined): boolean {
    const resolve = this.#waiting.get(key)
    this.#waiting.delete(key)
    resolve?.(refusal)
    return resolve !== undefined
  }

  #notes({ condition }: Refused): void {
    this.refusals.set(condition, (this.refusals.get(condition) ?? 0) + 1)
  }

  #pump(): void {
    if (!this.#writing || this.#pausing || !this.client.live || this.inFlight > window / 2) return
    if (!this.isIn(this.home)) return
    while (this.inFlight < window) {
      const { text, mark } = this.lane.next()
      const key = `${this.lane.name}-${mark.n}`
      this.home.sent.set(key, this.lane.body(mark.n))
      this.inFlight++
      this.client.send(text, { room: this.home, key, isOfLane: true } satisfies Tag)
    }
    this.client.asksForAck()
  }
}
