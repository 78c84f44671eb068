import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { Requests } from '../../../../modules/stream-management/requests.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

const policy = { stanzas: 5, bytes: 1000, delay: 2_000, timeout: 60_000 }
let clock: FakeClock
let requests: Requests

beforeEach(() => {
  clock = new FakeClock(0)
  requests = new Requests(policy)
})
const send = (count: number, bytes = 10) => {
  for (let n = 0; n < count; n++) requests.sent(bytes, clock)
}

test('it asks by number, by size and by time', () => {
  send(4)
  assert.equal(requests.isOverdue, false)
  send(1)
  assert.equal(requests.isOverdue, true)
  requests.asked(0)
  requests.answered(false, true, 0)
  send(1, 1000)
  assert.equal(requests.isOverdue, true)
  requests.asked(0)
  requests.answered(false, true, 0)
  assert.equal(requests.at(1_000_000), 'rest')
  clock.advance(1_000)
  assert.equal(requests.sent(1, clock), true)
  assert.equal(requests.sent(1, clock), false)
  assert.equal(requests.at(2_999), 'wait')
  assert.equal(requests.at(3_000), 'ask')
})

test('while an answer is owed it asks again only at twice the load, then twice that', () => {
  send(5)
  requests.asked(0)
  send(9)
  assert.equal(requests.isOverdue, false)
  assert.equal(requests.at(30_000), 'wait')
  send(1)
  assert.equal(requests.isOverdue, true)
  requests.asked(0)
  send(19)
  assert.equal(requests.isOverdue, false)
  send(1)
  assert.equal(requests.isOverdue, true)
})

test('without an answer in time the client is dead, counted from the first request', () => {
  send(1)
  requests.asked(1_000)
  send(20)
  requests.asked(50_000)
  assert.equal(requests.at(60_999), 'wait')
  assert.equal(requests.at(61_000), 'dead')
  requests.answered(true, true, 61_000)
  assert.equal(requests.at(62_999), 'wait')
  assert.equal(requests.at(63_000), 'ask')
})

test('a client whose count stands still is not asked for ever', () => {
  send(1)
  requests.asked(0)
  requests.answered(true, false, 0)
  assert.equal(requests.at(1_000_000), 'rest')
  send(1)
  assert.equal(requests.at(1_000_000), 'ask')
})

test('what is off never asks and never ends a connection', () => {
  const off = new Requests({ stanzas: 0, bytes: 0, delay: 0, timeout: 0 })
  for (let n = 0; n < 10_000; n++) off.sent(100, clock)
  assert.deepEqual([off.isOverdue, off.at(1e9)], [false, 'rest'])
  off.asked(0)
  assert.equal(off.at(1e9), 'rest')
})
