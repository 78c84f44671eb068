import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { channelBindingTypes, offeredMechanisms, startMechanism } from '../../../src/auth/mechanism.ts'
import { mechanisms } from '../../../src/config/server-options.ts'
import { bindings, context } from './sasl-bed.ts'

suite('the mechanisms on offer', () => {
  const binding = bindings({ 'tls-exporter': 'a', 'tls-server-end-point': 'b' })

  test('are none before TLS where TLS is required', () => {
    assert.deepEqual(offeredMechanisms({ requireTls: true, mechanisms }, { tls: false }), [])
  })

  test('are all on TLS, those that bind to it first', () => {
    assert.deepEqual(offeredMechanisms({ requireTls: true, mechanisms }, { tls: true, binding }), [
      'SCRAM-SHA-512-PLUS',
      'SCRAM-SHA-256-PLUS',
      'SCRAM-SHA-1-PLUS',
      'SCRAM-SHA-512',
      'SCRAM-SHA-256',
      'SCRAM-SHA-1',
      'PLAIN',
    ])
  })

  test('are without -PLUS where there is nothing to bind to', () => {
    const plain = ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN']
    assert.deepEqual(offeredMechanisms({ requireTls: true, mechanisms }, { tls: true }), plain)
    assert.deepEqual(offeredMechanisms({ requireTls: true, mechanisms }, { tls: true, binding: bindings({}) }), plain)
    assert.deepEqual(offeredMechanisms({ requireTls: false, mechanisms }, { tls: false }), plain)
  })

  test('are those the admin allows, whatever the order he names them in', () => {
    const policy = { requireTls: true, mechanisms: ['PLAIN', 'SCRAM-SHA-256'] }
    assert.deepEqual(offeredMechanisms(policy, { tls: true, binding }), ['SCRAM-SHA-256', 'PLAIN'])
  })

  test('the types of channel binding are listed in order', () => {
    // XEP-0440 §2
    assert.deepEqual(channelBindingTypes(binding), ['tls-exporter', 'tls-server-end-point'])
  })
})

suite('a mechanism that was not offered', () => {
  for (const name of ['PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256-PLUS', 'scram-sha-256', 'EXTERNAL', '', 'constructor'])
    test(`${name || 'the empty name'} is not accepted`, async () => {
      // RFC 6120 §6.5.7
      assert.equal(startMechanism(name, await context({ offered: ['SCRAM-SHA-256'] })), 'invalid-mechanism')
    })

  test('nor is one that does not exist, though it were offered', async () => {
    assert.equal(startMechanism('SCRAM-MD5', await context({ offered: ['SCRAM-MD5'] })), 'invalid-mechanism')
  })
})
