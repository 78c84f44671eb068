import { accountColumn, keyColumn, textColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  await schema.createTable('private_storage_elements', (table) => {
    accountColumn(table, 'account').notNullable()
    keyColumn(table, 'xmlns', 1023).notNullable()
    keyColumn(table, 'name', 255).notNullable()
    textColumn(table, 'element').notNullable()
    table.primary(['account', 'xmlns', 'name'])
  })
}
