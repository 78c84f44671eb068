import {
  accountColumn,
  integerColumn,
  jidColumn,
  keyColumn,
  serialColumn,
  textColumn,
  timeColumn,
} from '../../src/storage/columns.ts'
import type { Migration, Schema } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  await createNodes(schema)
  await createRelations(schema)
  await schema.createTable('pubsub_items', (table) => {
    integerColumn(table, 'node').notNullable()
    keyColumn(table, 'id', 1023).notNullable()
    // Grows with time: the order of publication.
    integerColumn(table, 'seq').notNullable()
    jidColumn(table, 'publisher').notNullable()
    timeColumn(table, 'published_ms').notNullable()
    // XML; empty when there is none.
    textColumn(table, 'payload').notNullable()
    table.primary(['node', 'id'])
    table.index(['node', 'seq'], 'pubsub_items_by_seq')
  })
}

async function createNodes(schema: Schema): Promise<void> {
  await schema.createTable('pubsub_nodes', (table) => {
    serialColumn(table, 'id')
    // A domain, or the bare JID of an account.
    accountColumn(table, 'service').notNullable()
    keyColumn(table, 'name', 1023).notNullable()
    // JSON
    textColumn(table, 'config').notNullable()
    // Empty once this account was deleted.
    jidColumn(table, 'creator').notNullable()
    timeColumn(table, 'created_ms').notNullable()
    table.unique(['service', 'name'], { indexName: 'pubsub_nodes_by_name' })
    table.index(['creator', 'service'], 'pubsub_nodes_by_creator')
  })
}

async function createRelations(schema: Schema): Promise<void> {
  await schema.createTable('pubsub_affiliations', (table) => {
    integerColumn(table, 'node').notNullable()
    jidColumn(table, 'jid').notNullable()
    keyColumn(table, 'affiliation', 12).notNullable()
    table.primary(['node', 'jid'])
    table.index(['jid', 'node'], 'pubsub_affiliations_by_jid')
  })
  await schema.createTable('pubsub_subscriptions', (table) => {
    integerColumn(table, 'node').notNullable()
    keyColumn(table, 'subid').notNullable()
    // A bare JID, and the resource; empty when the bare JID is subscribed.
    jidColumn(table, 'jid').notNullable()
    keyColumn(table, 'resource', 1023).notNullable()
    keyColumn(table, 'state', 12).notNullable()
    // JSON
    textColumn(table, 'options').notNullable()
    table.primary(['node', 'subid'])
    table.index(['jid', 'node'], 'pubsub_subscriptions_by_jid')
  })
}
