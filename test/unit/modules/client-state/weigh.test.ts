import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDocument } from '#api'
import { weigh } from '../../../../modules/client-state/weigh.ts'

const ACCOUNT = 'juliet@verona.example'
const PEER = 'romeo@verona.example/orchard'
const chatState = (name: string) => `<${name} xmlns='http://jabber.org/protocol/chatstates'/>`
const ofRoom = (...children: string[]) => `<x xmlns='http://jabber.org/protocol/muc#user'>${children.join('')}</x>`
const copy = (direction: string, message: string, xmlns = 'urn:xmpp:carbons:2') =>
  `<${direction} xmlns='${xmlns}'><forwarded xmlns='urn:xmpp:forward:0'>${message}</forwarded></${direction}>`
const message = (payload: string, type = 'chat') => `<message from='${PEER}' type='${type}'>${payload}</message>`
const inner = (payload: string) =>
  `<message xmlns='jabber:client' from='${PEER}' to='nurse@verona.example' type='chat'>${payload}</message>`

const table: readonly (readonly [title: string, stanza: string, expected: string, sender?: string])[] = [
  ['available presence', `<presence from='${PEER}'/>`, 'presence'],
  [
    'available presence with much in it',
    `<presence from='${PEER}'><show>dnd</show><c xmlns='x'/></presence>`,
    'presence',
  ],
  ['unavailable presence', `<presence from='${PEER}' type='unavailable'/>`, 'presence'],
  ...['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe', 'error'].map(
    (type) => [`presence of type ${type}`, `<presence from='${PEER}' type='${type}'/>`, 'urgent'] as const,
  ),
  ['the client’s own presence', `<presence from='${ACCOUNT}/balcony'/>`, 'urgent', `${ACCOUNT}/balcony`],
  [
    'that of another client of the account',
    `<presence from='${ACCOUNT}/x' type='unavailable'/>`,
    'urgent',
    `${ACCOUNT}/x`,
  ],
  [
    'the presence of an occupant',
    `<presence from='${PEER}'>${ofRoom("<item role='visitor'/>")}</presence>`,
    'presence',
  ],
  ['one’s own in a room', `<presence from='${PEER}'>${ofRoom('<item/>', "<status code='110'/>")}</presence>`, 'urgent'],
  [
    'one’s own in a room, leaving',
    `<presence from='${PEER}' type='unavailable'>${ofRoom("<status code='307'/>", "<status code='110'/>")}</presence>`,
    'urgent',
  ],
  [
    'an occupant who is thrown out',
    `<presence from='${PEER}' type='unavailable'>${ofRoom("<status code='307'/>")}</presence>`,
    'presence',
  ],
  // XEP-0085
  ...['active', 'composing', 'paused', 'inactive', 'gone'].map(
    (name) => [`the chat state ${name}`, message(chatState(name)), 'chat-state'] as const,
  ),
  ['a chat state of type normal', message(chatState('active'), 'normal'), 'chat-state'],
  ['a chat state in a room', message(chatState('active'), 'groupchat'), 'chat-state'],
  [
    'a chat state with thread, ids, hints and the mark of a private message',
    message(
      `${chatState('active')}<thread>t</thread><origin-id xmlns='urn:xmpp:sid:0' id='1'/><no-store xmlns='urn:xmpp:hints'/>${ofRoom()}`,
    ),
    'chat-state',
  ],
  ['a chat state and a text', message(`${chatState('active')}<body>Hi</body>`), 'text'],
  ['a chat state and an empty text', message(`${chatState('active')}<body/>`), 'text'],
  ['a text', message('<body>Hi</body>'), 'text'],
  ['a text in a room', message('<body>Hi</body>', 'groupchat'), 'text'],
  ['a text of another namespace', message(`${chatState('active')}<body xmlns='x'>Hi</body>`), 'urgent'],
  ['a chat state and a subject', message(`${chatState('active')}<subject>Hi</subject>`), 'urgent'],
  [
    'a chat state and a receipt',
    message(`${chatState('active')}<received xmlns='urn:xmpp:receipts' id='1'/>`),
    'urgent',
  ],
  ['a chat state and something unknown', message(`${chatState('active')}<x xmlns='urn:example'/>`), 'urgent'],
  ['a chat state and an invitation', message(chatState('active') + ofRoom('<invite/>')), 'urgent'],
  ['a chat state in an error', message(chatState('active'), 'error'), 'urgent'],
  ['an empty message', message(''), 'urgent'],
  ['a hint alone', message("<store xmlns='urn:xmpp:hints'/>"), 'urgent'],
  ['a marker', message("<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>"), 'urgent'],
  ['a headline', message('<event xmlns="http://jabber.org/protocol/pubsub#event"/>', 'headline'), 'urgent'],
  ['a headline with a chat state', message(chatState('active'), 'headline'), 'urgent'],
  // XEP-0280
  [
    'the copy of a chat state received',
    `<message from='${ACCOUNT}'>${copy('received', inner(chatState('active')))}</message>`,
    'chat-state',
  ],
  [
    'the copy of a chat state sent',
    `<message from='${ACCOUNT}'>${copy('sent', inner(chatState('active')))}</message>`,
    'chat-state',
    `${ACCOUNT} to nurse@verona.example`,
  ],
  [
    'the copy of a text received',
    `<message from='${ACCOUNT}'>${copy('received', inner('<body>Hi</body>'))}</message>`,
    'text',
  ],
  [
    'the copy of a text sent',
    `<message from='${ACCOUNT}'>${copy('sent', inner('<body>Hi</body>'))}</message>`,
    'text',
    `${ACCOUNT} to nurse@verona.example`,
  ],
  [
    'a copy that another says it is',
    `<message from='${PEER}'>${copy('received', inner(chatState('active')))}</message>`,
    'urgent',
  ],
  [
    'a result of the archive',
    `<message from='${ACCOUNT}'>${copy('result', inner(chatState('active')), 'urn:xmpp:mam:2')}</message>`,
    'urgent',
    ACCOUNT,
  ],
  ['a request', `<iq from='${PEER}' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>`, 'urgent'],
  ['an answer', `<iq from='${PEER}' type='result' id='1'/>`, 'urgent'],
  ['an answer of the server', `<iq type='result' id='1'/>`, 'urgent', ''],
]

for (const [title, stanza, expected, sender = PEER] of table)
  test(`${title} // XEP-0352 §3.2`, () => {
    const weight = weigh(parseDocument(stanza), ACCOUNT)
    assert.deepEqual([weight.kind, weight.sender], [expected, sender], weight.because)
  })
