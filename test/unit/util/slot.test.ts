import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineSlot, Slots } from '../../../src/util/slot.ts'

const flag = defineSlot('test/slot-flag', () => false)
const list = defineSlot<string[]>('test/slot-list', () => [])
const maybe = defineSlot<number | undefined>('test/slot-maybe', () => undefined)

test('two slots of one name are refused', () => {
  assert.throws(() => defineSlot('test/slot-flag', () => 1), /two slots are called test\/slot-flag/)
})

test('a slot has its initial value until it is set', () => {
  const slots = new Slots()
  assert.equal(slots.get(flag), false)
  assert.equal(slots.get(maybe), undefined)
  slots.set(flag, true)
  slots.set(maybe, 0)
  assert.equal(slots.get(flag), true)
  assert.equal(slots.get(maybe), 0)
  slots.set(maybe, undefined)
  assert.equal(slots.get(maybe), undefined)
})

test('an initial object is kept, so that it can be filled, and is nobody else’s', () => {
  const [one, other] = [new Slots(), new Slots()]
  one.get(list).push('a')
  assert.deepEqual(one.get(list), ['a'])
  assert.deepEqual(other.get(list), [])
})

test('slots set in any order do not touch each other', () => {
  const slots = new Slots()
  slots.set(maybe, 1)
  slots.set(flag, true)
  assert.deepEqual([slots.get(flag), slots.get(list), slots.get(maybe)], [true, [], 1])
})
