import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Possible } from '../../durability/possible.ts'

const adds = (n: number) => (state: readonly number[]) => [...state, n]

/** Two changes, of which the second has two steps, end somehow; what may be there then, and nothing else. */
const table: readonly [end: 'isMade' | 'isOpen', seen: readonly number[], isFound: boolean][] = [
  ['isMade', [1, 2, 3], false],
  ['isMade', [1], true],
  ['isMade', [1, 2], true],
  ['isOpen', [1], false],
  ['isOpen', [1, 2], false],
  ['isOpen', [1, 2, 3], false],
  ['isOpen', [1, 3], true],
  ['isOpen', [], true],
  ['isOpen', [1, 2, 3, 4], true],
]
for (const [end, seen, isFound] of table)
  test(`${JSON.stringify(seen)} after a change that ${end} is ${isFound ? 'a loss' : 'fine'}`, () => {
    const state = new Possible<readonly number[]>('it', [])
    state.tries(adds(1))
    state.isMade()
    state.tries(adds(2), adds(3))
    state[end]()
    assert.equal(state.sees(seen).length, isFound ? 1 : 0)
    assert.deepEqual(state.sees(seen), [], 'what was seen is what is there')
  })
