import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Engine } from '../../../../modules/pubsub/engine.ts'
import type { Face } from '../../../../modules/pubsub/face.ts'
import { plainDefaults } from '../../../../modules/pubsub/node-config.ts'
import type { PubsubStore } from '../../../../modules/pubsub/store.ts'
import { type Host, Jid, StanzaError } from '../../../../src/api.ts'
import { CREATED_MS, HAMLET, SERVICE } from './nodes.ts'

const face = {
  ...{ service: Jid.parse(SERVICE), defaults: plainDefaults },
  limits: { maxItems: 0, maxPayload: 0, maxNodes: 0, maxSubscriptions: 0 },
} as unknown as Face

/** An engine whose store has every node but `nowhere`; `loads` counts. */
function scene() {
  const loads: string[] = []
  const logged: object[] = []
  const store = {
    load: async (service: string, node: string) => {
      loads.push(node)
      if (node === 'nowhere') return undefined
      const record = { id: 1, service, node, config: {}, creator: HAMLET, createdMs: CREATED_MS }
      return { record, affiliations: new Map(), subscriptions: [], lastSeq: 7 }
    },
  }
  const clock = { ms: 1, now: () => clock.ms }
  const log = { error: (fields: object) => logged.push(fields) }
  const engine = new Engine({} as Host, store as unknown as PubsubStore, clock as never, log as never)
  return { engine, clock, loads, logged }
}

test('engine: a node is loaded once, until nobody knows how it is on disk', async () => {
  const { engine, loads } = scene()
  const fails = (error: Error) =>
    engine.atNode(face, 'a', async () => {
      throw error
    })
  await Promise.all([engine.find(face, 'a'), engine.find(face, 'a'), engine.atNode(face, 'a', async () => {})])
  await assert.rejects(fails(new StanzaError('forbidden')))
  await engine.get(face, 'a')
  assert.deepEqual(loads, ['a'])
  await assert.rejects(fails(new Error('the connection was lost')))
  await engine.get(face, 'a')
  assert.deepEqual(loads, ['a', 'a'])
  engine.forgetAll()
  await engine.get(face, 'a')
  assert.equal(loads.length, 3)
  await assert.rejects(engine.get(face, 'nowhere'), StanzaError)
})

test('engine: what is done to a node is done in order, what follows from a request after its answer', async () => {
  const { engine, logged } = scene()
  const done: string[] = []
  const first = engine.atNode(face, 'a', async () => {
    engine.afterwards(face, 'a', () => void done.push('follows'))
    await null
    done.push('first')
  })
  void first.then(() => done.push('answer'))
  const second = engine.atNode(face, 'a', async () => void done.push('second'))
  const other = engine.atNode(face, 'b', async () => void done.push('other'))
  await Promise.all([first, second, other])
  await engine.idle()
  assert.deepEqual(
    done.filter((what) => what !== 'other'),
    ['first', 'answer', 'second', 'follows'],
  )
  engine.afterwards(face, 'a', () => {
    throw new Error('no')
  })
  engine.afterwards(face, 'nowhere', () => assert.fail())
  await engine.idle()
  assert.equal(logged.length, 1)
})

test('engine: the place of what is published rises, whatever the clock does', async () => {
  const { engine, clock } = scene()
  const node = await engine.get(face, 'a')
  clock.ms = 5
  assert.equal(engine.nextSeq(node), 5000)
  assert.equal(engine.nextSeq(node), 5001)
  clock.ms = 4
  assert.equal(engine.nextSeq(node), 5002)
  clock.ms = 0
  const other = await engine.get(face, 'b')
  assert.equal(engine.nextSeq(other), 8)
})
