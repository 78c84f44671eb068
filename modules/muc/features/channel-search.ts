import {
  dataForm,
  type Element,
  type FormField,
  pageElement,
  readBoolean,
  readForm,
  readPage,
  StanzaError,
  xml,
} from '#api'
import type { RoomAspect } from '../hooks.ts'
import type { RoomSummary, SearchField } from '../records.ts'
import { isFound, searchTerms } from '../search-text.ts'
import type { RoomService } from '../service.ts'

const NS = 'urn:xmpp:channel-search:0'
const NS_SEARCH = `${NS}:search`
const PARAMS = `${NS}:search-params`
const BY_ADDRESS = `{${NS}:order}address`
const BY_USERS = `{${NS}:order}nusers`
/** The kind of rooms these are. */
const MUC = 'xep-0045'
/** Rooms on a page unless fewer are wanted, and at most. */
const PAGE = 50
const MAX_PAGE = 200
/** Rooms looked at in one query. */
const LOT = 200
/** A search is not counted on past so many. */
const MAX_COUNTED = 1000

/** Searching the public rooms of a service (XEP-0433). */
export function channelSearch(service: RoomService): RoomAspect {
  service.serviceIqs.set(`get search ${NS_SEARCH}`, (query) => answer(service, query))
  return { name: 'channel-search', serviceFeatures: [NS_SEARCH] }
}

async function answer(service: RoomService, query: Element): Promise<Element> {
  if (query.getChild('x', 'jabber:x:data') === undefined)
    return xml('search', { xmlns: NS_SEARCH }, dataForm('form', PARAMS, formFields, { title: 'Search for rooms' }))
  const form = readForm(query, PARAMS)
  if (form === undefined) throw new StanzaError('bad-request', `Submit a form of type ${PARAMS}.`)
  const search = readSearch(form)
  const page = readPage(query, MAX_PAGE) ?? { max: PAGE }
  if (page.before !== undefined)
    throw new StanzaError('feature-not-implemented', 'What is found is read from the first on.')
  const result = xml('result', { xmlns: NS_SEARCH })
  if (page.max === 0) {
    result.append(pageElement([], await count(service, search)))
    return result
  }
  const found = await find(service, search, page.after, page.max + 1)
  const shown = found.slice(0, page.max)
  for (const { room } of shown) result.append(item(service, room))
  result.append(
    pageElement(
      shown.map(({ id }) => id),
      search.terms.length === 0 ? await count(service, search) : undefined,
    ),
  )
  return result
}

const flagField = (name: string, label: string): FormField => ({
  ...{ var: name, type: 'boolean', label, values: ['true'] },
})
const formFields: readonly FormField[] = [
  { var: 'q', type: 'text-single', label: 'Search for' },
  { var: 'all', type: 'boolean', label: 'Return all rooms', values: ['false'] },
  flagField('sinname', 'Search in name'),
  flagField('sindescription', 'Search in description'),
  flagField('sinaddress', 'Search in address'),
  {
    var: 'types',
    type: 'list-multi',
    label: 'Service types',
    options: [{ value: MUC, label: 'Multi-user chat' }],
    values: [MUC],
  },
  {
    var: 'key',
    type: 'list-single',
    label: 'Sort results by',
    options: [
      { value: BY_ADDRESS, label: 'Address' },
      { value: BY_USERS, label: 'Number of users' },
    ],
    values: [BY_ADDRESS],
  },
]

/** What is searched for. */
export interface ChannelSearch {
  /** None for all rooms. */
  readonly terms: readonly string[]
  readonly fields: readonly SearchField[]
  readonly key: 'address' | 'users'
  /** Other kinds of rooms are wanted. */
  readonly isElsewhere: boolean
}

/** Reads a search (XEP-0433 §4.2); a field that nobody knows is passed over. @throws StanzaError */
export function readSearch(form: ReadonlyMap<string, readonly string[]>): ChannelSearch {
  const q = form.get('q')?.[0]?.trim() ?? ''
  const isAll = readFlag(form, 'all', false)
  if (q !== '' && isAll)
    throw refusal('bad-request', 'modify', 'Search for something or for all.', conflict('all', 'q'))
  // The XEP's example says sinaddr, its table sinaddress.
  const inAddress = readFlag(form, form.has('sinaddr') ? 'sinaddr' : 'sinaddress', true)
  const fields: SearchField[] = [
    ...(readFlag(form, 'sinname', true) ? (['name'] as const) : []),
    ...(readFlag(form, 'sindescription', true) ? (['description'] as const) : []),
    ...(inAddress ? (['address'] as const) : []),
  ]
  const terms = searchTerms(q)
  if (!isAll && (fields.length === 0 || (q === '' && !form.has('q'))))
    throw refusal('bad-request', 'cancel', 'Say what to search for, and where.', xml('no-search-conditions'))
  if (!isAll && terms.length === 0)
    throw refusal('bad-request', 'modify', 'There is no word to search for.', xml('invalid-search-terms'))
  const key = form.get('key')?.[0] ?? BY_ADDRESS
  if (key !== BY_ADDRESS && key !== BY_USERS)
    throw refusal('feature-not-implemented', 'modify', 'Rooms are not sorted by this.', xml('invalid-sort-key'))
  const types = form.get('types')
  const isElsewhere = types !== undefined && types.length > 0 && !types.includes(MUC)
  return { terms, fields, key: key === BY_USERS ? 'users' : 'address', isElsewhere }
}

function readFlag(form: ReadonlyMap<string, readonly string[]>, name: string, otherwise: boolean): boolean {
  const value = form.get(name)?.[0]
  return value === undefined ? otherwise : readBoolean(value) === true
}

function refusal(
  condition: 'bad-request' | 'feature-not-implemented',
  type: 'cancel' | 'modify',
  text: string,
  app: Element,
): StanzaError {
  app.attrs['xmlns'] = `${NS}:error`
  return new StanzaError(condition, text, { type, app })
}

function conflict(...names: readonly string[]): Element {
  return xml('conflicting-fields', null, ...names.map((name) => xml('var', null, name)))
}

/** A room that was found, and how the next page refers to it. */
interface Found {
  readonly id: string
  readonly room: RoomSummary
}

async function count(service: RoomService, { terms, fields, isElsewhere }: ChannelSearch): Promise<number | undefined> {
  if (isElsewhere) return 0
  if (terms.length === 0) return await service.store.count()
  const found = await service.store.search({ terms, fields, sort: 'address', limit: MAX_COUNTED })
  return found.length < MAX_COUNTED ? found.length : undefined
}

async function find(
  service: RoomService,
  search: ChannelSearch,
  after: string | undefined,
  limit: number,
): Promise<Found[]> {
  if (search.isElsewhere) return []
  if (search.key === 'address') return await byAddress(service, search, after ?? '', limit)
  const place = readPlace(after)
  const found = 'users' in place ? await byUsers(service, search, place, limit) : []
  if (found.length === limit) return found
  const rest = 'users' in place ? '' : place.local
  return [...found, ...(await unused(service, search, rest, limit - found.length))]
}

async function byAddress(
  { store }: RoomService,
  { terms, fields }: ChannelSearch,
  after: string,
  limit: number,
): Promise<Found[]> {
  const rooms = await store.search({ terms, fields, sort: 'address', after: { local: after, name: '' }, limit })
  return rooms.map((room) => ({ id: room.local, room }))
}

/** Where a page by the number of users begins: among the rooms with users, or among the others behind them. */
type Place = { readonly users: number; readonly local: string } | { readonly local: string }

function readPlace(after: string | undefined): Place {
  if (after === undefined) return { users: Number.POSITIVE_INFINITY, local: '' }
  const [, users, local = ''] = /^(\d{1,9}):(.*)$/s.exec(after) ?? []
  if (users === undefined) throw new StanzaError('item-not-found', 'There is no such place in the list.')
  return users === '0' ? { local } : { users: Number(users), local }
}

/** The rooms in which somebody is, those with most first: they are in memory. */
async function byUsers(
  service: RoomService,
  search: ChannelSearch,
  place: { readonly users: number; readonly local: string },
  limit: number,
): Promise<Found[]> {
  const used: { users: number; local: string }[] = []
  for (const { jid, occupants } of service.rooms())
    if (occupants.size > 0) used.push({ users: occupants.size, local: jid.local })
  const order = (a: (typeof used)[number], b: (typeof used)[number]) =>
    b.users - a.users || (a.local < b.local ? -1 : a.local > b.local ? 1 : 0)
  const wanted = used.filter((room) => order(place, room) < 0).sort(order)
  const found: Found[] = []
  for (let start = 0; start < wanted.length && found.length < limit; start += LOT) {
    const lot = wanted.slice(start, start + LOT)
    const summaries = await service.store.summaries(lot.map(({ local }) => local))
    const byLocal = new Map(summaries.map((room) => [room.local, room]))
    for (const { users, local } of lot) {
      const room = byLocal.get(local)
      // Its number of users is not for outsiders: it stands among the others.
      if (room?.isOpen === true && isFound(room, search)) found.push({ id: `${users}:${local}`, room })
    }
  }
  return found.slice(0, limit)
}

/** The rooms in which nobody is, by address. */
async function unused(service: RoomService, search: ChannelSearch, after: string, limit: number): Promise<Found[]> {
  const found: Found[] = []
  for (let last = after; found.length < limit; ) {
    const page = await byAddress(service, search, last, LOT)
    for (const { room } of page)
      if (usersOf(service, room) === 0 && found.length < limit) found.push({ id: `0:${room.local}`, room })
    if (page.length < LOT) break
    last = page.at(-1)!.id
  }
  return found
}

/** Of a room that not everybody may enter, outsiders do not learn how many are in it. */
function usersOf(service: RoomService, { local, isOpen }: RoomSummary): number {
  if (!isOpen) return 0
  return service.live(local)?.occupants.size ?? 0
}

/** XEP-0433 §6.2 */
function item(service: RoomService, room: RoomSummary): Element {
  const { local, name, description, lang, isOpen, isNonAnonymous } = room
  const children = [
    name !== '' && xml('name', null, name),
    description !== '' && xml('description', null, description),
    lang !== '' && xml('language', null, lang),
    xml('nusers', null, String(usersOf(service, room))),
    xml('service-type', null, MUC),
    // Its mere presence says so in the XEP's example, its text in the table.
    isOpen && xml('is-open', null, 'true'),
    xml('anonymity-mode', null, isNonAnonymous ? `{${NS}:anonymity}none` : 'muc_semianonymous'),
  ]
  return xml('item', { address: `${local}@${service.domain}` }, ...children)
}
