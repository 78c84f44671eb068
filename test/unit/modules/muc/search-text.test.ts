import assert from 'node:assert/strict'
import { test } from 'node:test'
import { searchTerms, sortKey } from '../../../../modules/muc/search-text.ts'

test('search text: words are folded, told apart and bounded', () => {
  assert.deepEqual(searchTerms('  Café\tBAR ﬁne bar\n'), ['café', 'bar', 'fine'])
  assert.deepEqual(searchTerms(' \n'), [])
  assert.equal(searchTerms(Array.from({ length: 50 }, (_, n) => `w${n}`).join(' ')).length, 10)
})

test('search text: a sort key fits into its column and breaks no character', () => {
  assert.equal(sortKey(' The Balcony '), 'the balcony')
  assert.equal(sortKey('ö'.repeat(300)), 'ö'.repeat(127))
  assert.equal(sortKey('x' + '🌹'.repeat(100)), 'x' + '🌹'.repeat(63))
  assert.equal(sortKey('xx' + 'a'.repeat(300)).length, 255)
})
