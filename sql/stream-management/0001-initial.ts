import {
  flagColumn,
  hostColumn,
  integerColumn,
  keyColumn,
  localColumn,
  textColumn,
  timeColumn,
} from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  // One row a session whose client may come back to it, and for a time after its end.
  await schema.createTable('resumable_sessions', (table) => {
    keyColumn(table, 'token_hash', 64).notNullable().primary()
    hostColumn(table, 'host').notNullable()
    localColumn(table, 'local').notNullable()
    integerColumn(table, 'handled').notNullable()
    timeColumn(table, 'seen_ms').notNullable()
    // Whether it waits to be made again when the server starts, and what of it was saved.
    flagColumn(table, 'saved').notNullable()
    textColumn(table, 'state').nullable()
    table.index(['host', 'saved', 'token_hash'], 'resumable_sessions_by_saved')
    table.index(['host', 'local'], 'resumable_sessions_by_account')
    table.index(['host', 'seen_ms'], 'resumable_sessions_by_time')
  })
  // What a saved session was sent that its client has not acknowledged.
  await schema.createTable('unacknowledged_stanzas', (table) => {
    keyColumn(table, 'token_hash', 64).notNullable()
    integerColumn(table, 'position').notNullable()
    textColumn(table, 'stanza').notNullable()
    // Set when somebody is owed an outcome: the same for all sessions that were handed the same.
    keyColumn(table, 'handover', 32).nullable()
    timeColumn(table, 'since_ms').nullable()
    // The message itself where the session was sent a copy of it.
    textColumn(table, 'owed').nullable()
    table.primary(['token_hash', 'position'])
  })
}
