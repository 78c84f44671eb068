import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import {
  accountColumn,
  bytesColumn,
  flagColumn,
  fullJidColumn,
  integerColumn,
  jidColumn,
  keyColumn,
  MAX_ACCOUNT_BYTES,
  MAX_BARE_JID_BYTES,
  MAX_FULL_JID_BYTES,
  textColumn,
  timeColumn,
} from '../../../src/storage/columns.ts'
import { type Database, isUniqueViolation } from '../../../src/storage/database.ts'
import { Schema } from '../../../src/storage/schema.ts'
import { eachDatabase } from '../../support/databases.ts'

eachDatabase((open, dialect) => {
  let db: Database
  before(async () => {
    db = await open()
    const schema = new Schema(db.knex, dialect === 'mysql', false)
    await schema.createTable('names', (table) => {
      keyColumn(table, 'name').notNullable().primary()
    })
    await schema.createTable('pairs', (table) => {
      accountColumn(table, 'account').notNullable()
      jidColumn(table, 'contact').notNullable()
      timeColumn(table, 'seen_ms').notNullable()
      keyColumn(table, 'id', 250).notNullable()
      table.primary(['account', 'contact', 'seen_ms', 'id'])
    })
    await schema.createTable('addresses', (table) => {
      fullJidColumn(table, 'jid').notNullable().primary()
    })
    await schema.createTable('things', (table) => {
      integerColumn(table, 'id').notNullable().primary()
      textColumn(table, 'body').nullable()
      bytesColumn(table, 'octets').nullable()
      flagColumn(table, 'open').nullable()
      timeColumn(table, 'at_ms').nullable()
    })
  })

  test('keys that differ by accent, case, trailing space or normal form are different', async () => {
    const names = ['bob', 'böb', 'Bob', 'bob ', 'urn:node', 'urn:Node', 'é', 'e\u0301', 'ß', 'ss', '', ' ', '😀', '😁']
    for (const name of names) await db.knex('names').insert({ name })
    for (const name of names) {
      assert.deepEqual(await db.knex('names').where({ name }).select('name'), [{ name }])
      await assert.rejects(db.knex('names').insert({ name }), isUniqueViolation)
    }
  })

  test('keys sort by their octets', async () => {
    const names: string[] = await db.knex('names').orderBy('name').pluck('name')
    assert.deepEqual(
      names,
      [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    )
  })

  test('the longest account and the longest contact fit into one index, and differ in their last octet', async () => {
    const account = 'a'.repeat(MAX_ACCOUNT_BYTES)
    const [contact, other] = [`${'c'.repeat(MAX_BARE_JID_BYTES - 2)}é`, `${'c'.repeat(MAX_BARE_JID_BYTES - 2)}è`]
    const row = { account, contact, seen_ms: 8_640_000_000_000_000, id: 'i'.repeat(250) }
    await db.knex('pairs').insert([row, { ...row, contact: other }])
    await assert.rejects(db.knex('pairs').insert(row), isUniqueViolation)
    assert.deepEqual(await db.knex('pairs').where({ account, contact }), [row])
  })

  test('the longest full JID fits into an index', async () => {
    const jid = 'é'.repeat((MAX_FULL_JID_BYTES - 1) / 2) + 'x'
    await db.knex('addresses').insert({ jid })
    assert.equal(
      await db
        .knex('addresses')
        .where({ jid })
        .first('jid')
        .then((row) => row?.jid),
      jid,
    )
  })

  // SQLite knows no lengths.
  if (dialect === 'mysql')
    test('a key that is too long is refused, not cut', async () => {
      await assert.rejects(db.knex('names').insert({ name: 'n'.repeat(256) }), { code: 'ER_DATA_TOO_LONG' })
    })

  test('values come back as they went in', async () => {
    const body = `a 'quoted' \\ "text" \0 ${'😀'.repeat(50_000)} `
    const row = {
      id: Number.MAX_SAFE_INTEGER,
      body,
      octets: Buffer.from([0, 255, 39, 92]),
      open: 1,
      at_ms: 1_735_689_600_123,
    }
    await db.knex('things').insert(row)
    assert.deepEqual(await db.knex('things').where({ id: row.id }), [row])
    await db.knex('things').insert({ id: 2, body: null, octets: null, open: false, at_ms: null })
    assert.deepEqual(await db.knex('things').where({ id: 2 }), [
      { id: 2, body: null, octets: null, open: 0, at_ms: null },
    ])
  })

  test('counts and greatest keys are a number and a string', async () => {
    assert.deepEqual(await db.knex('addresses').count({ n: '*' }), [{ n: 1 }])
    await db.knex('names').insert({ name: '\u{10ffff}' })
    assert.deepEqual(await db.knex('names').max({ last: 'name' }), [{ last: '\u{10ffff}' }])
  })

  test('an update and a deletion tell how many rows they matched', async () => {
    await db.knex('things').insert({ id: 3, open: 1 })
    assert.equal(await db.knex('things').where({ id: 3 }).update({ open: 1 }), 1)
    assert.equal(await db.knex('things').where({ id: 3 }).delete(), 1)
    assert.equal(await db.knex('things').where({ id: 3 }).delete(), 0)
  })

  test('insert or update', async () => {
    const put = (at_ms: number) => db.knex('things').insert({ id: 4, at_ms, open: 1 }).onConflict('id').merge(['at_ms'])
    await put(1)
    await put(2)
    assert.deepEqual(await db.knex('things').where({ id: 4 }).select('at_ms'), [{ at_ms: 2 }])
  })

  test('an object among the bindings does not become SQL', async () => {
    const hostile = { name: 1 } as unknown as string
    const found = await db
      .knex('names')
      .where('name', '=', hostile)
      .catch(() => [])
    assert.deepEqual(found, [])
  })
})
