import assert from 'node:assert/strict'
import { asksArchive } from '../support/archive.ts'
import { story } from '../support/story.ts'
import { asks, enables, message, NS } from '../support/stream-management.ts'

/** Where a message ends up, which table it takes to get there, and how that comes about. */
const ways: readonly (readonly [
  where: string,
  table: string,
  isArchived: boolean,
  modules: Record<string, Record<string, unknown>>,
])[] = [
  ['the archive, before it is delivered', 'archive_copies', true, { archive: { durability: 'strict' } }],
  ['the archive, while it is delivered', 'archive_copies', true, { archive: { durability: 'ack' } }],
  ['the offline store', 'offline_messages', false, { archive: { enabled: false } }],
]

// XEP-0198 §4: who has an ack takes the message for safe
for (const [where, table, isArchived, modules] of ways)
  story(
    `What cannot be written into ${where}, has its error before its ack`,
    async (s) => {
      const romeo = await s.login('romeo/orchard')
      // Where she is there, nothing else is written.
      const juliet = isArchived ? (await s.online('juliet/balcony')).bare : await s.createAccount('juliet')
      await enables(romeo)
      const rename = (from: string, to: string) => s.database.knex.schema.renameTable(from, to)
      await rename(table, 'lost_table')
      try {
        romeo.send(message(juliet, 'lost'))
        asks(romeo)
        await romeo.receives`<message type='error' from='${juliet}'><error type='wait'>
          <internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`
        await romeo.receives`<a xmlns='${NS}' h='1'/>`
      } finally {
        await rename('lost_table', table)
      }
      // What has an ack is there by then.
      romeo.send(message(juliet, 'kept'))
      asks(romeo)
      await romeo.receives`<a xmlns='${NS}' h='2'/>`
      // What is written for nobody stands under no name, for a moment.
      const rows: { local?: string }[] = await s.database.knex(table).select('*')
      assert.equal(rows.filter(({ local }) => local !== '').length, isArchived ? 2 : 1)
      if (isArchived) assert.deepEqual((await asksArchive(romeo)).bodies, ['kept'])
    },
    { modules, expectErrors: true },
  )
