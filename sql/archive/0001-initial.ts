import type { Knex } from 'knex'
import { flagColumn, integerColumn, keyColumn, serialColumn, textColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (knex, schema) => {
  // Bare JIDs as numbers, for the narrow rows below. Rows are never removed: servers keep numbers in memory.
  await schema.createTable('archive_addresses', (table) => {
    serialColumn(table, 'number')
    keyColumn(table, 'domain', 1023).notNullable()
    keyColumn(table, 'local', 1023).notNullable()
    table.unique(['domain', 'local'], { indexName: 'archive_addresses_by_jid' })
  })
  // One row a message. The id is its time, in microseconds since the epoch.
  await schema.createTable('archive_stanzas', (table) => {
    integerColumn(table, 'id').notNullable().primary()
    integerColumn(table, 'copies').notNullable()
    textColumn(table, 'stanza').notNullable()
  })
  // One row for each archive a message is in.
  const sqlite = knex.client.config.client !== 'mysql2'
  if (sqlite) await createClustered(knex, 'archive_copies', copies)
  else await schema.createTable('archive_copies', copies)
  // Those who have searched, and up to which id their messages are in the search index.
  await schema.createTable('archive_searchers', (table) => {
    integerColumn(table, 'owner').notNullable().primary()
    integerColumn(table, 'id').notNullable()
  })
  // Words by which they find messages: ASCII tokens made in modules/archive/search-words.ts, each with its owner's number.
  if (sqlite) await knex.raw(SQLITE_SEARCH)
  else
    await schema.createTable('archive_search', (table) => {
      integerColumn(table, 'id').notNullable()
      integerColumn(table, 'owner').notNullable()
      textColumn(table, 'words').notNullable()
      table.primary(['id', 'owner'])
      table.index(['words'], 'archive_search_by_words', 'FULLTEXT')
    })
}

function copies(table: Knex.CreateTableBuilder): void {
  integerColumn(table, 'owner').notNullable()
  integerColumn(table, 'id').notNullable()
  integerColumn(table, 'peer').notNullable()
  // Hashes of the other side's resource and of the id the sender gave; 0 for none.
  integerColumn(table, 'resource').notNullable()
  integerColumn(table, 'reference').notNullable()
  flagColumn(table, 'groupchat').notNullable()
  table.primary(['owner', 'id'])
  // Covers all that a conversation is filtered by.
  table.index(['owner', 'peer', 'id', 'resource', 'reference', 'groupchat'], 'archive_copies_by_peer')
}

/** On SQLite rows are kept in the order of the primary key only in a table without row ids; on InnoDB they always are. */
async function createClustered(knex: Knex, name: string, build: (table: Knex.CreateTableBuilder) => void) {
  const statements = knex.schema.createTable(name, build).toSQL() as unknown as readonly { readonly sql: string }[]
  for (const { sql } of statements) await knex.raw(/^create table/i.test(sql) ? `${sql} without rowid` : sql)
}

// A row id is twice the id of the message, and one more for that side of a conversation whose number is smaller.
// Contentless: it keeps no text. Tokens are of a-z, 0-9 and _, and asked for whole, so their places are not kept either.
const SQLITE_SEARCH = `create virtual table archive_search using fts5(
  words, content='', contentless_delete=1, detail=none, tokenize="ascii tokenchars '_'"
)`
