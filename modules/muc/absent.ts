import type { Element } from '#api'
import type { Speech } from './hooks.ts'
import { addressedIn, mentionedIn, type Named } from './mentions.ts'
import type { AffiliationRecord } from './records.ts'
import { isAtLeast } from './roles.ts'
import type { Room } from './room.ts'

/** A member who is named in a message and was not in the room. */
export interface NamedAbsentee {
  readonly record: AffiliationRecord
  /** Whether it is mentioned by a reference (XEP-0372), not only addressed. */
  readonly isMentioned: boolean
}

const none: readonly NamedAbsentee[] = []
/** What was looked up for a message, for the second who asks. */
const lookups = new WeakMap<Element, Promise<readonly NamedAbsentee[]>>()

/** The members who are named in what was said, and who were not there to hear it. Who names nobody costs no query. */
export function namedAbsentees(speech: Speech): Promise<readonly NamedAbsentee[]> | undefined {
  const { room, stanza } = speech
  const known = lookups.get(stanza)
  if (known !== undefined) return known
  const mentioned = mentionedIn(stanza, room.address)
  const addressed = addressedIn(stanza, room.address)
  const anybody = (named: Named) => named.jids.length > 0 || named.nicks.some((nick) => !room.occupants.has(nick))
  if (!anybody(mentioned) && !anybody(addressed)) return undefined
  const found = look(room, mentioned, addressed, presence(speech))
  lookups.set(stanza, found)
  return found
}

/** Tells whether an account was there: it, or the one who spoke. */
export function presence({ room, occupant }: Pick<Speech, 'occupant' | 'room'>): (jid: string) => boolean {
  const present = new Set([occupant.account.toString()])
  for (const { account } of room.occupants.values()) present.add(account.toString())
  return (jid) => present.has(jid)
}

async function look(
  room: Room,
  mentioned: Named,
  addressed: Named,
  isPresent: (jid: string) => boolean,
): Promise<readonly NamedAbsentee[]> {
  // The room may have ended meanwhile.
  if (room.record === undefined) return none
  const { id } = room.record
  const { store } = room.service
  const outside = (nicks: readonly string[]) => nicks.filter((nick) => !room.occupants.has(nick))
  const explicit = new Set([...mentioned.jids, ...(await store.away.nickOwners(id, outside(mentioned.nicks)))])
  const all = new Set([...explicit, ...(await store.away.nickOwners(id, outside(addressed.nicks)))])
  const absent = [...all].filter((jid) => !isPresent(jid))
  const records = await store.affiliations(id, absent)
  return records
    .filter(({ affiliation }) => isAtLeast(affiliation, 'member'))
    .map((record) => ({ record, isMentioned: explicit.has(record.jid) }))
}
