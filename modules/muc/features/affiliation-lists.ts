import { setImmediate } from 'node:timers/promises'
import { type Element, StanzaError, xml } from '#api'
import type { RoomAspect, RoomRequest } from '../hooks.ts'
import { NS_MUC_ADMIN, NS_RSM } from '../namespaces.ts'
import type { Role } from '../occupant.ts'
import { type Affiliation, type AffiliationRecord, MAX_PAGE } from '../records.ts'
import { isAffiliation, isAtLeast, isRole, mayAssign, roleFor, type Standing } from '../roles.ts'
import type { Room } from '../room.ts'
import { rolesSetting } from '../setting.ts'
import { whois } from './anonymity.ts'

/** Which members may know who the members are (XEP-0045 §7.11, §9.5), where everybody's address is known anyway. */
export const memberListRoles = rolesSetting(
  'memberListRoles',
  'muc#roomconfig_getmemberlist',
  'Roles whose members may retrieve the member list',
)

/** The lists of roles and affiliations, for those whom they concern (XEP-0045 §8.5, §9.2, §9.5, §9.8, §10.5, §10.8). */
export const affiliationLists: RoomAspect = {
  name: 'affiliation-lists',
  settings: [memberListRoles],
  iqs: [{ type: 'get', name: 'query', xmlns: NS_MUC_ADMIN, handler: showList }],
}

/** Whether somebody may read the list of an affiliation; the role of whoever is not in the room is `none`. */
export function mayRead(room: Room, which: Affiliation, asker: Standing): boolean {
  const { affiliation } = asker
  if (affiliation === 'owner') return true
  if (which === 'outcast' || which === 'none') return affiliation === 'admin'
  if (which === 'member' && affiliation === 'admin') return true
  // §5.2.1, §9.5, §10.5, §10.8: where addresses are not hidden, members know each other.
  if (room.get(whois) !== 'anyone' || !isAtLeast(affiliation, 'member')) return false
  return room.get(memberListRoles).includes(asker.role === 'none' ? roleFor(room, affiliation) : asker.role)
}

async function showList(query: Element, request: RoomRequest): Promise<Element> {
  const { role, affiliation } = readList(query)
  const { room, from, seat } = request
  const own = seat?.occupant ?? room.of(from.bare).next().value
  const asker: Standing = { role: own?.role ?? 'none', affiliation: await request.affiliation() }
  const answer = xml('query', { xmlns: NS_MUC_ADMIN })
  if (role !== undefined) return listRole(answer, room, role, asker)
  // Outsiders learn nothing at all.
  if (!mayRead(room, affiliation!, asker)) throw forbidden()
  return await listAffiliation(answer, room, affiliation!, asker, readPage(query))
}

function readList(query: Element): { role?: Role | undefined; affiliation?: Affiliation | undefined } {
  const items = query.getChildren('item', NS_MUC_ADMIN)
  const { role, affiliation } = items[0]?.attrs ?? {}
  const isOne = items.length === 1 && (role === undefined) !== (affiliation === undefined)
  if (!isOne || (role !== undefined && !isRole(role)) || (affiliation !== undefined && !isAffiliation(affiliation)))
    throw new StanzaError('bad-request', 'Ask in one item for a role or an affiliation.')
  return { role, affiliation }
}

/** XEP-0045 §8.5, §9.8: moderators read who has voice, admins who the moderators are. */
function listRole(answer: Element, room: Room, role: Role, asker: Standing): Element {
  const may = role === 'moderator' ? isAtLeast(asker.affiliation, 'admin') : mayAssign(asker)
  if (!may) throw forbidden()
  for (const occupant of room.occupants.values())
    if (occupant.role === role)
      answer.append(
        xml('item', {
          affiliation: occupant.affiliation,
          jid: occupant.seats[0]?.address,
          nick: occupant.nick,
          role,
        }),
      )
  return answer
}

/** A part of a list, by address, when it is not wanted whole (XEP-0059). */
interface Page {
  readonly after: string
  readonly max: number
}

function readPage(query: Element): Page | undefined {
  const set = query.getChild('set', NS_RSM)
  if (set === undefined) return undefined
  const max = set.getChildText('max', NS_RSM) ?? String(MAX_PAGE)
  if (!/^\d{1,9}$/.test(max)) throw new StanzaError('bad-request', '<max/> is a number.')
  // XEP-0059 §2: what is not there for a list is told.
  if (set.getChild('before', NS_RSM) !== undefined || set.getChild('index', NS_RSM) !== undefined)
    throw new StanzaError('feature-not-implemented', 'This list is read from its start on, with <after/>.')
  return { after: set.getChildText('after', NS_RSM) ?? '', max: Math.min(Number(max), MAX_PAGE) }
}

async function listAffiliation(
  answer: Element,
  room: Room,
  affiliation: Affiliation,
  asker: Standing,
  page: Page | undefined,
): Promise<Element> {
  // Why somebody is what it is concerns those who make it so.
  const withReasons = isAtLeast(asker.affiliation, 'admin')
  const add = (records: readonly AffiliationRecord[]) => {
    for (const record of records) answer.append(itemOf(record, withReasons))
  }
  if (page === undefined) {
    for await (const records of pagesOf(room, affiliation)) add(records)
    return answer
  }
  const { store } = room.service
  const { after, max } = page
  const records = max === 0 ? [] : await store.list(room.known.id, affiliation, { after, limit: max })
  const total = (await store.counts(room.known.id))[affiliation]
  add(records)
  const set = xml('set', { xmlns: NS_RSM })
  const [first, last] = [records[0], records.at(-1)]
  if (first !== undefined) set.append(xml('first', null, first.jid), xml('last', null, last!.jid))
  set.append(xml('count', null, String(total)))
  answer.append(set)
  return answer
}

/** All of a list, however long, page by page; between them others have their turn. */
export async function* pagesOf(room: Room, affiliation: Affiliation): AsyncGenerator<readonly AffiliationRecord[]> {
  let after = ''
  for (;;) {
    const records = await room.service.store.list(room.known.id, affiliation, { after, limit: MAX_PAGE })
    yield records
    if (records.length < MAX_PAGE) return
    after = records.at(-1)!.jid
    await setImmediate()
  }
}

function itemOf({ jid, affiliation, nick, reason }: AffiliationRecord, withReason: boolean): Element {
  const item = xml('item', { affiliation, jid, nick })
  if (withReason && reason !== undefined) item.append(xml('reason', null, reason))
  return item
}

function forbidden(): StanzaError {
  return new StanzaError('forbidden', 'That list is not for you to read.')
}
