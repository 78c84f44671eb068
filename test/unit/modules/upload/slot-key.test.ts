import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyOf, type Promised, showsToken, tokenOf } from '../../../../modules/upload/slot-key.ts'

const secret = Buffer.alloc(32, 7)
const slot: Promised = { key: keyOf('id', 'a'), account: 'romeo@localhost', size: 5, type: 'image/png', untilMs: 1000 }

test('a token is good for one slot as it was promised', () => {
  const token = tokenOf(secret, slot)
  assert.equal(Buffer.from(token, 'base64url').length, 32)
  assert.ok(showsToken(`Bearer ${token}`, secret, slot))
  assert.ok(showsToken(`bearer  ${token}`, secret, slot))
  for (const other of [
    { ...slot, key: keyOf('id', 'b') },
    { ...slot, account: 'juliet@localhost' },
    { ...slot, size: 6 },
    { ...slot, type: null },
    { ...slot, untilMs: 1001 },
  ])
    assert.ok(!showsToken(`Bearer ${token}`, secret, other), JSON.stringify(other))
  assert.ok(!showsToken(`Bearer ${token}`, Buffer.alloc(32, 8), slot))
  for (const header of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    token,
    `Basic ${token}`,
    `Bearer ${token}x`,
    `Bearer ${token.slice(1)}`,
    `Bearer ${token} x`,
  ])
    assert.ok(!showsToken(header, secret, slot), header)
})

test('another id or another name is another file', () => {
  const keys = [keyOf('id', 'a'), keyOf('id', 'b'), keyOf('i', 'da'), keyOf('id2', 'a')]
  assert.equal(new Set(keys).size, keys.length)
  for (const key of keys) assert.match(key, /^[0-9a-f]{64}$/)
})
