import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lots } from '../../../src/util/lots.ts'

const sizes = <T>(rows: readonly T[], lengthOf?: (row: T) => number) =>
  [...lots(rows, lengthOf)].map((lot) => lot.length)

test('rows are cut into lots of 400', () => {
  const rows = Array.from({ length: 801 }, (_, i) => i)
  assert.deepEqual(sizes(rows), [400, 400, 1])
  assert.deepEqual([...lots(rows)].flat(), rows)
  assert.deepEqual(sizes(rows.slice(0, 400)), [400])
})

test('there is no lot of nothing', () => {
  assert.deepEqual(sizes([]), [])
})

test('a lot has a million characters at most, or one row', () => {
  const long = (row: number) => row
  assert.deepEqual(sizes([600_000, 400_000, 1, 2_000_000, 1, 1], long), [2, 1, 1, 2])
})
