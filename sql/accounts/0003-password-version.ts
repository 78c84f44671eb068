import { integerColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  await schema.alterTable('accounts', (table) => {
    // How often the password has been changed: what lets a client in without it is worth nothing after that.
    integerColumn(table, 'password_version').notNullable().defaultTo(0)
  })
}
