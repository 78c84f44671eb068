import { hostColumn, localColumn, timeColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  // Accounts that are to be gone with their sessions.
  await schema.createTable('anonymous_accounts', (table) => {
    hostColumn(table, 'host').notNullable()
    localColumn(table, 'local').notNullable()
    timeColumn(table, 'created_ms').notNullable()
    table.primary(['host', 'local'])
  })
}
