import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDocument, StanzaError } from '#api'
import { readEnable, readService } from '../../../../modules/push/registration.ts'
import { heapGrowth } from '../../../support/heap.ts'

const NS = 'urn:xmpp:push:0'
const publishOptions = (more = '') =>
  `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>${more}</x>`
const enable = (attributes: string, content = '') =>
  parseDocument(`<enable xmlns='${NS}' ${attributes}>${content}</enable>`)
const read = (attributes: string, content = '', maxSize = 4096) =>
  readEnable(enable(attributes, content), 'phone', { maxSize })
const refuses = (condition: string, work: () => unknown) =>
  assert.throws(work, (error) => error instanceof StanzaError && error.condition === condition)

test('the address is prepared, the rest is kept to the letter // XEP-0357 §5', () => {
  const options = publishOptions("<field var='s'><value> &lt;&amp;ü😀 </value></field>")
  const { options: form, ...rest } = read("jid='Böb@PUSH.example/Res' node=' &lt;N/&gt; '", options)
  assert.deepEqual(rest, { service: 'böb@push.example/Res', node: ' <N/> ', resource: 'phone' })
  assert.equal(form!.toString(), parseDocument(options).toString())
})

test('a node may be missing, and an empty one is one', () => {
  assert.equal(read("jid='push.example'").node, undefined)
  assert.equal(read("jid='push.example' node=''").node, '')
  assert.equal(read("jid='push.example'").options, undefined)
})

test('what makes no sense is refused', () => {
  for (const attributes of ['', "jid=''", "node='n'"]) refuses('bad-request', () => read(attributes))
  for (const jid of ['@@', 'a@', '/r', ' ']) refuses('jid-malformed', () => read(`jid='${jid}'`))
  for (const form of [
    "<x xmlns='jabber:x:data' type='submit'/>",
    "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:example</value></field></x>",
  ])
    refuses('bad-request', () => read("jid='push.example'", form))
  refuses('bad-request', () => readService(parseDocument(`<disable xmlns='${NS}'/>`)))
})

test('node and form together have a limit, which can be off', () => {
  const form = publishOptions()
  const size = parseDocument(form).toString().length
  read("jid='push.example' node='1234'", form, size + 4)
  refuses('policy-violation', () => read("jid='push.example' node='12345'", form, size + 4))
  assert.equal(read(`jid='push.example' node='${'n'.repeat(100_000)}'`, '', 0).node!.length, 100_000)
})

test('what is kept keeps nothing of what came in with it', () => {
  const spaces = ' '.repeat(50_000)
  const options = publishOptions("<field var='secret'><value>a secret that is long</value></field>")
  const growth = heapGrowth(() =>
    Array.from({ length: 200 }, (_, n) => read(`jid='push.example' node='a node that is long ${n}'${spaces}`, options)),
  )
  assert.ok(growth < 2_000_000, `${growth} bytes for 200 registrations`)
})
