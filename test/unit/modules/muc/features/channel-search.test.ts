import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StanzaError } from '#api'
import { readSearch } from '../../../../../modules/muc/features/channel-search.ts'

const NS = 'urn:xmpp:channel-search:0'
const form = (fields: Readonly<Record<string, string>>) =>
  new Map(Object.entries(fields).map(([name, value]) => [name, [value]]))

test('channel search: what is left out is as the form offers it // XEP-0433 §5', () => {
  const usual = { fields: ['name', 'description', 'address'], key: 'address', isElsewhere: false }
  assert.deepEqual(readSearch(form({ q: 'Two  WORDS' })), { ...usual, terms: ['two', 'words'] })
  assert.deepEqual(readSearch(form({ all: 'true', unknown: 'x' })), { ...usual, terms: [] })
  assert.deepEqual(readSearch(form({ all: '1', q: '', key: `{${NS}:order}nusers` })), {
    ...usual,
    terms: [],
    key: 'users',
  })
  assert.deepEqual(readSearch(form({ q: 'a', sinaddr: 'false', sinname: '0' })).fields, ['description'])
  assert.deepEqual(readSearch(form({ q: 'a', sinaddress: 'false' })).fields, ['name', 'description'])
  assert.equal(readSearch(form({ q: 'a', types: 'xep-0369' })).isElsewhere, true)
  assert.equal(readSearch(new Map([...form({ q: 'a' }), ['types', ['xep-0369', 'xep-0045']]])).isElsewhere, false)
})

const refused: readonly (readonly [Readonly<Record<string, string>>, condition: string, type: string, app: string])[] =
  [
    [{}, 'bad-request', 'cancel', 'no-search-conditions'],
    [{ all: 'false' }, 'bad-request', 'cancel', 'no-search-conditions'],
    [{ q: 'a', sinname: '0', sindescription: '0', sinaddress: '0' }, 'bad-request', 'cancel', 'no-search-conditions'],
    [{ q: '  ' }, 'bad-request', 'modify', 'invalid-search-terms'],
    [{ q: 'a', all: 'true' }, 'bad-request', 'modify', 'conflicting-fields'],
    [{ q: 'a', key: 'name' }, 'feature-not-implemented', 'modify', 'invalid-sort-key'],
  ]

test('channel search: what makes no sense is refused as the specification says // XEP-0433 §4.2.2', () => {
  for (const [fields, condition, type, app] of refused)
    assert.throws(
      () => readSearch(form(fields)),
      (error) => {
        assert.ok(error instanceof StanzaError)
        assert.deepEqual([error.condition, error.type, error.extra?.app?.name], [condition, type, app])
        return error.extra?.app?.attrs['xmlns'] === `${NS}:error`
      },
      JSON.stringify(fields),
    )
})
