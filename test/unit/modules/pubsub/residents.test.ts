import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node } from '../../../../modules/pubsub/node.ts'
import { Residents } from '../../../../modules/pubsub/residents.ts'

const nodeOf = (people: number): Node => {
  const affiliations = new Map(Array.from({ length: people }, (_, i) => [`person-${i}`, 'member']))
  return { affiliations, subscriptions: new Map() } as unknown as Node
}

test('the node used least recently goes when there are too many', () => {
  const residents = new Residents(2, 100)
  const [a, b, c] = [nodeOf(1), nodeOf(1), nodeOf(1)]
  residents.set('a', a)
  residents.set('b', b)
  residents.get('a')
  residents.set('c', c)
  assert.deepEqual([residents.get('a'), residents.get('b'), residents.get('c')], [a, undefined, c])
})

test('nodes with many people go before they fill the memory, as they grow, and are not counted any more', () => {
  const residents = new Residents(10, 100)
  const growing = nodeOf(40)
  residents.set('a', nodeOf(40))
  residents.set('b', growing)
  for (let i = 0; i < 30; i++) growing.affiliations.set(`newcomer-${i}`, 'member')
  residents.weigh('b')
  assert.equal(residents.get('a'), undefined)
  // One that is larger than all may be stays until another one comes.
  residents.set('c', nodeOf(200))
  assert.equal(residents.size, 1)
  residents.set('d', nodeOf(90))
  assert.deepEqual([residents.get('c'), residents.size], [undefined, 1])
  residents.delete('d')
  residents.clear()
  for (const key of ['e', 'f']) residents.set(key, nodeOf(50))
  assert.equal(residents.size, 2)
})
