import assert from 'node:assert/strict'
import { test } from 'node:test'
import { infoElement, itemsElement } from '../../../../modules/disco/info.ts'

test('identities, features and forms are sorted by octets, whatever order they came in', () => {
  const query = infoElement({
    identities: [
      { category: 'server', type: 'im', name: 'Verona' },
      { category: 'pubsub', type: 'pep' },
      { category: 'pubsub', type: 'pep', lang: 'de' },
    ],
    features: ['urn:b', 'urn:B', 'urn:a'],
    forms: [
      { formType: 'urn:two', fields: [{ var: 'x', values: ['1'] }] },
      { formType: 'urn:one', fields: [{ var: 'z' }, { var: 'y' }] },
    ],
  })
  assert.deepEqual(
    query.getChildren('identity').map((el) => [el.attrs['category'], el.attrs['xml:lang']]),
    [
      ['pubsub', undefined],
      ['pubsub', 'de'],
      ['server', undefined],
    ],
  )
  assert.deepEqual(
    query.getChildren('feature').map((el) => el.attrs['var']),
    ['urn:B', 'urn:a', 'urn:b'],
  )
  assert.deepEqual(
    query.getChildren('x', 'jabber:x:data').map((form) => form.getChildren('field').map((field) => field.attrs['var'])),
    [
      ['FORM_TYPE', 'y', 'z'],
      ['FORM_TYPE', 'x'],
    ],
  )
})

test('a feature that two modules declare stands there once (XEP-0115 §5.4)', () => {
  const query = infoElement({ identities: [], features: ['urn:a', 'urn:a'], forms: [] })
  assert.equal(query.getChildren('feature').length, 1)
})

test('the answer about a node carries the node (XEP-0030 §3.2)', () => {
  assert.equal(infoElement({ identities: [], features: [], forms: [] }, 'n').attrs['node'], 'n')
  assert.equal(itemsElement([], 'n').attrs['node'], 'n')
})

test('items are sorted by address, then node', () => {
  const query = itemsElement([{ jid: 'b' }, { jid: 'a', node: '2' }, { jid: 'a', node: '1', name: 'One' }])
  assert.deepEqual(
    query.getChildElements().map(({ attrs }) => [attrs['jid'], attrs['node'], attrs['name']]),
    [
      ['a', '1', 'One'],
      ['a', '2', undefined],
      ['b', undefined, undefined],
    ],
  )
})
