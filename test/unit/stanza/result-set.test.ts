import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pageElement, parseDocument, readPage, StanzaError, serialize } from '../../../src/api.ts'

const BOUNDED = { usual: 20, maxIndex: 100 }
const read = (set: string, bounds = {}) => readPage(parseDocument(`<query>${set}</query>`), 50, bounds)
const rsm = (inside: string) => `<set xmlns='http://jabber.org/protocol/rsm'>${inside}</set>`

// XEP-0059 §2
test('a page is after an item, before one, the last, at an index, or a number only', () => {
  for (const [set, wish, bounds = {}] of [
    ['', undefined],
    ["<set xmlns='urn:example:x'><max>3</max></set>", undefined],
    [rsm(''), { max: 50 }],
    [rsm(''), { max: 20 }, BOUNDED],
    [rsm(''), { max: 50 }, { usual: 70 }],
    [rsm('<max>0</max>'), { max: 0 }],
    [rsm('<max>10</max><after>a</after>'), { max: 10, after: 'a' }],
    [rsm('<after/>'), { max: 50, after: '' }],
    [rsm('<max>1000</max><before/>'), { max: 50, before: '' }],
    [rsm('<max>99999999999999999999</max>'), { max: 50 }, BOUNDED],
    [rsm('<before>b</before>'), { max: 50, before: 'b' }],
    [rsm('<index>100</index><max>7</max>'), { max: 7, index: 100 }, BOUNDED],
    [rsm('<index>0</index>'), { max: 20, index: 0 }, BOUNDED],
  ] as const)
    assert.deepEqual(read(set, bounds), wish, set)
})

test('a page that makes no sense is refused', () => {
  for (const [set, condition, bounds = {}] of [
    ['<max>two</max>', 'bad-request'],
    ['<max>-1</max>', 'bad-request'],
    ['<max> 1</max>', 'bad-request'],
    ['<max>1.5</max>', 'bad-request'],
    ['<max/>', 'bad-request'],
    ['<max>999999999999999999999</max>', 'bad-request'],
    ['<after>a</after><before>b</before>', 'bad-request'],
    ['<after/><before/>', 'bad-request'],
    ['<index>one</index>', 'bad-request', BOUNDED],
    ['<index>1</index><after>a</after>', 'bad-request', BOUNDED],
    ['<index>1</index><before/>', 'bad-request', BOUNDED],
    // XEP-0059 §2.6
    ['<index>3</index>', 'feature-not-implemented'],
    ['<index>101</index>', 'feature-not-implemented', BOUNDED],
  ] as const)
    assert.throws(
      () => read(rsm(set), bounds),
      (error) => error instanceof StanzaError && error.condition === condition,
      set,
    )
})

test('an answer names the ends of its page, unless it is empty', () => {
  const text = (...page: Parameters<typeof pageElement>) => serialize(pageElement(...page))
  const ns = 'xmlns="http://jabber.org/protocol/rsm"'
  assert.equal(text(['a', 'b'], 7), `<set ${ns}><first>a</first><last>b</last><count>7</count></set>`)
  assert.equal(text(['a']), `<set ${ns}><first>a</first><last>a</last></set>`)
  assert.equal(text(['a'], 7, 0), `<set ${ns}><first index="0">a</first><last>a</last><count>7</count></set>`)
  assert.equal(text([], 0, 0), `<set ${ns}><count>0</count></set>`)
})
