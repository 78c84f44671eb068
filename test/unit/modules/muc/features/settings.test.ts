import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contacts } from '../../../../../modules/muc/features/identity.ts'
import { isLonger } from '../../../../../modules/muc/features/limits.ts'
import { maxUsers } from '../../../../../modules/muc/features/max-users.ts'
import { parseDocument, StanzaError } from '../../../../../src/api.ts'

const isUnacceptable = (error: unknown) => error instanceof StanzaError && error.condition === 'not-acceptable'

// XEP-0045 §10.1.3
test('the most occupants of a room: offered numbers, others, and none', () => {
  for (const [text, value] of [
    ['none', 0],
    ['', 0],
    ['10', 10],
    ['7', 7],
    ['999999', 999_999],
  ] as const)
    assert.equal(maxUsers.read([text]), value, text)
  for (const values of [['0'], ['-1'], ['many'], ['1.5'], ['1e3'], ['1000000'], ['10', '20']])
    assert.throws(() => maxUsers.read(values), isUnacceptable, values.join())
  assert.deepEqual(maxUsers.write(0), ['none'])
  assert.deepEqual(maxUsers.write(30), ['30'])
})

test('contacts are addresses', () => {
  assert.deepEqual(contacts.read(['Romeo@Montague.example', '']), ['romeo@montague.example'])
  assert.throws(() => contacts.read(['@']), isUnacceptable)
  assert.throws(() => contacts.read(Array.from({ length: 21 }, (_, n) => `r${n}@montague.example`)), isUnacceptable)
})

test('the length of a stanza counts texts, attributes and names, however deep', () => {
  const length = (xml: string, bound: number) => isLonger(parseDocument(xml), bound)
  assert.equal(length(`<message><body>${'x'.repeat(100)}</body></message>`, 200), false)
  assert.equal(length(`<message><body>${'x'.repeat(300)}</body></message>`, 200), true)
  assert.equal(length(`<message><a xmlns='x' b='${'x'.repeat(300)}'/></message>`, 200), true)
  assert.equal(length(`<message>${'<a/>'.repeat(300)}</message>`, 200), true)
  assert.equal(length(`<message><a><b><c>${'x'.repeat(150)}</c><d>${'y'.repeat(60)}</d></b></a></message>`, 200), true)
})
