import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  configFields,
  configForm,
  type NodeLimits,
  plainDefaults,
  readConfig,
  sameValue,
  settingsOf,
  unlike,
} from '../../../../modules/pubsub/node-config.ts'
import { StanzaError } from '../../../../src/api.ts'

const LIMITS: NodeLimits = { maxItems: 100, maxPayload: 5000 }
const OFF: NodeLimits = { maxItems: 0, maxPayload: 0 }
const read = (fields: Record<string, string | readonly string[]>, limits = LIMITS) =>
  readConfig(new Map(Object.entries(fields).map(([name, value]) => [`pubsub#${name}`, [value].flat()])), limits)

test('node settings: each value is read into one spelling', () => {
  for (const [fields, config] of [
    [{ persist_items: 'true' }, { persist_items: '1' }],
    [{ persist_items: ' 0 ' }, { persist_items: '0' }],
    [{ title: ' Musings ' }, { title: 'Musings' }],
    [{ title: [] }, { title: '' }],
    [{ contact: ['Hamlet@Denmark.example', '', 'hamlet@denmark.example'] }, { contact: ['hamlet@denmark.example'] }],
    [{ roster_groups_allowed: ['a', 'A', 'a'] }, { roster_groups_allowed: ['a', 'A'] }],
    [
      { max_items: 'max', item_expire: 'max' },
      { max_items: 'max', item_expire: 'max' },
    ],
    [
      { max_items: '100', max_payload_size: '5000' },
      { max_items: '100', max_payload_size: '5000' },
    ],
    // XEP-0248 is not for this service; this much of it is true of any node.
    [{ node_type: 'leaf', collection: '' }, {}],
    [{ body_xslt: 'x', constructor: 'y' }, {}],
  ] as const)
    assert.deepEqual(read(fields), config, JSON.stringify(fields))
  assert.deepEqual(read({ max_items: '999999999', max_payload_size: '999999999' }, OFF), {
    max_items: '999999999',
    max_payload_size: '999999999',
  })
})

test('node settings: what a field cannot be is refused', () => {
  for (const [fields, condition] of [
    [{ max_items: '101' }, 'not-acceptable'],
    [{ max_items: '1.5' }, 'not-acceptable'],
    [{ max_items: '' }, 'not-acceptable'],
    [{ max_payload_size: '5001' }, 'not-acceptable'],
    [{ item_expire: 'never' }, 'not-acceptable'],
    [{ persist_items: '' }, 'not-acceptable'],
    [{ persist_items: 'yes' }, 'not-acceptable'],
    [{ access_model: 'Open' }, 'not-acceptable'],
    [{ itemreply: 'nobody' }, 'not-acceptable'],
    [{ title: ['a', 'b'] }, 'not-acceptable'],
    [{ title: 'x'.repeat(1001) }, 'not-acceptable'],
    [{ contact: ['@'] }, 'not-acceptable'],
    [{ roster_groups_allowed: Array.from({ length: 101 }, (_, n) => `${n}`) }, 'not-acceptable'],
    [{ node_type: 'collection' }, 'feature-not-implemented'],
    [{ collection: 'above' }, 'feature-not-implemented'],
  ] as const)
    assert.throws(
      () => read(fields),
      (error) => error instanceof StanzaError && error.condition === condition,
      JSON.stringify(fields).slice(0, 80),
    )
  const unknown: string[] = []
  readConfig(
    new Map([
      ['FORM_TYPE', ['x']],
      ['pubsub#colour', []],
      ['title', ['x']],
    ]),
    LIMITS,
    (name) => unknown.push(name),
  )
  assert.deepEqual(unknown, ['pubsub#colour', 'title'])
})

test('node settings: defaults fill in what was not said, and bounds of the admin hold', () => {
  const settings = settingsOf({ title: 'Musings', max_items: 'max', max_payload_size: '0' }, plainDefaults, LIMITS)
  const { title, maxItems, maxPayloadSize, accessModel, persistItems, notifyConfig, itemExpire, contacts } = settings
  assert.deepEqual(
    { title, maxItems, maxPayloadSize, accessModel, persistItems, notifyConfig, itemExpire, contacts },
    {
      ...{ title: 'Musings', maxItems: 100, maxPayloadSize: 5000, accessModel: 'open', persistItems: true },
      ...{ notifyConfig: false, itemExpire: 0, contacts: [] },
    },
  )
  const of = (config: Record<string, string>, limits: NodeLimits) => {
    const { maxItems, maxPayloadSize, itemExpire } = settingsOf(config, plainDefaults, limits)
    return [maxItems, maxPayloadSize, itemExpire]
  }
  // The admin has lowered the bounds since.
  assert.deepEqual(of({ max_items: '500', max_payload_size: '9000', item_expire: '60' }, LIMITS), [100, 5000, 60])
  assert.deepEqual(of({ max_payload_size: '10' }, LIMITS), [20, 10, 0])
  assert.deepEqual(of({ max_items: 'max', max_payload_size: '10' }, OFF), [Number.MAX_SAFE_INTEGER, 10, 0])
})

test('node settings: only what differs from the defaults is kept, and the form shows all', () => {
  const config = { title: '', access_model: 'open', max_items: '5', contact: ['b@x', 'a@x'], roster_groups_allowed: [] }
  assert.deepEqual(unlike(config, plainDefaults), { max_items: '5', contact: ['b@x', 'a@x'] })
  assert.ok(sameValue(['a', 'b'], ['b', 'a']) && sameValue('', undefined) && sameValue([], ''))
  assert.ok(!sameValue('a', ['a', 'b']) && !sameValue('1', '0'))
  const form = configForm({ max_items: '5' }, plainDefaults)
  assert.equal(form.length, configFields.length)
  const values = Object.fromEntries(form.map((field) => [field.var, field.values]))
  assert.deepEqual(
    [values['pubsub#max_items'], values['pubsub#access_model'], values['pubsub#contact']],
    [['5'], ['open'], []],
  )
})
