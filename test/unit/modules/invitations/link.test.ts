import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LinkFacts, landingUrlOf, uriOf } from '../../../../modules/invitations/link.ts'
import { hashOf, looksLikeToken, newToken } from '../../../../modules/invitations/token.ts'
import { Jid } from '../../../../src/api.ts'

const facts = { token: 'TOKEN', host: 'verona.example', inviter: undefined, username: undefined, accounts: true }
const romeo = Jid.parse('romeo@verona.example')

// XEP-0401 §5.1, §5.4, XEP-0445 §2
const cases: readonly [what: string, changes: Partial<LinkFacts>, uri: string][] = [
  ['of a user', { inviter: romeo }, 'xmpp:romeo@verona.example?roster;preauth=TOKEN;ibr=y'],
  ['to be a contact only', { inviter: romeo, accounts: false }, 'xmpp:romeo@verona.example?roster;preauth=TOKEN'],
  ['of the server', {}, 'xmpp:verona.example?register;preauth=TOKEN'],
  ['with a name', { username: 'juliet', inviter: romeo }, 'xmpp:juliet@verona.example?register;preauth=TOKEN'],
  // RFC 5122 §2.2
  ['with a strange name', { username: 'a?b;c=ü' }, 'xmpp:a%3Fb%3Bc%3D%C3%BC@verona.example?register;preauth=TOKEN'],
  ['on a domain of other letters', { host: 'bücher.example' }, 'xmpp:b%C3%BCcher.example?register;preauth=TOKEN'],
]
for (const [what, changes, uri] of cases)
  test(`the link of an invitation ${what}`, () => assert.equal(uriOf({ ...facts, ...changes }), uri))

test('a landing page gets the token or the link, wherever it wants it', () => {
  const uri = 'xmpp:verona.example?register;preauth=TOKEN'
  assert.equal(landingUrlOf('https://x.example/{token}?t={token}', uri, 'TOKEN'), 'https://x.example/TOKEN?t=TOKEN')
  const page = landingUrlOf('https://x.example/#{invitation}', uri, 'TOKEN')
  assert.equal(page, 'https://x.example/#verona.example?register;preauth=TOKEN')
})

test('tokens are letters and digits, differ, and are told from what is none', () => {
  const tokens = Array.from({ length: 200 }, newToken)
  assert.equal(new Set(tokens).size, 200)
  assert.ok(tokens.every(looksLikeToken))
  // 160 bits: each place has each of the 32 letters.
  assert.equal(new Set(tokens.join('')).size, 32)
  for (const text of ['', 'a'.repeat(31), 'a'.repeat(33), `${'a'.repeat(31)}A`, `${'a'.repeat(31)}1`, 'ä'.repeat(32)])
    assert.equal(looksLikeToken(text), false, text)
  assert.equal(new Set(tokens.map(hashOf)).size, 200)
})
