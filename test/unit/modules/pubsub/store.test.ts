import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeRange } from '../../../../modules/pubsub/records.ts'
import { PubsubStore } from '../../../../modules/pubsub/store.ts'
import { isUniqueViolation } from '../../../../src/storage/database.ts'
import { eachDatabase } from '../../../support/databases.ts'
import { CREATED_MS, createNode, HAMLET, HOSTILE, item, OPHELIA, SERVICE } from './nodes.ts'

const subscription = (jid: string, subid: string) => ({ jid, subid, state: 'subscribed', options: {} }) as const

eachDatabase((open) => {
  test('pubsub store: a node comes back as it was created, with its owners', async () => {
    const store = new PubsubStore(await open())
    const config = { title: 'Prïncely 🌹', max_items: '5', roster_groups_allowed: ["o'", '"'], empty: '', none: [] }
    const created = await createNode(store, 'princely_musings', { config, owners: [HAMLET, OPHELIA, HAMLET] })
    const { id, ...rest } = created
    assert.deepEqual(rest, {
      ...{ service: SERVICE, node: 'princely_musings', config, creator: HAMLET, createdMs: CREATED_MS },
    })
    assert.deepEqual(await store.load(SERVICE, 'princely_musings'), {
      record: created,
      affiliations: new Map([
        [HAMLET, 'owner'],
        [OPHELIA, 'owner'],
      ]),
      subscriptions: [],
      lastSeq: 0,
    })
    await store.publish(id, [item('a', 7), item('b', 5)], 0)
    assert.equal((await store.load(SERVICE, 'princely_musings'))!.lastSeq, 7)
    assert.deepEqual((await createNode(store, 'orphan', { owners: [] })).node, 'orphan')
    assert.deepEqual((await store.load(SERVICE, 'orphan'))!.affiliations, new Map())
  })

  test('pubsub store: a name is one node of one service, octet by octet', async () => {
    const store = new PubsubStore(await open())
    const names = [...HOSTILE, 'ö'.repeat(511) + 'x']
    const ids = new Set<number>()
    for (const name of names) ids.add((await createNode(store, name)).id)
    assert.equal(ids.size, names.length)
    for (const name of names) assert.equal((await store.load(SERVICE, name))!.record.node, name)
    await assert.rejects(createNode(store, 'a', { owners: [OPHELIA] }), (error) => isUniqueViolation(error))
    assert.deepEqual([...(await store.load(SERVICE, 'a'))!.affiliations], [[HAMLET, 'owner']])
    const own = await createNode(store, 'a', { service: HAMLET })
    assert.equal((await store.load(HAMLET, 'a'))!.record.id, own.id)
    for (const name of ['', 'aa', 'á', 'a\u0000'])
      assert.equal(await store.load(SERVICE, name), undefined, JSON.stringify(name))
    assert.equal(await store.load(OPHELIA, 'a'), undefined)
    const listed = await store.nodes(SERVICE, { limit: 100 })
    assert.deepEqual(
      listed.nodes.map(({ node }) => node),
      [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    )
  })

  test('pubsub store: the settings of one node are saved', async () => {
    const store = new PubsubStore(await open())
    const { id } = await createNode(store, 'a', { config: { title: 'Before' } })
    await createNode(store, 'b', { config: { title: 'Other' } })
    await store.saveConfig(id, { access_model: 'whitelist', children: [`'"\\`, '\u{1f339}'] })
    assert.deepEqual((await store.load(SERVICE, 'a'))!.record.config, {
      access_model: 'whitelist',
      children: [`'"\\`, '\u{1f339}'],
    })
    assert.deepEqual((await store.load(SERVICE, 'b'))!.record.config, { title: 'Other' })
    await store.saveConfig(id, {})
    assert.deepEqual((await store.load(SERVICE, 'a'))!.record.config, {})
  })

  test('pubsub store: a node is removed with all that hangs on it, and nothing else', async () => {
    const db = await open()
    const store = new PubsubStore(db)
    const full = async (name: string) => {
      const { id } = await createNode(store, name)
      await store.affiliate(id, new Map([[OPHELIA, 'member']]))
      await store.saveSubscription(id, subscription(OPHELIA, 's1'))
      await store.publish(id, [item('i', 1)], 0)
      return id
    }
    const [gone, stays] = [await full('gone'), await full('stays')]
    const rowsOf = async (id: number) => {
      const counts = []
      for (const table of ['affiliations', 'subscriptions', 'items'])
        counts.push((await db.knex(`pubsub_${table}`).where({ node: id })).length)
      return counts
    }
    await store.remove(gone)
    assert.deepEqual(
      [await rowsOf(gone), await rowsOf(stays)],
      [
        [0, 0, 0],
        [2, 1, 1],
      ],
    )
    assert.equal(await store.load(SERVICE, 'gone'), undefined)
    assert.equal((await store.load(SERVICE, 'stays'))?.record.id, stays)
    assert.notEqual((await createNode(store, 'gone')).id, gone)
  })

  test('pubsub store: the nodes of a service are listed in pages, by name', async () => {
    // XEP-0060 §5.2
    const store = new PubsubStore(await open())
    for (const name of ['d', 'a', 'c', 'b', 'e']) await createNode(store, name, { config: { title: name } })
    await createNode(store, 'b2', { service: 'other.example' })
    const names = async (range: NodeRange) => {
      const { nodes, count, index } = await store.nodes(SERVICE, range)
      assert.ok(nodes.every(({ node, config, service }) => config['title'] === node && service === SERVICE))
      return [nodes.map(({ node }) => node).join(''), count, index]
    }
    for (const [range, page] of [
      [{ limit: 9 }, ['abcde', 5, 0]],
      [{ limit: 2 }, ['ab', 5, 0]],
      [{ after: 'b', limit: 2 }, ['cd', 5, 2]],
      [{ after: 'd', limit: 2 }, ['e', 5, 4]],
      [{ after: 'e', limit: 2 }, ['', 5, 5]],
      [{ after: 'b2', limit: 2 }, ['cd', 5, 2]],
      [{ after: '', limit: 1 }, ['a', 5, 0]],
      [{ before: '', limit: 2 }, ['de', 5, 3]],
      [{ before: 'd', limit: 2 }, ['bc', 5, 1]],
      [{ before: 'b', limit: 2 }, ['a', 5, 0]],
      [{ before: 'a', limit: 2 }, ['', 5, 0]],
      [{ before: 'bb', limit: 1 }, ['b', 5, 1]],
      [{ limit: 0 }, ['', 5, 0]],
      [{ limit: -1 }, ['', 5, 0]],
    ] as const)
      assert.deepEqual(await names(range), page, JSON.stringify(range))
    assert.deepEqual(await store.nodes('nobody.example', { limit: 9 }), { nodes: [], count: 0, index: 0 })
  })

  test('pubsub store: what an account has made is counted', async () => {
    const store = new PubsubStore(await open())
    for (const name of ['a', 'b']) await createNode(store, name)
    await createNode(store, 'c', { creator: OPHELIA })
    await createNode(store, 'a', { service: HAMLET })
    assert.deepEqual([await store.countCreated(SERVICE, HAMLET), await store.countCreated(SERVICE, 'x@y')], [2, 0])
  })

  test('pubsub store: an account that is deleted leaves neither its nodes nor its name', async () => {
    const db = await open()
    const store = new PubsubStore(db)
    const { id } = await createNode(store, 'a', { owners: [HAMLET, OPHELIA] })
    const row = { service: HAMLET, creator: HAMLET, config: '{}', created_ms: CREATED_MS }
    await db.knex('pubsub_nodes').insert(Array.from({ length: 101 }, (_, n) => ({ ...row, name: `n${n}` })))
    const own = (await store.load(HAMLET, 'n7'))!.record.id
    await store.affiliate(own, new Map([[OPHELIA, 'member']]))
    await store.saveSubscription(own, subscription(OPHELIA, 's'))
    await store.publish(own, [item('i', 1)], 0)
    for (const [jid, subid] of [
      [HAMLET, 's1'],
      [`${HAMLET}/elsinore`, 's2'],
      [`${HAMLET}.org`, 's3'],
      [OPHELIA, 's4'],
    ] as const)
      await store.saveSubscription(id, subscription(jid, subid))
    await store.forgetService(HAMLET)
    assert.deepEqual(await store.nodes(HAMLET, { limit: 9 }), { nodes: [], count: 0, index: 0 })
    for (const table of ['affiliations', 'subscriptions', 'items'])
      assert.deepEqual(await db.knex(`pubsub_${table}`).where({ node: own }), [], table)
    const before = (await store.load(SERVICE, 'a'))!
    assert.deepEqual([before.affiliations.size, before.subscriptions.length, before.record.creator], [2, 4, HAMLET])
    await store.forgetJid(HAMLET)
    const { record, affiliations, subscriptions } = (await store.load(SERVICE, 'a'))!
    assert.equal(record.creator, '')
    assert.deepEqual([...affiliations], [[OPHELIA, 'owner']])
    assert.deepEqual(subscriptions.map(({ subid }) => subid).sort(), ['s3', 's4'])
  })
})
