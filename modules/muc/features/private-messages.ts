import { type Element, Lru, ownText, StanzaError, type StanzaEvent, xml } from '#api'
import type { RoomAspect } from '../hooks.ts'
import { NS_MUC_USER, NS_OCCUPANT_ID } from '../namespaces.ts'
import type { Role, Seat } from '../occupant.ts'
import { type Room, readdressed } from '../room.ts'
import type { RoomService } from '../service.ts'
import { choiceSetting } from '../setting.ts'
import { unforge } from './moderation.ts'
import { stripForged } from './stanza-ids.ts'

const NS_DELAY = 'urn:xmpp:delay'
const NS_STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

/** Who may send private messages (XEP-0045 §7.5, §16.5.3). */
export const allowPm = choiceSetting(
  'allowPm',
  'muc#roomconfig_allowpm',
  'Who may send private messages',
  {
    anyone: 'Anyone',
    participants: 'Anyone with voice',
    moderators: 'Moderators only',
    none: 'Nobody',
  },
  'anyone',
)

const allowed: Readonly<Record<'anyone' | 'moderators' | 'none' | 'participants', readonly Role[]>> = {
  anyone: ['moderator', 'participant', 'visitor'],
  participants: ['moderator', 'participant'],
  moderators: ['moderator'],
  none: [],
}

/** Messages whose errors find back to who wrote them. */
const REMEMBERED = 10_000
/** Messages whose ids are longer, in characters, are not remembered. */
const MAX_ID = 128

/** Messages from one occupant to another, through the room (XEP-0045 §7.5). */
export function privateMessages(service: RoomService): RoomAspect {
  /** By the address of the client that got it, who wrote it, and its id. */
  const sent = new Lru<string, true>(REMEMBERED)
  service.whisper = (room, event) => whisper(room, event, sent)
  return {
    name: 'private-messages',
    settings: [allowPm],
    bounced(room, seat, event) {
      if (sent.delete(keyOf(seat.address, event.to.toString(), event.stanza.attrs['id']))) passBack(room, seat, event)
    },
  }
}

function whisper(room: Room, event: StanzaEvent, sent: Lru<string, true>): void {
  const { to, type, stanza } = event
  const seat = room.seat(event.from)
  if (seat === undefined) {
    if (room.known.locked) throw new StanzaError('item-not-found', 'There is no such room.')
    throw new StanzaError('not-acceptable', 'Only those who are in the room may write to those who are.')
  }
  if (type === 'groupchat') throw new StanzaError('bad-request', 'To all one speaks at the address of the room.')
  const addressee = room.occupants.get(to.resource)
  if (addressee === undefined) throw new StanzaError('item-not-found', 'Nobody of this nick is in the room.')
  const { occupant } = seat
  for (const aspect of room.service.doing('whispering')) aspect.whispering(room, seat, event)
  if (!allowed[room.get(allowPm)].includes(occupant.role))
    throw new StanzaError('forbidden', 'You may not send private messages in this room.')
  const message = shaped(room, stanza)
  message.append(xml('x', { xmlns: NS_MUC_USER }), xml('occupant-id', { xmlns: NS_OCCUPANT_ID, id: occupant.id }))
  const { id = '' } = stanza.attrs
  // §7.2.8: to all clients. Their archive knows that they are one message.
  for (const { address } of addressee.seats) {
    if (id !== '' && id.length <= MAX_ID) sent.set(ownText(keyOf(address, occupant.address, id)), true)
    deliver(room, message, occupant.address, address)
  }
}

function keyOf(client: string, writer: string, id: string | undefined): string {
  return `${client} ${writer} ${id}`
}

/** An error with which a client answers what was written to it. */
function passBack(room: Room, seat: Seat, { to, stanza }: StanzaEvent): void {
  const writer = room.occupants.get(to.resource)
  if (writer === undefined) return
  const message = shaped(room, stanza)
  message.children = message.children.map((child) =>
    typeof child !== 'string' && child.name === 'error' ? anonymousError(child) : child,
  )
  for (const { address } of writer.seats) deliver(room, message, seat.occupant.address, address)
}

/** Goes through the flows of the addressee, which may have blocked the room, or be away for a moment. */
function deliver({ service }: Room, message: Element, from: string, to: string): void {
  const copy = readdressed(message, to)
  copy.attrs['from'] = from
  service.host.route(copy)
}

/** A copy without what only rooms say. */
function shaped({ service, address }: Room, stanza: Element): Element {
  const message = xml('message', stanza.attrs)
  message.children = stanza.children.filter(
    (child) => typeof child === 'string' || !service.forbidden.has(`${child.name} ${child.attrs['xmlns']}`),
  )
  // XEP-0359 §3, rule 2
  stripForged(message, address, (domain) => domain === service.domain || service.host.serves(domain))
  unforge(message)
  // As for what is said to all: the room knows when it was.
  for (const delay of message.getChildren('delay', NS_DELAY)) message.remove(delay)
  return message
}

/**
 * An error as others may see it: without the address of who found it, and without what is said in words, which may name the
 * domain or the account of whom they know by a nick, as do the addresses in `<gone/>` and `<redirect/>`.
 */
export function anonymousError(error: Element): Element {
  const copy = xml('error', { ...error.attrs, by: undefined })
  for (const child of error.getChildElements()) {
    if (child.attrs['xmlns'] !== NS_STANZAS) copy.append(child)
    else if (child.name !== 'text') copy.append(xml(child.name, { xmlns: NS_STANZAS }))
  }
  return copy
}
