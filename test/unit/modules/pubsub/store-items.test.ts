import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ItemRange } from '../../../../modules/pubsub/records.ts'
import { PubsubStore } from '../../../../modules/pubsub/store.ts'
import type { Database } from '../../../../src/storage/database.ts'
import { eachDatabase } from '../../../support/databases.ts'
import { CREATED_MS, createNode, HAMLET, HOSTILE, item, itemsOf, OPHELIA, SERVICE } from './nodes.ts'

/** Two nodes, of which the second has an item that nobody should touch. */
async function musings(db: Database) {
  const store = new PubsubStore(db)
  const { id } = await createNode(store, 'princely_musings')
  const other = await createNode(store, 'other')
  await store.publish(other.id, [item('b', 2, '<other/>')], 0)
  const ids = async () => (await store.newest(id, 100)).map((record) => record.id).join('')
  const isOtherThere = async () => assert.deepEqual(await store.newest(other.id, 9), [item('b', 2, '<other/>')])
  return { store, id, ids, isOtherThere }
}

eachDatabase((open) => {
  test('pubsub items: come back as they were published, whatever is in them', async () => {
    const { store, id } = await musings(await open())
    const texts = [...HOSTILE, 'ö'.repeat(511) + 'x']
    const records = texts.map((text, n) => item(text, n + 1, `<entry>${text}</entry>`))
    await store.publish(id, records, 0)
    assert.deepEqual(await store.newest(id, 100), records)
    assert.deepEqual(await store.items(id, texts), records)
    const bare = item('bare', 999, '', OPHELIA)
    await store.publish(id, [bare], 0)
    assert.deepEqual(await store.items(id, ['bare']), [bare])
  })

  test('pubsub items: one of the same id takes the place of another and is the newest', async () => {
    // XEP-0060 §7.1.2
    const { store, id, ids, isOtherThere } = await musings(await open())
    await store.publish(id, itemsOf('a', 'b', 'c'), 0)
    await store.publish(id, [item('a', 4, '<new/>', OPHELIA)], 0)
    assert.equal(await ids(), 'bca')
    assert.deepEqual(await store.items(id, ['a']), [item('a', 4, '<new/>', OPHELIA)])
    // The last of one id in one request counts.
    await store.publish(id, [item('b', 5), item('b', 6, '<last/>')], 0)
    assert.equal(await ids(), 'cab')
    assert.deepEqual(await store.items(id, ['b']), [item('b', 6, '<last/>')])
    await isOtherThere()
  })

  test('pubsub items: the oldest beyond the bound go, in the same commit', async () => {
    // XEP-0060 §7.1.2.5
    const { store, id, ids, isOtherThere } = await musings(await open())
    await store.publish(id, itemsOf('a', 'b', 'c', 'd'), 3)
    assert.equal(await ids(), 'bcd')
    await store.publish(id, [item('b', 5)], 3)
    assert.equal(await ids(), 'cdb')
    await store.publish(id, [item('e', 6)], 3)
    assert.equal(await ids(), 'dbe')
    await store.publish(id, [item('f', 7)], 4)
    assert.equal(await ids(), 'dbef')
    await store.publish(id, [item('g', 8)], 1)
    assert.equal(await ids(), 'g')
    // A commit that is repeated changes nothing.
    await store.publish(id, [item('g', 8)], 1)
    assert.deepEqual(await store.newest(id, 9), [item('g', 8)])
    await isOtherThere()
  })

  test('pubsub items: publishing is one commit, however many items there are', async () => {
    const db = await open()
    const { store, id } = await musings(db)
    const before = db.queries
    await store.publish(id, itemsOf('a', 'b', 'c'), 2)
    // BEGIN, INSERT, DELETE, COMMIT: one question to MySQL.
    assert.equal(db.queries - before, 4)
    await store.publish(id, [], 0)
    assert.equal(db.queries - before, 4)
    assert.equal((await store.newest(id, 9)).length, 2)
    // Nothing new in a node that is to hold less.
    await store.publish(id, [], 1)
    assert.deepEqual(await store.newest(id, 9), [item('c', 3)])
  })

  test('pubsub items: megabytes and thousands', async () => {
    const { store, id } = await musings(await open())
    const long = 'ü🌹'.repeat(300_000)
    await store.publish(id, [item('x', 1, long), item('y', 2, long), item('z', 3)], 2)
    const [y, z] = await store.newest(id, 9)
    assert.ok(y!.id === 'y' && y!.payload === long && z!.id === 'z')
    const many = Array.from({ length: 1500 }, (_, n) => item(`i${n}`, n + 10))
    await store.publish(id, many, 1200)
    const ids = many.map((record) => record.id)
    const found = await store.items(id, ids)
    assert.deepEqual([found.length, found[0]!.id], [1200, 'i300'])
    assert.equal((await store.retract(id, ids)).length, 1200)
    assert.equal((await store.page(id, { limit: 1 }))!.count, 0)
  })

  test('pubsub items: are found by their ids, in the order asked for', async () => {
    // XEP-0060 §6.5.8
    const { store, id } = await musings(await open())
    await store.publish(id, itemsOf('a', 'b', 'c'), 0)
    const found = await store.items(id, ['c', 'x', 'a', 'c', 'A', 'a '])
    assert.deepEqual(found, [item('c', 3), item('a', 1)])
    assert.deepEqual(await store.items(id, []), [])
    assert.deepEqual(await store.items(-1, ['a']), [])
  })

  test('pubsub items: the newest are given oldest first', async () => {
    // XEP-0060 §6.5.7
    const { store, id } = await musings(await open())
    await store.publish(id, itemsOf('a', 'b', 'c'), 0)
    const newest = async (count: number) => (await store.newest(id, count)).map((record) => record.id).join('')
    assert.deepEqual(
      [await newest(0), await newest(1), await newest(2), await newest(9), await newest(-1)],
      ['', 'c', 'bc', 'abc', ''],
    )
  })

  test('pubsub items: pages are in the order of publication and know their place', async () => {
    // XEP-0060 §6.5.4, XEP-0059 §2
    const { store, id } = await musings(await open())
    const empty = { items: [], count: 0, index: 0 }
    for (const range of [{ limit: 9 }, { before: '', limit: 9 }, { index: 3, limit: 9 }])
      assert.deepEqual(await store.page(id, range), empty)
    assert.equal(await store.page(id, { after: 'a', limit: 9 }), undefined)
    // Not in the order of their ids.
    await store.publish(id, itemsOf('d', 'a', 'e', 'b', 'c'), 0)
    const page = async (range: ItemRange) => {
      const found = await store.page(id, range)
      return found && [found.items.map((record) => record.id).join(''), found.count, found.index]
    }
    for (const [range, expected] of [
      [{ limit: 9 }, ['daebc', 5, 0]],
      [{ limit: 2 }, ['da', 5, 0]],
      [{ after: 'a', limit: 2 }, ['eb', 5, 2]],
      [{ after: 'b', limit: 2 }, ['c', 5, 4]],
      [{ after: 'c', limit: 2 }, ['', 5, 5]],
      [{ before: '', limit: 2 }, ['bc', 5, 3]],
      [{ before: 'b', limit: 2 }, ['ae', 5, 1]],
      [{ before: 'a', limit: 2 }, ['d', 5, 0]],
      [{ before: 'd', limit: 2 }, ['', 5, 0]],
      [{ index: 0, limit: 2 }, ['da', 5, 0]],
      [{ index: 3, limit: 1 }, ['b', 5, 3]],
      [{ index: 3, limit: 9 }, ['bc', 5, 3]],
      [{ index: 5, limit: 9 }, ['', 5, 5]],
      [{ index: 1e15, limit: 9 }, ['', 5, 5]],
      [{ limit: 0 }, ['', 5, 0]],
      [{ limit: -1 }, ['', 5, 0]],
      [{ after: 'A', limit: 2 }, undefined],
      [{ before: 'a ', limit: 2 }, undefined],
      [{ after: '', limit: 2 }, undefined],
    ] as const)
      assert.deepEqual(await page(range), expected, JSON.stringify(range))
    const [first] = (await store.page(id, { limit: 1 }))!.items
    assert.deepEqual(first, item('d', 1))
    for (const text of HOSTILE.filter((hostile) => hostile !== 'a'))
      assert.equal(await page({ after: text, limit: 1 }), undefined, JSON.stringify(text))
  })

  test('pubsub items: retracting tells which were there', async () => {
    // XEP-0060 §7.2
    const { store, id, ids, isOtherThere } = await musings(await open())
    await store.publish(id, itemsOf('a', 'b', 'c', 'd'), 0)
    assert.deepEqual(await store.retract(id, ['d', 'x', 'b', 'A', 'b']), ['d', 'b'])
    assert.equal(await ids(), 'ac')
    assert.deepEqual(await store.retract(id, ['b']), [])
    assert.deepEqual(await store.retract(id, []), [])
    await isOtherThere()
  })

  test('pubsub items: a purge takes all of one node', async () => {
    // XEP-0060 §8.5
    const { store, id, ids, isOtherThere } = await musings(await open())
    await store.publish(id, itemsOf('a', 'b'), 0)
    await store.purge(id)
    assert.equal(await ids(), '')
    await isOtherThere()
  })

  test('pubsub items: those from before a time expire', async () => {
    const { store, id, ids, isOtherThere } = await musings(await open())
    await store.publish(id, itemsOf('a', 'b', 'c', 'd'), 0)
    // Published anew, so not the oldest any more.
    await store.publish(id, [item('a', 5)], 0)
    assert.equal(await store.expire(id, CREATED_MS), 0)
    assert.equal(await store.expire(id, CREATED_MS + 3000), 1)
    assert.equal(await ids(), 'cda')
    assert.equal(await store.expire(id, CREATED_MS + 3001), 1)
    assert.equal(await store.expire(id, CREATED_MS + 99_000), 2)
    assert.deepEqual([await ids(), await store.expire(id, CREATED_MS + 99_000)], ['', 0])
    await isOtherThere()
  })

  test('pubsub items: the last of each wanted node of each of these services, in one question', async () => {
    // XEP-0060 §12.1
    const db = await open()
    const store = new PubsubStore(db)
    const people = Array.from({ length: 12 }, (_, n) => `user${n}@denmark.example`)
    for (const [n, service] of people.entries())
      for (const node of ['tune', 'Tune', `urn:'"\\`, 'empty', `own${n % 2}`]) {
        const { id } = await createNode(store, node, { service })
        if (node !== 'empty') await store.publish(id, [item('old', 1), item('z', 2), item('a', 3, `<${n}/>`)], 0)
      }
    const { id } = await createNode(store, 'tune')
    await store.publish(id, [item('x', 1)], 0)
    const before = db.queries
    const last = await store.lastItems(
      [...people.slice(1), HAMLET, people[1]!],
      ['tune', `urn:'"\\`, 'own1', 'empty', 'x'],
      HAMLET,
    )
    assert.equal(db.queries - before, 1)
    const seen = last.map(({ record: { service, node }, affiliation, item: newest }) => {
      assert.deepEqual(newest, item('a', 3, `<${people.indexOf(service)}/>`))
      assert.equal(affiliation, 'owner')
      return `${service} ${node}`
    })
    const expected = people
      .slice(1)
      .flatMap((jid, n) => ['tune', `urn:'"\\`, ...(n % 2 === 0 ? ['own1'] : [])].map((node) => `${jid} ${node}`))
    assert.deepEqual(seen.sort(), expected.sort())
    const [other] = await store.lastItems([SERVICE], ['tune'], OPHELIA)
    const { record } = (await store.load(SERVICE, 'tune'))!
    assert.deepEqual(other, { record, affiliation: undefined, item: item('x', 1) })
    // Of many at once none is as large as it can be.
    await store.publish(id, [item('large', 2, `<${'ö'.repeat(8192)}/>`)], 0)
    const [large] = await store.lastItems([SERVICE], ['tune'], OPHELIA)
    assert.deepEqual(large?.item, { ...item('large', 2), payload: undefined })
    const nothing = [await store.lastItems([], ['tune'], HAMLET), await store.lastItems([SERVICE], [], HAMLET)]
    assert.deepEqual(nothing, [[], []])
  })
})
