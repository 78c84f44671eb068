import {
  accountColumn,
  flagColumn,
  integerColumn,
  jidColumn,
  keyColumn,
  textColumn,
} from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  await schema.createTable('roster_versions', (table) => {
    accountColumn(table, 'account').notNullable().primary()
    integerColumn(table, 'version').notNullable()
    // The version of the last removal: what came before it cannot be told as a difference.
    integerColumn(table, 'floor').notNullable()
  })
  await schema.createTable('roster_items', (table) => {
    accountColumn(table, 'account').notNullable()
    jidColumn(table, 'contact').notNullable()
    textColumn(table, 'name').notNullable()
    // A JSON array of names.
    textColumn(table, 'group_names').notNullable()
    keyColumn(table, 'subscription', 4).notNullable()
    flagColumn(table, 'ask').notNullable()
    flagColumn(table, 'approved').notNullable()
    flagColumn(table, 'listed').notNullable()
    // The request of a contact that waits for an answer, as XML.
    textColumn(table, 'request')
    integerColumn(table, 'version').notNullable()
    table.primary(['account', 'contact'])
  })
}
