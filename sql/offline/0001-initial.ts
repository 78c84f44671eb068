import { hostColumn, localColumn, serialColumn, textColumn, timeColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  await schema.createTable('offline_messages', (table) => {
    serialColumn(table, 'id')
    hostColumn(table, 'host').notNullable()
    localColumn(table, 'local').notNullable()
    timeColumn(table, 'received_ms').notNullable()
    textColumn(table, 'message').notNullable()
    table.index(['host', 'local', 'id'], 'offline_messages_by_account')
    table.index(['host', 'received_ms'], 'offline_messages_by_time')
  })
}
