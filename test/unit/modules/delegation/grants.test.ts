import assert from 'node:assert/strict'
import { test } from 'node:test'
import { delegatedByAdmin } from '../../../../modules/delegation/grants.ts'

const grant = (namespaces: string[], mayAsk: string[] = []) => ({
  namespaces: Object.fromEntries(namespaces.map((xmlns) => [xmlns, { attributes: [] }])),
  mayAsk,
})

// XEP-0355 §9
test('what is delegation itself, privileges or discovery, and what two want, is delegated to nobody', () => {
  for (const xmlns of ['', 'urn:xmpp:delegation:2', 'urn:xmpp:privilege:2', 'http://jabber.org/protocol/disco#info']) {
    assert.throws(() => delegatedByAdmin({ 'a.example': grant([xmlns]) }), /cannot be delegated to a\.example/)
    assert.throws(() => delegatedByAdmin({ 'a.example': grant([], [xmlns]) }), /cannot be delegated to a\.example/)
  }
  assert.throws(
    () => delegatedByAdmin({ 'a.example': grant(['urn:x']), 'b.example': grant(['urn:x']) }),
    /"urn:x" is delegated to a\.example and to b\.example/,
  )
  assert.deepEqual(
    [...delegatedByAdmin({ 'a.example': grant(['urn:x']), 'b.example': grant(['urn:y'], ['urn:x']) })],
    [
      ['urn:x', { domain: 'a.example', attributes: [] }],
      ['urn:y', { domain: 'b.example', attributes: [] }],
    ],
  )
})
