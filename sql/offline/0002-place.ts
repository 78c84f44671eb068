import { integerColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

/** Where a message stands among those of its account: one that comes back from a client stands where it would have been. */
export const up: Migration = async (knex, schema) => {
  await schema.alterTable('offline_messages', (table) => {
    integerColumn(table, 'place').notNullable().defaultTo(0)
  })
  await knex('offline_messages')
    .where({ place: 0 })
    .update({ place: knex.ref('id') })
  await schema.alterTable('offline_messages', (table) => {
    table.dropIndex(['host', 'local', 'id'], 'offline_messages_by_account')
  })
  await schema.alterTable('offline_messages', (table) => {
    table.index(['host', 'local', 'place'], 'offline_messages_in_order')
  })
}
