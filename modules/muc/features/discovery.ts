import {
  type Element,
  type FormField,
  Jid,
  NS_RSM,
  noSuchPage,
  pageElement,
  readPage,
  StanzaError,
  type StanzaEvent,
  xml,
} from '#api'
import { infoElement, itemsElement, NS_INFO, NS_ITEMS } from '../../disco/index.ts'
import type { RoomAspect, RoomRequest } from '../hooks.ts'
import { NS_MUC, NS_OCCUPANT_ID, ROOM_CONFIG, ROOM_INFO } from '../namespaces.ts'
import { MAX_PAGE } from '../records.ts'
import { isAtLeast } from '../roles.ts'
import type { Room } from '../room.ts'
import type { RoomService } from '../service.ts'
import { roomName } from './identity.ts'
import { isPublic } from './listing.ts'
import { membersOnly } from './members-only.ts'
import { isShown } from './presence-broadcast.ts'

/** Of the service and of each room (XEP-0045 §6.2, §6.4, §7.4; XEP-0421 §2). */
const COMMON = [NS_INFO, NS_ITEMS, NS_MUC, `${NS_MUC}#stable_id`, NS_OCCUPANT_ID]
/** XEP-0045 §18.1.1 */
const TRAFFIC = `${NS_MUC}#traffic`

/** How a service and its rooms are found, and what they say of themselves (XEP-0045 §6). */
export function discovery(service: RoomService): RoomAspect {
  service.serviceIqs.set(`get query ${NS_INFO}`, (query) => describeService(service, query))
  service.serviceIqs.set(`get query ${NS_ITEMS}`, (query, event) => listRooms(service, query, event))
  return {
    name: 'discovery',
    features: () => [ROOM_CONFIG, ROOM_INFO],
    info: (room, isInside) => (isInside ? [occupantsField(room), historyField(room)] : []),
    iqs: [
      { type: 'get', name: 'query', xmlns: NS_INFO, handler: describeRoom },
      { type: 'get', name: 'query', xmlns: NS_ITEMS, handler: listRoom },
    ],
  }
}

function occupantsField(room: Room): FormField {
  return { var: 'muc#roominfo_occupants', label: 'Number of occupants', values: [String(room.occupants.size)] }
}

function historyField({ service }: Room): FormField {
  const max = String(service.settings.history.kept)
  return { var: 'muc#maxhistoryfetch', label: 'Most messages that those who enter get', values: [max] }
}

/** XEP-0045 §6.2 */
function describeService(service: RoomService, query: Element): Element {
  if (query.attrs['node'] !== undefined) throw noSuchNode()
  const ofAspects = service.doing('serviceFeatures').flatMap((aspect) => aspect.serviceFeatures)
  return infoElement({
    identities: [{ category: 'conference', type: 'text', name: service.settings.name }],
    features: [...COMMON, NS_RSM, ...ofAspects],
    forms: [],
  })
}

/**
 * The rooms that somebody may find, by address (XEP-0045 §6.3): those that are public, and those in which one has an
 * affiliation. In pages (XEP-0059) when it is asked for, or when there are many.
 */
async function listRooms(service: RoomService, query: Element, { from }: StanzaEvent): Promise<Element> {
  if (query.attrs['node'] !== undefined) throw noSuchNode()
  const wish = readPage(query, MAX_PAGE)
  const of = { visibleTo: from.bare.toString() }
  const rooms = await service.store.page({
    limit: wish?.max ?? MAX_PAGE,
    ...(wish?.after !== undefined && { after: localOf(service, wish.after) }),
    ...(wish?.before !== undefined && { before: wish.before === '' ? '' : localOf(service, wish.before) }),
    ...of,
  })
  const answer = xml('query', { xmlns: NS_ITEMS })
  for (const { local, name } of rooms)
    answer.append(xml('item', { jid: `${local}@${service.domain}`, name: name === '' ? undefined : name }))
  if (wish === undefined && rooms.length < MAX_PAGE) return answer
  const ids = rooms.map(({ local }) => `${local}@${service.domain}`)
  answer.append(pageElement(ids, await service.store.count(of)))
  return answer
}

/** The room whose address somebody gives as the end of a page; it need not be there any more. */
function localOf({ domain }: RoomService, text: string): string {
  const jid = Jid.tryParse(text)
  if (jid?.domain === domain && jid.isBare && jid.local !== '') return jid.local
  // XEP-0059 §2.2
  throw noSuchPage('The page begins at no room.')
}

/** XEP-0045 §6.4 */
async function describeRoom(query: Element, request: RoomRequest): Promise<Element> {
  const { room } = request
  const node = query.attrs['node']
  if (node !== undefined) return await describeNode(node, 'info', request)
  const isInside = await knowsRoom(request)
  // Who has no business in a room that is hidden learns how to treat it, and no more.
  const isSecret = !isInside && !room.get(isPublic)
  const name = isSecret ? '' : room.get(roomName)
  const fields: FormField[] = []
  if (!isSecret) for (const aspect of room.service.doing('info')) fields.push(...(await aspect.info(room, isInside)))
  return infoElement({
    identities: [{ category: 'conference', type: 'text', ...(name !== '' && { name }) }],
    features: [...COMMON, ...room.service.doing('features').flatMap((aspect) => aspect.features(room))],
    forms: fields.length === 0 ? [] : [{ formType: ROOM_INFO, fields }],
  })
}

/** XEP-0045 §6.5: who is there only those learn who are there, too. */
async function listRoom(query: Element, request: RoomRequest): Promise<Element> {
  const { room, seat } = request
  const node = query.attrs['node']
  if (node !== undefined) return await describeNode(node, 'items', request)
  if (seat === undefined) return itemsElement([])
  const isMeant = seat.occupant.role === 'moderator' ? () => true : isShown
  const seen = [...room.occupants.values()].filter((occupant) => occupant === seat.occupant || isMeant(room, occupant))
  return itemsElement(seen.map(({ address }) => ({ jid: address })))
}

async function describeNode(node: string, of: 'info' | 'items', request: RoomRequest): Promise<Element> {
  for (const aspect of request.room.service.doing('node')) {
    const answer = await aspect.node(node, of, request)
    if (answer !== undefined) return answer
  }
  // XEP-0045 §18.1.1: a room that lets all pass has nothing to list.
  if (of === 'info' && node === TRAFFIC)
    throw new StanzaError('service-unavailable', 'All namespaces may be used in this room.')
  throw noSuchNode()
}

/** Whether somebody may know what goes on in a room: in one for members, its members. */
async function knowsRoom({ room, seat, affiliation }: RoomRequest): Promise<boolean> {
  return seat !== undefined || !room.get(membersOnly) || isAtLeast(await affiliation(), 'member')
}

function noSuchNode(): StanzaError {
  return new StanzaError('item-not-found', 'There is no such node.')
}
