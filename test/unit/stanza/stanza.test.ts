import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  delayElement,
  errorOf,
  Jid,
  mayBounce,
  resultOf,
  StanzaError,
  StreamError,
  toDatetime,
  xml,
} from '../../../src/api.ts'
import { conditions } from '../../../src/stanza/conditions.ts'
import { serialize, stanza } from '../session/stage.ts'

const NS_STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

describe('a stanza error', () => {
  test('has the type that the specification gives its condition // RFC 6120 §8.3.3', () => {
    const types = {
      'bad-request': 'modify',
      forbidden: 'auth',
      'internal-server-error': 'cancel',
      'recipient-unavailable': 'wait',
      'service-unavailable': 'cancel',
    } as const
    for (const [condition, type] of Object.entries(types))
      assert.equal(new StanzaError(condition as keyof typeof types).type, type)
    assert.equal(Object.keys(conditions).length, 22)
  })

  test('says condition, text, who found it and the application’s own condition, in this order // RFC 6120 §8.3.2', () => {
    const error = new StanzaError('not-allowed', 'Not before <sunset> & dawn.', {
      type: 'wait',
      by: Jid.parse('verona.example'),
      app: xml('curfew', { xmlns: 'urn:example:play' }),
    })
    assert.equal(
      serialize(error.toElement()),
      `<error type="wait" by="verona.example"><not-allowed xmlns="${NS_STANZAS}"/>` +
        `<text xmlns="${NS_STANZAS}" xml:lang="en">Not before &lt;sunset&gt; &amp; dawn.</text>` +
        `<curfew xmlns="urn:example:play"/></error>`,
    )
  })

  test('without a text has none', () => {
    assert.equal(
      serialize(new StanzaError('conflict').toElement()),
      `<error type="cancel"><conflict xmlns="${NS_STANZAS}"/></error>`,
    )
  })
})

describe('a reply', () => {
  const iq = stanza(`<iq type='get' id='7' from='romeo@verona.example/o' to='verona.example'><query xmlns='x'/></iq>`)

  test('goes back to the sender with the id of the request // RFC 6120 §8.2.3', () => {
    const attributes = 'id="7" from="verona.example" to="romeo@verona.example/o"'
    assert.equal(serialize(resultOf(iq)), `<iq type="result" ${attributes}/>`)
    assert.equal(
      serialize(resultOf(iq, xml('query', { xmlns: 'x' }))),
      `<iq type="result" ${attributes}><query xmlns="x"/></iq>`,
    )
    const error = errorOf(iq, new StanzaError('conflict'))
    assert.equal(error.name, 'iq')
    assert.deepEqual(
      [error.attrs['type'], error.attrs['id'], error.attrs['from'], error.attrs['to']],
      ['error', '7', 'verona.example', 'romeo@verona.example/o'],
    )
  })

  test('to a stanza without `to`, `from` or `id` has none of its own', () => {
    assert.equal(serialize(resultOf(stanza(`<iq type='get' id='7'/>`))), '<iq type="result" id="7"/>')
    assert.match(serialize(errorOf(stanza('<message/>'), new StanzaError('gone'))), /^<message type="error"><error /)
  })

  test('never answers an error, nor the result of an IQ // RFC 6120 §8.3.1', () => {
    for (const text of [
      `<iq type='error'/>`,
      `<iq type='result'/>`,
      `<message type='error'/>`,
      `<presence type='error'/>`,
    ])
      assert.equal(mayBounce(stanza(text)), false, text)
    for (const text of [`<iq type='set'/>`, '<iq/>', '<message/>', `<message type='result'/>`, '<presence/>'])
      assert.equal(mayBounce(stanza(text)), true, text)
  })
})

test('a stream error is written with the prefix of the root // RFC 6120 §4.9', () => {
  const ns = 'urn:ietf:params:xml:ns:xmpp-streams'
  assert.equal(
    serialize(new StreamError('conflict', 'Taken.').toElement()),
    `<stream:error><conflict xmlns="${ns}"/><text xmlns="${ns}" xml:lang="en">Taken.</text></stream:error>`,
  )
  assert.equal(serialize(new StreamError('reset').toElement()), `<stream:error><reset xmlns="${ns}"/></stream:error>`)
})

test('a delay says in UTC since when // XEP-0203 §3, XEP-0082 §3.2', () => {
  const ms = Date.UTC(2026, 1, 3, 4, 5, 6, 7)
  assert.equal(toDatetime(ms), '2026-02-03T04:05:06.007Z')
  assert.equal(
    serialize(delayElement('verona.example', ms)),
    '<delay xmlns="urn:xmpp:delay" from="verona.example" stamp="2026-02-03T04:05:06.007Z"/>',
  )
})
