import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RosterItem, type SharedItem, type SharedView, unknownItem } from '../../../../modules/roster/item.ts'
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
const told = (version: string) => roster.since(version)!.map(({ item }) => item.jid.toString())

test('what is new since a version comes in the order it became so', () => {
  assert.deepEqual(told('102'), ['from@example.com', 'both@example.com', 'to@example.com'])
  assert.deepEqual(told('100'), ['none@example.com', 'from@example.com', 'both@example.com', 'to@example.com'])
  assert.deepEqual(roster.since('109'), [])
})

test('from a version before the last removal, of the future, or of no kind, nothing can be told', () => {
  for (const version of ['99', '110', '', '0', '-1', '1e2', '103.5', 'v103', '9'.repeat(40)])
    assert.equal(roster.since(version), undefined, version)
})

// What is there by the word of somebody else, laid over what the account keeps
const lisa = 'lisa@example.com'
const shared: SharedItem[] = [
  { jid: Jid.parse('to@example.com'), groups: ['Staff'], subscription: 'from', listed: true, version: 7 },
  { jid: Jid.parse(lisa), groups: ['Staff', 'Board'], subscription: 'both', listed: true, version: 9 },
  { jid: Jid.parse('boss@example.com'), groups: [], subscription: 'from', listed: false, version: 9 },
]
const view: SharedView = {
  of: (contact) => shared.find(({ jid }) => jid.toString() === contact.toString()),
  all: () => shared,
  online: () => shared.slice(2),
  at: () => ({ version: 9, floor: 5 }),
}
const both = new Roster(
  { version: 109, floor: 100 },
  [
    item('to@example.com', { subscription: 'to', ask: true, name: 'T', groups: ['Mine', 'Staff'], version: 109 }),
    item('none@example.com', { version: 101 }),
  ],
  view,
)

test('shared contacts are merged with an account’s own: the most of both subscriptions, all groups once, its own name', () => {
  const to = both.get('to@example.com')!
  assert.deepEqual([to.subscription, to.groups, to.name, to.listed], ['both', ['Mine', 'Staff'], 'T', true])
  assert.deepEqual(jids(both.listed()), ['to@example.com', 'none@example.com', lisa])
  assert.deepEqual(jids(both.subscribers()), ['to@example.com', lisa, 'boss@example.com'])
  assert.deepEqual(jids(both.watched()), ['to@example.com', lisa])
  assert.deepEqual(jids(both.subscribers('online')), ['to@example.com', 'boss@example.com'])
  assert.deepEqual(jids(both.watched('online')), ['to@example.com'])
  assert.equal(both.ownOf(Jid.parse(lisa)), undefined)
  assert.equal(both.size.listed, 2)
})

test('a version is of both, and what is new is told of both; removals on either side end that', () => {
  assert.equal(both.ver, '109.9')
  const since = (version: string) => both.since(version)?.map((news) => `${news.item.jid} ${news.ver}`)
  assert.deepEqual(since('109.9'), [])
  assert.deepEqual(since('101.8'), ['to@example.com 109.8', `${lisa} 109.9`])
  assert.deepEqual(since('109.5'), ['to@example.com 109.7', `${lisa} 109.9`])
  for (const version of ['109', '109.4', '109.10', '99.9', '110.9', '.9', '109.'])
    assert.equal(since(version), undefined, version)
  assert.equal(roster.since('109.9'), undefined)
})
