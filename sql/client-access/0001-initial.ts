import { hostColumn, keyColumn, localColumn, textColumn, timeColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  await schema.createTable('known_clients', (table) => {
    hostColumn(table, 'host').notNullable()
    localColumn(table, 'local').notNullable()
    // What stands for an installation.
    keyColumn(table, 'client', 32).notNullable()
    textColumn(table, 'software')
    textColumn(table, 'device')
    timeColumn(table, 'first_ms').notNullable()
    timeColumn(table, 'last_ms').notNullable()
    // When it last came with a password that is still the account's; null when it has not.
    timeColumn(table, 'password_ms')
    table.primary(['host', 'local', 'client'])
    table.index(['host', 'last_ms'], 'known_clients_by_time')
  })
}
