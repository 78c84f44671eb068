import assert from 'node:assert/strict'
import { test } from 'node:test'
import { complaints, covers, type Grant, isPushedTo, privilegeElement } from '../../../../modules/privileges/grants.ts'
import { serialize } from '../../../../src/api.ts'

const none: Grant = { roster: 'none', push: true, message: 'none', iq: {}, presence: 'none' }

// XEP-0356 §4.1, §6.1
test('access covers the types it names, and nothing else', () => {
  const table: [Parameters<typeof covers>[0], boolean, boolean][] = [
    [undefined, false, false],
    ['none', false, false],
    ['get', true, false],
    ['set', false, true],
    ['both', true, true],
  ]
  for (const [access, get, set] of table) {
    assert.deepEqual([covers(access, 'get'), covers(access, 'set')], [get, set], access)
    for (const type of ['none', 'both', 'result', 'error', '']) assert.equal(covers(access, type), false)
    assert.equal(isPushedTo({ ...none, roster: access ?? 'none' }), get)
    assert.equal(isPushedTo({ ...none, roster: access ?? 'none', push: false }), false)
  }
})

test('what is granted is told, and of nothing nothing is', () => {
  assert.equal(privilegeElement({ ...none, iq: { 'urn:x': 'none' } }), undefined)
  assert.equal(
    serialize(privilegeElement({ ...none, roster: 'set', iq: { 'urn:x': 'none', 'urn:y': 'set' } })!).replaceAll(
      '"',
      "'",
    ),
    "<privilege xmlns='urn:xmpp:privilege:2'><perm access='roster' type='set' push='false'/>" +
      "<perm access='iq'><namespace ns='urn:y' type='set'/></perm></privilege>",
  )
})

test('some namespaces are not for requests in the name of others', () => {
  for (const xmlns of ['jabber:iq:roster', 'urn:xmpp:privilege:2', 'urn:xmpp:delegation:2', ''])
    assert.deepEqual(
      complaints({ 'a.example': { ...none, iq: { [xmlns]: 'get' } } }).map(({ option }) => option),
      ['components.a.example'],
    )
  assert.deepEqual(complaints({ 'a.example': { ...none, iq: { 'urn:x': 'get' } } }), [])
})
