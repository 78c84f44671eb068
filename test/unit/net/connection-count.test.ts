import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectionCount } from '../../../src/net/listener.ts'

test('connections that are turned away are counted by the limit they were past', () => {
  const count = new ConnectionCount({ connections: 3, connectionsPerAddress: 2 })
  const outcomes = ['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.3'].map((one) => count.enter(one))
  assert.deepEqual(outcomes, [true, true, false, true, false])
  assert.deepEqual(count.refused, { address: 1, total: 1 })
  count.leave('192.0.2.1')
  assert.ok(count.enter('192.0.2.3'))
  assert.deepEqual(count.refused, { address: 1, total: 1 })
})
