import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isNameOf } from '../../../../modules/registration/name.ts'
import { checkCredentials, readCredentials, refuse } from '../../../../modules/registration/request.ts'
import { AccountError, Jid, parseDocument, StanzaError } from '../../../../src/api.ts'

const query = (inside: string) => parseDocument(`<query xmlns='jabber:iq:register'>${inside}</query>`)
const form = (type: string, fields: Record<string, string>) =>
  `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>${type}</value></field>${Object.entries(fields)
    .map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`)
    .join('')}</x>`
const rules = { minPasswordLength: 8, maxNameLength: 5 }
const refusal = (condition: string) => (error: unknown) => error instanceof StanzaError && error.condition === condition

test('a name and a password are read from the fields', () => {
  assert.deepEqual(readCredentials(query('<username>romeo</username><password>secret</password>')), {
    username: 'romeo',
    password: 'secret',
    token: '',
  })
})

// XEP-0077 §4
test('a form goes before the fields', () => {
  const both = query(
    `<username>romeo</username>${form('jabber:iq:register', { username: 'juliet', password: 'secret', token: '' })}`,
  )
  assert.deepEqual(readCredentials(both), { username: 'juliet', password: 'secret', token: '' })
})

// XEP-0077 §3.3
test('a change of password has a form type of its own', () => {
  const type = 'jabber:iq:register:changepassword'
  const inside = form(type, { username: 'juliet', password: 'secret', token: '' })
  assert.deepEqual(readCredentials(query(inside), type), { username: 'juliet', password: 'secret', token: '' })
  assert.deepEqual(readCredentials(query(inside)), { username: '', password: '', token: '' })
})

// XEP-0077 §3.1
for (const [what, credentials] of Object.entries({
  'no name': { username: '', password: 'long enough' },
  'a long name': { username: 'romeos', password: 'long enough' },
  'no password': { username: 'romeo', password: '' },
  'a short password': { username: 'romeo', password: '7 chars' },
}))
  test(`not acceptable: ${what}`, () => {
    assert.throws(() => checkCredentials(credentials, rules), refusal('not-acceptable'))
  })

test('lengths are counted in characters, and 0 is no limit', () => {
  assert.ok(checkCredentials({ username: '😀😀😀😀😀', password: 'Ψ'.repeat(8) }, rules))
  assert.ok(checkCredentials({ username: 'montague', password: 'x' }, { minPasswordLength: 0, maxNameLength: 0 }))
})

for (const [code, condition] of [
  ['conflict', 'conflict'],
  ['look-alike', 'conflict'],
  ['invalid', 'not-acceptable'],
  ['invalid-password', 'not-acceptable'],
  ['not-found', 'registration-required'],
] as const)
  test(`accounts refuse with ${code}, clients hear ${condition}`, () => {
    assert.throws(() => refuse(new AccountError(code, 'why')), refusal(condition))
  })

test('what is no refusal stays what it is', () => {
  const bug = new TypeError('bug')
  assert.throws(
    () => refuse(bug),
    (error) => error === bug,
  )
})

for (const [name, own] of [
  ['romeo', true],
  ['Romeo', true],
  ['romeo@montague.example', true],
  ['juliet', false],
  ['romeo@capulet.example', false],
  ['romeo/orchard', false],
  ['', false],
] as const)
  test(`'${name}' is ${own ? '' : 'not '}romeo's own name`, () => {
    assert.equal(isNameOf(name, Jid.parse('romeo@montague.example/orchard')), own)
  })
