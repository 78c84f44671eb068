import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readInfo, verificationString } from '../../../../modules/capabilities/verification.ts'
import { infoElement } from '../../../../modules/disco/info.ts'
import { parseDocument } from '../../../../src/api.ts'

const query = (inside: string) =>
  parseDocument(`<query xmlns='http://jabber.org/protocol/disco#info'>${inside}</query>`)

const exodus = {
  identities: [{ category: 'client', type: 'pc', name: 'Exodus 0.9.1' }],
  features: [
    'http://jabber.org/protocol/muc',
    'http://jabber.org/protocol/disco#info',
    'http://jabber.org/protocol/caps',
    'http://jabber.org/protocol/disco#items',
  ],
  forms: [],
}

const psi = `<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>
  <identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/>
  <feature var='http://jabber.org/protocol/caps'/>
  <feature var='http://jabber.org/protocol/disco#info'/>
  <feature var='http://jabber.org/protocol/disco#items'/>
  <feature var='http://jabber.org/protocol/muc'/>
  <x xmlns='jabber:x:data' type='result'>
    <field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>
    <field var='ip_version' type='text-multi'><value>ipv6</value><value>ipv4</value></field>
    <field var='software_version'><value>0.11</value></field>
    <field var='os'><value>Mac</value></field>
    <field var='os_version'><value>10.5.1</value></field>
    <field var='software'><value>Psi</value></field>
  </x>`

// XEP-0115 §5.2
test('the simple example of the specification', () => {
  assert.equal(verificationString(exodus), 'QgayPKawpkPSDYmwT/WM94uAlu0=')
})

// XEP-0115 §5.3
test('the complex example of the specification, with languages and a form', () => {
  assert.equal(verificationString(readInfo(query(psi))!), 'q07IKJEyjvHSyhy//CH0CxmKi8w=')
})

test('another hash gives another string', () => {
  assert.match(verificationString(exodus, 'sha-256'), /^[A-Za-z0-9+/]{43}=$/)
})

test('what disco writes, reads as what was hashed', () => {
  const info = { ...exodus, forms: [{ formType: 'urn:f', fields: [{ var: 'b', values: ['2', '1'] }, { var: 'a' }] }] }
  assert.equal(verificationString(readInfo(infoElement(info))!), verificationString(info))
})

// XEP-0115 §5.4
const illFormed = {
  'an identity twice': `<identity category='client' type='pc' name='A'/><identity category='client' type='pc' name='A'/>`,
  'a feature twice': `<feature var='urn:a'/><feature var='urn:a'/>`,
  'a form type twice':
    `<x xmlns='jabber:x:data'><field var='FORM_TYPE' type='hidden'><value>urn:f</value></field></x>`.repeat(2),
  'a form of two types': `<x xmlns='jabber:x:data'><field var='FORM_TYPE' type='hidden'><value>urn:f</value><value>urn:g</value></field></x>`,
  'an identity that could be read as a feature': `<identity category='client' type='pc' name='A&lt;urn:a'/>`,
  'a value that could be read as two': `<x xmlns='jabber:x:data'><field var='FORM_TYPE' type='hidden'><value>urn:f</value></field><field var='a'><value>1&lt;2</value></field></x>`,
}
for (const [what, inside] of Object.entries(illFormed))
  test(`ill-formed: ${what}`, () => {
    assert.equal(readInfo(query(inside)), undefined)
  })

test('a form whose type is not hidden is ignored', () => {
  const info = readInfo(
    query(`<feature var='urn:a'/><x xmlns='jabber:x:data'><field var='FORM_TYPE'><value>urn:f</value></field></x>`),
  )
  assert.deepEqual(info, { identities: [], features: ['urn:a'], forms: [] })
})
