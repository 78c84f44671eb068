import { createHmac } from 'node:crypto'
import { type Element, type Jid, Slots, StanzaError, Wire, xml } from '#api'
import type { Newcomers } from './newcomers.ts'
import type { Occupant, Seat } from './occupant.ts'
import type { Affiliation, RoomRecord, SubjectRecord } from './records.ts'
import { RoomQueue } from './room-queue.ts'
import type { RoomService } from './service.ts'

/** A room of a service: who is in it, and what it is like. In memory while somebody is in it or something is done to it. */
export class Room {
  readonly service: RoomService
  readonly jid: Jid
  readonly address: string
  readonly queue: RoomQueue
  /** What aspects note of the room while it is in memory. */
  readonly slots: Slots = new Slots()
  /** By nick, in the order in which they came. */
  readonly occupants: Map<string, Occupant> = new Map()
  /** By real full JID, in the order in which they came. */
  readonly seats: Map<string, Seat> = new Map()
  /** What the database has of it; `undefined` when there is no such room. */
  record: RoomRecord | undefined

  /** Those whom others are still to see; made for a large room. */
  newcomers: Newcomers | undefined
  #numbers = 0
  /** Why it could not be loaded. */
  failure: unknown
  /** Settles when what was said last has been sent out, or will not be. */
  saying: Promise<void> | undefined

  constructor(service: RoomService, jid: Jid) {
    this.service = service
    this.jid = jid
    this.address = jid.toString()
    this.queue = new RoomQueue(() => service.rest(this))
  }

  /** What the database has of the room. @throws StanzaError `item-not-found` when there is no such room. */
  get known(): RoomRecord {
    this.mustExist()
    return this.record!
  }

  /** @throws StanzaError `item-not-found` when there is no such room. */
  mustExist(): void {
    if (this.record === undefined) throw new StanzaError('item-not-found', 'There is no such room.')
  }

  /** The value of a setting. */
  get<T>(setting: { readonly key: string; readonly initial: T }): T {
    const own = this.record?.settings[setting.key]
    return (own ?? this.service.defaults[setting.key] ?? setting.initial) as T
  }

  get subject(): SubjectRecord | undefined {
    return this.record?.subject
  }

  /** The place of a client in the room, by its real full JID. */
  seat(jid: Jid): Seat | undefined {
    return this.seats.get(jid.toString())
  }

  /** The number of the client that enters next. */
  nextNumber(): number {
    return ++this.#numbers
  }

  /** The occupants that are clients of one account. */
  *of(account: Jid): Generator<Occupant> {
    for (const occupant of this.occupants.values()) if (occupant.account.equals(account)) yield occupant
  }

  /** The id of an account in this room, the same whatever its nick (XEP-0421 §3). */
  occupantId(account: Jid): string {
    return createHmac('sha256', this.known.secret).update(account.toString()).digest('base64url').slice(0, 22)
  }

  /** The affiliation of an account, present or not: its own, or that of its domain when it is banned. */
  async affiliation(account: Jid): Promise<Affiliation> {
    for (const { affiliation } of this.of(account)) return affiliation
    return await this.service.affiliationOf(this, account)
  }

  /** Sends a stanza that comes from `from`, an address of this room, to everybody in it, or to those who are meant. */
  sendToAll(stanza: Wire, from: Jid, isMeant?: (seat: Seat) => boolean): void {
    for (const seat of this.seats.values()) if (isMeant === undefined || isMeant(seat)) this.send(seat, stanza, from)
  }

  /** Sends one client a stanza that comes from an address of this room; its `to` is not looked at. */
  send(seat: Seat, stanza: Wire, from: Jid): void {
    const { host } = this.service
    if (seat.session !== undefined) host.reach(seat.session, stanza, from)
    else host.route(readdressed(stanza.element, seat.address))
  }

  /** A message of the room's own to everybody in it. */
  announce(...payload: Element[]): void {
    const message = xml('message', { from: this.address, type: 'groupchat' }, ...payload)
    this.sendToAll(Wire.of(message), this.jid)
  }
}

/** A copy for another addressee; the children are shared, and nobody edits inside them. */
export function readdressed(stanza: Element, to: string): Element {
  const copy = xml(stanza.name, { ...stanza.attrs, to })
  copy.children = [...stanza.children]
  return copy
}
