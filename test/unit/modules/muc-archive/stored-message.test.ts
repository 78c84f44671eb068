import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDocument } from '#api'
import {
  isOf,
  type Sender,
  senderElement,
  storedText,
  withoutSender,
} from '../../../../modules/muc-archive/stored-message.ts'

const MUC_USER = 'http://jabber.org/protocol/muc#user'
const sender: Sender = { affiliation: 'owner', role: 'moderator', jid: `crone1@verona.example/it's "here" <&` }
const live = (payload: string) =>
  parseDocument(
    `<message from='coven@rooms.example/witch' to='hag@verona.example/pda' type='groupchat' id='a'>${payload}<occupant-id xmlns='urn:xmpp:occupant-id:0' id='o'/></message>`,
  )

// XEP-0313 §6.1.2
test('what is kept is what was sent out, without an addressee, and who said it', () => {
  const stanza = live('<body>Thrice</body>')
  const kept = parseDocument(storedText(stanza, sender))
  assert.deepEqual(kept.attrs, { from: 'coven@rooms.example/witch', type: 'groupchat', id: 'a' })
  assert.equal(kept.getChildText('body'), 'Thrice')
  assert.deepEqual(kept.getChild('x', MUC_USER)!.getChild('item')!.attrs, { ...sender })
  assert.equal(stanza.attrs['to'], 'hag@verona.example/pda')
  assert.equal(stanza.getChild('x', MUC_USER), undefined)
})

test('those who may not know get all but who said it', () => {
  for (const payload of ['<body>Thrice</body>', '', `<body>&lt;x xmlns="${MUC_USER}"&gt;</body>`]) {
    const stanza = live(payload)
    assert.equal(withoutSender(storedText(stanza, sender)), storedText(stanza, undefined))
    assert.doesNotMatch(withoutSender(storedText(stanza, sender)), /crone1/)
  }
})

test('a message of the room’s own is shown whole, whatever is inside', () => {
  const item = `<x xmlns='${MUC_USER}'><item jid='a@b'/></x>`
  for (const payload of [`<x xmlns='urn:other'>${item}</x>`, `<y xmlns='urn:other'>${item}</y>`, '<body/>']) {
    const own = storedText(parseDocument(`<message from='coven@rooms.example'>${payload}</message>`), undefined)
    assert.equal(withoutSender(own), own)
    assert.equal(senderElement(parseDocument(own)), undefined)
  }
})

// XEP-0313 §9.4
test('nobody says for somebody else who they are', () => {
  const forged = `<x xmlns='${MUC_USER}'><item affiliation='owner' jid='juliet@verona.example'/></x>`
  const text = storedText(live(`${forged}<body>I</body>${forged}`), sender)
  assert.doesNotMatch(text, /juliet/)
  assert.ok(isOf(parseDocument(text), 'crone1@verona.example'))
  assert.ok(!isOf(parseDocument(text), 'juliet@verona.example'))
  assert.ok(!isOf(parseDocument(storedText(live(forged), undefined)), 'juliet@verona.example'))
})
