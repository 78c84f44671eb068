import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AnyOption, option } from '../../../src/config/option.ts'
import { writeDefault, writeValue } from '../../../src/config/write.ts'

test('values are written in the admin’s words', () => {
  const table: [AnyOption, unknown, string][] = [
    [option.duration(), 90_000, '90s'],
    [option.duration().orOff(), 0, 'off'],
    [option.bytes(), 262_144, '256KiB'],
    [option.bytes(), 1000, '1000'],
    [option.int().orOff(), 0, 'off'],
    [option.int(), 0, '0'],
    [option.string(), '12', '"12"'],
    [option.string().optional(), undefined, ''],
    [option.list(option.duration()), [1000, 60_000], '[1s, 1m]'],
    [option.record(option.int()), { a: 1 }, '{a: 1}'],
    [option.group({ a: option.bytes(), b: option.int().optional() }), { a: 1024, b: undefined }, '{a: 1KiB}'],
  ]
  for (const [kind, value, text] of table) assert.equal(writeValue(kind, value), text)
})

test('a secret is never written, its default is', () => {
  const secret = option.secret().default('sqlite')
  assert.equal(writeValue(secret, 'mysql://u:p@h/n'), '(hidden)')
  assert.equal(writeValue(option.group({ pw: option.secret() }), { pw: 'x' }), '{pw: (hidden)}')
  assert.equal(writeDefault(secret), 'sqlite')
  assert.equal(option.group({ pw: option.secret() }).isSecret, true)
  assert.equal(option.list(option.string()).isSecret, false)
})
