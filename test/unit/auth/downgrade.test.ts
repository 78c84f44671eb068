import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { suite, test } from 'node:test'
import { downgradeText } from '../../../src/auth/downgrade.ts'
import { bindings, context, plusOffered, ScramClient, start } from './sasl-bed.ts'

const sha1 = (text: string) => createHash('sha1').update(text).digest('base64')

suite('downgrade protection', () => {
  // XEP-0474 §6.3.
  test('hashes what is offered as the example does', () => {
    const text = downgradeText(['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1'], ['tls-server-end-point', 'tls-exporter'])
    assert.equal(text, 'SCRAM-SHA-1\x1eSCRAM-SHA-1-PLUS\x1ftls-exporter\x1etls-server-end-point')
    assert.equal(sha1(text), 'G6k/rBLDqgOhRRaCuuatSDFkJ08=')
  })

  // XEP-0474 §6.1: without XEP-0440 there is no list to stand for, not even an empty one.
  test('leaves out bindings that are not announced', () => {
    assert.equal(downgradeText(['B', 'A'], undefined), 'A\x1eB')
    assert.equal(downgradeText(['B', 'A'], []), 'A\x1eB\x1f')
  })

  test('is part of what the client proves', async () => {
    const binding = bindings({ 'tls-exporter': 'channel' })
    const around = { binding, offered: plusOffered, announced: ['tls-exporter'], downgradeProtection: true }
    const mechanism = start('SCRAM-SHA-1-PLUS', await context(around))
    const client = new ScramClient({ hash: 'sha1', gs2: 'p=tls-exporter,,', bindingData: 'channel' })
    const challenge = await mechanism.step(client.first())
    assert.ok(challenge.kind === 'challenge')
    const h = `,h=${sha1(downgradeText(plusOffered, ['tls-exporter']))}`
    assert.ok(challenge.data.toString().endsWith(h), challenge.data.toString())
    // Somebody in between who takes it out, or changes it, has the login fail.
    const other = { ...challenge, data: Buffer.from(challenge.data.toString().replace(h, '')) }
    const step = await mechanism.step(client.final(other))
    assert.equal(step.kind === 'failure' && step.condition, 'not-authorized')
    const again = start('SCRAM-SHA-1-PLUS', await context(around))
    assert.equal((await again.step(client.final(await again.step(client.first())))).kind, 'success')
  })
})
