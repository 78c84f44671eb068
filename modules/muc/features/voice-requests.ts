import { dataForm, defineSlot, type Element, Jid, JidError, randomId, readForm, StanzaError, Wire, xml } from '#api'
import { change } from '../changing.ts'
import type { RoomAspect } from '../hooks.ts'
import { NS_FORMS, NS_MUC } from '../namespaces.ts'
import type { Occupant, Seat } from '../occupant.ts'
import type { Room } from '../room.ts'

const REQUEST = `${NS_MUC}#request`

/** How soon somebody may ask again whom nobody has answered. */
const PATIENCE_MS = 30_000

/** When occupants asked for voice last, by occupant id. */
const asked = defineSlot<Map<string, number>>('muc/voice-requests', () => new Map())

/** Visitors ask for voice, and moderators give it to them (XEP-0045 §7.13, §8.6). */
export const voiceRequests: RoomAspect = {
  name: 'voice-requests',
  features: () => [REQUEST],
  async message(room, event) {
    const form = readRequest(event.stanza)
    if (form === undefined) return false
    room.mustExist()
    const seat = room.seat(event.from)
    // §7.4: as for whatever is said in the room by whoever is not in it.
    if (seat === undefined) throw new StanzaError('not-acceptable', 'Only those who are in the room may ask for voice.')
    if (form.has('muc#request_allow')) await decide(room, seat, form)
    else ask(room, seat, form)
    return true
  },
  left: (room, occupant) => void room.slots.get(asked).delete(occupant.id),
}

type Form = ReadonlyMap<string, readonly string[]>

/** A form of requests that was sent; `undefined` for any other message, an empty one for a form that was cancelled. */
function readRequest(stanza: Element): Form | undefined {
  return stanza.getChild('x', NS_FORMS) === undefined ? undefined : readForm(stanza, REQUEST)
}

function ask(room: Room, { occupant, address }: Seat, form: Form): void {
  if (form.get('muc#role')?.[0] !== 'participant') throw new StanzaError('bad-request', 'One asks to be a participant.')
  if (occupant.role !== 'visitor') throw new StanzaError('not-allowed', 'You have voice already.')
  const moderators = [...room.occupants.values()].filter(({ role }) => role === 'moderator')
  if (moderators.length === 0)
    throw new StanzaError('recipient-unavailable', 'There is no moderator in the room, who could give you voice.')
  const last = room.slots.get(asked)
  const now = room.service.clock.now()
  if (now - (last.get(occupant.id) ?? Number.NEGATIVE_INFINITY) < PATIENCE_MS)
    throw new StanzaError('resource-constraint', 'You have just asked; the moderators know.')
  last.set(occupant.id, now)
  const request = Wire.of(requestOf(room, occupant, address))
  for (const { seats } of moderators) for (const seat of seats) room.send(seat, request, room.jid)
}

/** XEP-0045 §8.6 */
function requestOf(room: Room, occupant: Occupant, address: string): Element {
  const form = dataForm(
    'form',
    REQUEST,
    [
      {
        var: 'muc#role',
        type: 'list-single',
        label: 'Requested role',
        values: ['participant'],
        options: [{ value: 'participant', label: 'Participant' }],
      },
      { var: 'muc#jid', type: 'jid-single', label: 'Address', values: [address] },
      { var: 'muc#roomnick', type: 'text-single', label: 'Nick', values: [occupant.nick] },
      { var: 'muc#request_allow', type: 'boolean', label: 'Give this person voice?', values: ['0'] },
    ],
    { title: 'Request for voice', instructions: 'Submit this form to let this person speak to all.' },
  )
  return xml('message', { from: room.address, id: randomId() }, form)
}

async function decide(room: Room, { occupant: moderator }: Seat, form: Form): Promise<void> {
  if (moderator.role !== 'moderator') throw new StanzaError('forbidden', 'Only moderators give voice.')
  const [allow = ''] = form.get('muc#request_allow') ?? []
  if (!['0', '1', 'false', 'true'].includes(allow)) throw new StanzaError('bad-request', 'Say whether, by 1 or 0.')
  const occupant = meant(room, form)
  if (occupant === undefined) throw new StanzaError('item-not-found', 'Whoever asked has left the room.')
  room.slots.get(asked).delete(occupant.id)
  if (allow === '0' || allow === 'false' || occupant.role !== 'visitor') return
  const tell = await change(room, { roles: [{ occupant, role: 'participant' }], actor: moderator.nick })
  await tell()
}

/** Whoever asked, whatever nick it has by now; a form that names the nick alone means that. */
function meant(room: Room, form: Form): Occupant | undefined {
  const [jid] = form.get('muc#jid') ?? []
  const [nick = ''] = form.get('muc#roomnick') ?? []
  if (jid === undefined) return room.occupants.get(nick)
  try {
    return room.seat(Jid.parse(jid))?.occupant
  } catch (error) {
    if (error instanceof JidError) throw new StanzaError('bad-request', `${jid} is not an address.`)
    throw error
  }
}
