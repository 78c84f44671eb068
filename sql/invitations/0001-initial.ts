import {
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
  await schema.createTable('invitations', (table) => {
    serialColumn(table, 'id')
    // SHA-256 of the token, in hex: whoever reads this table can use none.
    keyColumn(table, 'token_hash', 64).notNullable()
    hostColumn(table, 'host').notNullable()
    // Whose contact the invited become; empty for an invitation of the server's.
    localColumn(table, 'inviter').notNullable()
    // The only name that an account made with it can have, and what that folds to; null for any.
    localColumn(table, 'username')
    keyColumn(table, 'folded', 1533)
    // Whether an account can be made with it.
    flagColumn(table, 'accounts').notNullable()
    integerColumn(table, 'uses_left').notNullable()
    timeColumn(table, 'created_ms').notNullable()
    timeColumn(table, 'expires_ms').notNullable()
    table.unique(['token_hash'], { indexName: 'invitations_by_token' })
    table.index(['host', 'inviter', 'created_ms'], 'invitations_by_inviter')
    table.index(['host', 'folded'], 'invitations_by_name')
    table.index(['expires_ms'], 'invitations_by_end')
  })
  // Who is yet to be made contacts, of accounts that were made with an invitation.
  await schema.createTable('invitations_contacts', (table) => {
    hostColumn(table, 'host').notNullable()
    localColumn(table, 'invitee').notNullable()
    localColumn(table, 'inviter').notNullable()
    table.primary(['host', 'invitee'])
    table.index(['host', 'inviter'], 'invitations_contacts_by_inviter')
  })
}
