import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flushSoon } from '../../../src/net/output-queue.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('outputs are written at the end of the turn, in order, once each', async () => {
  const log: string[] = []
  for (const name of ['a', 'b']) flushSoon({ flush: () => log.push(name) })
  await null
  assert.deepEqual(log, [])
  await turn()
  assert.deepEqual(log, ['a', 'b'])
  await turn()
  assert.deepEqual(log, ['a', 'b'])
})

test('what is queued while writing is written in the next turn', async () => {
  const log: string[] = []
  flushSoon({
    flush: () => {
      log.push('a')
      flushSoon({ flush: () => log.push('b') })
    },
  })
  await turn()
  await turn()
  assert.deepEqual(log, ['a', 'b'])
})
