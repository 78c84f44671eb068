import { createHash } from 'node:crypto'
import { dataForm, defineSlot, type Element, type FormField, Jid, StanzaError, xml } from '#api'
import type { AdHocCommand, Filled } from '../../ad-hoc/hooks.ts'
import { type AdHoc, badPayload, type CommandDesk, NS_COMMANDS } from '../../ad-hoc/index.ts'
import { infoElement, itemsElement } from '../../disco/index.ts'
import type { RoomAspect, RoomRequest } from '../hooks.ts'
import { NS_MUC_USER } from '../namespaces.ts'
import { showToAll } from '../presence.ts'
import { type Hat, MAX_HAT_URI_BYTES, MAX_PAGE, type WornHat } from '../records.ts'
import { isAtLeast } from '../roles.ts'
import type { Room } from '../room.ts'
import type { RoomService } from '../service.ts'
import { whois } from './anonymity.ts'

const NS_HATS = 'urn:xmpp:hats:0'
const FORM_TYPE = 'urn:xmpp:hats:commands'
/** Characters of a title. */
const MAX_TITLE = 256

/** What is known of the hats of a room while it is in memory. */
interface Wardrobe {
  /** All hats of the room, by URI; `undefined` until somebody asked. */
  hats: Map<string, Hat> | undefined
  /** The URIs of those that occupants wear, by account. */
  readonly worn: Map<string, readonly string[]>
}
const wardrobe = defineSlot<Wardrobe>('muc/hats', () => ({ hats: undefined, worn: new Map() }))

/**
 * What people are in a room beside their role: hats that admins make and put on their heads (XEP-0317). Without commands they
 * stay where they are.
 */
export function hats({ settings }: Pick<RoomService, 'settings'>, adHoc: AdHoc | undefined): RoomAspect {
  const desk = adHoc?.desk(commandsWith(settings.hats))
  return {
    name: 'hats',
    features: () => [NS_HATS, ...(desk === undefined ? [] : [NS_COMMANDS])],
    node: (node, of, request) => desk && describe(desk, node, of, request),
    forbidden: [`hats ${NS_HATS}`],
    iqs:
      desk === undefined
        ? []
        : [
            {
              type: 'set',
              name: 'command',
              xmlns: NS_COMMANDS,
              handler: (query, request) => desk.carryOut(query, request, request.room.address),
            },
          ],
    async info(room) {
      const all = await hatsOf(room)
      return all.size === 0 ? [] : [{ var: 'hats#hash', label: 'Hats hash', values: [hashOf(all.values())] }]
    },
    // Rooms without hats, and those who are there already, cost no query.
    async entering({ room, from, creates, seat }) {
      if (creates || seat !== undefined || (await hatsOf(room)).size === 0) return
      await learn(room, from.bare)
    },
    left(room, occupant) {
      for (const _ of room.of(occupant.account)) return
      room.slots.get(wardrobe).worn.delete(occupant.account.toString())
    },
    presence: (room, { account }) => shown(room, account),
    destroying: (room) => room.slots.set(wardrobe, wardrobe.initial()),
  }
}

/** XEP-0050 §2.2 */
async function describe(
  desk: CommandDesk<RoomRequest>,
  node: string,
  of: 'info' | 'items',
  request: RoomRequest,
): Promise<Element | undefined> {
  if (of === 'info') {
    const info = await desk.info(node, request)
    return info && infoElement(info, node)
  }
  const items = await desk.items(node, request, request.room.address)
  return items && itemsElement(items, node)
}

async function hatsOf(room: Room): Promise<ReadonlyMap<string, Hat>> {
  const known = room.slots.get(wardrobe)
  known.hats ??= new Map((await room.service.store.hats.list(room.known.id)).map((hat) => [hat.uri, hat]))
  return known.hats
}

/** Reads what an account wears. */
async function learn(room: Room, account: Jid): Promise<void> {
  const jid = account.toString()
  const found = await room.service.store.hats.of(room.known.id, [jid])
  const { worn } = room.slots.get(wardrobe)
  if (found.length === 0) worn.delete(jid)
  else
    worn.set(
      jid,
      found.map(({ uri }) => uri),
    )
}

/** XEP-0317 §3.1 */
function shown(room: Room, account: Jid): Element[] {
  const { hats, worn } = room.slots.get(wardrobe)
  const on = worn.get(account.toString())?.flatMap((uri) => hats?.get(uri) ?? []) ?? []
  if (on.length === 0) return []
  return [xml('hats', { xmlns: NS_HATS }, ...on.map(({ title, uri, hue }) => xml('hat', { title, uri, hue })))]
}

/** Shows all the occupants of these accounts as they are now. */
function show(room: Room, isMeant: (jid: string) => boolean): void {
  for (const occupant of room.occupants.values()) {
    if (!isMeant(occupant.account.toString())) continue
    occupant.shown = undefined
    showToAll(room, occupant)
  }
}

/** XEP-0317 §2: another one when anything about the hats is another. */
function hashOf(all: Iterable<Hat>): string {
  const hash = createHash('sha1')
  for (const { uri, title, hue = '' } of all) hash.update(`${JSON.stringify([uri, title, hue])}\n`)
  return hash.digest('hex')
}

/** The hats that a room has at most and that one head bears; 0 is no limit. */
interface Limits {
  readonly perRoom: number
  readonly perPerson: number
}

function commandsWith(limits: Limits): AdHocCommand<RoomRequest>[] {
  const may = mustBeAdmin
  return [
    {
      node: `${FORM_TYPE}:create`,
      name: 'Create or change a hat',
      may,
      stages: [() => creationForm()],
      run: (form, at) => create(form, at, limits),
    },
    {
      node: `${FORM_TYPE}:destroy`,
      name: 'Destroy a hat',
      may,
      stages: [({ room }) => choiceForm('Destroying a hat', room)],
      run: destroyHat,
    },
    {
      node: `${FORM_TYPE}:assign`,
      name: 'Give somebody a hat',
      may,
      stages: [({ room }) => choiceForm('Assigning a hat', room, personField)],
      run: (form, at) => assign(form, at, limits),
    },
    {
      node: `${FORM_TYPE}:unassign`,
      name: 'Take a hat from somebody',
      may,
      stages: [({ room }) => choiceForm('Removing a hat', room, personField)],
      run: unassign,
    },
    { node: `${FORM_TYPE}:list`, name: 'List hats', may: mustBelong, run: (_form, { room }) => list(room) },
    {
      node: `${FORM_TYPE}:list-assigned`,
      name: 'List who wears hats',
      may: mustSeeAddresses,
      run: (_form, { room }) => listAssigned(room),
    },
  ]
}

async function mustBeAdmin({ affiliation }: RoomRequest): Promise<void> {
  if (!isAtLeast(await affiliation(), 'admin')) throw new StanzaError('forbidden', 'Only admins deal in hats.')
}

/** Whoever is in the room, or belongs to it. */
async function mustBelong({ seat, affiliation }: RoomRequest): Promise<void> {
  if (seat === undefined && !isAtLeast(await affiliation(), 'member'))
    throw new StanzaError('forbidden', 'Only those who belong to the room are told.')
}

/** The list has real addresses. */
async function mustSeeAddresses(request: RoomRequest): Promise<void> {
  if (request.room.get(whois) === 'anyone') await mustBelong(request)
  else await mustBeAdmin(request)
}

const uriField: FormField = { var: 'hats#uri', type: 'text-single', label: 'Hat URI', required: true }
const personField: FormField = { var: 'hats#jid', type: 'jid-single', label: 'User address', required: true }

function creationForm(): Element {
  const fields: FormField[] = [
    { var: 'hats#title', type: 'text-single', label: 'Hat title', required: true },
    uriField,
    { var: 'hats#hue', type: 'text-single', label: 'Hat hue' },
  ]
  return dataForm('form', FORM_TYPE, fields, { title: 'Creating a hat' })
}

async function choiceForm(title: string, room: Room, ...before: FormField[]): Promise<Element> {
  const options = [...(await hatsOf(room)).values()].map((hat) => ({ value: hat.uri, label: hat.title }))
  return dataForm('form', FORM_TYPE, [...before, { ...uriField, type: 'list-single', label: 'The hat', options }], {
    title,
  })
}

/** XEP-0317 §3.2: makes a hat, or changes the one of this URI. */
async function create(form: Filled, { room, afterwards }: RoomRequest, { perRoom }: Limits): Promise<void> {
  const hat = readHat(form)
  const all = await hatsOf(room)
  if (perRoom > 0 && all.size >= perRoom && !all.has(hat.uri))
    throw new StanzaError('resource-constraint', `A room has ${perRoom} hats at most.`)
  await room.service.store.hats.save(room.known.id, hat)
  // As the database has them: in its order.
  room.slots.get(wardrobe).hats = undefined
  await hatsOf(room)
  const { worn } = room.slots.get(wardrobe)
  afterwards(() => {
    announceChange(room)
    show(room, (jid) => worn.get(jid)?.includes(hat.uri) === true)
  })
}

/** @throws StanzaError `bad-request` for what cannot be a hat. */
function readHat(form: Filled): Hat {
  const [title = '', uri = '', hue = ''] = ['title', 'uri', 'hue'].map((name) => form.get(`hats#${name}`)?.[0]?.trim())
  if (title === '' || title.length > MAX_TITLE)
    throw badPayload(`A hat has a title of ${MAX_TITLE} characters at most.`)
  if (!/^[a-z][a-z0-9+.-]*:\S+$/iu.test(uri) || Buffer.byteLength(uri) > MAX_HAT_URI_BYTES)
    throw badPayload(`A hat has a URI of ${MAX_HAT_URI_BYTES} octets at most.`)
  if (hue === '') return { uri, title }
  // XEP-0317 §3.1: "a Hue Angle".
  if (!/^\d{1,3}(\.\d{1,12})?$/.test(hue) || Number(hue) > 360) throw badPayload('A hue is an angle from 0 to 360.')
  return { uri, title, hue }
}

/** XEP-0317 §3.3: takes it from all who wear it, too. */
async function destroyHat(form: Filled, { room, afterwards }: RoomRequest): Promise<void> {
  const { uri } = await chosen(form, room)
  await room.service.store.hats.destroy(room.known.id, uri)
  const { hats, worn } = room.slots.get(wardrobe)
  hats?.delete(uri)
  const bare = new Set<string>()
  for (const [jid, uris] of worn) {
    if (!uris.includes(uri)) continue
    bare.add(jid)
    worn.set(
      jid,
      uris.filter((one) => one !== uri),
    )
  }
  afterwards(() => {
    announceChange(room)
    show(room, (jid) => bare.has(jid))
  })
}

/** XEP-0317 §3.5 */
async function assign(form: Filled, request: RoomRequest, { perPerson }: Limits): Promise<void> {
  const { room } = request
  const { uri } = await chosen(form, room)
  const account = readPerson(form)
  const { hats } = room.service.store
  if (perPerson > 0) {
    const worn = await hats.of(room.known.id, [account.toString()])
    if (worn.length >= perPerson && !worn.some((hat) => hat.uri === uri))
      throw new StanzaError('resource-constraint', `Nobody wears more than ${perPerson} hats.`)
  }
  await hats.grant(room.known.id, account.toString(), uri)
  await changed(request, account)
}

/** XEP-0317 §3.6 */
async function unassign(form: Filled, request: RoomRequest): Promise<void> {
  const { room } = request
  const { uri } = await chosen(form, room)
  const account = readPerson(form)
  await room.service.store.hats.revoke(room.known.id, account.toString(), uri)
  await changed(request, account)
}

async function changed({ room, afterwards }: RoomRequest, account: Jid): Promise<void> {
  if (room.of(account).next().done === true) return
  await learn(room, account)
  afterwards(() => show(room, (jid) => jid === account.toString()))
}

async function chosen(form: Filled, room: Room): Promise<Hat> {
  const hat = (await hatsOf(room)).get(form.get('hats#uri')![0]!)
  if (hat === undefined) throw new StanzaError('item-not-found', 'There is no such hat.')
  return hat
}

function readPerson(form: Filled): Jid {
  return Jid.parse(form.get('hats#jid')![0]!).bare
}

/** XEP-0317 §3.2: "the configuration changed". */
function announceChange(room: Room): void {
  room.announce(xml('x', { xmlns: NS_MUC_USER }, xml('status', { code: '104' })))
}

/** XEP-0317 §3.4 */
async function list(room: Room): Promise<Element> {
  return table('Hats', ['title', 'uri', 'hue'], [...(await hatsOf(room)).values()])
}

/** XEP-0317 §3.7: the first {@link MAX_PAGE} of them. */
async function listAssigned(room: Room): Promise<Element> {
  const worn = await room.service.store.hats.worn(room.known.id, { limit: MAX_PAGE })
  return table('Assigned hats', ['jid', 'uri', 'title', 'hue'], worn)
}

function table(
  title: string,
  columns: readonly (keyof WornHat)[],
  rows: readonly { readonly [K in keyof WornHat]?: string | undefined }[],
): Element {
  const reported = xml('reported', null, ...columns.map((name) => xml('field', { var: `hats#${name}` })))
  const form = dataForm('result', FORM_TYPE, [], { title })
  form.append(reported)
  for (const row of rows) {
    const fields = columns.flatMap((name) => {
      const value = row[name]
      return value === undefined ? [] : [xml('field', { var: `hats#${name}` }, xml('value', null, value))]
    })
    form.append(xml('item', null, ...fields))
  }
  return form
}
