import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SubscriptionRecord } from '../../../../modules/pubsub/records.ts'
import { PubsubStore } from '../../../../modules/pubsub/store.ts'
import { eachDatabase } from '../../../support/databases.ts'
import { createNode, HAMLET, HOSTILE, OPHELIA, SERVICE } from './nodes.ts'

const subscription = (jid: string, subid: string, part: Partial<SubscriptionRecord> = {}): SubscriptionRecord => ({
  ...{ jid, subid, state: 'subscribed', options: {} },
  ...part,
})

const bySubid = (a: SubscriptionRecord, b: SubscriptionRecord) => (a.subid < b.subid ? -1 : 1)

eachDatabase((open) => {
  test('pubsub affiliations: are changed, put and taken away together', async () => {
    // XEP-0060 §8.9.2
    const db = await open()
    const store = new PubsubStore(db)
    const { id } = await createNode(store, 'a')
    const other = await createNode(store, 'b')
    const of = async (node: string) => Object.fromEntries((await store.load(SERVICE, node))!.affiliations)
    await store.affiliate(
      id,
      new Map([
        [OPHELIA, 'publish-only'],
        ['ghost@x', 'none'],
        ['X@y', 'member'],
        ['x@y', 'outcast'],
      ]),
    )
    assert.deepEqual(await of('a'), { [HAMLET]: 'owner', [OPHELIA]: 'publish-only', 'X@y': 'member', 'x@y': 'outcast' })
    const before = db.queries
    await store.affiliate(
      id,
      new Map([
        [OPHELIA, 'owner'],
        [HAMLET, 'publisher'],
        ['x@y', 'none'],
      ]),
    )
    // BEGIN, DELETE, INSERT, COMMIT: one question to MySQL.
    assert.equal(db.queries - before, 4)
    assert.deepEqual(await of('a'), { [HAMLET]: 'publisher', [OPHELIA]: 'owner', 'X@y': 'member' })
    assert.deepEqual(await of('b'), { [HAMLET]: 'owner' })
    await store.affiliate(other.id, new Map())
    const many = Array.from({ length: 1000 }, (_, n) => `user${n}@x`)
    await store.affiliate(id, new Map(many.map((jid) => [jid, 'member'])))
    assert.equal(Object.keys(await of('a')).length, 1003)
    await store.affiliate(id, new Map(many.map((jid) => [jid, 'none'])))
    assert.equal(Object.keys(await of('a')).length, 3)
  })

  test('pubsub affiliations: are found by whose they are', async () => {
    // XEP-0060 §5.7
    const store = new PubsubStore(await open())
    for (const name of ['b', 'a', 'c']) {
      const { id } = await createNode(store, name)
      if (name !== 'c') await store.affiliate(id, new Map([[OPHELIA, name === 'a' ? 'outcast' : 'publisher']]))
    }
    await createNode(store, 'own', { service: HAMLET, owners: [OPHELIA] })
    assert.deepEqual(await store.affiliationsOf(SERVICE, OPHELIA), [
      { node: 'a', affiliation: 'outcast' },
      { node: 'b', affiliation: 'publisher' },
    ])
    assert.deepEqual(await store.affiliationsOf(HAMLET, OPHELIA), [{ node: 'own', affiliation: 'owner' }])
    for (const jid of ['', 'Ophelia@denmark.example', `${OPHELIA} `, ...HOSTILE])
      assert.deepEqual(await store.affiliationsOf(SERVICE, jid), [], JSON.stringify(jid))
  })

  test('pubsub subscriptions: come back as they were put, one for each subid', async () => {
    const store = new PubsubStore(await open())
    const { id } = await createNode(store, 'a')
    await createNode(store, 'b')
    const load = async () => [...(await store.load(SERVICE, 'a'))!.subscriptions].sort(bySubid)
    const options = { digest: '1', 'show-values': ['chat', `'"\\🌹`], expire: '', none: [] }
    const records = [
      subscription(OPHELIA, '1', { options }),
      subscription(`${OPHELIA}/a/b@c ${'ö'.repeat(400)}`, '2', { state: 'pending' }),
      subscription(OPHELIA, '3', { state: 'unconfigured' }),
      subscription('denmark.example', '4'),
      subscription('denmark.example/x', '5'),
      ...HOSTILE.map((text) => subscription(`${HAMLET}/${text}`, text)),
    ].sort(bySubid)
    for (const record of records) await store.saveSubscription(id, record)
    assert.deepEqual(await load(), records)
    await store.saveSubscription(id, subscription(`${OPHELIA}/orchard`, '1', { state: 'pending' }))
    await store.removeSubscriptions(id, ['2', 'x', '4', ...HOSTILE])
    assert.deepEqual(await load(), [
      subscription(`${OPHELIA}/orchard`, '1', { state: 'pending' }),
      subscription(OPHELIA, '3', { state: 'unconfigured' }),
      subscription('denmark.example/x', '5'),
    ])
    assert.deepEqual((await store.load(SERVICE, 'b'))!.subscriptions, [])
    await store.removeSubscriptions(id, [])
    assert.equal((await load()).length, 3)
  })

  test('pubsub subscriptions: an owner finds the nodes to which somebody asks to subscribe', async () => {
    // XEP-0060 §8.7
    const store = new PubsubStore(await open())
    const pending = { state: 'pending' } as const
    for (const name of ['b', 'a', 'none', 'other']) {
      const { id } = await createNode(store, name, { owners: name === 'other' ? [OPHELIA] : [HAMLET] })
      await store.saveSubscription(id, subscription('x@y', 's1', name === 'none' ? {} : pending))
      await store.saveSubscription(id, subscription('x@z', 's2', name === 'a' ? pending : {}))
      await store.affiliate(id, new Map([['nurse@x', 'publisher']]))
    }
    const own = await createNode(store, 'own', { service: HAMLET })
    await store.saveSubscription(own.id, subscription('x@y', 's1', pending))
    assert.deepEqual(await store.pendingOf(SERVICE, HAMLET), ['a', 'b'])
    assert.deepEqual(await store.pendingOf(HAMLET, HAMLET), ['own'])
    for (const jid of ['nurse@x', 'x@y', '']) assert.deepEqual(await store.pendingOf(SERVICE, jid), [])
  })

  test('pubsub subscriptions: are found by whose they are, with those of their resources', async () => {
    // XEP-0060 §5.6
    const store = new PubsubStore(await open())
    const a = await createNode(store, 'a')
    const b = await createNode(store, 'b')
    const own = await createNode(store, 'own', { service: HAMLET })
    const mine = [
      subscription(OPHELIA, 's1', { state: 'pending' }),
      subscription(`${OPHELIA}/x`, 's2', { options: { digest: '1' } }),
    ]
    for (const record of mine) await store.saveSubscription(b.id, record)
    await store.saveSubscription(a.id, subscription(OPHELIA, 's3'))
    await store.saveSubscription(a.id, subscription(HAMLET, 's4'))
    await store.saveSubscription(a.id, subscription(`${OPHELIA}.org/x`, 's5'))
    await store.saveSubscription(own.id, subscription(OPHELIA, 's1'))
    assert.deepEqual(await store.subscriptionsOf(SERVICE, OPHELIA), [
      { node: 'a', subscription: subscription(OPHELIA, 's3') },
      ...mine.map((record) => ({ node: 'b', subscription: record })),
    ])
    assert.deepEqual(await store.subscriptionsOf(HAMLET, OPHELIA), [
      { node: 'own', subscription: subscription(OPHELIA, 's1') },
    ])
    for (const jid of ['', `${OPHELIA}/x`, OPHELIA.toUpperCase(), ...HOSTILE])
      assert.deepEqual(await store.subscriptionsOf(SERVICE, jid), [], JSON.stringify(jid))
  })
})
