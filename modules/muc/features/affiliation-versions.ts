import { createHmac, timingSafeEqual } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { defineSlot, type Element, StanzaError, Wire, xml } from '#api'
import type { AffiliationNews, Reaffiliated } from '../changing.ts'
import type { Entry, RoomAspect } from '../hooks.ts'
import { NS_MAV, NS_MUC_USER } from '../namespaces.ts'
import type { Seat } from '../occupant.ts'
import { type Affiliation, type AffiliationRecord, type ChangePosition, MAX_PAGE } from '../records.ts'
import { roleFor, type Standing } from '../roles.ts'
import type { Room } from '../room.ts'
import { lots } from '../sql.ts'
import { mayRead } from './affiliation-lists.ts'

/** The clients that want to hear of all affiliations, by real full JID. */
const followers = defineSlot<Set<string>>('muc/affiliation-followers', () => new Set())

/** What has changed among the affiliations since a client last knew them (XEP-0463). */
export const affiliationVersions: RoomAspect = {
  name: 'affiliation-versions',
  features: () => [NS_MAV],
  forbidden: [`mav ${NS_MAV}`],
  welcoming: welcome,
  ownX: (room) => [mav(undefined, versionText(room, room.known.version))],
  vacated: (room, seat) => void room.slots.get(followers).delete(seat.address),
}

/** XEP-0463 §4.2: a version is opaque, and nobody knows one whom the room did not tell; so none discloses what was before. */
export function versionText(room: Room, version: number): string {
  const mac = createHmac('sha256', room.known.secret).update(`version ${version}`).digest('base64url').slice(0, 12)
  return `${version.toString(36)}.${mac}`
}

/** The version that a text stands for; of a place between two versions the first. `undefined` for what is none of this room. */
export function readVersion(room: Room, text: string): number | undefined {
  const [, own, digits] = /^(([0-9a-z]{1,11})\.[\w-]{12})(?:\+\d{1,9})?$/.exec(text) ?? []
  if (own === undefined) return undefined
  const version = Number.parseInt(digits!, 36)
  const wanted = Buffer.from(versionText(room, version))
  const given = Buffer.from(own)
  return given.length === wanted.length && timingSafeEqual(given, wanted) ? version : undefined
}

function mav(since: string | undefined, until: string): Element {
  return xml('mav', { xmlns: NS_MAV, since, until })
}

/** Whether somebody may read all the lists that are told of; outcasts are shown to those who may read of them. */
function mayFollow(room: Room, asker: Standing): boolean {
  return (['owner', 'admin', 'member'] as const).every((which) => mayRead(room, which, asker))
}

/** XEP-0463 §5.2.1: before any presence. */
async function welcome({ room, from, x, seat, affiliation }: Entry): Promise<Element[]> {
  const asked = x?.getChild('mav', NS_MAV)
  if (asked === undefined) return []
  const asker: Standing = { affiliation, role: seat?.occupant.role ?? roleFor(room, affiliation) }
  if (!mayFollow(room, asker)) {
    // §5.2.3
    const error = new StanzaError('forbidden', 'The affiliations are not for you to read.', { by: room.jid })
    return [xml('message', { from: room.address, type: 'error' }, error.toElement())]
  }
  room.slots.get(followers).add(from.toString())
  const showsOutcasts = mayRead(room, 'outcast', asker)
  const given = asked.attrs['since']
  const since = given === undefined ? undefined : readVersion(room, given)
  // A place between two versions is never the newest.
  if (since === room.known.version && !given!.includes('+')) return []
  const changed = since === undefined ? undefined : await changesSince(room, since)
  if (changed !== undefined && changed.length > 0) return diff(room, given!, since!, changed, showsOutcasts)
  return await everything(room, showsOutcasts)
}

async function changesSince(room: Room, since: number): Promise<AffiliationRecord[] | undefined> {
  const all: AffiliationRecord[] = []
  let after: ChangePosition | undefined
  for (;;) {
    const page = { limit: MAX_PAGE, ...(after !== undefined && { after }) }
    const found = await room.service.store.changedSince(room.known.id, since, page)
    if (found === undefined) return undefined
    all.push(...found.items)
    after = found.items.at(-1)
    if (found.items.length < MAX_PAGE) return all
    await setImmediate()
  }
}

async function everything(room: Room, showsOutcasts: boolean): Promise<Element[]> {
  const all: AffiliationRecord[] = []
  let after = ''
  for (;;) {
    const found = await room.service.store.listAll(room.known.id, { after, limit: MAX_PAGE })
    all.push(...found.filter(({ affiliation }) => showsOutcasts || affiliation !== 'outcast'))
    if (found.length < MAX_PAGE) break
    after = found.at(-1)!.jid
    await setImmediate()
  }
  const until = versionText(room, room.known.version)
  const parts = all.length === 0 ? [[]] : [...lots(all)]
  // Whoever has heard a part of it only knows no version of the room.
  const place = (index: number) => (index === parts.length ? until : `${until}~${index}`)
  return parts.map((part, index) =>
    message(room, mav(index === 0 ? undefined : place(index), place(index + 1)), part.map(itemOf)),
  )
}

function diff(
  room: Room,
  given: string,
  since: number,
  changed: readonly AffiliationRecord[],
  showsOutcasts: boolean,
): Element[] {
  const parts = [...lots(changed)]
  const place = (index: number) => placeOf(room, index, parts.length, since, room.known.version)
  return parts.map((part, index) =>
    message(
      room,
      mav(index === 0 ? given : place(index), place(index + 1)),
      part.map((record) => itemOf(showsOutcasts ? record : withoutOutcast(record))),
    ),
  )
}

/** The version after a step of several from one version to another: `since` with the number of the step in between. */
function placeOf(room: Room, index: number, steps: number, since: number, until: number): string {
  if (index === steps) return versionText(room, until)
  return index === 0 ? versionText(room, since) : `${versionText(room, since)}+${index}`
}

function message(room: Room, version: Element, items: readonly Element[]): Element {
  return xml('message', { from: room.address }, xml('x', { xmlns: NS_MUC_USER }, version, ...items))
}

function itemOf({ jid, affiliation }: Pick<AffiliationRecord, 'affiliation' | 'jid'>): Element {
  return xml('item', { affiliation, jid })
}

function withoutOutcast<T extends { readonly affiliation: Affiliation }>(record: T): T {
  return record.affiliation === 'outcast' ? { ...record, affiliation: 'none' } : record
}

/** The announcements by which a room comes from one version to the next. */
export interface VersionSteps {
  /** What the next presence bears in its `<x/>`. */
  next(): readonly Element[]
  /** Tells those who follow of whom no presence tells (XEP-0463 §5.2.2). */
  tellOfAbsent(): void
}

/** The steps of a change, which is on disk: first the presence of those shown, then what is told of the others. */
export function versionSteps(
  room: Room,
  since: number,
  shown: readonly Pick<Reaffiliated, 'occupant'>[],
  news: readonly AffiliationNews[],
): VersionSteps {
  const until = room.known.version
  if (until === since) return { next: () => [], tellOfAbsent() {} }
  const seen = new Set(shown.map(({ occupant }) => occupant.account.toString()))
  const parts = [...lots(news.filter(({ jid }) => !seen.has(jid)))]
  const steps = shown.length + parts.length
  let done = 0
  const next = (): Element => {
    const from = placeOf(room, done, steps, since, until)
    return mav(from, placeOf(room, ++done, steps, since, until))
  }
  return {
    next: () => [next()],
    tellOfAbsent() {
      for (const part of parts) tell(room, next(), part)
    },
  }
}

function tell(room: Room, version: Element, news: readonly AffiliationNews[]): void {
  const { seats, slots } = room
  const following = [...slots.get(followers)].flatMap((address) => seats.get(address) ?? [])
  const listeners = following.filter(({ occupant }) => mayFollow(room, occupant))
  if (listeners.length === 0) return
  const wire = (shown: readonly AffiliationNews[]) => Wire.of(message(room, version, shown.map(absentOf)))
  const all = wire(news)
  const common = wire(news.map(withoutOutcast))
  const sees = (seat: Seat) => mayRead(room, 'outcast', seat.occupant)
  for (const seat of listeners) room.send(seat, sees(seat) ? all : common, room.jid)
}

function absentOf({ jid, affiliation }: AffiliationNews): Element {
  return xml('item', { affiliation, jid, role: 'none' })
}
