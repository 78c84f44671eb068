import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDocument, serialize } from '#api'
import { notification } from '../../../../modules/push/notification.ts'

const last = parseDocument("<message from='romeo@verona.example/orchard'><body>&lt;Hi&gt; &amp; ü😀</body></message>")
const registration = { service: 'push.example', node: "<n a='&'/>", resource: 'phone', options: undefined }
const all = { count: true, sender: true, body: true }
const none = { count: false, sender: false, body: false }
const render = (...args: Parameters<typeof notification>) => parseDocument(serialize(notification(...args)))
const JULIET = 'juliet@verona.example'

/** What a notification tells, by field. */
function told(iq: ReturnType<typeof render>): Record<string, string | null> {
  const item = iq.getChild('pubsub')!.getChild('publish')!.getChild('item')!
  const fields = item.getChild('notification', 'urn:xmpp:push:0')!.getChild('x')?.getChildren('field') ?? []
  return Object.fromEntries(fields.map((field) => [field.attrs['var']!, field.getChildText('value')]))
}

test('a node with XML in it stays an attribute, and a text stays a text // XEP-0357 §7', () => {
  const iq = render(JULIET, registration, 3, last, all)
  assert.equal(
    iq.getChild('pubsub', 'http://jabber.org/protocol/pubsub')!.getChild('publish')!.attrs['node'],
    "<n a='&'/>",
  )
  assert.deepEqual(told(iq), {
    FORM_TYPE: 'urn:xmpp:push:summary',
    'message-count': '3',
    'last-message-sender': 'romeo@verona.example/orchard',
    'last-message-body': '<Hi> & ü😀',
  })
})

test('with nothing to tell there is no form, without a node no attribute, without options no element', () => {
  const iq = render(JULIET, { ...registration, node: undefined }, 1, last, none)
  assert.deepEqual(told(iq), {})
  const pubsub = iq.getChild('pubsub')!
  assert.equal('node' in pubsub.getChild('publish')!.attrs, false)
  assert.equal(pubsub.getChild('publish-options'), undefined)
})

test('a message without a text tells none', () => {
  const encrypted = parseDocument("<message from='a@b'><encrypted xmlns='urn:xmpp:omemo:2'/></message>")
  assert.equal('last-message-body' in told(render(JULIET, registration, 1, encrypted, all)), false)
})

test('the options of a registration go along each time, unharmed // XEP-0357 §7', () => {
  const text = '<x xmlns="jabber:x:data" type="submit"><field var="secret"><value>s</value></field></x>'
  const withOptions = { ...registration, options: parseDocument(text) }
  for (let n = 0; n < 2; n++) {
    const options = render(JULIET, withOptions, n, last, all).getChild('pubsub')!.getChild('publish-options')!
    assert.equal(serialize(options.getChild('x')!), text)
  }
})
