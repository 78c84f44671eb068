import { Element, Jid, ownText, parseDocument, randomId, StanzaError, type StanzaEvent, serialize, Wire } from '#api'
import { persistent } from './features/persistence.ts'
import { readHistoryWish, subjectMessage } from './history.ts'
import type { Entry } from './hooks.ts'
import { NS_MUC, NS_MUC_USER, NS_OCCUPANT_ID } from './namespaces.ts'
import { Occupant, Seat } from './occupant.ts'
import { type News, showOthers, showOwn, showToAll, showToOthers } from './presence.ts'
import { roleFor } from './roles.ts'
import type { Room } from './room.ts'
import { indexOf } from './room-index.ts'

/** Takes available presence to a nick of a room: somebody enters, changes nick or presence (XEP-0045 §7.2, §7.6, §7.7). */
export function enter(room: Room, event: StanzaEvent): void | Promise<void> {
  const seat = room.seat(event.from)
  const x = event.stanza.getChild('x', NS_MUC)
  if (seat === undefined) return join(room, event, x)
  if (seat.occupant.nick !== event.to.resource) return rename(room, seat, event, x)
  if (x === undefined) return update(room, seat, event.stanza)
  // The client has lost what it knew of the room and asks for all of it again.
  return rejoin(room, seat, event, x)
}

async function join(room: Room, event: StanzaEvent, x: Element | undefined): Promise<void> {
  const { service } = room
  const { from, to, stanza, origin } = event
  const creates = room.record === undefined
  const affiliation = creates ? 'owner' : await service.affiliationOf(room, from.bare)
  // XEP-0045 §10.1.3: until its owner has configured it, nobody else finds the room.
  if (room.record?.locked === true && affiliation !== 'owner') throw noSuchRoom()
  // §7.2.7
  if (affiliation === 'outcast') throw new StanzaError('forbidden', 'You are banned from this room.')
  const entry: Entry = { room, from, nick: to.resource, affiliation, x, seat: undefined, creates }
  for (const aspect of service.aspects) await aspect.entering?.(entry)
  checkNick(entry)
  const history = creates ? [] : await service.history.read(room, historyWish(room, x))
  if (creates) await create(room, from, x === undefined)

  const seat = place(room, from, origin, to, affiliation, stanza)
  const { occupant } = seat
  showOthers(room, seat)
  if (occupant.seats.length === 1) showToOthers(room, occupant)
  greet(room, seat, history, creates)
  for (const aspect of service.aspects) aspect.entered?.(room, seat)
}

async function rejoin(room: Room, seat: Seat, event: StanzaEvent, x: Element): Promise<void> {
  const history = await room.service.history.read(room, historyWish(room, x))
  setPresence(room, seat, event.stanza)
  showOthers(room, seat)
  showToOthers(room, seat.occupant)
  greet(room, seat, history, false)
}

/** XEP-0045 §7.2.2, §7.2.13, §7.2.15: one's own presence, what was said before, and the subject. */
function greet(room: Room, seat: Seat, history: readonly Wire[], creates: boolean): void {
  const ownCodes = room.service.aspects.flatMap((aspect) => aspect.codes?.(room, seat.occupant) ?? [])
  // §10.1.1
  if (creates) ownCodes.push(201)
  showOwn(room, seat, { ownCodes })
  for (const message of history) room.send(seat, message, Jid.parse(message.element.attrs['from']!))
  room.send(seat, Wire.of(subjectMessage(room)), room.jid)
}

function historyWish(room: Room, x: Element | undefined) {
  return readHistoryWish(x, room.service.settings.history, room.service.clock.now())
}

/** XEP-0045 §10.1.1; `isOpen` for clients of old, which know nothing of configuring. */
async function create(room: Room, from: Jid, isOpen: boolean): Promise<void> {
  const { service } = room
  const locked = service.settings.locking && !isOpen
  const creator = from.bare.toString()
  const fresh = {
    local: room.jid.local,
    settings: {},
    creator,
    locked,
    createdMs: service.clock.now(),
    secret: randomId(),
  }
  room.record = await service.store.create(fresh, [creator], indexOf(room))
}

/** XEP-0045 §7.2.8 */
function checkNick({ room, from, nick }: Entry): void {
  const holder = room.occupants.get(nick)
  if (holder !== undefined && !holder.account.equals(from.bare))
    throw new StanzaError('conflict', 'Somebody else has this nick.')
}

function place(
  room: Room,
  from: Jid,
  session: StanzaEvent['origin'],
  to: Jid,
  affiliation: Occupant['affiliation'],
  stanza: Element,
): Seat {
  let occupant = room.occupants.get(to.resource)
  if (occupant === undefined) {
    const account = from.bare
    const payload = payloadOf(room, stanza)
    occupant = new Occupant(to, account, room.occupantId(account), affiliation, roleFor(room, affiliation), payload)
    room.occupants.set(to.resource, occupant)
  }
  const seat = new Seat(from, session ?? undefined, occupant)
  occupant.seats.push(seat)
  occupant.shown = undefined
  room.seats.set(seat.address, seat)
  return seat
}

/** XEP-0045 §7.7 */
function update(room: Room, seat: Seat, stanza: Element): void {
  setPresence(room, seat, stanza)
  showToAll(room, seat.occupant)
}

function setPresence(room: Room, { occupant }: Seat, stanza: Element): void {
  occupant.presence = payloadOf(room, stanza)
  occupant.shown = undefined
}

/** XEP-0045 §7.6 */
async function rename(room: Room, seat: Seat, event: StanzaEvent, x: Element | undefined): Promise<void> {
  const { to, from, stanza } = event
  const { occupant: before } = seat
  const entry: Entry = { room, from, nick: to.resource, affiliation: before.affiliation, x, seat, creates: false }
  for (const aspect of room.service.aspects) await aspect.entering?.(entry)
  checkNick(entry)
  const news: News = { type: 'unavailable', codes: [303], nick: to.resource }
  const isAlone = before.seats.length === 1
  // Other clients of the account keep the old nick.
  if (isAlone) showToAll(room, before, news)
  else showOwn(room, seat, news)
  before.seats.splice(before.seats.indexOf(seat), 1)
  before.shown = undefined
  if (isAlone) room.occupants.delete(before.nick)
  let occupant = room.occupants.get(to.resource)
  if (occupant === undefined) {
    occupant = new Occupant(to, before.account, before.id, before.affiliation, before.role, payloadOf(room, stanza))
    room.occupants.set(occupant.nick, occupant)
  }
  seat.occupant = occupant
  occupant.seats.push(seat)
  occupant.presence = payloadOf(room, stanza)
  occupant.shown = undefined
  showToAll(room, occupant)
}

/** A client leaves (XEP-0045 §7.14), in order or because it is gone. */
export function leave(room: Room, seat: Seat, stanza: Element): void | Promise<void> {
  const { occupant } = seat
  const payload =
    stanza.name === 'presence' && stanza.attrs['type'] === 'unavailable' ? payloadOf(room, stanza).children : []
  const news: News = { type: 'unavailable', payload: payload.filter((child) => typeof child !== 'string') }
  showOwn(room, seat, news)
  if (occupant.seats.length === 1) showToOthers(room, occupant, news)
  unseat(room, seat)
  return settle(room)
}

/** Takes an occupant out of the room, with all its clients; everybody hears why. {@link settle} is to follow. */
export function remove(room: Room, occupant: Occupant, news: Omit<News, 'type'>): void {
  showToAll(room, occupant, { ...news, type: 'unavailable' })
  for (const seat of [...occupant.seats]) unseat(room, seat)
}

function unseat(room: Room, seat: Seat): void {
  const { occupant } = seat
  room.seats.delete(seat.address)
  occupant.seats.splice(occupant.seats.indexOf(seat), 1)
  occupant.shown = undefined
  if (occupant.seats.length > 0) return
  room.occupants.delete(occupant.nick)
  for (const aspect of room.service.aspects) aspect.left?.(room, occupant)
}

/** Whoever has left may have been the last: a temporary room ends then (XEP-0045 §4.2), and one that was never configured. */
export function settle(room: Room): void | Promise<void> {
  if (room.seats.size > 0 || room.record === undefined) return
  if (room.get(persistent) && !room.record.locked) return
  return end(room)
}

/** Ends a room that nobody is in. */
export async function end(room: Room): Promise<void> {
  for (const aspect of room.service.aspects) await aspect.destroying?.(room)
  await room.service.store.destroy(room.known.id)
  room.service.history.forget(room)
  room.record = undefined
}

/** A presence as others may see it: without what only rooms say. */
function payloadOf(room: Room, stanza: Element): Element {
  const { forbidden } = room.service
  const presence = new Element('presence')
  presence.children = stanza.children.filter(
    (child) => typeof child !== 'string' && !forbidden.has(`${child.name} ${child.attrs['xmlns']}`),
  )
  // It is kept, and is not to keep what it came in.
  return presence.children.length === 0 ? presence : parseDocument(ownText(serialize(presence)))
}

function noSuchRoom(): StanzaError {
  return new StanzaError('item-not-found', 'There is no such room.')
}

/** Payload that only rooms give, or that is for rooms only. */
export const ownPayload: readonly string[] = [`x ${NS_MUC}`, `x ${NS_MUC_USER}`, `occupant-id ${NS_OCCUPANT_ID}`]
