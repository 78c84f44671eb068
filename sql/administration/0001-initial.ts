import { flagColumn, hostColumn, localColumn, timeColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  await schema.createTable('administration_visits', (table) => {
    hostColumn(table, 'host').notNullable()
    localColumn(table, 'local').notNullable()
    timeColumn(table, 'login_ms').notNullable()
    // When the message of the day was set that the account has seen last.
    timeColumn(table, 'motd_ms').notNullable()
    // Whether the account is past being welcomed.
    flagColumn(table, 'welcomed').notNullable()
    table.primary(['host', 'local'])
  })
}
