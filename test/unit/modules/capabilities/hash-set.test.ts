import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bestHash, capabilityHash, hashNode, matches } from '../../../../modules/capabilities/hash-set.ts'
import { parseDocument } from '../../../../src/api.ts'

const simple = `<query xmlns="http://jabber.org/protocol/disco#info">
  <identity category="client" name="BombusMod" type="mobile"/>
  <feature var="http://jabber.org/protocol/si"/>
  <feature var="http://jabber.org/protocol/bytestreams"/>
  <feature var="http://jabber.org/protocol/chatstates"/>
  <feature var="http://jabber.org/protocol/disco#info"/>
  <feature var="http://jabber.org/protocol/disco#items"/>
  <feature var="urn:xmpp:ping"/>
  <feature var="jabber:iq:time"/>
  <feature var="jabber:iq:privacy"/>
  <feature var="jabber:iq:version"/>
  <feature var="http://jabber.org/protocol/rosterx"/>
  <feature var="urn:xmpp:time"/>
  <feature var="jabber:x:oob"/>
  <feature var="http://jabber.org/protocol/ibb"/>
  <feature var="http://jabber.org/protocol/si/profile/file-transfer"/>
  <feature var="urn:xmpp:receipts"/>
  <feature var="jabber:iq:roster"/>
  <feature var="jabber:iq:last"/>
</query>`

const complex = `<query xmlns="http://jabber.org/protocol/disco#info">
  <identity category="client" name="Tkabber" type="pc" xml:lang="en"/>
  <identity category="client" name="Ткаббер" type="pc" xml:lang="ru"/>
  <feature var="games:board"/>
  <feature var="http://jabber.org/protocol/activity"/>
  <feature var="http://jabber.org/protocol/activity+notify"/>
  <feature var="http://jabber.org/protocol/bytestreams"/>
  <feature var="http://jabber.org/protocol/chatstates"/>
  <feature var="http://jabber.org/protocol/commands"/>
  <feature var="http://jabber.org/protocol/disco#info"/>
  <feature var="http://jabber.org/protocol/disco#items"/>
  <feature var="http://jabber.org/protocol/evil"/>
  <feature var="http://jabber.org/protocol/feature-neg"/>
  <feature var="http://jabber.org/protocol/geoloc"/>
  <feature var="http://jabber.org/protocol/geoloc+notify"/>
  <feature var="http://jabber.org/protocol/ibb"/>
  <feature var="http://jabber.org/protocol/iqibb"/>
  <feature var="http://jabber.org/protocol/mood"/>
  <feature var="http://jabber.org/protocol/mood+notify"/>
  <feature var="http://jabber.org/protocol/rosterx"/>
  <feature var="http://jabber.org/protocol/si"/>
  <feature var="http://jabber.org/protocol/si/profile/file-transfer"/>
  <feature var="http://jabber.org/protocol/tune"/>
  <feature var="http://www.facebook.com/xmpp/messages"/>
  <feature var="http://www.xmpp.org/extensions/xep-0084.html#ns-metadata+notify"/>
  <feature var="jabber:iq:avatar"/>
  <feature var="jabber:iq:browse"/>
  <feature var="jabber:iq:dtcp"/>
  <feature var="jabber:iq:filexfer"/>
  <feature var="jabber:iq:ibb"/>
  <feature var="jabber:iq:inband"/>
  <feature var="jabber:iq:jidlink"/>
  <feature var="jabber:iq:last"/>
  <feature var="jabber:iq:oob"/>
  <feature var="jabber:iq:privacy"/>
  <feature var="jabber:iq:roster"/>
  <feature var="jabber:iq:time"/>
  <feature var="jabber:iq:version"/>
  <feature var="jabber:x:data"/>
  <feature var="jabber:x:event"/>
  <feature var="jabber:x:oob"/>
  <feature var="urn:xmpp:avatar:metadata+notify"/>
  <feature var="urn:xmpp:ping"/>
  <feature var="urn:xmpp:receipts"/>
  <feature var="urn:xmpp:time"/>
  <x xmlns="jabber:x:data" type="result">
    <field type="hidden" var="FORM_TYPE">
      <value>urn:xmpp:dataforms:softwareinfo</value>
    </field>
    <field var="software">
      <value>Tkabber</value>
    </field>
    <field var="software_version">
      <value>0.11.1-svn-20111216-mod (Tcl/Tk 8.6b2)</value>
    </field>
    <field var="os">
      <value>Windows</value>
    </field>
    <field var="os_version">
      <value>XP</value>
    </field>
  </x>
</query>`

// XEP-0390 §4.5.1
test('the simple example of the specification', () => {
  const query = parseDocument(simple)
  assert.equal(capabilityHash(query, 'sha-256'), 'kzBZbkqJ3ADrj7v08reD1qcWUwNGHaidNUgD7nHpiw8=')
  assert.equal(capabilityHash(query, 'sha3-256'), '79mdYAfU9rEdTOcWDO7UEAt6E56SUzk/g6TnqUeuD9Q=')
})

// XEP-0390 §4.5.2
test('the complex example of the specification, with languages and a form', () => {
  const query = parseDocument(complex)
  assert.equal(capabilityHash(query, 'sha-256'), 'u79ZroNJbdSWhdSp311mddz44oHHPsEBntQ5b1jqBSY=')
  assert.equal(capabilityHash(query, 'sha3-256'), 'XpUJzLAc93258sMECZ3FJpebkzuyNXDzRNwQog8eycg=')
})

const query = (inside: string, attributes = '') =>
  parseDocument(`<query xmlns='http://jabber.org/protocol/disco#info' ${attributes}>${inside}</query>`)
const form = (inside: string) => `<x xmlns='jabber:x:data' type='result'>${inside}</x>`
const type = `<field var='FORM_TYPE' type='hidden'><value>urn:f</value></field>`

// XEP-0390 §4.1, steps 1 to 3
const hashless: Record<string, string> = {
  'something else': `<feature var='urn:a'/><other xmlns='urn:other'/>`,
  'a table': form(`${type}<reported/>`),
  'rows of a table': form(`${type}<item/>`),
  'a form without a type': form(`<field var='a'><value>1</value></field>`),
  'a form of two types': form(`<field var='FORM_TYPE'><value>a</value><value>b</value></field>`),
  'a form with its type twice': form(type + type),
  'a form whose type is shown': form(`<field var='FORM_TYPE' type='text-single'><value>a</value></field>`),
}
for (const [what, inside] of Object.entries(hashless))
  test(`there is no hash of an answer with ${what}`, () => {
    assert.equal(capabilityHash(query(inside), 'sha-256'), undefined)
    assert.equal(matches(query(inside), { algo: 'sha-256', value: 'x' }), false)
  })

test('what is told apart in the answer is told apart in the hash', () => {
  const answers = [
    `<feature var='a'/><feature var='b'/>`,
    `<feature var='ab'/>`,
    `<identity category='a' type='b'/>`,
    `<identity category='a' type='' name='b'/>`,
    form(`${type}<field var='a'><value>b</value></field>`),
    form(`${type}<field var='a'/><field var='b'/>`),
    form(type) + form(`<field var='FORM_TYPE'><value>a</value></field>`),
  ]
  assert.equal(new Set(answers.map((inside) => capabilityHash(query(inside), 'sha-256'))).size, answers.length)
})

test('the language of an identity is its own, that of the answer, or that of the stream', () => {
  const identity = `<identity category='client' type='pc' name='X'/>`
  const german = capabilityHash(query(identity.replace('/>', ` xml:lang='de'/>`)), 'sha-256')!
  assert.equal(capabilityHash(query(identity, `xml:lang='de'`), 'sha-256', 'en'), german)
  assert.equal(capabilityHash(query(identity), 'sha-256', 'de'), german)
  assert.ok(matches(query(identity), { algo: 'sha-256', value: german }, 'de'))
  assert.ok(!matches(query(identity), { algo: 'sha-256', value: german }, 'en'))
})

test('the best hash that can be computed is taken', () => {
  const hash = (algo: string, value = 'u79ZroNJbdSWhdSp311mddz44oHHPsEBntQ5b1jqBSY=') =>
    `<hash xmlns='urn:xmpp:hashes:2' algo='${algo}'>${value}</hash>`
  const best = (...hashes: readonly string[]) =>
    bestHash(parseDocument(`<c xmlns='urn:xmpp:caps'>${hashes.join('')}</c>`))?.algo
  assert.equal(best(hash('sha-512'), hash('sha3-256')), 'sha3-256')
  assert.equal(best(hash('sha-512'), hash('sha-256')), 'sha-256')
  assert.equal(best(hash('blake2b-256'), hash('sha-1')), undefined)
  assert.equal(best(hash('sha-256', 'no hash'), hash('sha-512')), 'sha-512')
  assert.equal(best(), undefined)
  assert.equal(hashNode({ algo: 'sha-256', value: 'a=' }), 'urn:xmpp:caps#sha-256.a=')
})
