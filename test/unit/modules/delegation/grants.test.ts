import assert from 'node:assert/strict'
import { test } from 'node:test'
import { complaints, delegatedByAdmin } from '../../../../modules/delegation/grants.ts'

const grant = (namespaces: string[], mayAsk: string[] = []) => ({
  namespaces: Object.fromEntries(namespaces.map((xmlns) => [xmlns, { attributes: [] }])),
  mayAsk,
})

// XEP-0355 §9
test('what is delegation itself, privileges or discovery, and what two want, is delegated to nobody', () => {
  for (const xmlns of ['', 'urn:xmpp:delegation:2', 'urn:xmpp:privilege:2', 'http://jabber.org/protocol/disco#info']) {
    for (const wrong of [grant([xmlns]), grant([], [xmlns])])
      assert.match(complaints({ 'a.example': wrong })[0]!.message, /cannot have the namespace/)
  }
  assert.deepEqual(
    complaints({ 'a.example': grant(['urn:x']), 'b.example': grant(['urn:x']) }).map(({ option, message }) => [
      option,
      message,
    ]),
    [['components.b.example', 'has the namespace "urn:x", and so has a.example']],
  )
  assert.deepEqual(complaints({ 'a.example': grant(['urn:x']), 'b.example': grant(['urn:y'], ['urn:x']) }), [])
  assert.deepEqual(
    [...delegatedByAdmin({ 'a.example': grant(['urn:x']), 'b.example': grant(['urn:y'], ['urn:x']) })],
    [
      ['urn:x', { domain: 'a.example', attributes: [] }],
      ['urn:y', { domain: 'b.example', attributes: [] }],
    ],
  )
})
