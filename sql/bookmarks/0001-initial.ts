import { accountColumn, keyColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

/** What people want to be told of while away from rooms, as their bookmarks say (XEP-0492): found by the room. */
export const up: Migration = async (_knex, schema) => {
  await schema.createTable('bookmark_choices', (table) => {
    keyColumn(table, 'room', 1023).notNullable()
    accountColumn(table, 'account').notNullable()
    keyColumn(table, 'notify', 10).notNullable()
    table.primary(['room', 'account'])
    table.index(['account'], 'bookmark_choices_by_account')
  })
}
