import { accountColumn, textColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  await schema.createTable('vcard_cards', (table) => {
    accountColumn(table, 'account').notNullable()
    textColumn(table, 'card').notNullable()
    table.primary(['account'])
  })
}
