import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPublisher, mayRead } from '../../../../modules/pubsub/access.ts'
import type { Face } from '../../../../modules/pubsub/face.ts'
import { Node } from '../../../../modules/pubsub/node.ts'
import { plainDefaults, settingsOf } from '../../../../modules/pubsub/node-config.ts'
import type { NodeAffiliation, NodeConfig, SubscriptionState } from '../../../../modules/pubsub/records.ts'
import { Jid, StanzaError } from '../../../../src/api.ts'
import { CREATED_MS, HAMLET, OPHELIA, SERVICE } from './nodes.ts'

const asker = Jid.parse(`${OPHELIA}/x`)

interface Case {
  readonly affiliation?: NodeAffiliation
  readonly subscription?: SubscriptionState
  readonly sees?: boolean
  readonly grouped?: boolean
  readonly rules?: boolean
}

function scene(config: NodeConfig, { affiliation, subscription, sees = false, grouped = false, rules = false }: Case) {
  const limits = { maxItems: 0, maxPayload: 0, maxNodes: 0, maxSubscriptions: 0 }
  const record = { id: 1, service: SERVICE, node: 'n', config, creator: HAMLET, createdMs: CREATED_MS }
  const affiliations = new Map<string, NodeAffiliation>([[HAMLET, 'owner']])
  if (affiliation !== undefined) affiliations.set(OPHELIA, affiliation)
  const state = subscription ?? 'subscribed'
  const subscriptions = subscription === undefined ? [] : [{ jid: `${OPHELIA}/y`, subid: 's', state, options: {} }]
  const face = {
    ...{ service: Jid.parse(SERVICE), defaults: plainDefaults, limits },
    ...{ rules: () => rules, seesPresence: () => sees, isInGroups: () => grouped },
  } as unknown as Face
  const settings = settingsOf(config, plainDefaults, limits)
  return { face, node: new Node({ record, affiliations, subscriptions, lastSeq: 0 }, settings) }
}

// XEP-0060 §4.1, §4.5
test('access: who may read a node', async () => {
  for (const [model, who, expected] of [
    ['open', {}, true],
    ['open', { affiliation: 'outcast' }, false],
    ['open', { affiliation: 'publish-only' }, false],
    ['open', { affiliation: 'outcast', rules: true }, true],
    ['presence', {}, false],
    ['presence', { sees: true }, true],
    ['presence', { grouped: true }, false],
    ['presence', { affiliation: 'member' }, true],
    ['presence', { sees: true, affiliation: 'outcast' }, false],
    ['roster', { sees: true }, false],
    ['roster', { grouped: true }, false],
    ['roster', { sees: true, grouped: true }, true],
    ['whitelist', { sees: true, grouped: true, subscription: 'subscribed' }, false],
    ['whitelist', { affiliation: 'member' }, true],
    ['whitelist', { affiliation: 'publisher' }, true],
    ['whitelist', { affiliation: 'owner' }, true],
    ['whitelist', { rules: true }, true],
    ['authorize', {}, false],
    ['authorize', { subscription: 'pending' }, false],
    ['authorize', { subscription: 'subscribed' }, true],
    ['authorize', { affiliation: 'member' }, true],
  ] as const) {
    const { face, node } = scene({ access_model: model }, who)
    assert.equal(await mayRead(face, node, asker), expected, `${model} ${JSON.stringify(who)}`)
  }
})

// XEP-0060 §4.1, §7.1.3.1
test('access: who may publish at a node', async () => {
  for (const [model, who, expected, access = 'open'] of [
    ['publishers', {}, false],
    ['publishers', { affiliation: 'member' }, false],
    ['publishers', { affiliation: 'publisher' }, true],
    ['publishers', { affiliation: 'publish-only' }, true],
    ['publishers', { affiliation: 'owner' }, true],
    ['publishers', { rules: true }, true],
    ['publishers', { subscription: 'subscribed' }, false],
    ['subscribers', {}, false],
    ['subscribers', { subscription: 'subscribed' }, true],
    ['subscribers', { subscription: 'pending' }, false],
    ['subscribers', { subscription: 'subscribed', affiliation: 'outcast' }, false],
    ['open', {}, true],
    ['open', { affiliation: 'outcast' }, false],
    // Open is for those who may read.
    ['open', {}, false, 'whitelist'],
    ['open', { affiliation: 'member' }, true, 'whitelist'],
  ] as const) {
    const { face, node } = scene({ publish_model: model, access_model: access }, who)
    const attempt = checkPublisher(face, node, asker)
    const title = `${model} ${access} ${JSON.stringify(who)}`
    if (expected) await assert.doesNotReject(attempt, title)
    else
      await assert.rejects(attempt, (error) => error instanceof StanzaError && error.condition === 'forbidden', title)
  }
})
