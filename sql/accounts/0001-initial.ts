import {
  bytesColumn,
  flagColumn,
  hostColumn,
  integerColumn,
  keyColumn,
  localColumn,
  serialColumn,
  timeColumn,
} from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  await schema.createTable('accounts', (table) => {
    serialColumn(table, 'id')
    hostColumn(table, 'host').notNullable()
    localColumn(table, 'local').notNullable()
    // A folded name may be three times as long as the name.
    keyColumn(table, 'folded', 1533).notNullable()
    timeColumn(table, 'created_ms').notNullable()
    flagColumn(table, 'disabled').notNullable()
    table.unique(['host', 'local'], { indexName: 'accounts_host_local' })
    table.unique(['host', 'folded'], { indexName: 'accounts_host_folded' })
  })
  await schema.createTable('credentials', (table) => {
    table.bigInteger('account').unsigned().notNullable().references('id').inTable('accounts').onDelete('CASCADE')
    keyColumn(table, 'hash', 16).notNullable()
    bytesColumn(table, 'salt').notNullable()
    integerColumn(table, 'iterations').notNullable()
    bytesColumn(table, 'stored_key').notNullable()
    bytesColumn(table, 'server_key').notNullable()
    table.primary(['account', 'hash'])
  })
}
