import { accountColumn, flagColumn, hostColumn, keyColumn, textColumn } from '../../src/storage/columns.ts'
import type { Migration } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  // Those who can be found, as they are shown. Whoever is hidden is not in here.
  await schema.createTable('user_search_people', (table) => {
    accountColumn(table, 'account').notNullable().primary()
    textColumn(table, 'first').notNullable()
    textColumn(table, 'last').notNullable()
    textColumn(table, 'nick').notNullable()
    textColumn(table, 'email').notNullable()
  })
  // The words they are found by, folded.
  await schema.createTable('user_search_terms', (table) => {
    hostColumn(table, 'domain').notNullable()
    keyColumn(table, 'field', 8).notNullable()
    keyColumn(table, 'term', 256).notNullable()
    accountColumn(table, 'account').notNullable()
    table.primary(['domain', 'field', 'term', 'account'])
    table.index(['account', 'field', 'term'], 'user_search_terms_by_account')
  })
  // What people, and admins, have said about who can be found.
  await schema.createTable('user_search_choices', (table) => {
    accountColumn(table, 'account').notNullable().primary()
    // Null while the account has said nothing.
    flagColumn(table, 'wish')
    flagColumn(table, 'barred').notNullable()
  })
}
