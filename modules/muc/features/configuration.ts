import { isDeepStrictEqual } from 'node:util'
import { dataForm, type Element, readForm, StanzaError, xml } from '#api'
import { change } from '../changing.ts'
import type { Reconfiguration, RoomAspect, RoomRequest } from '../hooks.ts'
import { settle } from '../joining.ts'
import { NS_FORMS, NS_MUC_OWNER, NS_MUC_USER, ROOM_CONFIG } from '../namespaces.ts'
import type { Room } from '../room.ts'
import { indexOf } from '../room-index.ts'
import { appointmentFields, readAppointments } from './appointments.ts'
import { destroy, readFarewell } from './destroying.ts'

/** The form by which owners configure a room (XEP-0045 §10.1.3, §10.2). */
export const configuration: RoomAspect = {
  name: 'configuration',
  iqs: [
    { type: 'get', name: 'query', xmlns: NS_MUC_OWNER, handler: (_query, request) => showForm(request) },
    { type: 'set', name: 'query', xmlns: NS_MUC_OWNER, handler: takeOrder },
  ],
}

/** XEP-0045 §10.2: `forbidden` for everybody else. */
async function mustOwn({ affiliation }: RoomRequest): Promise<void> {
  if ((await affiliation()) !== 'owner') throw new StanzaError('forbidden', 'Only owners configure a room.')
}

async function showForm(request: RoomRequest): Promise<Element> {
  await mustOwn(request)
  return xml('query', { xmlns: NS_MUC_OWNER }, await configForm(request.room))
}

/** The configuration of a room as a form. */
export async function configForm(room: Room): Promise<Element> {
  const settings = room.service.roomSettings.map((setting) => ({
    ...setting.field,
    values: setting.write(room.get(setting)),
  }))
  const fields = [...settings, ...(await appointmentFields(room))]
  return dataForm('form', ROOM_CONFIG, fields, {
    title: `Configuration of ${room.address}`,
    instructions: 'What is left out stays as it is.',
  })
}

async function takeOrder(query: Element, request: RoomRequest): Promise<void> {
  await mustOwn(request)
  const { room } = request
  const farewell = query.getChild('destroy', NS_MUC_OWNER)
  if (farewell !== undefined) return await destroy(room, readFarewell(farewell))
  const form = query.getChild('x', NS_FORMS)
  if (form === undefined) throw new StanzaError('bad-request', 'Send a form, or destroy the room.')
  if (form.attrs['type'] === 'cancel') return await cancel(room)
  if (form.attrs['type'] !== 'submit') throw new StanzaError('bad-request', 'The form must be submitted.')
  // §10.1.2: an empty form accepts the defaults.
  const values = form.getChildElements().length === 0 ? new Map() : readForm(query, ROOM_CONFIG)
  if (values === undefined) throw new StanzaError('bad-request', `The FORM_TYPE is ${ROOM_CONFIG}.`)
  const settings = readValues(room, values)
  const appointed = await readAppointments(room, values)
  mayConfigure(room, settings)
  const actor = request.seat?.occupant.nick
  if (appointed.length > 0) {
    // Who is told of first may be taken out by the settings, and who hears of that last is not to see them come back.
    const tell = await change(room, { affiliations: appointed, actor })
    await tell()
    // It may have been the last occupant who had to go.
    if (room.record === undefined) return
  }
  await configure(room, settings)
}

/** XEP-0045 §10.1.3: cancelling the first configuration destroys the room. */
async function cancel(room: Room): Promise<void> {
  if (!room.known.locked) return
  await destroy(room, {})
}

/** The values of settings that a form gives; a field that nobody knows is passed over. */
export function readValues(room: Room, form: ReadonlyMap<string, readonly string[]>): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const setting of room.service.roomSettings) {
    const texts = form.get(setting.field.var)
    if (texts !== undefined) values[setting.key] = setting.read(texts)
  }
  return values
}

/** Gives settings of a room other values: on disk, then to be heard of (XEP-0045 §10.2.1). It opens a room that was locked. */
export async function configure(room: Room, values: Readonly<Record<string, unknown>>): Promise<void> {
  const { service } = room
  mayConfigure(room, values)
  const { record: before } = room
  const { locked } = room.known
  const changed = service.roomSettings.filter(
    (setting) => setting.key in values && !isDeepStrictEqual(values[setting.key], room.get(setting)),
  )
  if (changed.length === 0 && !locked) return
  const settings = { ...room.known.settings, ...values }
  room.record = { ...room.known, settings, locked: false }
  try {
    await service.store.saveSettings(room.record.id, settings, indexOf(room), false)
  } catch (error) {
    room.record = before
    throw error
  }
  const news: Reconfiguration = {
    room,
    codes: new Set(),
    was: (setting) => (before?.settings[setting.key] ?? service.defaults[setting.key] ?? setting.initial) as never,
  }
  for (const aspect of service.aspects) {
    const told = news.codes.size
    aspect.configured?.(news)
    // §10.2.1: 104 for whatever has no code of its own.
    if (news.codes.size === told && aspect.settings?.some((setting) => changed.includes(setting)) === true)
      news.codes.add(104)
  }
  if (!locked) announceChange(room, news.codes)
  await settle(room)
}

/** @throws StanzaError when settings do not go together. */
function mayConfigure(room: Room, values: Readonly<Record<string, unknown>>): void {
  for (const aspect of room.service.aspects) aspect.configuring?.(room, values)
}

function announceChange(room: Room, codes: ReadonlySet<number>): void {
  if (codes.size === 0) return
  const all = [...codes].sort((a, b) => a - b)
  room.announce(xml('x', { xmlns: NS_MUC_USER }, ...all.map((code) => xml('status', { code: String(code) }))))
}
