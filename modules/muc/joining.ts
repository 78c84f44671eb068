import {
  Element,
  Jid,
  ownText,
  parseDocument,
  randomId,
  StanzaError,
  type StanzaEvent,
  serialize,
  Wire,
  xml,
} from '#api'
import { end } from './ending.ts'
import { persistent } from './features/persistence.ts'
import { readHistoryWish, subjectMessage } from './history.ts'
import type { Entry } from './hooks.ts'
import { NS_MUC, NS_MUC_USER, NS_OCCUPANT_ID } from './namespaces.ts'
import { Occupant, Seat } from './occupant.ts'
import {
  type News,
  showNewcomer,
  showOther,
  showOthers,
  showOut,
  showOwn,
  showToAll,
  showToOthers,
} from './presence.ts'
import { roleFor } from './roles.ts'
import type { Room } from './room.ts'
import { indexOf } from './room-index.ts'

/** Takes available presence to a nick of a room: somebody enters, changes nick or presence (XEP-0045 §7.2, §7.6, §7.7). */
export function enter(room: Room, event: StanzaEvent): void | Promise<void> {
  const seat = room.seat(event.from)
  const x = event.stanza.getChild('x', NS_MUC)
  for (const aspect of room.service.doing('showing')) aspect.showing(event)
  if (seat === undefined) return join(room, event, x)
  if (seat.occupant.nick !== event.to.resource) return rename(room, seat, event, x)
  for (const aspect of room.service.doing('updating')) aspect.updating(room, seat, x !== undefined)
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
  for (const aspect of service.doing('entering')) await aspect.entering(entry)
  checkNick(entry)
  const history = creates ? [] : await service.history.read(room, historyWish(room, x))
  if (creates) await create(room, from, x === undefined)
  const welcome = await welcoming(entry)

  const isRenamed = entry.nick !== to.resource
  const address = isRenamed ? room.jid.withResource(entry.nick) : to
  const seat = place(room, from, origin, address, affiliation, stanza)
  const { occupant } = seat
  for (const stanza of welcome) room.send(seat, stanza, room.jid)
  showOthers(room, seat)
  if (occupant.seats.length === 1) showNewcomer(room, seat)
  // §10.1.1: 201; §7.2.2: 210
  greet(room, seat, history, [...(creates ? [201] : []), ...(isRenamed ? [210] : [])])
  for (const aspect of service.doing('entered')) aspect.entered(room, seat)
}

async function rejoin(room: Room, seat: Seat, event: StanzaEvent, x: Element): Promise<void> {
  const history = await room.service.history.read(room, historyWish(room, x))
  const { occupant } = seat
  const { nick, affiliation } = occupant
  const welcome = await welcoming({ room, from: seat.jid, nick, affiliation, x, seat, creates: false })
  for (const stanza of welcome) room.send(seat, stanza, room.jid)
  const before = serialize(occupant.presence)
  setPresence(room, seat, event.stanza)
  showOthers(room, seat)
  // §17.3 rule 3
  if (serialize(occupant.presence) !== before) showToOthers(room, occupant)
  greet(room, seat, history, [])
}

async function welcoming(entry: Entry): Promise<Wire[]> {
  const stanzas: Element[] = []
  for (const aspect of entry.room.service.doing('welcoming')) stanzas.push(...(await aspect.welcoming(entry)))
  return stanzas.map((stanza) => Wire.of(stanza))
}

/** XEP-0045 §7.2.2, §7.2.13, §7.2.15: one's own presence, what was said before, and the subject. */
function greet(room: Room, seat: Seat, history: readonly Wire[], codes: readonly number[]): void {
  const usual = room.service.doing('codes').flatMap((aspect) => aspect.codes(room, seat.occupant))
  const inX = room.service.doing('ownX').flatMap((aspect) => aspect.ownX(room))
  showOwn(room, seat, { ownCodes: [...usual, ...codes], inX })
  for (const message of history) room.send(seat, message, Jid.parse(message.element.attrs['from']!))
  room.send(seat, Wire.of(subjectMessage(room)), room.jid)
}

function historyWish(room: Room, x: Element | undefined) {
  return readHistoryWish(x, room.service.settings.history, room.service.clock.now())
}

/** Creates a room; `isOpen` for clients of old, which know nothing of configuring (XEP-0045 §10.1.1). */
export async function create(room: Room, owner: Jid, isOpen: boolean): Promise<void> {
  const { service } = room
  const locked = service.settings.locking && !isOpen
  const creator = owner.bare.toString()
  const fresh = {
    local: room.jid.local,
    settings: {},
    creator,
    locked,
    createdMs: service.clock.now(),
    secret: randomId(),
  }
  await service.remains.clear(room)
  // What nobody has configured yet is not to outlast the server, wherever rooms stay by default.
  const index = { ...indexOf(room), ...(locked && { isPersistent: false }) }
  room.record = await service.store.create(fresh, [creator], index)
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
  const seat = new Seat(from, session ?? undefined, room.nextNumber(), occupant)
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
  for (const aspect of room.service.doing('entering')) await aspect.entering(entry)
  // Such as the old nick with a space behind it.
  if (entry.nick === before.nick) return update(room, seat, stanza)
  checkNick(entry)
  const isRenamed = entry.nick !== to.resource
  const address = isRenamed ? room.jid.withResource(entry.nick) : to
  move(room, seat, address, payloadOf(room, stanza), [], isRenamed ? [210] : [])
}

/** Gives a client another nick, and shows everybody that it has it, with these codes (XEP-0045 §7.6). */
export function move(
  room: Room,
  seat: Seat,
  to: Jid,
  presence: Element,
  codes: readonly number[],
  ownCodes: readonly number[] = [],
): void {
  const { occupant: before } = seat
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
    occupant = new Occupant(to, before.account, before.id, before.affiliation, before.role, presence)
    room.occupants.set(occupant.nick, occupant)
  }
  seat.occupant = occupant
  occupant.seats.push(seat)
  occupant.presence = presence
  occupant.shown = undefined
  showToAll(room, occupant, codes.length + ownCodes.length === 0 ? {} : { codes, ownCodes })
  // It has just seen its old nick go.
  if (!isAlone) showOther(room, seat, before)
}

/** A client leaves (XEP-0045 §7.14), in order or because it is gone. */
export function leave(room: Room, seat: Seat, stanza: Element, codes: readonly number[] = []): void | Promise<void> {
  const { occupant } = seat
  const payload =
    stanza.name === 'presence' && stanza.attrs['type'] === 'unavailable' ? payloadOf(room, stanza).children : []
  const news: News = { type: 'unavailable', codes, payload: payload.filter((child) => typeof child !== 'string') }
  // §10.1.3: a room that was never configured goes with its owner, who is told so.
  const isEnd = room.record?.locked === true && room.seats.size === 1
  showOwn(room, seat, isEnd ? { ...news, inX: [xml('destroy')] } : news)
  if (occupant.seats.length === 1) showToOthers(room, occupant, news)
  unseat(room, seat)
  return settle(room)
}

/** Takes an occupant out of the room, with all its clients; everybody hears why. {@link settle} is to follow. */
export function remove(room: Room, occupant: Occupant, news: Omit<News, 'type'>): void {
  takeOut(room, occupant, news)()
}

/** Takes an occupant out like {@link remove}; the others hear of it when they are told by what is returned. */
export function takeOut(room: Room, occupant: Occupant, news: Omit<News, 'type'>): () => void {
  const tellOthers = showOut(room, occupant, news)
  for (const seat of [...occupant.seats]) unseat(room, seat)
  return tellOthers
}

function unseat(room: Room, seat: Seat): void {
  const { occupant } = seat
  room.seats.delete(seat.address)
  occupant.seats.splice(occupant.seats.indexOf(seat), 1)
  occupant.shown = undefined
  if (occupant.seats.length === 0) room.occupants.delete(occupant.nick)
  for (const aspect of room.service.doing('vacated')) aspect.vacated(room, seat)
  if (occupant.seats.length > 0) return
  for (const aspect of room.service.doing('left')) aspect.left(room, occupant)
}

/** Whoever has left may have been the last: a temporary room ends then (XEP-0045 §4.2), and one that was never configured. */
export function settle(room: Room): void | Promise<void> {
  if (room.seats.size > 0 || room.record === undefined) return
  if (room.get(persistent) && !room.record.locked) return
  return end(room)
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
export const ownPayload: readonly string[] = [
  `x ${NS_MUC}`,
  `x ${NS_MUC_USER}`,
  `occupant-id ${NS_OCCUPANT_ID}`,
  // Copies come from one's own account (CVE-2017-5589 and its kin).
  'sent urn:xmpp:carbons:2',
  'received urn:xmpp:carbons:2',
]
