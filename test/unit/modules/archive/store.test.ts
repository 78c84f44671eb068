import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeptMessage, Page } from '../../../../modules/archive/message.ts'
import { isUnavailable } from '../../../../src/storage/database.ts'
import { eachDatabase } from '../../../support/databases.ts'
import { FakeClock } from '../../../support/fake-clock.ts'
import { bodyOf, JULIET, message, NOW_ID, ROMEO, storeOf } from './messages.ts'

const bodies = (messages: readonly KeptMessage[]) => messages.map(({ stanza }) => bodyOf(stanza))
const ids = (page: Page) => page.messages.map(({ id }) => id - NOW_ID)
const at = (n: number) => NOW_ID + n

eachDatabase((open) => {
  test('archive store: a message is in the archives of both, and nobody else’s', async () => {
    const store = storeOf(await open())
    await store.append([message(at(1), 'O Romeo')])
    const page = { messages: [{ id: at(1), stanza: '<message><body>O Romeo</body></message>' }], complete: true }
    assert.deepEqual(await store.page(JULIET, {}, { limit: 10 }), page)
    assert.deepEqual(await store.page(ROMEO, {}, { limit: 10 }), page)
    assert.deepEqual(await store.page('nurse@capulet.example', {}, { limit: 10 }), { messages: [], complete: true })
  })

  test('archive store: a message to oneself is there once', async () => {
    const store = storeOf(await open())
    const copies = [{ owner: JULIET, peer: JULIET, resource: 'garden' }]
    await store.append([{ ...message(at(1), 'note'), copies }])
    assert.equal(await store.count(JULIET, { peer: JULIET }, 0), 1)
    assert.equal(await store.purge(JULIET, at(2), 10), 1)
    assert.equal(await store.lastId(), 0)
  })

  test('archive store: many messages of many people in one go, none of them known before', async () => {
    const store = storeOf(await open())
    const all = Array.from({ length: 1500 }, (_, n) =>
      message(at(n), `${n}`, { from: `user${n % 700}@capulet.example` }),
    )
    await store.append(all)
    assert.equal(await store.count(ROMEO, {}, 0), 1500)
    assert.deepEqual(bodies((await store.page('user699@capulet.example', {}, { limit: 9 })).messages), ['699', '1399'])
  })

  test('archive store: long stanzas do not fit into one statement, and are kept to the letter', async () => {
    const store = storeOf(await open())
    const long = `ЖЗ 😀 &lt; \\ ' " ? :x ${'😀'.repeat(600_000)}`
    await store.append([1, 2, 3, 4, 5, 6, 7].map((n) => message(at(n), `${n} ${long}`)))
    const { messages } = await store.page(JULIET, {}, { limit: 10 })
    assert.deepEqual(
      bodies(messages),
      [1, 2, 3, 4, 5, 6, 7].map((n) => `${n} ${long}`),
    )
  })

  test('archive store: a batch that is repeated, in part or with others, changes nothing that was there', async () => {
    const store = storeOf(await open())
    const [one, two, three] = [message(at(1), 'one'), message(at(2), 'two'), message(at(3), 'three')]
    await store.append([one, two])
    await store.append([one, two])
    await store.append([two, three])
    await store.append([three, three])
    assert.deepEqual(bodies((await store.page(JULIET, {}, { limit: 10 })).messages), ['one', 'two', 'three'])
    assert.deepEqual(bodies((await store.page(ROMEO, {}, { limit: 10 })).messages), ['one', 'two', 'three'])
    // Nor are its copies counted twice: with the last of them the stanza goes.
    await store.purge(JULIET, Number.MAX_SAFE_INTEGER, 10)
    assert.equal(await store.lastId(), at(3))
    await store.purge(ROMEO, Number.MAX_SAFE_INTEGER, 10)
    assert.equal(await store.lastId(), 0)
  })

  test('archive store: a batch that fails leaves nothing but numbers, and those that follow are right', async () => {
    const db = await open()
    const store = storeOf(db)
    await assert.rejects(
      store.append([message(at(1), 'good'), { ...message(at(2), 'bad'), stanza: null as unknown as string }]),
      (error) => !isUnavailable(error),
    )
    assert.equal(await store.count(JULIET, {}, 0), 0)
    assert.equal(await store.lastId(), 0)
    await store.append([message(at(1), 'good')])
    assert.equal(await storeOf(db).count(JULIET, { peer: ROMEO }, 0), 1)
  })

  test('archive store: two that number the same new addresses at once agree', async () => {
    const db = await open()
    const [one, other] = [storeOf(db), storeOf(db)]
    const names = Array.from({ length: 50 }, (_, n) => `user${n}@capulet.example`)
    const batch = (from: number) => names.map((name, n) => message(at(from + n), 'x', { to: name }))
    await Promise.all([one.append(batch(0)), other.append(batch(100).reverse())])
    for (const name of [names[0]!, names[49]!]) assert.equal(await one.count(name, {}, 0), 2)
  })

  test('archive store: appending costs four statements, whoever the people are once they are known', async () => {
    const db = await open()
    const store = storeOf(db)
    const batch = (from: number) =>
      Array.from({ length: 200 }, (_, n) => message(at(from + n), 'x', { to: `u${n}@a.example` }))
    await store.append(batch(0))
    const before = db.queries
    await store.append(batch(1000))
    assert.equal(db.queries - before, 4)
  })

  test('archive store: addresses are told apart octet by octet', async () => {
    const store = storeOf(await open())
    const hostile = [
      "o'brien@a.example",
      'o"brien@a.example',
      'a\\@a.example',
      '%@a.example',
      '_@a.example',
      '?@a.example',
    ]
    const names = [
      'böb@a.example',
      'bob@a.example',
      'bob @a.example',
      'BOB@a.example',
      'a.example',
      '@a.example',
      ...hostile,
    ]
    await store.append(names.map((name, n) => message(at(n), name, { to: name, toResource: `'${n}` })))
    for (const [n, name] of names.entries()) {
      assert.deepEqual(bodies((await store.page(name, {}, { limit: 99 })).messages), [name])
      assert.deepEqual(bodies((await store.page(JULIET, { peer: name }, { limit: 99 })).messages), [name])
      assert.equal(await store.count(JULIET, { peer: name, resource: `'${n}` }, 0), 1)
      assert.equal(await store.count(JULIET, { peer: name, resource: `'${n + 1}` }, 0), 0)
    }
  })

  test('archive store: pages go forth and back, without gaps or repetitions', async () => {
    const store = storeOf(await open())
    await store.append(Array.from({ length: 10 }, (_, n) => message(at(n), `${n}`)))
    const page = (request: object) => store.page(JULIET, {}, { limit: 4, ...request })
    const first = await page({})
    assert.deepEqual([ids(first), first.complete], [[0, 1, 2, 3], false])
    const second = await page({ after: at(3) })
    assert.deepEqual([ids(second), second.complete], [[4, 5, 6, 7], false])
    const third = await page({ after: at(7) })
    assert.deepEqual([ids(third), third.complete], [[8, 9], true])
    const newest = await page({ last: true })
    assert.deepEqual([ids(newest), newest.complete], [[6, 7, 8, 9], false])
    const earlier = await page({ before: at(4) })
    assert.deepEqual([ids(earlier), earlier.complete], [[0, 1, 2, 3], true])
    const none = await page({ after: at(9) })
    assert.deepEqual([ids(none), none.complete], [[], true])
    const skipped = await page({ skip: 7 })
    assert.deepEqual([ids(skipped), skipped.complete], [[7, 8, 9], true])
    const skippedBack = await page({ last: true, skip: 3 })
    assert.deepEqual([ids(skippedBack), skippedBack.complete], [[3, 4, 5, 6], false])
    const bounded = await page({ after: at(1), before: at(5), last: true })
    assert.deepEqual([ids(bounded), bounded.complete], [[2, 3, 4], true])
  })

  test('archive store: a page of no messages still says whether there are any', async () => {
    const store = storeOf(await open())
    await store.append([message(at(1), 'x')])
    assert.deepEqual(await store.page(JULIET, {}, { limit: 0 }), { messages: [], complete: false })
    assert.deepEqual(await store.page(JULIET, {}, { limit: 0, after: at(1) }), { messages: [], complete: true })
  })

  test('archive store: bounds that are no ids select nothing, or all there is', async () => {
    const store = storeOf(await open())
    await store.append([message(at(1), 'x')])
    for (const fromId of [Number.NaN, Number.POSITIVE_INFINITY, 1e300, at(2)])
      assert.equal(await store.count(JULIET, { fromId }, 0), 0)
    for (const fromId of [-1, Number.NEGATIVE_INFINITY, 0, 0.5, at(1)])
      assert.equal(await store.count(JULIET, { fromId, toId: 1e300 }, 0), 1)
  })

  test('archive store: every filter, and all together', async () => {
    const store = storeOf(await open())
    const room = { to: 'room@muc.example', groupchat: true }
    await store.append([
      message(at(1), 'a', { toResource: 'orchard' }),
      message(at(2), 'b', { toResource: 'crypt' }),
      message(at(3), 'c', { ...room, toResource: 'nurse' }),
      message(at(4), 'd', { ...room, toResource: 'orchard' }),
      message(at(5), 'e', { from: ROMEO, to: JULIET, fromResource: 'orchard' }),
    ])
    const found = async (filter: object) => ids(await store.page(JULIET, filter, { limit: 10 }))
    assert.deepEqual(await found({}), [1, 2, 3, 4, 5])
    assert.deepEqual(await found({ peer: ROMEO }), [1, 2, 5])
    assert.deepEqual(await found({ peer: ROMEO, resource: 'orchard' }), [1, 5])
    assert.deepEqual(await found({ peer: ROMEO, resource: 'Orchard' }), [])
    assert.deepEqual(await found({ peer: 'paris@capulet.example' }), [])
    assert.deepEqual(await found({ groupchat: false }), [1, 2, 5])
    assert.deepEqual(await found({ groupchat: true }), [1, 2, 3, 4, 5])
    assert.deepEqual(await found({ fromId: at(2), toId: at(4) }), [2, 3, 4])
    assert.deepEqual(await found({ fromId: at(4), toId: at(2) }), [])
    assert.deepEqual(await found({ peer: ROMEO, resource: 'orchard', fromId: at(2), groupchat: false }), [5])
    assert.equal(await store.count(JULIET, { peer: ROMEO, fromId: at(2) }, 0), 2)
  })

  test('archive store: counts up to a number, or all', async () => {
    const store = storeOf(await open())
    await store.append(Array.from({ length: 10 }, (_, n) => message(at(n), `${n}`)))
    assert.equal(await store.count(JULIET, {}, 0), 10)
    assert.equal(await store.count(JULIET, {}, 7), 7)
    assert.equal(await store.count(JULIET, { peer: ROMEO }, 100), 10)
    assert.equal(await store.count('nobody@capulet.example', {}, 0), 0)
  })

  test('archive store: messages by id, in the order asked, the owner’s only', async () => {
    const store = storeOf(await open())
    await store.append([
      message(at(1), 'a'),
      message(at(2), 'b'),
      message(at(3), 'c', { from: 'nurse@capulet.example' }),
    ])
    assert.deepEqual(bodies(await store.get(JULIET, [at(2), at(3), at(1), at(9)])), ['b', 'a'])
    assert.deepEqual(await store.get(JULIET, []), [])
    assert.deepEqual(await store.get('nobody@capulet.example', [at(1)]), [])
    const many = Array.from({ length: 1200 }, (_, n) => at(n))
    assert.deepEqual(bodies(await store.get(ROMEO, many)), ['a', 'b', 'c'])
    assert.equal(await store.has(JULIET, at(1)), true)
    assert.equal(await store.has(JULIET, at(3)), false)
    assert.equal(await store.has('nobody@capulet.example', at(1)), false)
  })

  test('archive store: the ends of an archive, and the last id of all', async () => {
    const store = storeOf(await open())
    assert.equal(await store.lastId(), 0)
    assert.equal(await store.ends(JULIET), undefined)
    await store.append([
      message(at(1), 'a'),
      message(at(2), 'b'),
      message(at(3), 'c', { from: 'nurse@capulet.example' }),
    ])
    assert.deepEqual(await store.ends(JULIET), { first: at(1), last: at(2) })
    assert.equal(await store.lastId(), at(3))
    await store.purge(JULIET, Number.MAX_SAFE_INTEGER, 10)
    assert.equal(await store.ends(JULIET), undefined)
  })

  test('archive store: finds what a sender’s id refers to, newest first, in its conversation, among the newest', async () => {
    const store = storeOf(await open())
    const told = { reference: "x'1" }
    await store.append([
      message(at(1), 'a', told),
      message(at(2), 'b'),
      message(at(3), 'c', told),
      message(at(4), 'd', { ...told, to: 'nurse@capulet.example' }),
      message(at(5), 'e', { reference: '' }),
    ])
    const found = async (reference: string, within: number) =>
      (await store.findReference(JULIET, ROMEO, reference, within)).map((id) => id - NOW_ID)
    assert.deepEqual(await found("x'1", 100), [3, 1])
    assert.deepEqual(await found("x'1", 3), [3])
    assert.deepEqual(await found('X', 100), [])
    assert.deepEqual(await found('', 100), [])
    assert.deepEqual(await store.findReference(JULIET, 'paris@capulet.example', "x'1", 100), [])
  })

  test('archive store: a tombstone takes the place of a stanza in every archive', async () => {
    const store = storeOf(await open())
    await store.append([message(at(1), 'secret'), message(at(2), 'b')])
    assert.equal(await store.replace(at(1), '<message/>'), true)
    assert.equal(await store.replace(at(9), '<message/>'), false)
    const messages = [
      { id: at(1), stanza: '<message/>' },
      { id: at(2), stanza: '<message><body>b</body></message>' },
    ]
    assert.deepEqual(await store.page(JULIET, {}, { limit: 9 }), { messages, complete: true })
    assert.deepEqual(await store.page(ROMEO, {}, { limit: 9 }), { messages, complete: true })
  })

  test('archive store: purges the oldest of one owner, a few at a time; a stanza stays while somebody has it', async () => {
    const db = await open()
    const store = storeOf(db)
    await store.append(Array.from({ length: 5 }, (_, n) => message(at(n), `${n}`)))
    assert.equal(await store.purge(JULIET, at(3), 2), 2)
    assert.deepEqual(bodies((await store.page(JULIET, {}, { limit: 9 })).messages), ['2', '3', '4'])
    assert.equal(await store.purge(JULIET, at(3), 2), 1)
    assert.equal(await store.purge(JULIET, at(3), 2), 0)
    assert.equal(await store.purge('nobody@capulet.example', at(3), 2), 0)
    assert.equal(await store.count(ROMEO, {}, 0), 5)
    assert.equal(await store.purge(ROMEO, at(2), 100), 2)
    assert.deepEqual(await db.knex('archive_stanzas').orderBy('id').pluck('id'), [at(2), at(3), at(4)])
    // Both nodes of a cluster at once count no copy off twice.
    await Promise.all([
      store.purge(JULIET, Number.MAX_SAFE_INTEGER, 100),
      storeOf(db).purge(JULIET, Number.MAX_SAFE_INTEGER, 100),
    ])
    assert.deepEqual(bodies((await store.page(ROMEO, {}, { limit: 9 })).messages), ['2', '3', '4'])
    await store.purge(ROMEO, Number.MAX_SAFE_INTEGER, 100)
    assert.deepEqual(await db.knex('archive_stanzas').pluck('id'), [])
  })

  test('archive store: a quota is kept by purging what is older than the n-th newest', async () => {
    const store = storeOf(await open())
    await store.append(Array.from({ length: 5 }, (_, n) => message(at(n), `${n}`)))
    assert.equal(await store.nthNewest(JULIET, 2), at(3))
    assert.equal(await store.nthNewest(JULIET, 6), undefined)
    assert.equal(await store.nthNewest(JULIET, 0), undefined)
    assert.equal(await store.nthNewest('nobody@capulet.example', 1), undefined)
    await store.purge(JULIET, (await store.nthNewest(JULIET, 2))!, 100)
    assert.deepEqual(bodies((await store.page(JULIET, {}, { limit: 9 })).messages), ['3', '4'])
  })

  test('archive store: walks over the owners of its own host', async () => {
    const db = await open()
    const [store, other] = [storeOf(db), storeOf(db, new FakeClock(), 'montague.example')]
    for (const [n, from] of ['b', 'ä', 'a', 'C'].entries())
      await store.append([message(at(n), 'x', { from: `${from}@capulet.example` })])
    await store.append([
      { ...message(at(9), 'x'), copies: [{ owner: ROMEO, peer: 'd@capulet.example', resource: '' }] },
    ])
    assert.deepEqual(await store.owners(undefined, 3), ['C@capulet.example', 'a@capulet.example', 'b@capulet.example'])
    assert.deepEqual(await store.owners('b@capulet.example', 3), ['ä@capulet.example'])
    assert.deepEqual(await other.owners(undefined, 9), [ROMEO])
    await store.purge('a@capulet.example', Number.MAX_SAFE_INTEGER, 10)
    assert.deepEqual(await store.owners('C@capulet.example', 1), ['b@capulet.example'])
  })
})
