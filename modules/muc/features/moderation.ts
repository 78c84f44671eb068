import { type Element, randomId, StanzaError, toDatetime, Wire, xml } from '#api'
import type { RoomAspect, RoomRequest, RoomRetraction, Speech } from '../hooks.ts'
import { NS_OCCUPANT_ID, NS_RETRACT } from '../namespaces.ts'
import { roleFor } from '../roles.ts'
import type { Room } from '../room.ts'

const NS_MODERATE = 'urn:xmpp:message-moderate:1'
/** Characters of the reason that moderators give. */
const MAX_REASON = 1024

/**
 * Messages that are taken back, by who said them (XEP-0424) or by moderators (XEP-0425): where an archive keeps what was said
 * it keeps a tombstone in its place, and nobody hears it again.
 */
export const moderation: RoomAspect = {
  name: 'moderation',
  features: ({ service }) =>
    service.archive === undefined ? [] : [NS_MODERATE, NS_RETRACT, `${NS_RETRACT}#tombstone`],
  iqs: [{ type: 'set', name: 'moderate', xmlns: NS_MODERATE, handler: moderate }],
  forbidden: [`moderated ${NS_MODERATE}`, `retracted ${NS_RETRACT}`],
  shaping: ({ stanza }) => void unforge(stanza),
  following: takeBack,
}

/** XEP-0425 §5: moderations that do not come from the room itself "MUST be discarded". */
export function unforge(stanza: Element): void {
  const isForged = (child: Element): boolean =>
    child.is('retract', NS_RETRACT) && child.getChild('moderated', NS_MODERATE) !== undefined
  if (stanza.getChildElements().some(isForged))
    stanza.children = stanza.children.filter((child) => typeof child === 'string' || !isForged(child))
}

/** XEP-0425 §3: what is on disk is told to all, the moderator too; then comes the result. */
async function moderate(query: Element, request: RoomRequest): Promise<void> {
  const { room } = request
  await mustModerate(request)
  const { id } = query.attrs
  if (query.getChild('retract', NS_RETRACT) === undefined)
    throw new StanzaError('bad-request', 'Moderators take messages back, and do nothing else with them.')
  const reason = query.getChildText('reason') ?? ''
  if (reason.length > MAX_REASON)
    throw new StanzaError('not-acceptable', `A reason has ${MAX_REASON} characters at most.`)
  const { archive } = room.service
  if (id === undefined || archive === undefined || !(await archive.has(room, id)))
    throw new StanzaError('item-not-found', 'There is no such message.')
  const order = orderOf(request, id, reason)
  // XEP-0424 §5: the order is kept, too, and first, so that none that was given is lost with half the work.
  await archive.appendOwn(room, order)
  await retract(room, { id, retracted: tombstone(order.attrs['id']!, room, orderPayload(request, reason)) })
  room.sendToAll(Wire.of(order), room.jid)
}

/** XEP-0425 §3.2. Admins and owners are moderators, present or not. */
async function mustModerate({ room, seat, affiliation }: RoomRequest): Promise<void> {
  const role = seat === undefined ? roleFor(room, await affiliation()) : seat.occupant.role
  if (role !== 'moderator') throw new StanzaError('forbidden', 'Only moderators take back what others have said.')
}

function orderOf(request: RoomRequest, id: string, reason: string): Element {
  const { room } = request
  const retraction = xml('retract', { xmlns: NS_RETRACT, id }, ...orderPayload(request, reason))
  return xml('message', { from: room.address, type: 'groupchat', id: randomId() }, retraction)
}

/** Who did it, and why. */
function orderPayload({ room, seat, from }: RoomRequest, reason: string): Element[] {
  const id = seat?.occupant.id ?? room.occupantId(from.bare)
  const moderated = xml(
    'moderated',
    { xmlns: NS_MODERATE, by: seat?.occupant.address },
    xml('occupant-id', { xmlns: NS_OCCUPANT_ID, id }),
  )
  return reason === '' ? [moderated] : [moderated, xml('reason', null, reason)]
}

/** XEP-0424 §4: `id` is that of the retraction. */
function tombstone(id: string, room: Room, payload: readonly Element[] = []): Element {
  return xml('retracted', { xmlns: NS_RETRACT, id, stamp: toDatetime(room.service.clock.now()) }, ...payload)
}

/** XEP-0424: what somebody takes back that was said by the same account, whatever the nick. */
function takeBack({ room, occupant, stanza }: Speech): (() => Promise<void>) | undefined {
  if (room.service.archive === undefined) return undefined
  const id = stanza.getChild('retract', NS_RETRACT)?.attrs['id']
  const own = stanza.attrs['id']
  // XEP-0424 §4: the tombstone "MUST include" the id of the retraction.
  if (id === undefined || id === '' || own === undefined) return undefined
  const author = occupant.account.toString()
  return () => retract(room, { id, author, retracted: tombstone(own, room) })
}

async function retract(room: Room, retraction: RoomRetraction): Promise<void> {
  const { archive, history } = room.service
  // The room may have ended meanwhile.
  if (room.record === undefined) return
  if ((await archive?.retract(room, retraction)) === true) history.forget(room)
}
