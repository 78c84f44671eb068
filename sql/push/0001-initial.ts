import { accountColumn, fullJidColumn, keyColumn, textColumn, timeColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  await schema.createTable('push_registrations', (table) => {
    accountColumn(table, 'account').notNullable()
    // A service's address and a node together do not fit into an index: this is a hash of both.
    keyColumn(table, 'service_hash', 43).notNullable()
    fullJidColumn(table, 'service').notNullable()
    textColumn(table, 'node')
    keyColumn(table, 'resource', 1023).notNullable()
    textColumn(table, 'options')
    timeColumn(table, 'enabled_ms').notNullable()
    table.primary(['account', 'service_hash'])
  })
}
