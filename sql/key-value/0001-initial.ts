import { keyColumn, textColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  await schema.createTable('key_values', (table) => {
    keyColumn(table, 'owner', 511).notNullable()
    keyColumn(table, 'name', 511).notNullable()
    textColumn(table, 'value').notNullable()
    table.primary(['owner', 'name'])
  })
}
