import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BlockingStore } from '../../../../modules/blocking/store.ts'
import { eachDatabase } from '../../../support/databases.ts'

const juliet = 'juliet@capulet.example'

eachDatabase((open) => {
  test('blocking store: adds, removes and clears, each account for itself', async () => {
    const store = new BlockingStore(await open())
    assert.deepEqual(await store.load(juliet), [])
    await store.add(juliet, ['romeo@montague.example', 'montague.example', 'Paris.example/Gate'])
    await store.add('nurse@capulet.example', ['montague.example'])
    await store.remove(juliet, ['montague.example', 'paris.example/gate', 'unknown.example'])
    assert.deepEqual((await store.load(juliet)).sort(), ['Paris.example/Gate', 'romeo@montague.example'])
    await store.clear(juliet)
    assert.deepEqual(await store.load(juliet), [])
    assert.deepEqual(await store.load('nurse@capulet.example'), ['montague.example'])
  })

  test('blocking store: reads the lists of many accounts together', async () => {
    const db = await open()
    const store = new BlockingStore(db)
    const accounts = Array.from({ length: 30 }, (_, n) => `user${n}@capulet.example`)
    await store.add(accounts[3]!, ['a@x', 'b@x'])
    await store.add(accounts[7]!, ['montague.example'])
    await store.add(juliet, ['a@x'])
    const before = db.queries
    const lists = await store.loadAll(accounts)
    assert.equal(db.queries - before, 1)
    assert.deepEqual(
      [...lists].map(([account, items]) => [account, items.sort()]),
      [
        [accounts[3], ['a@x', 'b@x']],
        [accounts[7], ['montague.example']],
      ],
    )
    assert.deepEqual([...(await store.loadAll([]))], [])
  })

  test('blocking store: takes the longest address and hundreds of items at once', async () => {
    const store = new BlockingStore(await open())
    const longest = `${'l'.repeat(1023)}@${'d'.repeat(1023)}/${'r'.repeat(1023)}`
    const items = [longest, ...Array.from({ length: 999 }, (_, n) => `user${n}@montague.example`)]
    await store.add(juliet, items)
    assert.deepEqual(new Set(await store.load(juliet)), new Set(items))
    await store.remove(juliet, items)
    assert.deepEqual(await store.load(juliet), [])
  })
})
