import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDocument } from '#api'
import { shouldCopy } from '../../../../modules/carbons/should-copy.ts'

const body = '<body>Hi</body>'
const chatState = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
const receipt = "<received xmlns='urn:xmpp:receipts' id='1'/>"
const marker = "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>"
const encrypted = "<encrypted xmlns='eu.siacs.conversations.axolotl'><payload>x</payload></encrypted>"
const ofRoom = "<x xmlns='http://jabber.org/protocol/muc#user'/>"
const ofRoomWith = (child: string) => `<x xmlns='http://jabber.org/protocol/muc#user'>${child}</x>`
const directInvitation = "<x xmlns='jabber:x:conference' jid='room@conference.example'/>"
const isPrivate = "<private xmlns='urn:xmpp:carbons:2'/>"
const noCopy = "<no-copy xmlns='urn:xmpp:hints'/>"

const chat = 'a chat message'
const text = 'text'
const typical = 'a receipt, chat state or marker'
const invitation = 'an invitation'
const room = 'no: a room’s message'
const nothing = 'no: nothing of a conversation'

/** Expected for a message received from, and one sent to: a bare address, a full one. */
type Row = readonly [
  title: string,
  type: string,
  payload: string,
  expected: string | { received: { bare: string; full: string }; sent: { bare: string; full: string } },
]

const table: readonly Row[] = [
  // XEP-0280 §6.1: "it is of type chat"
  ['a chat message', 'chat', body, chat],
  ['a chat message without a text', 'chat', encrypted, chat],
  ['a chat message with nothing', 'chat', '', chat],
  // "it is of type normal and contains a <body> element"
  ['a normal message', 'normal', body, text],
  ['a normal message with an empty text', 'normal', '<body/>', text],
  ['a normal message without a text', 'normal', '<subject>Hi</subject>', nothing],
  ['a normal message that is encrypted and has no text', 'normal', encrypted, nothing],
  ['an element called body that is another’s', 'normal', "<body xmlns='urn:example'>Hi</body>", nothing],
  // "it contains payload elements typically used in IM"
  ['a receipt', 'normal', receipt, typical],
  ['the wish for a receipt', 'normal', "<request xmlns='urn:xmpp:receipts'/>", typical],
  ['a chat state', 'normal', chatState, typical],
  ['a marker', 'normal', marker, typical],
  ['a marker in a headline', 'headline', marker, typical],
  ['a headline', 'headline', body, nothing],
  // "A message of type groupchat SHOULD NOT be carbon-copied"
  ['a room’s message', 'groupchat', body, room],
  ['a marker in a room', 'groupchat', marker, room],
  ['an invitation in a room', 'groupchat', directInvitation, room],
  // "A message containing a Direct MUC Invitation", "… a Mediated Invitation"
  ['a direct invitation', 'normal', directInvitation, invitation],
  ['a direct invitation in a headline', 'headline', directInvitation, invitation],
  ['a mediated invitation', 'normal', ofRoomWith("<invite from='crone1@shakespeare.example/desktop'/>"), invitation],
  [
    'a declined invitation',
    'normal',
    ofRoomWith("<decline from='hecate@shakespeare.example'/>"),
    {
      received: { bare: nothing, full: 'no: private, from an occupant of a room' },
      sent: { bare: nothing, full: 'private, to an occupant of a room' },
    },
  ],
  // "A private message from a local user to a MUC participant", "… from a MUC participant"
  [
    'a chat message with the mark of a room',
    'chat',
    body + ofRoom,
    {
      received: { bare: chat, full: 'no: private, from an occupant of a room' },
      sent: { bare: chat, full: 'private, to an occupant of a room' },
    },
  ],
  [
    'a normal message with the mark of a room',
    'normal',
    body + ofRoom,
    {
      received: { bare: text, full: 'no: private, from an occupant of a room' },
      sent: { bare: text, full: 'private, to an occupant of a room' },
    },
  ],
  [
    'a chat state with the mark of a room',
    'chat',
    chatState + ofRoom,
    {
      received: { bare: chat, full: 'no: private, from an occupant of a room' },
      sent: { bare: chat, full: 'private, to an occupant of a room' },
    },
  ],
  // "if it does not contain a <private/> child element", XEP-0334 §4.3
  ['a private chat message', 'chat', body + isPrivate, 'no: private'],
  ['a private invitation', 'normal', directInvitation + isPrivate, 'no: private'],
  ['a private element of another namespace', 'chat', `${body}<private xmlns='urn:xmpp:carbons:1'/>`, chat],
  ['a chat message that is not to be copied', 'chat', body + noCopy, 'no: asked not to be copied'],
  ['a hint of another namespace', 'chat', `${body}<no-copy xmlns='urn:example'/>`, chat],
  // "it is of type error and it was sent in response to a message that was eligible"
  ['an error', 'error', '', 'no: the error to something else'],
  ['an error that quotes a text', 'error', body, 'no: the error to something else'],
  ['an error that quotes a marker', 'error', marker, 'no: the error to something else'],
]

for (const [title, type, payload, expected] of table)
  test(`${title}, of type ${type} // XEP-0280 §6.1`, () => {
    const message = parseDocument(`<message>${payload}</message>`)
    for (const side of ['received', 'sent'] as const)
      for (const peer of ['bare', 'full'] as const) {
        const circumstances = { type, side, isPeerFull: peer === 'full', answersCopied: false }
        const { copy, because } = shouldCopy(message, circumstances)
        const wanted = typeof expected === 'string' ? expected : expected[side][peer]
        assert.equal(`${copy ? '' : 'no: '}${because}`, wanted, `${side}, ${peer}`)
      }
  })

test('an error that answers a message that was copied // XEP-0280 §6.1', () => {
  const circumstances = { type: 'error', side: 'received', isPeerFull: true, answersCopied: true } as const
  // XEP-0334 §5: hints in errors are not heeded.
  for (const quoted of ['', body, body + noCopy, body + ofRoom])
    assert.equal(shouldCopy(parseDocument(`<message>${quoted}</message>`), circumstances).copy, true, quoted)
  assert.equal(shouldCopy(parseDocument(`<message>${isPrivate}</message>`), circumstances).copy, false)
})
