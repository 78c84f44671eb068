import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lru } from '../../../src/util/lru.ts'

test('a full cache forgets the entry used least recently', () => {
  const lru = new Lru<string, number>(2)
  lru.set('a', 1)
  lru.set('b', 2)
  assert.equal(lru.get('a'), 1)
  lru.set('c', 3)
  assert.equal(lru.get('b'), undefined)
  assert.equal(lru.get('a'), 1)
  assert.equal(lru.get('c'), 3)
  assert.equal(lru.size, 2)
})

test('writing a key again replaces its value and makes it the one used last', () => {
  const lru = new Lru<string, number>(2)
  lru.set('a', 1)
  lru.set('b', 2)
  lru.set('a', 3)
  lru.set('c', 4)
  assert.equal(lru.get('a'), 3)
  assert.equal(lru.get('b'), undefined)
})

test('undefined is a value like any other', () => {
  const lru = new Lru<string, number | undefined>(2)
  lru.set('a', undefined)
  lru.set('b', 2)
  assert.equal(lru.get('a'), undefined)
  lru.set('c', 3)
  assert.equal(lru.get('b'), undefined)
  assert.equal(lru.delete('a'), true)
})

test('entries can be removed one by one and all at once', () => {
  const lru = new Lru<string, number>(3)
  lru.set('a', 1)
  lru.set('b', 2)
  assert.equal(lru.delete('a'), true)
  assert.equal(lru.delete('a'), false)
  assert.equal(lru.size, 1)
  lru.clear()
  assert.equal(lru.size, 0)
  assert.equal(lru.get('b'), undefined)
})

test('a capacity of zero keeps nothing, and nonsense is refused', () => {
  const lru = new Lru<string, number>(0)
  lru.set('a', 1)
  assert.equal(lru.get('a'), undefined)
  assert.equal(lru.size, 0)
  for (const capacity of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => new Lru(capacity), RangeError)
  }
})
