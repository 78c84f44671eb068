import { flagColumn, hostColumn, integerColumn, keyColumn, localColumn, timeColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  // Not the tokens, but what they are derived from together with a key that is not in the database.
  await schema.createTable('fast_tokens', (table) => {
    hostColumn(table, 'host').notNullable()
    localColumn(table, 'local').notNullable()
    // What stands for the installation of a client.
    keyColumn(table, 'client', 32).notNullable()
    keyColumn(table, 'nonce', 32).notNullable()
    keyColumn(table, 'mechanism', 32).notNullable()
    timeColumn(table, 'issued_ms').notNullable()
    timeColumn(table, 'expires_ms').notNullable()
    // 1 until it is used for the first time, which ends the one before.
    flagColumn(table, 'fresh').notNullable()
    // The highest count a client has sent with it (XEP-0484 §3.4).
    integerColumn(table, 'count').notNullable()
    // That of the account when it was issued: a changed password ends it.
    integerColumn(table, 'password_version').notNullable()
    table.primary(['host', 'local', 'client', 'nonce'])
    table.index(['host', 'expires_ms'], 'fast_tokens_by_expiry')
  })
}
