import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide } from '../../../../modules/presence/subscription-table.ts'
import { stateOf, withState } from '../../../../modules/presence/subscriptions.ts'
import { type RosterItem, unknownItem } from '../../../../modules/roster/item.ts'
import { Jid } from '../../../../src/api.ts'

const blank = unknownItem(Jid.parse('romeo@example.net'))
const request = `<presence type='subscribe'/>`

test('the state of an item is read from its facts', () => {
  const state = (facts: Partial<RosterItem>) => stateOf({ ...blank, ...facts })
  assert.equal(state({}), 'none')
  assert.equal(state({ ask: true, request }), 'none+out+in')
  assert.equal(state({ subscription: 'to', request }), 'to+in')
  assert.equal(state({ subscription: 'from', ask: true }), 'from+out')
  assert.equal(state({ subscription: 'both' }), 'both')
})

test('facts that contradict each other read as the state without the lesser', () => {
  assert.equal(stateOf({ ...blank, subscription: 'to', ask: true }), 'to')
  assert.equal(stateOf({ ...blank, subscription: 'from', request }), 'from')
  assert.equal(stateOf({ ...blank, subscription: 'both', ask: true, request }), 'both')
})

test('a request is kept as it first came, and goes with its answer', () => {
  const asked = withState(blank, decide('inbound', 'subscribe', 'none', false), request, false)
  assert.deepEqual(asked, { ...blank, request })
  assert.equal(withState(asked, decide('inbound', 'subscribe', 'none+in', false), 'another', false), asked)
  const granted = withState(asked, decide('outbound', 'subscribed', 'none+in', false), null, true)
  assert.deepEqual(granted, { ...blank, subscription: 'from', listed: true })
})

test('what changes nothing is the same item', () => {
  const item: RosterItem = { ...blank, subscription: 'both', listed: true }
  assert.equal(withState(item, decide('outbound', 'subscribe', 'both', false), null, true), item)
  assert.equal(withState(blank, decide('inbound', 'unsubscribed', 'none', false), null, false), blank)
})
