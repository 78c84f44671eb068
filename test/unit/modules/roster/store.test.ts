import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RosterItem, unknownItem } from '../../../../modules/roster/item.ts'
import { RosterStore } from '../../../../modules/roster/store.ts'
import { Jid } from '../../../../src/api.ts'
import { eachDatabase } from '../../../support/databases.ts'

const item = (jid: string, facts: Partial<RosterItem> = {}): RosterItem => ({
  ...unknownItem(Jid.parse(jid)),
  listed: true,
  version: 1,
  ...facts,
})
const juliet = 'juliet@example.com'

eachDatabase((open) => {
  test('a roster is read as it was written', async () => {
    const store = new RosterStore(await open())
    const nurse = item('nurse@example.com', {
      name: `Nurse 'x' \u{1F339}`,
      groups: ['A "b"', 'Ünder\\c'],
      subscription: 'both',
      approved: true,
      version: 7,
    })
    const romeo = item('romeo@example.net', {
      ask: true,
      request: `<presence type="subscribe"/>`,
      listed: false,
      version: 0,
    })
    await store.put(juliet, nurse, { version: 7, floor: 3 })
    await store.put(juliet, romeo, { version: 7, floor: 3 })
    await store.put('paris@example.com', item('juliet@example.com'), { version: 1, floor: 0 })
    const roster = await store.load(juliet)
    assert.deepEqual(roster.at, { version: 7, floor: 3 })
    assert.deepEqual(
      [...roster.items].sort((a, b) => a.name.length - b.name.length),
      [romeo, nurse],
    )
    assert.deepEqual(await store.find(juliet, 'nurse@example.com'), {
      at: { version: 7, floor: 3 },
      size: { listed: 1, requests: 1 },
      item: nurse,
    })
    assert.deepEqual(await store.find(juliet, 'nobody@example.com'), {
      at: { version: 7, floor: 3 },
      size: { listed: 1, requests: 1 },
      item: undefined,
    })
  })

  test('who has no roster has an empty one', async () => {
    const store = new RosterStore(await open())
    const nothing = { at: { version: 0, floor: 0 }, size: { listed: 0, requests: 0 }, item: undefined }
    assert.deepEqual(await store.find(juliet, 'romeo@example.net'), nothing)
    assert.deepEqual([...(await store.load(juliet)).items], [])
  })

  test('an item is replaced, and removed with the version that tells of it', async () => {
    const store = new RosterStore(await open())
    await store.put(juliet, item('a@example.com', { name: 'A', request: 'x' }), { version: 1, floor: 0 })
    await store.put(juliet, item('a@example.com', { name: 'B', version: 2 }), { version: 2, floor: 0 })
    assert.deepEqual([...(await store.load(juliet)).items], [item('a@example.com', { name: 'B', version: 2 })])
    await store.remove(juliet, 'a@example.com', { version: 3, floor: 3 })
    const roster = await store.load(juliet)
    assert.deepEqual([...roster.items], [])
    assert.deepEqual(roster.at, { version: 3, floor: 3 })
    await store.clear(juliet)
    assert.deepEqual((await store.load(juliet)).at, { version: 0, floor: 0 })
  })

  // There are collations that take `böb` for `bob`
  test('addresses are told apart octet by octet', async () => {
    const store = new RosterStore(await open())
    const names = ['bob@example.com', 'böb@example.com', `${'x'.repeat(511)}@${`${'y'.repeat(60)}.`.repeat(4)}example`]
    for (const name of names) await store.put(name, item(name), { version: 1, floor: 0 })
    for (const name of names)
      for (const other of names) assert.equal((await store.find(name, other)).item !== undefined, name === other)
  })

  test('a roster is one query, however long; so is one contact of it', async () => {
    const db = await open()
    const store = new RosterStore(db)
    for (let i = 1; i <= 50; i++)
      await store.put(juliet, item(`contact-${i}@example.com`, { version: i }), { version: i, floor: 0 })
    const before = db.queries
    assert.equal((await store.load(juliet)).size.listed, 50)
    assert.equal(db.queries - before, 1)
    await store.find(juliet, 'contact-7@example.com')
    assert.equal(db.queries - before, 2)
  })

  test('what many accounts keep of one contact is read in one query', async () => {
    const db = await open()
    const store = new RosterStore(db)
    const accounts = Array.from({ length: 30 }, (_, n) => `user${n}@example.com`)
    const nurse = item('nurse@example.com', { subscription: 'from', groups: ['A'] })
    for (const account of [accounts[2]!, accounts[9]!]) await store.put(account, nurse, { version: 1, floor: 0 })
    await store.put(accounts[4]!, item('other@example.com'), { version: 1, floor: 0 })
    await store.put(juliet, nurse, { version: 1, floor: 0 })
    const before = db.queries
    const found = await store.findAll(accounts, 'nurse@example.com')
    assert.equal(db.queries - before, 1)
    assert.deepEqual(
      [...found].sort(),
      [
        [accounts[2], nurse],
        [accounts[9], nurse],
      ].sort(),
    )
    assert.equal((await store.findAll([], 'nurse@example.com')).size, 0)
  })
})
