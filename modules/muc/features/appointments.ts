import { type FormField, Jid, JidError } from '#api'
import { mustBeAccount } from '../changing.ts'
import type { Affiliation, AffiliationChange } from '../records.ts'
import type { Room } from '../room.ts'
import { unacceptable } from '../setting.ts'
import { pagesOf } from './affiliation-lists.ts'
import { membersOnly } from './members-only.ts'

// Unlike other fields of the configuration form these are no settings: they are whole lists of affiliations (XEP-0045 §10.5,
// §10.8).

const ADMINS = 'muc#roomconfig_roomadmins'
const OWNERS = 'muc#roomconfig_roomowners'

/** The fields of the configuration form by which owners make admins and owners (XEP-0045 §10.1.3, §10.2). */
export async function appointmentFields(room: Room): Promise<FormField[]> {
  return [
    { var: ADMINS, type: 'jid-multi', label: 'Admins', values: await listed(room, 'admin') },
    { var: OWNERS, type: 'jid-multi', label: 'Owners', values: await listed(room, 'owner') },
  ]
}

async function listed(room: Room, affiliation: Affiliation): Promise<string[]> {
  const jids: string[] = []
  for await (const records of pagesOf(room, affiliation)) for (const { jid } of records) jids.push(jid)
  return jids
}

/** What a form changes about admins and owners. @throws StanzaError `not-acceptable` for what is no address. */
export async function readAppointments(
  room: Room,
  form: ReadonlyMap<string, readonly string[]>,
): Promise<AffiliationChange[]> {
  const admins = readAccounts(form.get(ADMINS), 'admin')
  const owners = readAccounts(form.get(OWNERS), 'owner')
  if (admins === undefined && owners === undefined) return []
  const before = { admin: await listed(room, 'admin'), owner: await listed(room, 'owner') }
  return appointments(before, { admins, owners }, room.get(membersOnly))
}

/** The changes by which lists become what they are to be; a list that is `undefined` stays, but for who is on the other. */
export function appointments(
  before: { readonly admin: readonly string[]; readonly owner: readonly string[] },
  wanted: { readonly admins: readonly string[] | undefined; readonly owners: readonly string[] | undefined },
  isForMembers: boolean,
): AffiliationChange[] {
  const { admins, owners } = wanted
  const after = new Map<string, Affiliation>()
  // XEP-0045 §10.2, §10.7: who is an owner no more is an admin, who is an admin no more a member where one must be.
  const dismissed = isForMembers ? 'member' : 'none'
  if (owners !== undefined) for (const jid of before.owner) after.set(jid, admins === undefined ? 'admin' : dismissed)
  if (admins !== undefined) for (const jid of before.admin) after.set(jid, dismissed)
  // Whoever is on both lists is an owner.
  for (const jid of admins ?? []) if (owners !== undefined || !before.owner.includes(jid)) after.set(jid, 'admin')
  for (const jid of owners ?? []) after.set(jid, 'owner')
  const was = new Map<string, Affiliation>()
  for (const jid of before.admin) was.set(jid, 'admin')
  for (const jid of before.owner) was.set(jid, 'owner')
  return [...after].filter(([jid, now]) => was.get(jid) !== now).map(([jid, affiliation]) => ({ jid, affiliation }))
}

function readAccounts(texts: readonly string[] | undefined, affiliation: Affiliation): string[] | undefined {
  return texts
    ?.filter((text) => text !== '')
    .map((text) => {
      try {
        const jid = Jid.parse(text).bare.toString()
        mustBeAccount(jid, affiliation)
        return jid
      } catch (error) {
        if (error instanceof JidError) throw unacceptable(`${text} is not an address.`)
        throw error
      }
    })
}
