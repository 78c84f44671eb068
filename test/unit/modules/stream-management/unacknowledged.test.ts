import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDocument, serialize } from '#api'
import { Unacknowledged } from '../../../../modules/stream-management/unacknowledged.ts'
import { heapGrowth } from '../../../support/heap.ts'

const entry = (text: string) => ({ text, handover: undefined })

test('what goes in first comes out first, and the size follows', () => {
  const queue = new Unacknowledged()
  assert.equal(queue.shift(), undefined)
  for (const text of ['one', 'two', 'three']) queue.push(entry(text))
  assert.deepEqual(
    [...queue].map(({ text }) => text),
    ['one', 'two', 'three'],
  )
  const full = queue.size
  assert.equal(queue.shift()!.text, 'one')
  assert.equal(queue.at(0)!.text, 'two')
  assert.equal(queue.at(2), undefined)
  assert.equal(full - queue.size, 3 + (full - 11) / 3)
  queue.shift()
  queue.shift()
  assert.deepEqual([queue.length, queue.size], [0, 0])
})

test('it keeps its order and gives its memory back however it is used', () => {
  const queue = new Unacknowledged()
  let into = 0
  let out = 0
  for (let round = 0; round < 200; round++) {
    for (let n = 0; n < 30; n++) queue.push(entry(`${into++}`))
    for (let n = 0; n < 27; n++) assert.equal(queue.shift()!.text, `${out++}`)
  }
  assert.equal(queue.length, into - out)
  assert.equal(queue.at(5)!.text, `${out + 5}`)
  while (queue.shift() !== undefined) out++
  assert.deepEqual([into, queue.size], [out, 0])
})

test('a join storm costs no more for each stanza than a few do // profanity 1776', () => {
  const fill = (count: number) => {
    const queue = new Unacknowledged()
    for (let n = 0; n < count; n++) queue.push(entry('x'))
    const start = process.hrtime.bigint()
    while (queue.shift() !== undefined);
    return Number(process.hrtime.bigint() - start) / count
  }
  fill(10_000)
  // Were the rest moved for each, it would be a hundred times and more.
  assert.ok(fill(400_000) < 20 * fill(4_000) + 1_000)
})

test('what waits for its acknowledgement keeps nothing of what came in with it', () => {
  const spaces = ' '.repeat(50_000)
  const growth = heapGrowth(() => {
    const queue = new Unacknowledged()
    for (let n = 0; n < 200; n++)
      queue.push(
        entry(
          serialize(
            parseDocument(`<message to='juliet@verona.example'${spaces}><body>${n}, a few words</body></message>`),
          ),
        ),
      )
    return queue
  })
  assert.ok(growth < 2_000_000, `${growth} bytes for 200 short messages`)
})
