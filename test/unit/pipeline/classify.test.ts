import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { StanzaError } from '../../../src/api.ts'
import { classify } from '../../../src/pipeline/classify.ts'
import type { Session } from '../../../src/session/session.ts'
import { Stage, stanza } from '../session/stage.ts'

const stage = new Stage()
let romeo: Session
before(async () => {
  romeo = (await stage.session('romeo', 'orchard')).session
})

test('a stanza gets the full address it came from, whatever it claims // RFC 6120 §8.1.2.1', () => {
  for (const from of ['', ` from='romeo@verona.example'`, ` from='tybalt@verona.example/x'`]) {
    const event = classify(stanza(`<message to='juliet@verona.example'${from}/>`), romeo)
    assert.equal(event.stanza.attrs['from'], 'romeo@verona.example/orchard')
    assert.equal(event.from, romeo.jid)
    assert.equal(event.origin, romeo)
    assert.equal(event.user, romeo.user)
  }
})

test('a stanza without `to` is for the own account and stays without it // RFC 6120 §10.3', () => {
  const event = classify(stanza('<presence/>'), romeo)
  assert.equal(event.to.toString(), 'romeo@verona.example')
  assert.equal(event.directed, false)
  assert.equal(event.stanza.attrs['to'], undefined)
})

test('`to` is prepared, in the stanza as well // RFC 7622 §3.3', () => {
  const event = classify(stanza(`<message to='JULIET@Verona.Example/Balcony'/>`), romeo)
  assert.equal(event.to.toString(), 'juliet@verona.example/Balcony')
  assert.equal(event.stanza.attrs['to'], 'juliet@verona.example/Balcony')
  assert.equal(event.directed, true)
})

for (const to of ['', '@verona.example', 'juliet@', 'a b@verona.example', 'juliet@verona.example/', 'juliet@-.-'])
  test(`${JSON.stringify(to)} is no address, and the refusal finds its way // RFC 6120 §8.3.3.8`, () => {
    const message = stanza(`<message to='${to}'/>`)
    assert.throws(
      () => classify(message, romeo),
      (error) => error instanceof StanzaError && error.condition === 'jid-malformed' && error.type === 'modify',
    )
    assert.equal(message.attrs['from'], romeo.address)
  })

const accepted: readonly (readonly [string, string])[] = [
  ['<message/>', 'normal'],
  [`<message type='chat'/>`, 'chat'],
  [`<message type='groupchat'/>`, 'groupchat'],
  // RFC 6121 §5.2.2
  [`<message type='sonnet'/>`, 'normal'],
  ['<presence/>', ''],
  [`<presence type='unavailable'/>`, 'unavailable'],
  [`<iq type='get' id='1'><query/></iq>`, 'get'],
  [`<iq type='set' id='1'>\n<query/>\n</iq>`, 'set'],
  [`<iq type='result' id='1'/>`, 'result'],
  [`<iq type='result' id='1'><query/></iq>`, 'result'],
  [`<iq type='error' id='1'><query/><error/></iq>`, 'error'],
]
for (const [text, type] of accepted)
  test(`${text} is of type ${JSON.stringify(type)}`, () => assert.equal(classify(stanza(text), romeo).type, type))

const refused = [
  // RFC 6121 §4.7.1
  `<presence type=''/>`,
  `<presence type='available'/>`,
  // RFC 6120 §8.2.3
  `<iq id='1'><query/></iq>`,
  `<iq type='' id='1'><query/></iq>`,
  `<iq type='put' id='1'><query/></iq>`,
  `<iq type='get'><query/></iq>`,
  `<iq type='get' id='1'/>`,
  `<iq type='set' id='1'>text</iq>`,
  `<iq type='set' id='1'><a/><b/></iq>`,
  `<iq type='result' id='1'><a/><b/></iq>`,
]
for (const text of refused)
  test(`${text} is a bad request`, () =>
    assert.throws(
      () => classify(stanza(text), romeo),
      (error) => error instanceof StanzaError && error.condition === 'bad-request',
    ))
