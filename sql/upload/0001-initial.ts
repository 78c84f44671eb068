import { accountColumn, hostColumn, integerColumn, keyColumn, timeColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  await schema.createTable('upload_files', (table) => {
    // A hash of what stands in the address: whoever reads this table cannot fetch anything.
    keyColumn(table, 'key', 64).notNullable().primary()
    hostColumn(table, 'host').notNullable()
    accountColumn(table, 'account').notNullable()
    keyColumn(table, 'purpose', 16).notNullable()
    integerColumn(table, 'size').notNullable()
    keyColumn(table, 'type', 255)
    timeColumn(table, 'created_ms').notNullable()
    // When the file was there whole; null while it is only promised.
    timeColumn(table, 'stored_ms')
    // When it is over: what is only promised, or a file whose owner said so; null for as long as the host keeps it.
    timeColumn(table, 'until_ms')
    // What until_ms becomes once the file is there.
    timeColumn(table, 'keep_until_ms')
    // Covers what is counted of an account at each request.
    table.index(['account', 'created_ms', 'stored_ms', 'until_ms', 'purpose', 'size', 'key'], 'upload_files_by_account')
    table.index(['host', 'until_ms'], 'upload_files_by_end')
    table.index(['host', 'purpose', 'stored_ms'], 'upload_files_by_age')
  })
}
