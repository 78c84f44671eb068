import assert from 'node:assert/strict'
import { test } from 'node:test'
import { doapXml, merged } from '../../../src/config/doap.ts'
import { parseDocument } from '../../../src/xml/parser.ts'

const claims = [
  { xep: 313, version: '1.10.0', note: 'Of <accounts> & rooms.' },
  { xep: 30, version: '2.5.0', since: '0.2.0' },
  { xep: 313, version: '1.9.0', partial: true, note: 'Not all.' },
  { xep: 313, version: '1.10.0', note: 'Not all.' },
]

test('what several modules have a share in is one claim, and no more than the least of them', () => {
  assert.deepEqual(merged(claims), [
    { xep: 30, version: '2.5.0', partial: false, since: '0.2.0' },
    { xep: 313, version: '1.9.0', partial: true, since: '0.1.0', note: 'Of <accounts> & rooms. Not all.' },
  ])
})

// XEP-0453 §4.2
test('the description of the project is well-formed and says of each XEP what is required', () => {
  const RDF = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#'
  const XMPP = 'https://linkmauve.fr/ns/xmpp-doap#'
  const text = doapXml(claims)
  assert.match(text, /^<\?xml version='1\.0' encoding='UTF-8'\?>\n<!--[^-]*-->\n<rdf:RDF /)
  const rdf = parseDocument(text.replace(/^<\?.*\n<!--.*\n/, ''))
  assert.equal(rdf.getNS(), RDF)
  const project = rdf.getChildElements()[0]!
  assert.ok(project.is('Project', 'http://usefulinc.com/ns/doap#'))
  assert.equal(project.getChildText('name'), 'Stonechat')
  const xeps = project.getChildren('implements').flatMap((one) => one.getChild('SupportedXep', XMPP) ?? [])
  assert.deepEqual(
    xeps.map((one) => ['status', 'version', 'since', 'note'].map((name) => one.getChildText(name, XMPP))),
    [
      ['complete', '2.5.0', '0.2.0', null],
      ['partial', '1.9.0', '0.1.0', 'Of <accounts> & rooms. Not all.'],
    ],
  )
  assert.match(text, /rdf:resource="https:\/\/xmpp\.org\/extensions\/xep-0030\.html"/)
})
