import {
  type Clock,
  type ConfigOf,
  type Context,
  type Element,
  type Host,
  Jid,
  resultOf,
  StanzaError,
  type StanzaEvent,
  xml,
} from '#api'
import { end, Remains } from './ending.ts'
import { isGone } from './ghosts.ts'
import type { History } from './history.ts'
import type { RoomArchive, RoomAspect, RoomIq, RoomRequest } from './hooks.ts'
import { enter, leave } from './joining.ts'
import { NS_MUC } from './namespaces.ts'
import type { Occupant } from './occupant.ts'
import type { options } from './options.ts'
import { showOwn } from './presence.ts'
import type { Affiliation } from './records.ts'
import { Room } from './room.ts'
import type { AnySetting } from './setting.ts'
import { speak } from './speaking.ts'
import type { RoomStore } from './store.ts'

type Pending = void | Promise<void>

/** What the admin says about the services of a host. */
export type ServiceSettings = ConfigOf<typeof options>

/** What a service is made of. */
export interface ServiceParts {
  readonly domain: string
  readonly host: Host
  readonly store: RoomStore
  readonly clock: Clock
  readonly log: Context['log']
  readonly settings: ServiceSettings
  /** Bare JIDs. */
  readonly admins: readonly string[]
  readonly history: History
}

/** The rooms of one domain (XEP-0045): finds the room a stanza is for, and the aspect that takes it. */
export class RoomService {
  readonly domain: string
  readonly jid: Jid
  readonly host: Host
  readonly store: RoomStore
  readonly clock: Clock
  readonly log: Context['log']
  readonly settings: ServiceSettings
  /** Values of settings, by key, that the admin wants in rooms whose owners have not said. */
  readonly defaults: Readonly<Record<string, unknown>>
  readonly history: History
  /** Of rooms that are no more. */
  readonly remains: Remains = new Remains(this)
  readonly #admins: ReadonlySet<string>
  /** Rooms in memory, by local part. */
  readonly #rooms = new Map<string, Room>()
  #aspects: readonly RoomAspect[] = []
  readonly #doing = new Map<keyof RoomAspect, readonly RoomAspect[]>()
  #settings: readonly AnySetting[] = []
  /** By `type name xmlns`. */
  #iqs: ReadonlyMap<string, RoomIq> = new Map()
  /** Answers to requests that go to the service itself, likewise. */
  readonly serviceIqs: Map<string, (query: Element, event: StanzaEvent) => Element | void | Promise<Element | void>> =
    new Map()
  /** Takes an IQ of any type that is addressed to an occupant: set by the aspect that relays them. */
  relay: ((room: Room, event: StanzaEvent) => Pending) | undefined
  /** Takes a message to an occupant (XEP-0045 §7.5): set by the aspect of private messages. */
  whisper: ((room: Room, event: StanzaEvent) => Pending) | undefined
  /** `name xmlns` of payload that only rooms give. */
  forbidden: ReadonlySet<string> = new Set()
  archive: RoomArchive | undefined

  constructor(parts: ServiceParts) {
    this.domain = parts.domain
    this.jid = Jid.of('', parts.domain)
    this.host = parts.host
    this.store = parts.store
    this.clock = parts.clock
    this.log = parts.log
    this.settings = parts.settings
    this.defaults = parts.settings.defaults
    this.history = parts.history
    this.#admins = new Set(parts.admins)
  }

  /** Begins with these capabilities. */
  begin(aspects: readonly RoomAspect[], archive: RoomArchive | undefined): void {
    this.#aspects = aspects
    this.#doing.clear()
    this.#settings = aspects.flatMap((aspect) => aspect.settings ?? [])
    this.forbidden = new Set(aspects.flatMap((aspect) => aspect.forbidden ?? []))
    const iqs = new Map<string, RoomIq>()
    for (const { name, iqs: own = [] } of aspects)
      for (const iq of own) {
        const key = `${iq.type} ${iq.name} ${iq.xmlns}`
        if (iqs.has(key)) throw new Error(`two aspects of rooms answer ${key}, one of them ${name}`)
        iqs.set(key, iq)
      }
    this.#iqs = iqs
    this.archive = archive
    this.history.archive = archive
  }

  get aspects(): readonly RoomAspect[] {
    return this.#aspects
  }

  /** The aspects that do something at a point, found once. */
  doing<K extends keyof RoomAspect>(point: K): readonly (RoomAspect & Required<Pick<RoomAspect, K>>)[] {
    let doing = this.#doing.get(point)
    if (doing === undefined) {
      doing = this.#aspects.filter((aspect) => aspect[point] !== undefined)
      this.#doing.set(point, doing)
    }
    return doing as readonly (RoomAspect & Required<Pick<RoomAspect, K>>)[]
  }

  /** All settings, in the order of the form. */
  get roomSettings(): readonly AnySetting[] {
    return this.#settings
  }

  /** Rooms in memory. */
  rooms(): IterableIterator<Room> {
    return this.#rooms.values()
  }

  /** How many rooms are in memory. */
  get awake(): number {
    return this.#rooms.size
  }

  /** A room that is in memory. */
  live(local: string): Room | undefined {
    return this.#rooms.get(local)
  }

  /** Whether somebody runs this server, and so owns every room. */
  readonly isAdmin = (account: Jid): boolean => this.#admins.has(account.bare.toString())

  /** The affiliation of an account with a room, as the database has it; a banned domain bans its accounts (XEP-0045 §9.1). */
  async affiliationOf(room: Room, account: Jid): Promise<Affiliation> {
    if (this.isAdmin(account)) return 'owner'
    if (room.record === undefined) return 'none'
    const jid = account.bare.toString()
    const found = await this.store.affiliations(room.record.id, [jid, account.domain])
    const own = found.find((record) => record.jid === jid)
    if (own !== undefined && own.affiliation !== 'none') return own.affiliation
    return found.find((record) => record.jid === account.domain)?.affiliation ?? 'none'
  }

  /** What an occupant's presence bears that the room gives. */
  presencePayload(room: Room, occupant: Occupant): Element[] {
    return this.doing('presence').flatMap((aspect) => aspect.presence(room, occupant))
  }

  /**
   * Does something with a room, which is loaded for it when it is not in memory: alone, or beside other things that are shared.
   * Whether there is such a room, `room.record` says.
   */
  with(local: string, isShared: boolean, work: (room: Room) => Pending): Pending {
    let room = this.#rooms.get(local)
    if (room === undefined) {
      room = new Room(this, Jid.of(local, this.domain))
      this.#rooms.set(local, room)
      const made = room
      void made.queue.run(() => this.#load(made))
    }
    const here = room
    const doIt = (): Pending => {
      if (here.failure !== undefined) throw here.failure
      return work(here)
    }
    const pending = isShared ? room.queue.share(doIt) : room.queue.run(doIt)
    if (pending === undefined) this.rest(room)
    return pending
  }

  async #load(room: Room): Promise<void> {
    if (this.remains.has(room.jid.local)) return
    try {
      room.record = await this.store.load(room.jid.local)
    } catch (error) {
      // All who wait for the room hear of it; the next tries again.
      room.failure = error
      this.#rooms.delete(room.jid.local)
    }
  }

  /** A room has nothing to do at the moment: it is forgotten when nobody is in it. */
  rest(room: Room): void {
    if (room.seats.size === 0 && room.queue.isIdle && this.#rooms.get(room.jid.local) === room)
      this.#rooms.delete(room.jid.local)
  }

  /** Takes whatever is sent to the domain. What a room refuses it is the room that refuses (RFC 6120 §8.3.1). */
  receive(event: StanzaEvent): Pending {
    try {
      return this.#take(event)?.catch((error) => {
        throw refusalOf(event, error)
      })
    } catch (error) {
      throw refusalOf(event, error)
    }
  }

  #take(event: StanzaEvent): Pending {
    const { to, kind } = event
    if (to.local === '') return this.#atService(event)
    if (kind === 'presence') return this.#presence(event)
    if (kind === 'message') return this.#message(event)
    return this.#iq(event)
  }

  #presence(event: StanzaEvent): Pending {
    const { to, type } = event
    if (type === '') {
      // XEP-0045 §7.2.1
      if (to.resource === '') throw new StanzaError('jid-malformed', 'Say in the address under which nick you enter.')
      return this.with(to.local, false, (room) => enter(room, event))
    }
    // Whoever is not in a room has nothing to take back there.
    if (type === 'unavailable' || type === 'error') {
      if (!this.#rooms.has(to.local)) return
      return this.with(to.local, false, (room) => {
        const seat = room.seat(event.from)
        if (seat === undefined) return
        if (type === 'unavailable') return leave(room, seat, event.stanza)
        if (isGone(event.stanza, seat)) return leave(room, seat, event.stanza, [333])
      })
    }
    // XEP-0045 §7.2: there is no subscription to rooms.
    throw new StanzaError('service-unavailable', 'Nobody subscribes to a room.')
  }

  #message(event: StanzaEvent): Pending {
    const { to, type } = event
    if (type === 'error') return this.#bounced(event)
    if (to.resource !== '') {
      const { whisper } = this
      if (whisper === undefined) throw new StanzaError('feature-not-implemented', 'There are no private messages here.')
      return this.with(to.local, true, (room) => whisper(room, event))
    }
    if (type === 'groupchat') return speak(this, event)
    return this.with(to.local, false, (room) => this.#toAspects(room, event))
  }

  async #toAspects(room: Room, event: StanzaEvent): Promise<void> {
    room.mustExist()
    if (room.known.locked) await this.#mustBeFound(room, event.from)
    for (const aspect of this.#aspects) if ((await aspect.message?.(room, event)) === true) return
    throw new StanzaError('bad-request', 'A room takes messages of type groupchat.')
  }

  /** A stanza of the room has come back from somebody, who is gone when the error says so (XEP-0045 §11.1, §18.1.2). */
  #bounced(event: StanzaEvent): Pending {
    if (!this.#rooms.has(event.to.local)) return
    return this.with(event.to.local, false, (room) => {
      const seat = room.seat(event.from)
      if (seat === undefined) return
      for (const aspect of this.doing('bounced')) aspect.bounced(room, seat, event)
      if (isGone(event.stanza, seat)) return leave(room, seat, event.stanza, [333])
    })
  }

  #iq(event: StanzaEvent): Pending {
    const { to, type, stanza } = event
    if (to.resource !== '') {
      const { relay } = this
      if (relay === undefined) throw new StanzaError('service-unavailable')
      // Whoever waits for an answer is in the room.
      if (type !== 'get' && type !== 'set' && !this.#rooms.has(to.local)) return
      return this.with(to.local, true, (room) => relay(room, event))
    }
    if (type !== 'get' && type !== 'set') return
    const query = stanza.getChildElements()[0]!
    const iq = this.#iqs.get(`${type} ${query.name} ${query.attrs['xmlns']}`)
    if (iq === undefined) throw new StanzaError('service-unavailable', 'A room does not answer this.')
    return this.with(to.local, iq.isShared ?? type === 'get', (room) => this.#answer(room, iq, query, event))
  }

  #answer(room: Room, iq: RoomIq, query: Element, event: StanzaEvent): Pending {
    if (iq.isForNoRoom !== true) room.mustExist()
    // In a room that nobody but its owner finds only the owner is asked.
    if (room.record?.locked === true && room.seat(event.from) === undefined)
      return this.#mustBeFound(room, event.from).then(() => this.#handle(room, iq, query, event))
    return this.#handle(room, iq, query, event)
  }

  /** XEP-0045 §10.1.3: until its owner has configured it, nobody else finds a room. */
  async #mustBeFound(room: Room, { bare }: Jid): Promise<void> {
    if ((await room.affiliation(bare)) !== 'owner') throw new StanzaError('item-not-found', 'There is no such room.')
  }

  #handle(room: Room, iq: RoomIq, query: Element, event: StanzaEvent): Pending {
    const { from } = event
    const later: (() => Pending)[] = []
    const request: RoomRequest = {
      room,
      from,
      seat: room.seat(from),
      event,
      affiliation: () => room.affiliation(from.bare),
      afterwards: (work) => void later.push(work),
    }
    const replied = this.reply(event, iq.handler(query, request))
    if (replied !== undefined) return replied.then(() => this.#finish(room, later))
    if (later.length > 0) return this.#finish(room, later)
  }

  /** What follows the result of a request cannot refuse it any more. */
  async #finish(room: Room, later: readonly (() => Pending)[]): Promise<void> {
    try {
      for (const work of later) await work()
    } catch (err) {
      this.log.error({ err, room: room.address }, 'what follows a request could not be done')
    }
  }

  /** Sends the result of a request, once it is there. */
  reply(event: StanzaEvent, payload: Element | void | Promise<Element | void>): Pending {
    const send = (element: Element | void): void => {
      const result = resultOf(event.stanza, element ?? undefined)
      if (event.origin === null) this.host.route(result)
      else event.origin.send(result)
    }
    return payload instanceof Promise ? payload.then(send) : send(payload)
  }

  #atService(event: StanzaEvent): Pending {
    const { kind, type, stanza } = event
    if (kind === 'presence') return this.#presenceAtService(event)
    if (kind === 'message') {
      if (type === 'error') return
      throw new StanzaError('service-unavailable', 'Messages go to a room of this service.')
    }
    if (type !== 'get' && type !== 'set') return this.host.answered(stanza)
    const query = stanza.getChildElements()[0]!
    const answer = this.serviceIqs.get(`${type} ${query.name} ${query.attrs['xmlns']}`)
    if (answer === undefined || event.to.resource !== '') throw new StanzaError('service-unavailable')
    return this.reply(event, answer(query, event))
  }

  async #presenceAtService(event: StanzaEvent): Promise<void> {
    for (const aspect of this.doing('servicePresence')) await aspect.servicePresence(event)
  }

  /** Ends the temporary rooms of an earlier run, since nobody is in a room when the server starts. */
  async forgetTemporary(): Promise<void> {
    // With all that aspects keep of it, so that nobody finds that in the next room of this address.
    for (const local of await this.store.temporary())
      await this.with(local, false, (room) => (room.record === undefined ? this.remains.clear(room) : end(room)))
  }

  /** Forgets an account that is deleted, and so is in no room. */
  async forgetAccount(account: Jid): Promise<void> {
    for (const { local, version } of await this.store.forget(account.toString()))
      if (this.#rooms.has(local))
        await this.with(local, false, (room) => {
          if (room.record !== undefined && room.record.version < version) room.record = { ...room.record, version }
        })
  }

  /** Nobody is in any room any more: the server stops (XEP-0045 §11.2). */
  stop(): void {
    this.remains.stop()
    for (const room of this.#rooms.values()) {
      for (const seat of room.seats.values()) showOwn(room, seat, { type: 'unavailable', codes: [332] })
      room.seats.clear()
      room.occupants.clear()
    }
    this.#rooms.clear()
  }
}

/**
 * XEP-0045 §7.2.5 and many more: an error names the room, whatever address of it the stanza was for; and by the payload clients tell the
 * refusal of an entry from other errors.
 */
function refusalOf({ to, kind, stanza }: StanzaEvent, error: unknown): unknown {
  if (!(error instanceof StanzaError) || to.local === '') return error
  const { extra, type } = error
  const isEntry = kind === 'presence' && stanza.getChild('x', NS_MUC) !== undefined
  const payload = isEntry ? { payload: xml('x', { xmlns: NS_MUC }) } : {}
  return new StanzaError(error.condition, error.message, { by: to.bare, ...extra, type, ...payload })
}
