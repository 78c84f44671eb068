import { Jid, randomId, StanzaError, xml } from '#api'
import { versionSteps } from './features/affiliation-versions.ts'
import { membersOnly } from './features/members-only.ts'
import { moderated } from './features/voice.ts'
import { settle, takeOut } from './joining.ts'
import { NS_MUC_USER } from './namespaces.ts'
import type { Occupant, Role } from './occupant.ts'
import { type News, showChange } from './presence.ts'
import {
  type Affiliation,
  type AffiliationChange,
  type AffiliationRecord,
  LastOwnerError,
  NickTakenError,
  RoomGoneError,
} from './records.ts'
import { isAtLeast, roleAfter } from './roles.ts'
import type { Room } from './room.ts'
import { lots } from './sql.ts'

/** A role for an occupant; `none` takes it out of the room (XEP-0045 §8.2). */
export interface RoleChange {
  readonly occupant: Occupant
  readonly role: Role
  readonly reason?: string | undefined
}

/** What is to become of roles and affiliations, and who wants it so. Addresses are prepared bare JIDs or domains. */
export interface Changes {
  readonly roles?: readonly RoleChange[]
  readonly affiliations?: readonly AffiliationChange[]
  /** The nick of who changes it. */
  readonly actor?: string | undefined
  /** Whether those concerned know of it, being invited or having asked for it. */
  readonly isKnown?: boolean
  /** False where a room may be left without an owner. */
  readonly keepOwner?: boolean
}

/** The affiliations of addresses, by address, as far as there are any. */
export type Affiliations = ReadonlyMap<string, AffiliationRecord>

/** An affiliation that has become another. */
export interface AffiliationNews {
  readonly jid: string
  readonly before: Affiliation
  readonly affiliation: Affiliation
  readonly reason?: string | undefined
}

/** Reads the affiliations that a change is about: of the addresses, and of the occupants whom these concern. */
export async function readAffiliations(room: Room, jids: Iterable<string>): Promise<Affiliations> {
  const meant = new Set(jids)
  const wanted = new Set(meant)
  for (const { account } of concerned(room, meant)) wanted.add(account.toString()).add(account.domain)
  const found = new Map<string, AffiliationRecord>()
  for (const lot of lots([...wanted]))
    for (const record of await room.service.store.affiliations(room.known.id, lot)) found.set(record.jid, record)
  return found
}

/** The occupants whose address, or whose domain, is one of these. */
function concerned(room: Room, jids: ReadonlySet<string>): Occupant[] {
  const isMeant = ({ account }: Occupant) => jids.has(account.toString()) || jids.has(account.domain)
  return jids.size === 0 ? [] : [...room.occupants.values()].filter(isMeant)
}

/** What an account is in a room: its own affiliation comes before that of its domain (XEP-0045 §9.2). */
export function effective(account: Jid, isServiceAdmin: boolean, affiliations: Affiliations): Affiliation {
  if (isServiceAdmin) return 'owner'
  const own = affiliations.get(account.toString())?.affiliation ?? 'none'
  return own === 'none' ? (affiliations.get(account.domain)?.affiliation ?? 'none') : own
}

/**
 * Changes roles and affiliations, all or nothing and no questions asked: on disk first, in one transaction, then in the room;
 * whoever must leave hears that at once. To be called by what is alone in the room.
 *
 * @returns what tells everybody else; it is to be called, once whoever asked has the answer (XEP-0045 §8.2).
 * @throws StanzaError `conflict` when the room would have no owner, or a nick is reserved for somebody else.
 */
export async function change(room: Room, changes: Changes, before?: Affiliations): Promise<() => void | Promise<void>> {
  const { roles = [], affiliations = [], actor } = changes
  const known = before ?? (await readAffiliations(room, jidsOf(affiliations)))
  const versionBefore = room.known.version
  if (affiliations.length > 0) await commit(room, changes)
  const news = differences(affiliations, known)
  const shown = reaffiliate(room, affiliations, known)
  // A nick or a reason alone makes a new version as well.
  const unchanged = affiliations.slice(0, 1).map((one) => ({ ...one, before: one.affiliation }))
  const told = shown.length === 0 && news.length === 0 ? unchanged : news
  const steps = versionSteps(room, versionBefore, shown, told)
  const telling = shown.map(({ occupant, role, out, reason }) => {
    const words: News = { reason, inX: steps.next() }
    if (out !== undefined) return takeOut(room, occupant, { ...words, codes: [out], actor })
    return () => showChange(room, occupant, role, words)
  })
  for (const { occupant, role, reason } of roles) {
    const tell = reassign(room, occupant, role, { reason, actor })
    if (tell !== undefined) telling.push(tell)
  }
  return () => {
    for (const tell of telling) tell()
    steps.tellOfAbsent()
    if (changes.isKnown !== true) tellAbsent(room, news, shown)
    const changed = news.map(({ jid, affiliation }) => ({ jid, affiliation }))
    if (changed.length > 0) for (const aspect of room.service.aspects) aspect.affiliated?.(room, changed)
    return settle(room)
  }
}

/** How many who are not there are told of a change at most, or invited by it: it is a courtesy. */
export const MAX_TOLD = 100

/** XEP-0045 §18.1: those who are not in the room learn what they are there now. */
function tellAbsent(room: Room, news: readonly AffiliationNews[], shown: readonly Reaffiliated[]): void {
  if (news.length === 0) return
  // Who is there, and who has just been taken out.
  const occupants = [...room.occupants.values(), ...shown.map(({ occupant }) => occupant)]
  const present = new Set(occupants.map(({ account }) => account.toString()))
  // §9.3: a new member is invited. Whoever is banned is owed no courtesy.
  const isTold = ({ jid, affiliation }: AffiliationNews) =>
    affiliation === 'outcast' ||
    present.has(jid) ||
    !jid.includes('@') ||
    (affiliation === 'member' && room.get(membersOnly))
  for (const { jid, affiliation, reason } of news.filter((one) => !isTold(one)).slice(0, MAX_TOLD)) {
    const item = xml('item', { affiliation, role: 'none', jid })
    if (reason !== undefined && reason !== '') item.append(xml('reason', null, reason))
    const x = xml('x', { xmlns: NS_MUC_USER }, item, xml('status', { code: '101' }))
    room.service.host.route(xml('message', { from: room.address, to: jid, id: randomId() }, x))
  }
}

function jidsOf(changes: readonly AffiliationChange[]): string[] {
  return changes.map(({ jid }) => jid)
}

async function commit(room: Room, { affiliations = [], keepOwner = true }: Changes): Promise<void> {
  try {
    const version = await room.service.store.change(room.known.id, affiliations, { keepOwner })
    room.record = { ...room.known, version }
  } catch (error) {
    // XEP-0045 §10.4
    if (error instanceof LastOwnerError) throw new StanzaError('conflict', 'A room must have an owner.')
    // §7.10
    if (error instanceof NickTakenError) throw new StanzaError('conflict', 'A nick is reserved for somebody else.')
    if (error instanceof RoomGoneError) throw new StanzaError('item-not-found', 'There is no such room.')
    throw error
  }
}

/** Which affiliations become others; of several changes for one address the last counts. */
export function differences(changes: readonly AffiliationChange[], known: Affiliations): AffiliationNews[] {
  const news = new Map<string, AffiliationNews>()
  for (const { jid, affiliation, reason } of changes) {
    const before = known.get(jid)?.affiliation ?? 'none'
    news.delete(jid)
    if (before !== affiliation) news.set(jid, { jid, before, affiliation, reason })
  }
  return [...news.values()]
}

/** What a change of affiliations makes of an occupant. */
export interface Reaffiliated {
  readonly occupant: Occupant
  /** The role before. */
  readonly role: Role
  /** The status code with which it must leave. */
  readonly out: 301 | 321 | undefined
  readonly reason: string | undefined
}

/** Gives the occupants whom changes concern their new affiliations and roles; those of whom nothing changes are left out. */
function reaffiliate(room: Room, changes: readonly AffiliationChange[], known: Affiliations): Reaffiliated[] {
  const now = new Map(known)
  for (const record of changes) now.set(record.jid, record)
  const reasons = new Map(changes.map(({ jid, reason }) => [jid, reason]))
  const isModerated = room.get(moderated)
  const done: Reaffiliated[] = []
  for (const occupant of concerned(room, new Set(jidsOf(changes)))) {
    const { account, role, affiliation: before } = occupant
    const after = effective(account, room.service.isAdmin(account), now)
    if (after === before) continue
    occupant.affiliation = after
    occupant.role = roleAfter(role, before, after, isModerated)
    occupant.shown = undefined
    // XEP-0045 §9.1, §9.4
    const out = after === 'outcast' ? 301 : after === 'none' && room.get(membersOnly) ? 321 : undefined
    done.push({ occupant, role, out, reason: reasons.get(account.toString()) ?? reasons.get(account.domain) })
  }
  return done
}

/** Gives an occupant a role; what tells everybody of it, unless nothing changes. */
function reassign(
  room: Room,
  occupant: Occupant,
  role: Role,
  { reason, actor }: Pick<News, 'actor' | 'reason'>,
): (() => void) | undefined {
  const { role: before } = occupant
  if (room.occupants.get(occupant.nick) !== occupant || before === role) return undefined
  // §8.2
  if (role === 'none') return takeOut(room, occupant, { codes: [307], actor, reason })
  occupant.role = role
  occupant.shown = undefined
  return () => showChange(room, occupant, before, { reason })
}

/** What an address stands for in a list of affiliations: the account, whatever the client, or a domain (XEP-0045 §10.3). */
export function readAddress(text: string | undefined): string {
  try {
    return Jid.parse(text ?? '').bare.toString()
  } catch {
    throw new StanzaError('jid-malformed', `${text} is not an address.`)
  }
}

/** @throws StanzaError `not-acceptable` for a domain that is to run a room: only accounts do. */
export function mustBeAccount(jid: string, affiliation: Affiliation): void {
  if (!jid.includes('@') && isAtLeast(affiliation, 'admin'))
    throw new StanzaError('not-acceptable', `${jid} is no account, and only accounts run rooms.`)
}
