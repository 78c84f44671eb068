import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { suite, test } from 'node:test'
import { HashedToken, type HashedTokenName, type ProvenToken } from '../../../../modules/fast/hashed-token.ts'
import { Jid, type LoginRequest, SaslError } from '../../../../src/api.ts'
import { bindings, context, host } from '../../auth/sasl-bed.ts'

const all = bindings({ 'tls-exporter': 'exported', 'tls-unique': 'unique', 'tls-server-end-point': 'end' })
const keyed = (token: string, role: string, data = '') =>
  createHmac('sha256', token)
    .update(role + data)
    .digest()
const message = (user: string, proof: Buffer) => Buffer.concat([Buffer.from(`${user}\0`), proof])

function stored(token: string): ProvenToken {
  const known = { issuedMs: 0, expiresMs: 1, fresh: false, count: 0, passwordVersion: 3 }
  return { token, stored: { client: 'client', nonce: token, mechanism: 'any', ...known } }
}

async function play(name: HashedTokenName, said: Buffer, tokens: readonly string[]) {
  const asked: string[] = []
  const sasl = await context({ binding: all })
  const mechanism = new HashedToken(name, { sasl } as LoginRequest, {
    candidates: async (account) => {
      asked.push(account.toString())
      return tokens.map(stored)
    },
    accept: async (account, { stored: { passwordVersion } }) => {
      assert.ok(account.equals(Jid.of('juliet', host)))
      return { passwordVersion }
    },
  })
  const outcome = await mechanism.step(said).catch((error) => {
    if (error instanceof SaslError) return error.condition
    throw error
  })
  return { outcome, asked }
}

suite('hashed tokens', () => {
  const bound: [HashedTokenName, string][] = [
    ['HT-SHA-256-EXPR', 'exported'],
    ['HT-SHA-256-UNIQ', 'unique'],
    ['HT-SHA-256-ENDP', 'end'],
    ['HT-SHA-256-NONE', ''],
  ]
  for (const [name, data] of bound)
    test(`${name} is bound to its channel, and answers with the server's own proof`, async () => {
      const { outcome } = await play(name, message('juliet', keyed('secret', 'Initiator', data)), ['other', 'secret'])
      assert.deepEqual(outcome, {
        kind: 'success',
        by: 'token',
        local: 'juliet',
        passwordVersion: 3,
        data: keyed('secret', 'Responder', data),
      })
      for (const [, other] of bound)
        if (other !== data) {
          const said = message('juliet', keyed('secret', 'Initiator', other))
          assert.equal((await play(name, said, ['secret'])).outcome, 'not-authorized', `bound to ${other}`)
        }
    })

  test('a proof of the server is none of the client', async () => {
    const { outcome } = await play('HT-SHA-256-NONE', message('juliet', keyed('secret', 'Responder')), ['secret'])
    assert.equal(outcome, 'not-authorized')
  })

  for (const [what, said] of [
    ['nothing', Buffer.alloc(0)],
    ['no user', message('', Buffer.alloc(32))],
    ['no proof', Buffer.from('juliet')],
    ['a short proof', message('juliet', Buffer.alloc(31))],
    ['a long proof', message('juliet', Buffer.alloc(33))],
    ['a user that is no text', Buffer.concat([Buffer.from([0xff, 0]), Buffer.alloc(32)])],
  ] as const)
    test(`${what} is malformed, and costs no look`, async () => {
      const { outcome, asked } = await play('HT-SHA-256-NONE', said, ['secret'])
      assert.equal(outcome, 'malformed-request')
      assert.deepEqual(asked, [])
    })

  test('a connection without the binding has no such login', async () => {
    const sasl = await context({ binding: bindings({}) })
    const never = { candidates: async () => [], accept: async () => ({ passwordVersion: 0 }) }
    const mechanism = new HashedToken('HT-SHA-256-EXPR', { sasl } as LoginRequest, never)
    await assert.rejects(mechanism.step(message('juliet', Buffer.alloc(32))), SaslError)
  })
})
