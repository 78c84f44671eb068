import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Doubles } from '../../../../modules/archive/doubles.ts'
import { parseDocument } from '../../../../src/api.ts'
import { heapGrowth } from '../../../support/heap.ts'

const SECOND_US = 1_000_000
const said = (to: string, body: string, id = '1', x = `<x xmlns='http://jabber.org/protocol/muc#user'/>`) =>
  parseDocument(`<message from='room@x/nick' to='romeo@y/${to}' id='${id}'><body>${body}</body>${x}</message>`)

/** Gives ids that stand for this time, in seconds. */
function at(seconds: number): () => number {
  return () => seconds * SECOND_US
}

// XEP-0313 §6.1.1
test('doubles: what a room sends to each client at once has one id', () => {
  const doubles = new Doubles()
  assert.equal(doubles.idOf(said('phone', 'psst'), at(100)), 100 * SECOND_US)
  assert.equal(doubles.idOf(said('tablet', 'psst'), at(109)), 100 * SECOND_US)
  for (const other of [
    said('desk', 'psst!'),
    said('desk', 'psst', '2'),
    said('phone', 'psst'),
    said('desk', 'psst', '1', ''),
  ])
    assert.equal(doubles.idOf(other, at(109)), 109 * SECOND_US, String(other))
})

// XEP-0313 §3.1: a client that asks for what is after the newest message it has would not find it.
test('doubles: what is said again later is another message, and takes its place behind those in between', () => {
  const doubles = new Doubles()
  doubles.idOf(said('phone', 'psst'), at(100))
  assert.equal(doubles.idOf(said('tablet', 'psst'), at(110)), 110 * SECOND_US)
  assert.equal(doubles.idOf(said('desk', 'psst'), at(111)), 110 * SECOND_US)
})

test('doubles: long messages are not kept in memory', () => {
  const growth = heapGrowth(() => {
    const doubles = new Doubles()
    for (let n = 0; n < 200; n++) doubles.idOf(said(`client-number-${n}`, `${n} ${'x'.repeat(50_000)}`), at(n))
    return doubles
  })
  assert.ok(growth < 2_000_000, `${growth} octets`)
})
