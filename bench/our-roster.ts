import { inDatabase, type OurArchive } from './our-archive.ts'
import { contactGroup, contactName, contactsOf, domain, type Rosters } from './server-kind.ts'

const perStatement = 500

/** Writes rosters as the server would; nobody they belong to may be online. */
export function fillOurRosters(where: OurArchive, rosters: Rosters): Promise<void> {
  return inDatabase(where, async ({ knex }) => {
    const [version, floor] = [Date.now(), Date.now()]
    for (let owner = 0; owner < rosters.owners; owner++) {
      const account = `user${owner}@${domain}`
      await knex('roster_versions').insert({ account, version, floor })
      const rows = contactsOf(owner, rosters).map((contact) => ({
        account,
        contact: `user${contact}@${domain}`,
        name: contactName(contact),
        group_names: JSON.stringify([contactGroup]),
        subscription: 'both',
        ask: 0,
        approved: 0,
        listed: 1,
        request: null,
        version,
      }))
      for (let at = 0; at < rows.length; at += perStatement)
        await knex('roster_items').insert(rows.slice(at, at + perStatement))
    }
  })
}
