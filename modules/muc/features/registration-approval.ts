import { dataForm, type FormField, Jid, Lru, readBoolean, StanzaError, xml } from '#api'
import type { Affiliation } from '../records.ts'
import { isAtLeast } from '../roles.ts'
import type { Room } from '../room.ts'
import type { RoomService } from '../service.ts'
import { fieldsOf, NICK, REGISTER, readAnswers } from './registration-form.ts'

const ALLOW = 'muc#register_allow'
/** The specification has no field for whose request it is. */
const JID = 'muc#jid'
/** Owners, and admins, who are asked when none of them is in the room. */
const MOST_ASKED = 20

/** What somebody wants who registers. */
export interface Application {
  /** The bare JID. */
  readonly jid: string
  readonly nick: string
  readonly answers: Readonly<Record<string, string>>
}

/** How soon somebody may ask again. */
const PATIENCE_MS = 60_000
/** Applications of a service whose time is remembered. */
const REMEMBERED = 10_000
/** When accounts asked rooms last, ms since the epoch; past the life of a room in memory. */
const asked = new WeakMap<RoomService, Lru<string, number>>()

/** @throws StanzaError `resource-constraint` for somebody who has just asked. */
export function mayAskForApproval({ service, address }: Room, jid: string): void {
  const last = asked.get(service) ?? new Lru(REMEMBERED)
  asked.set(service, last)
  const key = `${address} ${jid}`
  const now = service.clock.now()
  if (now - (last.get(key) ?? Number.NEGATIVE_INFINITY) < PATIENCE_MS)
    throw new StanzaError('resource-constraint', 'You have just asked; the admins of the room know.', { type: 'wait' })
  last.set(key, now)
}

/** Asks those who may decide: who of them is in the room, or all of them when nobody is (XEP-0045 §9.9). */
export async function askForApproval(room: Room, application: Application): Promise<void> {
  const { jid, nick, answers } = application
  const fields: FormField[] = [
    { var: JID, type: 'jid-single', label: 'Address', values: [jid] },
    ...fieldsOf(room, { nick, registration: answers }).filter(({ values }) => values !== undefined),
    { var: ALLOW, type: 'boolean', label: 'Allow this person to register with the room?', values: ['0'] },
  ]
  const form = dataForm('form', REGISTER, fields, {
    title: 'Registration request',
    instructions: 'To approve this registration request, select the last field.',
  })
  const present = [...room.seats.values()].filter(({ occupant }) => isAtLeast(occupant.affiliation, 'admin'))
  for (const { address } of present) room.service.host.route(xml('message', { from: room.address, to: address }, form))
  if (present.length > 0) return
  // It is read when they come.
  const body = xml('body', null, `${jid} wants to register with the room as ${nick}.`)
  for (const to of await decidersOf(room))
    room.service.host.route(xml('message', { from: room.address, to }, body, form))
}

async function decidersOf(room: Room): Promise<string[]> {
  const found: string[] = []
  for (const affiliation of ['owner', 'admin'] satisfies Affiliation[]) {
    const page = await room.service.store.list(room.known.id, affiliation, { limit: MOST_ASKED })
    found.push(...page.map(({ jid }) => jid))
  }
  return found.filter((jid) => jid.includes('@'))
}

/** What an admin has decided: about whom, and what there is to keep. @throws StanzaError `bad-request`, `not-acceptable`. */
export function readApproval(room: Room, form: ReadonlyMap<string, readonly string[]>) {
  const isAllowed = readBoolean(form.get(ALLOW)?.[0] ?? '0')
  if (isAllowed === undefined) throw new StanzaError('bad-request', `${ALLOW} is 1 or 0.`)
  return {
    isAllowed,
    jid: readAccount(form.get(JID)?.[0] ?? ''),
    nickText: form.get(NICK)?.[0],
    answers: readAnswers(room, form),
  }
}

function readAccount(text: string): string {
  const account = Jid.tryParse(text)?.bare
  if (account !== undefined && account.local !== '') return account.toString()
  throw new StanzaError('bad-request', 'The form says of nobody that they want to register.')
}
