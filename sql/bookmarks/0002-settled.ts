import { accountColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

/** Accounts whose bookmarks are all at the node of XEP-0402: their older forms follow it, whatever those say. */
export const up: Migration = async (_knex, schema) => {
  await schema.createTable('bookmark_settled', (table) => {
    accountColumn(table, 'account').notNullable()
    table.primary(['account'])
  })
}
