import {
  accountColumn,
  flagColumn,
  fullJidColumn,
  hostColumn,
  keyColumn,
  serialColumn,
  textColumn,
  timeColumn,
} from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  await schema.createTable('reports_reports', (table) => {
    serialColumn(table, 'id')
    hostColumn(table, 'host').notNullable()
    // Not set any more once the account is deleted.
    accountColumn(table, 'account').nullable()
    fullJidColumn(table, 'target').notNullable()
    keyColumn(table, 'reason').notNullable()
    textColumn(table, 'details').notNullable()
    flagColumn(table, 'open').notNullable()
    timeColumn(table, 'filed_ms').notNullable()
    timeColumn(table, 'dismissed_ms').nullable()
    table.index(['account', 'filed_ms'], 'reports_by_account')
    table.index(['host', 'filed_ms'], 'reports_by_time')
    table.index(['host', 'open', 'id'], 'reports_open')
  })
}
