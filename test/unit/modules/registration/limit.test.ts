import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RegistrationLimit } from '../../../../modules/registration/limit.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

const setUp = (allowance: { perAddress?: number; total?: number }, addresses?: number) => {
  const clock = new FakeClock()
  return {
    clock,
    limit: new RegistrationLimit({ perAddress: 2, total: 0, windowMs: 1000, ...allowance }, clock, addresses),
  }
}
const takes = (limit: RegistrationLimit, ...addresses: string[]) => addresses.map((address) => limit.take(address))

test('an address has its allowance and not one more, and others have theirs', () => {
  const { limit } = setUp({})
  assert.deepEqual(takes(limit, 'a', 'a', 'a', 'b'), [true, true, false, true])
})

test('all addresses together have the total', () => {
  const { limit } = setUp({ total: 3 })
  assert.deepEqual(takes(limit, 'a', 'b', 'c', 'd'), [true, true, true, false])
})

test('the window moves on: a request counts until it is as old as the window', () => {
  const { clock, limit } = setUp({ total: 2 })
  assert.equal(limit.take('a'), true)
  clock.advance(600)
  assert.equal(limit.take('a'), true)
  clock.advance(399)
  assert.equal(limit.take('a'), false)
  clock.advance(1)
  assert.deepEqual(takes(limit, 'a', 'a'), [true, false])
})

test('what is refused does not count', () => {
  const { clock, limit } = setUp({ total: 2 })
  takes(limit, 'a', 'a', 'a', 'a')
  clock.advance(1000)
  assert.deepEqual(takes(limit, 'a', 'a'), [true, true])
})

test('0 is no limit', () => {
  const { limit } = setUp({ perAddress: 0 })
  assert.ok(Array.from({ length: 1000 }, () => limit.take('a')).every(Boolean))
})

test('it remembers so many addresses and no more', () => {
  const { limit } = setUp({}, 2)
  takes(limit, 'a', 'a', 'b', 'b', 'c')
  assert.equal(limit.take('b'), false)
  assert.equal(limit.take('a'), true)
})
