import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oneLine, readReport, uriOf } from '../../../../modules/reports/report.ts'
import { parseDocument } from '../../../../src/xml/parser.ts'

const NS = 'urn:xmpp:reporting:1'
const SID = 'urn:xmpp:sid:0'
const item = (report: string) => parseDocument(`<item jid='romeo@example.net'>${report}</item>`)

// XEP-0377 §3, §4, §5
test('a report is read with its reason, texts, messages and consents', () => {
  const report = readReport(
    item(
      `<report xmlns='${NS}' reason='urn:xmpp:reporting:spam'><text xml:lang='en'>\n Never came trouble. </text><text/>` +
        `<stanza-id xmlns='${SID}' by='juliet@example.com' id='1'/><stanza-id xmlns='${SID}' by='juliet@example.com'/>` +
        '<report-origin/><third-party/></report>',
    ),
  )
  assert.deepEqual(report, {
    reason: 'spam',
    texts: [{ lang: 'en', text: 'Never came trouble.' }],
    messages: [{ by: 'juliet@example.com', id: '1' }],
    forOrigin: true,
    forThirdParty: true,
  })
})

test('what is no report, or says no reason, is none; other reasons stay as they are', () => {
  for (const text of [
    '',
    `<report xmlns='${NS}'/>`,
    `<report xmlns='${NS}' reason=''/>`,
    `<report xmlns='${NS}' reason='urn:${'x'.repeat(300)}'/>`,
    "<report xmlns='urn:xmpp:reporting:0' reason='urn:xmpp:reporting:spam'/>",
  ])
    assert.equal(readReport(item(text)), undefined)
  const other = readReport(item(`<report xmlns='${NS}' reason='urn:example:rude'/>`))
  assert.deepEqual([other?.reason, other?.forOrigin, other?.forThirdParty], ['urn:example:rude', false, false])
  assert.deepEqual(['spam', 'abuse', 'urn:example:rude'].map(uriOf), [
    'urn:xmpp:reporting:spam',
    'urn:xmpp:reporting:abuse',
    'urn:example:rude',
  ])
})

test('however much stands in a report, little of it is kept', () => {
  const text = `<text>${'x'.repeat(5000)}</text>`
  const id = `<stanza-id xmlns='${SID}' by='juliet@example.com' id='1'/>`
  const report = readReport(
    item(`<report xmlns='${NS}' reason='urn:xmpp:reporting:abuse'>${text.repeat(9)}${id.repeat(99)}</report>`),
  )
  assert.deepEqual([report?.texts.length, report?.texts[0]?.text.length, report?.messages.length], [5, 2000, 50])
})

test('what a stranger wrote moves no cursor and turns no line round', () => {
  assert.equal(oneLine('a\n\tb\u009b31m\u202ec\u2028d '), 'a b 31m c d')
})
