import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pageElement, readPage } from '../../../../modules/muc/result-set.ts'
import { parseDocument, StanzaError, serialize } from '../../../../src/api.ts'

const read = (set: string) => readPage(parseDocument(`<query>${set}</query>`), 50)
const rsm = (inside: string) => `<set xmlns='http://jabber.org/protocol/rsm'>${inside}</set>`

// XEP-0059 §2
test('a page is after an item, before one, the last, or a number only', () => {
  for (const [set, wish] of [
    ['', undefined],
    ["<set xmlns='urn:example:x'><max>3</max></set>", undefined],
    [rsm(''), { max: 50, after: undefined, before: undefined }],
    [rsm('<max>0</max>'), { max: 0, after: undefined, before: undefined }],
    [rsm('<max>10</max><after>a</after>'), { max: 10, after: 'a', before: undefined }],
    [rsm('<max>1000</max><before/>'), { max: 50, after: undefined, before: '' }],
    [rsm('<before>b</before>'), { max: 50, after: undefined, before: 'b' }],
  ] as const)
    assert.deepEqual(read(set), wish, set)
})

test('a page that makes no sense is refused', () => {
  for (const [set, condition] of [
    ['<max>two</max>', 'bad-request'],
    ['<max>-1</max>', 'bad-request'],
    ['<max/>', 'bad-request'],
    ['<max>99999999999</max>', 'bad-request'],
    ['<after>a</after><before>b</before>', 'bad-request'],
    ['<index>3</index>', 'feature-not-implemented'],
  ] as const)
    assert.throws(
      () => read(rsm(set)),
      (error) => error instanceof StanzaError && error.condition === condition,
      set,
    )
})

test('an answer names the ends of its page, unless it is empty', () => {
  const text = (ids: string[], count?: number) => serialize(pageElement(ids, count))
  const ns = 'xmlns="http://jabber.org/protocol/rsm"'
  assert.equal(text(['a', 'b'], 7), `<set ${ns}><first>a</first><last>b</last><count>7</count></set>`)
  assert.equal(text(['a']), `<set ${ns}><first>a</first><last>a</last></set>`)
  assert.equal(text([], 0), `<set ${ns}><count>0</count></set>`)
})
