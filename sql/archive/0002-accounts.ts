import { accountColumn, integerColumn, keyColumn, textColumn, timeColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  // What accounts have said differently from the defaults.
  await schema.createTable('archive_accounts', (table) => {
    accountColumn(table, 'account').notNullable().primary()
    // XEP-0441, as JSON; null while nothing was said.
    textColumn(table, 'preferences')
    // In ms; 0 is for ever, null as the host says.
    integerColumn(table, 'retention')
  })
  // Resources whose clients read the archive.
  await schema.createTable('archive_readers', (table) => {
    accountColumn(table, 'account').notNullable()
    keyColumn(table, 'resource', 1023).notNullable()
    timeColumn(table, 'last_ms').notNullable()
    table.primary(['account', 'resource'])
    table.index(['last_ms'], 'archive_readers_by_time')
  })
}
