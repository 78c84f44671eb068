import { accountColumn, fullJidColumn, serialColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  // An account and a full JID do not fit into one index of MySQL: a list is read whole, and its items are told apart there.
  await schema.createTable('blocking_items', (table) => {
    serialColumn(table, 'id')
    accountColumn(table, 'account').notNullable()
    fullJidColumn(table, 'item').notNullable()
    table.index(['account'], 'blocking_items_by_account')
  })
}
