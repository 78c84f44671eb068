import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDocument } from '#api'
import { isWorthWaking, worthWaking } from '../../../../modules/push/worth.ts'

const JULIET = 'juliet@verona.example'
const ROMEO = 'romeo@verona.example/orchard'
const body = '<body>Hi</body>'

const table: readonly (readonly [what: string, type: string, payload: string, worth: boolean])[] = [
  ['a text', 'chat', body, true],
  ['a text of type normal', 'normal', body, true],
  ['a text in a room', 'groupchat', body, true],
  ['a headline', 'headline', body, false],
  ['an error that quotes a text', 'error', body, false],
  ['nothing', 'chat', '', false],
  ['an empty text', 'chat', '<body/>', false],
  ['an empty text and one in another language', 'chat', "<body/><body xml:lang='it'>Ciao</body>", true],
  ['somebody else’s body', 'chat', "<body xmlns='urn:example'>Hi</body>", false],
  ['a subject', 'groupchat', '<subject>Balconies</subject>', false],
  ['a chat state', 'chat', "<composing xmlns='http://jabber.org/protocol/chatstates'/>", false],
  ['a receipt', 'chat', "<received xmlns='urn:xmpp:receipts' id='1'/>", false],
  ['a marker', 'chat', "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", false],
  ['a reaction', 'chat', "<reactions xmlns='urn:xmpp:reactions:0' id='1'><reaction>♥</reaction></reactions>", false],
  ['a correction', 'chat', `${body}<replace xmlns='urn:xmpp:message-correct:0' id='1'/>`, true],
  ['OMEMO', 'chat', "<encrypted xmlns='urn:xmpp:omemo:2'/>", true],
  ['OMEMO as it was', 'chat', "<encrypted xmlns='eu.siacs.conversations.axolotl'/>", true],
  ['OpenPGP', 'chat', "<openpgp xmlns='urn:xmpp:openpgp:0'/>", true],
  [
    'an encryption the server does not know',
    'chat',
    "<encryption xmlns='urn:xmpp:eme:0' namespace='urn:example'/>",
    true,
  ],
  ['encrypted, of something else', 'chat', "<encrypted xmlns='urn:example'/>", false],
  ['what mentions one in a room // XEP-0452', 'normal', "<mentions xmlns='urn:xmpp:mmn:0'/>", true],
  ['a call', 'chat', "<propose xmlns='urn:xmpp:jingle-message:0' id='1'/>", true],
  ['the end of a call', 'chat', "<retract xmlns='urn:xmpp:jingle-message:0' id='1'/>", false],
  ['an invitation // XEP-0249', 'normal', "<x xmlns='jabber:x:conference' jid='room@rooms.example'/>", true],
  [
    'an invitation by a room // XEP-0045 §7.8.2',
    'normal',
    "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='a@b'/></x>",
    true,
  ],
  [
    'a declined invitation',
    'normal',
    "<x xmlns='http://jabber.org/protocol/muc#user'><decline from='a@b'/></x>",
    false,
  ],
]

for (const [what, type, payload, worth] of table)
  test(`${worth ? 'wakes' : 'does not wake'}: ${what}`, () => {
    assert.equal(isWorthWaking(parseDocument(`<message type='${type}'>${payload}</message>`), type), worth)
  })

const copy = (direction: string, from: string, payload: string, by = JULIET) =>
  `<message from='${by}'><${direction} xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='${from}' to='${JULIET}/desk' type='chat'>${payload}</message></forwarded></${direction}></message>`

test('of what a session was sent, messages to it and copies of what others got count', () => {
  const worth = worthWaking(
    [
      `<presence from='${ROMEO}'/>`,
      `<message from='${ROMEO}' type='chat' id='1'>${body}</message>`,
      `<iq from='${ROMEO}' type='get' id='2'><body xmlns='jabber:client'>Hi</body></iq>`,
      `<message from='${ROMEO}' type='headline' id='3'>${body}</message>`,
      copy('received', ROMEO, body),
      copy('received', ROMEO, "<composing xmlns='http://jabber.org/protocol/chatstates'/>"),
    ],
    JULIET,
  )
  assert.deepEqual(
    worth.map(({ attrs }) => attrs['id'] ?? attrs['to']),
    ['1', `${JULIET}/desk`],
  )
})

test('what one’s own devices have sent does not count, nor does what only looks like a copy', () => {
  const own = [
    copy('sent', `${JULIET}/desk`, body),
    copy('received', `${JULIET}/desk`, body),
    `<message from='${JULIET}/desk' type='chat'>${body}</message>`,
    `<message from='${JULIET}' type='chat'>${body}</message>`,
    copy('received', ROMEO, body, 'juliet@verona.example.evil'),
  ]
  assert.deepEqual(worthWaking(own, JULIET), [])
  assert.equal(worthWaking([`<message from='${JULIET}.evil' type='chat'>${body}</message>`], JULIET).length, 1)
})
