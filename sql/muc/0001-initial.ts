import {
  flagColumn,
  hostColumn,
  integerColumn,
  jidColumn,
  keyColumn,
  serialColumn,
  textColumn,
  timeColumn,
} from '../../src/storage/columns.ts'
import type { Migration, Schema } from '../../src/storage/schema.ts'

export const up: Migration = async (_knex, schema) => {
  await createRooms(schema)
  await createAffiliations(schema)
  await createHats(schema)
  await schema.createTable('muc_vcards', (table) => {
    integerColumn(table, 'room').notNullable().primary()
    textColumn(table, 'vcard').notNullable()
    // SHA-1 of the photo, in hex.
    keyColumn(table, 'hash', 40).notNullable()
  })
}

async function createRooms(schema: Schema): Promise<void> {
  await schema.createTable('muc_rooms', (table) => {
    serialColumn(table, 'id')
    hostColumn(table, 'service').notNullable()
    keyColumn(table, 'local', 1023).notNullable()
    // JSON, as is the subject; null while there is none.
    textColumn(table, 'settings').notNullable()
    textColumn(table, 'subject')
    // Empty once this account was deleted.
    jidColumn(table, 'creator').notNullable()
    keyColumn(table, 'secret').notNullable()
    flagColumn(table, 'locked').notNullable()
    timeColumn(table, 'created_ms').notNullable()
    timeColumn(table, 'active_ms').notNullable()
    // Of the affiliations (XEP-0463). What came up to the floor cannot be told as a difference.
    integerColumn(table, 'version').notNullable()
    integerColumn(table, 'floor').notNullable()
    // What follows from the settings, for lists and searches.
    textColumn(table, 'name').notNullable()
    textColumn(table, 'description').notNullable()
    keyColumn(table, 'lang').notNullable()
    flagColumn(table, 'public').notNullable()
    flagColumn(table, 'persistent').notNullable()
    flagColumn(table, 'open').notNullable()
    flagColumn(table, 'non_anonymous').notNullable()
    // Public and not locked.
    flagColumn(table, 'listed').notNullable()
    // Folded as in modules/muc/search-text.ts.
    textColumn(table, 'name_words').notNullable()
    textColumn(table, 'description_words').notNullable()
    keyColumn(table, 'name_key').notNullable()
    table.unique(['service', 'local'], { indexName: 'muc_rooms_by_address' })
    table.index(['service', 'listed', 'local'], 'muc_rooms_listed')
    table.index(['service', 'listed', 'name_key', 'local'], 'muc_rooms_by_name')
    table.index(['service', 'creator'], 'muc_rooms_by_creator')
    table.index(['service', 'persistent', 'local'], 'muc_rooms_by_persistence')
  })
}

async function createAffiliations(schema: Schema): Promise<void> {
  await schema.createTable('muc_affiliations', (table) => {
    integerColumn(table, 'room').notNullable()
    jidColumn(table, 'jid').notNullable()
    // "none" for one that was taken away not long ago.
    keyColumn(table, 'affiliation', 7).notNullable()
    textColumn(table, 'reason')
    integerColumn(table, 'version').notNullable()
    table.primary(['room', 'jid'])
    table.index(['room', 'affiliation', 'jid'], 'muc_affiliations_by_kind')
    table.index(['room', 'version', 'jid'], 'muc_affiliations_by_version')
    table.index(['jid', 'room'], 'muc_affiliations_by_jid')
  })
  // A table of its own, which is never inserted into "or updated": on MySQL the nickname would be a conflict, too.
  await schema.createTable('muc_registrations', (table) => {
    integerColumn(table, 'room').notNullable()
    jidColumn(table, 'jid').notNullable()
    keyColumn(table, 'nick', 1023)
    // JSON
    textColumn(table, 'registration')
    table.primary(['room', 'jid'])
    table.unique(['room', 'nick'], { indexName: 'muc_registrations_by_nick' })
    table.index(['jid', 'room'], 'muc_registrations_by_jid')
  })
}

async function createHats(schema: Schema): Promise<void> {
  await schema.createTable('muc_hats', (table) => {
    integerColumn(table, 'room').notNullable()
    keyColumn(table, 'uri', 512).notNullable()
    textColumn(table, 'title').notNullable()
    keyColumn(table, 'hue')
    table.primary(['room', 'uri'])
  })
  await schema.createTable('muc_hats_worn', (table) => {
    integerColumn(table, 'room').notNullable()
    jidColumn(table, 'jid').notNullable()
    keyColumn(table, 'uri', 512).notNullable()
    table.primary(['room', 'jid', 'uri'])
    table.index(['room', 'uri'], 'muc_hats_worn_by_uri')
    table.index(['jid', 'room'], 'muc_hats_worn_by_jid')
  })
}
