import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RosterItem, unknownItem } from '../../../../modules/roster/item.ts'
import { Roster } from '../../../../modules/roster/roster.ts'
import { Jid } from '../../../../src/api.ts'

const item = (jid: string, facts: Partial<RosterItem>): RosterItem => ({
  ...unknownItem(Jid.parse(jid)),
  listed: true,
  ...facts,
})
const jids = (items: Iterable<RosterItem | Jid>) => [...items].map((one) => String('jid' in one ? one.jid : one))

const roster = new Roster({ version: 109, floor: 100 }, [
  item('none@example.com', { version: 101 }),
  item('to@example.com', { subscription: 'to', version: 109 }),
  item('from@example.com', { subscription: 'from', version: 103 }),
  item('both@example.com', { subscription: 'both', version: 107 }),
  item('stranger@example.com', { listed: false, request: '<presence/>' }),
])

test('a roster knows who sees whom, who asks, and how much it holds', () => {
  assert.deepEqual(jids(roster.subscribers()), ['from@example.com', 'both@example.com'])
  assert.deepEqual(jids(roster.watched()), ['to@example.com', 'both@example.com'])
  assert.deepEqual(jids(roster.requests()), ['stranger@example.com'])
  assert.deepEqual(roster.size, { listed: 4, requests: 1 })
  assert.equal(roster.get(Jid.parse('to@example.com/home'))?.subscription, 'to')
})

// RFC 6121 §2.6.3
test('what is new since a version comes in the order it became so', () => {
  assert.deepEqual(jids(roster.since('102')!), ['from@example.com', 'both@example.com', 'to@example.com'])
  assert.deepEqual(jids(roster.since('100')!), [
    'none@example.com',
    'from@example.com',
    'both@example.com',
    'to@example.com',
  ])
  assert.deepEqual(roster.since('109'), [])
})

test('from a version before the last removal, of the future, or of no kind, nothing can be told', () => {
  for (const version of ['99', '110', '', '0', '-1', '1e2', '103.5', 'v103', '9'.repeat(40)])
    assert.equal(roster.since(version), undefined, version)
})
