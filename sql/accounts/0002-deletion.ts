import { integerColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  await schema.alterTable('accounts', (table) => {
    // When the account is deleted, in ms; null for one that stays.
    integerColumn(table, 'delete_ms')
    table.index(['host', 'delete_ms'], 'accounts_by_deletion')
  })
}
