import { type Element, Jid, JidError, StanzaError, xml } from '#api'
import {
  type Affiliations,
  change,
  effective,
  MAX_TOLD,
  mustBeAccount,
  type RoleChange,
  readAddress,
  readAffiliations,
} from '../changing.ts'
import type { RoomAspect, RoomRequest } from '../hooks.ts'
import { NS_MUC_ADMIN } from '../namespaces.ts'
import type { Occupant, Role } from '../occupant.ts'
import type { Affiliation, AffiliationChange } from '../records.ts'
import {
  isAffiliation,
  isAtLeast,
  isRole,
  mayAssign,
  type Refusal,
  refusesAffiliation,
  refusesRole,
  type Standing,
} from '../roles.ts'
import type { Room } from '../room.ts'
import { sendInvitation } from './invitations.ts'
import { membersOnly } from './members-only.ts'
import { reservable } from './nicks.ts'

/** Roles and affiliations, as moderators, admins and owners change them (XEP-0045 §8.2–8.5, §9, §10.3–10.8). */
export const administration: RoomAspect = {
  name: 'administration',
  iqs: [{ type: 'set', name: 'query', xmlns: NS_MUC_ADMIN, handler: takeChanges }],
}

/** One `<item/>`: the role of a nick, or the affiliation of an address. */
export type Wish =
  | {
      readonly role: Role
      readonly nick: string | undefined
      readonly jid: string | undefined
      readonly reason?: string
    }
  | {
      readonly affiliation: Affiliation
      readonly jid: string | undefined
      readonly nick: string | undefined
      readonly reason?: string
    }

/** The items of a request. @throws StanzaError `bad-request` for what cannot be understood, `jid-malformed`. */
export function readWishes(query: Element): Wish[] {
  const items = query.getChildren('item', NS_MUC_ADMIN)
  if (items.length === 0) throw badRequest('Say in items what is to be changed.')
  return items.map(readWish)
}

function readWish(item: Element): Wish {
  const { role, affiliation, nick, jid } = item.attrs
  const reason = item.getChildText('reason', NS_MUC_ADMIN)
  const why = reason === null || reason === '' ? {} : { reason }
  if ((role === undefined) === (affiliation === undefined)) throw badRequest('An item has a role or an affiliation.')
  if (nick === undefined && jid === undefined) throw badRequest('An item says whom it means.')
  const address = jid === undefined ? undefined : readAddress(jid)
  if (role !== undefined) {
    if (!isRole(role)) throw badRequest(`${role} is not a role.`)
    return { role, nick, jid: address, ...why }
  }
  if (!isAffiliation(affiliation!)) throw badRequest(`${affiliation} is not an affiliation.`)
  if (address !== undefined) mustBeAccount(address, affiliation)
  return { affiliation, jid: address, nick, ...why }
}

/** Somebody who asks for changes. */
interface Asker extends Standing {
  readonly account: Jid
  readonly nick: string | undefined
}

async function takeChanges(query: Element, request: RoomRequest): Promise<void> {
  const { room } = request
  const wishes = readWishes(query)
  const asker = await askerOf(request)
  const roles: RoleChange[] = []
  const affiliations: AffiliationChange[] = []
  for (const wish of wishes)
    if ('role' in wish) roles.push(...roleChanges(room, asker, wish))
    else affiliations.push(affiliationChange(room, asker, wish))
  const before = await readAffiliations(
    room,
    affiliations.map(({ jid }) => jid),
  )
  for (const one of affiliations) guard(room, asker, one, before)
  // Those who are not in the room are written to.
  const people = Math.min(affiliations.length, MAX_TOLD)
  if (people > 0) for (const aspect of room.service.doing('telling')) aspect.telling(asker.account, people)
  const tell = await change(room, { roles, affiliations, actor: asker.nick }, before)
  request.afterwards(async () => {
    await tell()
    const isInvited = ({ jid, affiliation }: AffiliationChange) => affiliation === 'member' && isNew(room, jid, before)
    for (const { jid } of affiliations.filter(isInvited).slice(0, MAX_TOLD))
      sendInvitation(room, asker.account, Jid.parse(jid))
  })
}

/** The asker with the best of its roles: what one client may another of the account may as well (XEP-0045 §8). */
async function askerOf({ room, from, seat, affiliation }: RoomRequest): Promise<Asker> {
  const all = [...room.of(from.bare)]
  const own = seat?.occupant ?? all[0]
  const role = all.some((occupant) => occupant.role === 'moderator') ? 'moderator' : (own?.role ?? 'none')
  return { account: from.bare, affiliation: await affiliation(), role, nick: own?.nick }
}

function roleChanges(room: Room, asker: Asker, { role, nick, jid, reason }: Wish & { role: Role }): RoleChange[] {
  if (!mayAssign(asker)) throw refusal('forbidden')
  const targets =
    nick === undefined
      ? [...room.occupants.values()].filter(({ account }) => account.toString() === jid)
      : [occupantOf(room, nick)]
  if (targets.length === 0) throw new StanzaError('item-not-found', `${jid} is not in the room.`)
  for (const target of targets) {
    // §8.2: to kick oneself is no crime.
    const leaves = role === 'none' && target.account.equals(asker.account)
    const refused = leaves ? undefined : refusesRole(asker, target, role)
    // §8.4: "along with the offending item(s)".
    if (refused !== undefined) throw refusal(refused, xml('item', { nick: target.nick, role }))
  }
  return targets.map((occupant) => ({ occupant, role, reason }))
}

function affiliationChange(
  room: Room,
  asker: Asker,
  { affiliation, jid, nick, reason }: Wish & { affiliation: Affiliation },
): AffiliationChange {
  if (!isAtLeast(asker.affiliation, 'admin')) throw refusal('forbidden')
  const why = reason === undefined ? {} : { reason }
  // Where there is no address the nick says who is meant, else it is the nick that is reserved (§9.3, §9.5).
  if (jid === undefined) return { jid: occupantOf(room, nick!).account.toString(), affiliation, ...why }
  return { jid, affiliation, ...why, ...(nick !== undefined && { nick: reservedNick(room, nick) }) }
}

function occupantOf(room: Room, nick: string): Occupant {
  const occupant = room.occupants.get(prepared(room, nick) ?? '')
  if (occupant === undefined) throw new StanzaError('item-not-found', `Nobody in the room is called ${nick}.`)
  return occupant
}

/** §9.5: an empty nick sets the reserved one free. */
function reservedNick(room: Room, nick: string): string {
  if (nick === '') return ''
  const fit = prepared(room, nick)
  const visible = fit === undefined ? undefined : reservable(room, fit)
  if (visible === undefined) throw new StanzaError('not-acceptable', 'That is not a nick.')
  return visible
}

function prepared(room: Room, nick: string): string | undefined {
  try {
    return room.jid.withResource(nick).resource
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}

/** @throws StanzaError when this change is not the asker's to make. */
function guard(room: Room, asker: Asker, { jid, affiliation }: AffiliationChange, before: Affiliations): void {
  // §9.1
  if (affiliation === 'outcast' && jid === asker.account.toString())
    throw new StanzaError('conflict', 'Nobody bans themselves.')
  const isServiceAdmin = room.service.isAdmin(Jid.parse(jid))
  const was = isServiceAdmin ? 'owner' : (before.get(jid)?.affiliation ?? 'none')
  const refused =
    refusesAffiliation(asker.affiliation, was, affiliation) ??
    (isServiceAdmin && affiliation === 'outcast' ? 'not-allowed' : undefined)
  if (refused !== undefined) throw refusal(refused)
}

/** §9.5: invited are those who had nothing to do with a room that is for members, and are not there. */
function isNew(room: Room, jid: string, before: Affiliations): boolean {
  if (!room.get(membersOnly) || !jid.includes('@')) return false
  const account = Jid.parse(jid)
  return effective(account, room.service.isAdmin(account), before) === 'none' && room.of(account).next().done === true
}

function badRequest(text: string): StanzaError {
  return new StanzaError('bad-request', text)
}

function refusal(condition: Refusal, item?: Element): StanzaError {
  const extra = item && { payload: xml('query', { xmlns: NS_MUC_ADMIN }, item) }
  return condition === 'forbidden'
    ? new StanzaError('forbidden', 'That is not for you to change.', extra)
    : new StanzaError('not-allowed', 'Nobody changes that of somebody who is above them.', extra)
}
