import { accountColumn, textColumn, timeColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  await schema.createTable('last_activity', (table) => {
    accountColumn(table, 'account').notNullable().primary()
    timeColumn(table, 'left_ms').notNullable()
    textColumn(table, 'status').notNullable()
  })
}
