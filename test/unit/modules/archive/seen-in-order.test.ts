import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Sealed } from '#api'
import { SeenInOrder } from '../../../../modules/archive/seen-in-order.ts'

const event = (before?: Promise<void>): Sealed => ({ turn: before && { before } }) as unknown as Sealed
const immediate = () => new Promise<void>((resolve) => setImmediate(resolve))

test('a message that is alone waits for nothing but the disk', async () => {
  const order = new SeenInOrder()
  const written = Promise.resolve()
  const passage = order.follow(event(), ['romeo', 'juliet'], written)
  assert.equal(passage.recorded, written)
  order.seen(passage)
  assert.equal(order.follow(event(), ['juliet'], written).recorded, written)
})

test('a message waits until an earlier one of the same account is seen, and not for those of others', async () => {
  const order = new SeenInOrder()
  const turn = Promise.withResolvers<void>()
  const first = order.follow(event(turn.promise), ['romeo', 'juliet'], Promise.resolve())
  const seen: string[] = []
  for (const account of ['juliet', 'romeo', 'nurse'])
    order.follow(event(), [account], Promise.resolve()).recorded.then(() => seen.push(account))
  await immediate()
  assert.deepEqual(seen, ['nurse'])
  order.seen(first)
  await immediate()
  assert.deepEqual(seen, ['nurse', 'juliet', 'romeo'])
})

test('one that could not be written holds nobody up', async () => {
  const order = new SeenInOrder()
  const failed = order.follow(event(), ['juliet'], Promise.reject(new Error('disk full')))
  const next = order.follow(event(), ['juliet'], Promise.resolve())
  await assert.rejects(failed.recorded)
  await next.recorded
})

test('one that is on disk and then refused by another module holds nobody up', async () => {
  const order = new SeenInOrder()
  order.follow(event(Promise.resolve()), ['juliet'], Promise.resolve())
  await order.follow(event(), ['juliet'], Promise.resolve()).recorded
})
