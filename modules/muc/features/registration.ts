import { dataForm, type Element, type Jid, JidError, readForm, StanzaError, type StanzaEvent, xml } from '#api'
import { infoElement, NS_INFO } from '../../disco/index.ts'
import { change, effective, readAffiliations } from '../changing.ts'
import type { Entry, RoomAspect, RoomRequest } from '../hooks.ts'
import { move } from '../joining.ts'
import { NS_FORMS } from '../namespaces.ts'
import type { AffiliationRecord } from '../records.ts'
import { isAtLeast, refusesAffiliation } from '../roles.ts'
import type { Room } from '../room.ts'
import { choiceSetting, flagSetting } from '../setting.ts'
import { membersOnly } from './members-only.ts'
import { reservable } from './nicks.ts'
import { askForApproval, mayAskForApproval, readApproval } from './registration-approval.ts'
import { fieldsOf, NICK, REGISTER, readAnswers } from './registration-form.ts'
import { moderated } from './voice.ts'

const NS_REGISTER = 'jabber:iq:register'
/** XEP-0045 §7.12 */
const ROOM_USER_ITEM = 'x-roomuser-item'

/** How somebody who is nothing to the room becomes a member by registering. The specification has no field for this. */
export const registrationBy = choiceSetting(
  'registration',
  'muc#roomconfig_registration',
  'Who may register as a member',
  {
    usual: 'Anyone, with the approval of an admin where membership gives something',
    open: 'Anyone',
    approval: 'Anyone, with the approval of an admin',
    closed: 'Nobody',
  },
  'usual',
)

/** XEP-0045 §7.10, §18.1: those who have a nick reserved go by it. */
export const nicksLocked = flagSetting(
  'nicksLocked',
  'muc#roomconfig_locknicks',
  'Those who have registered go by the nick they have registered',
  false,
)

/** Registering with a room as a member, and nicks that are reserved (XEP-0045 §7.10, §7.12, §9.9). */
export const registration: RoomAspect = {
  name: 'registration',
  settings: [registrationBy, nicksLocked],
  features: () => [NS_REGISTER, REGISTER],
  iqs: [
    { type: 'get', name: 'query', xmlns: NS_REGISTER, handler: showForm },
    { type: 'set', name: 'query', xmlns: NS_REGISTER, handler: takeForm },
  ],
  entering: checkReserved,
  node: (node, of, request) => (node === ROOM_USER_ITEM && of === 'info' ? describeNick(request) : undefined),
  message: takeApproval,
}

/** What the room knows of somebody. */
async function recordOf(room: Room, account: Jid): Promise<AffiliationRecord | undefined> {
  return (await room.service.store.affiliations(room.known.id, [account.toString()]))[0]
}

/** The standing of somebody who may register. @throws StanzaError `not-allowed` for anybody else. */
async function applicantOf({ room, from }: RoomRequest) {
  const account = from.bare
  const known = await readAffiliations(room, [account.toString(), account.domain])
  const affiliation = effective(account, room.service.isAdmin(account), known)
  const isClosed = affiliation === 'none' && room.get(registrationBy) === 'closed'
  // XEP-0045 §7.10
  if (affiliation === 'outcast' || isClosed) throw new StanzaError('not-allowed', 'You cannot register with this room.')
  return { account, affiliation, record: known.get(account.toString()), known }
}

async function showForm(_query: Element, request: RoomRequest): Promise<Element> {
  const { room } = request
  const { record } = await applicantOf(request)
  const query = xml('query', { xmlns: NS_REGISTER })
  if (record?.nick !== undefined) query.append(xml('registered'), xml('username', null, record.nick))
  query.append(
    xml('instructions', null, 'Fill in the form to register with this room.'),
    dataForm('form', REGISTER, fieldsOf(room, record), { title: `Registration with ${room.address}` }),
  )
  return query
}

async function takeForm(query: Element, request: RoomRequest): Promise<void> {
  const { room } = request
  const { account, affiliation, record, known } = await applicantOf(request)
  // XEP-0077 §3.2
  if (query.getChild('remove') !== undefined) return await unregister(request, record)
  const form = readForm(query, REGISTER)
  const nick = form && readNick(room, form.get(NICK)?.[0])
  if (form === undefined || nick === undefined)
    throw new StanzaError('bad-request', 'Registering takes the form, with a nick.')
  const answers = readAnswers(room, form)
  const jid = account.toString()
  const holder = room.occupants.get(nick)
  const owner = await room.service.store.nickOwner(room.known.id, nick)
  if ((holder !== undefined && !holder.account.equals(account)) || (owner !== undefined && owner !== jid))
    throw nickTaken()
  if (affiliation === 'none' && needsApproval(room)) {
    mayAskForApproval(room, jid)
    return request.afterwards(() => askForApproval(room, { jid, nick, answers }))
  }
  const own = record?.affiliation ?? 'member'
  const registered = { jid, affiliation: own, nick, registration: { ...record?.registration, ...answers } }
  const tell = await change(room, { affiliations: [registered], isKnown: true }, known)
  tellAspects(room, jid)
  request.afterwards(async () => {
    await tell()
    if (room.get(nicksLocked)) giveNick(room, account, nick)
  })
}

/** XEP-0045 §7.10: who is in the room goes by the nick at once. */
function giveNick(room: Room, account: Jid, nick: string): void {
  const to = room.jid.withResource(nick)
  for (const occupant of [...room.of(account)])
    if (occupant.nick !== nick) for (const seat of [...occupant.seats]) move(room, seat, to, occupant.presence, [210])
}

/** A member who cancels is none any more; who runs the room goes on doing so. */
async function unregister(request: RoomRequest, record: AffiliationRecord | undefined): Promise<void> {
  const { room, from } = request
  const jid = from.bare.toString()
  if (record?.nick === undefined && record?.registration === undefined)
    // XEP-0077 §3.2
    throw new StanzaError('registration-required', 'You have not registered with this room.')
  if (record.affiliation === 'member') {
    const tell = await change(room, { affiliations: [{ jid, affiliation: 'none' }], isKnown: true })
    request.afterwards(tell)
  } else await room.service.store.reserveNick(room.known.id, jid, undefined)
  tellAspects(room, jid)
}

function tellAspects(room: Room, jid: string): void {
  for (const aspect of room.service.doing('registered')) aspect.registered(room, jid)
}

/** Where a member may do what others may not, somebody else decides who becomes one. */
function needsApproval(room: Room): boolean {
  const by = room.get(registrationBy)
  return by === 'approval' || (by === 'usual' && (room.get(membersOnly) || room.get(moderated)))
}

/** An admin decides about somebody who wants to register (XEP-0045 §9.9). */
async function takeApproval(room: Room, event: StanzaEvent): Promise<boolean> {
  const form = event.stanza.getChild('x', NS_FORMS) && readForm(event.stanza, REGISTER)
  if (form === undefined || event.type === 'groupchat') return false
  room.mustExist()
  const asker = await room.affiliation(event.from.bare)
  if (!isAtLeast(asker, 'admin')) throw new StanzaError('forbidden', 'Only admins decide who registers with this room.')
  const { isAllowed, jid, nickText, answers } = readApproval(room, form)
  if (!isAllowed) return true
  const nick = readNick(room, nickText)
  if (nick === undefined) throw new StanzaError('bad-request', 'That is no nick.')
  const known = await readAffiliations(room, [jid])
  const before = known.get(jid)?.affiliation ?? 'none'
  // Who was banned meanwhile stays so.
  if (before === 'outcast') throw new StanzaError('not-allowed', `${jid} is banned from this room.`)
  const affiliation = before === 'none' ? 'member' : before
  // §5.2.1: who runs the room is not an admin's to change, and asks nobody for approval.
  const refused = refusesAffiliation(asker, before, affiliation)
  if (refused !== undefined && jid !== event.from.bare.toString())
    throw new StanzaError(refused, `${jid} needs no approval of yours.`)
  const actor = room.seat(event.from)?.occupant.nick
  const tell = await change(room, { affiliations: [{ jid, affiliation, nick, registration: answers }], actor }, known)
  tellAspects(room, jid)
  await tell()
  return true
}

/** XEP-0045 §7.2.8, §7.6, §7.10: nicks that are reserved. */
async function checkReserved(entry: Entry): Promise<void> {
  const { room, from, creates, seat } = entry
  if (creates) return
  const { store } = room.service
  if (room.get(nicksLocked)) {
    const nick = (await recordOf(room, from.bare))?.nick
    if (nick !== undefined && nick !== entry.nick) {
      // §7.6
      if (seat !== undefined)
        throw new StanzaError('not-acceptable', `You go by ${nick} in this room.`, { type: 'cancel' })
      entry.nick = nick
    }
    if (nick !== undefined) return
  }
  const owner = await store.nickOwner(room.known.id, entry.nick)
  if (owner !== undefined && owner !== from.bare.toString()) throw nickTaken()
}

/** XEP-0045 §7.12 */
async function describeNick({ room, from }: RoomRequest): Promise<Element> {
  const nick = (await recordOf(room, from.bare))?.nick
  if (nick === undefined) return xml('query', { xmlns: NS_INFO, node: ROOM_USER_ITEM })
  const identities = [{ category: 'conference', type: 'text', name: nick }]
  return infoElement({ identities, features: [], forms: [] }, ROOM_USER_ITEM)
}

/** A nick as it is compared; `undefined` for a text that is none. */
function readNick(room: Room, text: string | undefined): string | undefined {
  try {
    return text === undefined || text === '' ? undefined : reservable(room, room.jid.withResource(text).resource)
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}

function nickTaken(): StanzaError {
  return new StanzaError('conflict', 'This nick is reserved for somebody else.')
}
