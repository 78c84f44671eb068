import { type Element, Jid, JidError, Lru, StanzaError, type StanzaEvent, xml } from '#api'
import { change, effective, readAffiliations } from '../changing.ts'
import type { RoomAspect } from '../hooks.ts'
import { NS_MUC_USER } from '../namespaces.ts'
import type { Seat } from '../occupant.ts'
import { isAtLeast } from '../roles.ts'
import type { Room } from '../room.ts'
import type { RoomService } from '../service.ts'
import { flagSetting } from '../setting.ts'
import { membersOnly } from './members-only.ts'
import { passwordOf } from './password.ts'

/** Whether members may invite to a room for members; admins may in any case (XEP-0045 §7.8.2, §9.5). */
export const allowInvites = flagSetting(
  'allowInvites',
  'muc#roomconfig_allowinvites',
  'Members may invite others to a members-only room',
  false,
)

/** Invitations in one message. */
const MOST = 20
/** Invitations of a service that are remembered, so that they can be declined. */
const REMEMBERED = 10_000

/** Invitations that a service has passed on, by room and both accounts: the inviter as it was then. */
const invited = new WeakMap<RoomService, Lru<string, Jid>>()

/** Invitations through the room (XEP-0045 §7.8.2). */
export const invitations: RoomAspect = {
  name: 'invitations',
  settings: [allowInvites],
  async message(room, event) {
    if (event.type !== 'normal') return false
    const x = event.stanza.getChild('x', NS_MUC_USER)
    const invites = x?.getChildren('invite') ?? []
    const decline = x?.getChild('decline')
    if (invites.length > 0) await passOn(room, event, invites)
    else if (decline !== undefined) passBack(room, event, decline)
    else return false
    return true
  },
}

async function passOn(room: Room, event: StanzaEvent, invites: readonly Element[]): Promise<void> {
  const seat = room.seat(event.from)
  mustBeInvited(room, seat)
  if (invites.length > MOST) throw new StanzaError('policy-violation', `Invite ${MOST} at most at a time.`)
  const inviter = seat.occupant
  const isForMembers = room.get(membersOnly)
  // §9.5
  if (isForMembers && !isAtLeast(inviter.affiliation, 'admin') && !room.get(allowInvites))
    throw new StanzaError('forbidden', 'Only admins invite to this room.')
  const guests = invites.map((invite) => ({ invite, jid: addressIn(invite) }))
  // A domain that became a member would bring in all its accounts.
  if (guests.some(({ jid }) => jid.local === '')) throw new StanzaError('not-acceptable', 'One invites accounts.')
  if (isForMembers) {
    await makeMembers(
      room,
      guests.map(({ jid }) => jid.bare),
      inviter.nick,
    )
  }
  for (const { invite, jid } of guests) sendInvitation(room, event.from, jid, event.stanza.attrs['id'], invite)
}

/** XEP-0045 §7.2.10, §7.4: whoever is not in the room speaks for nobody there. */
function mustBeInvited(room: Room, seat: Seat | undefined): asserts seat is Seat {
  if (seat !== undefined) return
  if (room.known.locked) throw new StanzaError('item-not-found', 'There is no such room.')
  throw new StanzaError('not-acceptable', 'Only those who are in the room may invite others.')
}

/** §9.5: who is invited to a room for members becomes one, whom an admin has banned does not. */
async function makeMembers(room: Room, accounts: readonly Jid[], actor: string): Promise<void> {
  const known = await readAffiliations(
    room,
    accounts.flatMap((account) => [account.toString(), account.domain]),
  )
  const strangers = new Set<string>()
  for (const account of accounts) {
    const affiliation = effective(account, room.service.isAdmin(account), known)
    if (affiliation === 'outcast') throw new StanzaError('not-allowed', `${account} is banned from this room.`)
    if (affiliation === 'none') strangers.add(account.toString())
  }
  const affiliations = [...strangers].map((jid) => ({ jid, affiliation: 'member' as const }))
  const tell = await change(room, { affiliations, actor, isKnown: true }, known)
  await tell()
}

/**
 * Invites somebody to a room on behalf of an inviter, with the reason and what the talk continues as `invite` has it; with
 * the password of the room (XEP-0045 §7.8.2).
 */
export function sendInvitation(room: Room, inviter: Jid, guest: Jid, id?: string, invite?: Element): void {
  const passed = xml('invite', { from: inviter.toString() })
  passed.children = invite?.children.filter((child) => typeof child !== 'string') ?? []
  const x = xml('x', { xmlns: NS_MUC_USER }, passed)
  const password = passwordOf(room)
  if (password !== undefined) x.append(xml('password', null, password))
  remember(room, inviter, guest)
  room.service.host.route(xml('message', { from: room.address, to: guest.toString(), id }, x))
}

/** Tells an inviter of this room that somebody will not come: nobody else, for strangers may send this, too. */
function passBack(room: Room, event: StanzaEvent, decline: Element): void {
  room.mustExist()
  const { from, stanza } = event
  const inviter = inviterOf(room, addressIn(decline), from.bare)
  if (inviter === undefined) throw new StanzaError('item-not-found', 'There was no such invitation.')
  const passed = xml('decline', { from: from.bare.toString() })
  passed.children = decline.children.filter((child) => typeof child !== 'string' && child.name === 'reason')
  const to = room.seat(inviter) === undefined ? inviter.bare : inviter
  const x = xml('x', { xmlns: NS_MUC_USER }, passed)
  room.service.host.route(xml('message', { from: room.address, to: to.toString(), id: stanza.attrs['id'] }, x))
}

function remember(room: Room, inviter: Jid, guest: Jid): void {
  const { service } = room
  let known = invited.get(service)
  if (known === undefined) {
    known = new Lru(REMEMBERED)
    invited.set(service, known)
  }
  known.set(keyOf(room, inviter, guest.bare), inviter)
}

/** The inviter that somebody means, once: by a real address, or by that of an occupant. */
function inviterOf(room: Room, meant: Jid, guest: Jid): Jid | undefined {
  const account = meant.bare.equals(room.jid) ? room.occupants.get(meant.resource)?.account : meant.bare
  const known = invited.get(room.service)
  if (account === undefined || known === undefined) return undefined
  const key = keyOf(room, account, guest)
  const inviter = known.get(key)
  known.delete(key)
  return inviter
}

function keyOf(room: Room, inviter: Jid, guest: Jid): string {
  return `${room.address} ${inviter.bare} ${guest}`
}

/** @throws StanzaError `bad-request` without an address, `jid-malformed` for one that is none. */
function addressIn(element: Element): Jid {
  const { to } = element.attrs
  if (to === undefined) throw new StanzaError('bad-request', 'Say whom in the attribute "to".')
  try {
    return Jid.parse(to)
  } catch (error) {
    if (error instanceof JidError) throw new StanzaError('jid-malformed', 'The attribute "to" is no address.')
    throw error
  }
}
