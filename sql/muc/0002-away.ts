import { integerColumn, isMysql, keyColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

/** What rooms know for those who are not in them. */
export const up: Migration = async (_knex, schema) => {
  await schema.alterTable('muc_registrations', (table) => {
    // Of the registration (XEP-0492): of what somebody wants to hear while away; null when nothing was said.
    keyColumn(table, 'notify', 10)
    table.index(['room', 'notify', 'jid'], 'muc_registrations_by_notify')
  })
  await schema.alterTable('muc_affiliations', (table) => {
    // When the account was last in the room; in ms, 0 for never.
    integerColumn(table, 'seen_ms').notNullable().defaultTo(0)
  })
  await schema.alterTable('muc_vcards', (table) => {
    // Of each picture, with spaces between; SQLite bounds nothing.
    if (isMysql(table)) keyColumn(table, 'hash', 255).notNullable().alter()
  })
}
