import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDocument } from '#api'
import { shouldStore } from '../../../../modules/offline/should-store.ts'

const hint = (name: string) => `<${name} xmlns='urn:xmpp:hints'/>`
const composing = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
const body = '<body>Hi</body>'

const table: readonly (readonly [
  title: string,
  type: string,
  payload: string,
  verdict: 'keep' | 'refuse' | 'silent',
  because: string,
])[] = [
  // XEP-0160 §3
  ['a normal message', 'normal', body, 'keep', 'text'],
  ['a chat message', 'chat', body, 'keep', 'text'],
  ['text in a second language only', 'chat', `<body/><body xml:lang='it'>Ciao</body>`, 'keep', 'text'],
  [
    'a chat message that also tells a chat state',
    'chat',
    `${body}<active xmlns='http://jabber.org/protocol/chatstates'/>`,
    'keep',
    'text',
  ],
  ['only a chat state', 'chat', composing, 'silent', 'chat state only'],
  ['only a chat state, of type normal', 'normal', composing, 'silent', 'chat state only'],
  [
    'a chat state with thread, ids and hints',
    'chat',
    `${composing}<thread>t</thread><origin-id xmlns='urn:xmpp:sid:0' id='1'/>${hint('no-permanent-store')}`,
    'silent',
    'chat state only',
  ],
  ['a message of a room', 'groupchat', body, 'refuse', 'a room’s message'],
  ['a headline', 'headline', body, 'silent', 'a headline'],
  ['an error', 'error', body, 'silent', 'an error'],
  // XEP-0334
  ['an error that carries a hint', 'error', `${body}${hint('store')}`, 'silent', 'an error'],
  ['text that asks not to be stored', 'chat', `${body}${hint('no-store')}`, 'refuse', 'asked not to be stored'],
  [
    'no text, and asks not to be stored',
    'chat',
    `<x xmlns='urn:example'/>${hint('no-store')}`,
    'silent',
    'asked not to be stored',
  ],
  ['asks for both', 'chat', `${body}${hint('store')}${hint('no-store')}`, 'refuse', 'asked not to be stored'],
  ['text that asks not to be archived', 'chat', `${body}${hint('no-permanent-store')}`, 'keep', 'text'],
  ['no text, and asks to be stored', 'chat', `${composing}${hint('store')}`, 'keep', 'asked to be stored'],
  ['a hint of another namespace', 'chat', `${body}<no-store xmlns='urn:example'/>`, 'keep', 'text'],
  // without a text
  ['an empty message', 'normal', '', 'silent', 'empty'],
  ['an empty body', 'chat', '<body/>', 'silent', 'empty'],
  ['only a thread', 'chat', '<thread>t</thread>', 'silent', 'empty'],
  ['only the wish for a receipt', 'chat', "<request xmlns='urn:xmpp:receipts'/>", 'silent', 'empty'],
  ['a receipt', 'chat', "<received xmlns='urn:xmpp:receipts' id='1'/>", 'keep', '<received/>'],
  ['only the wish for markers', 'chat', "<markable xmlns='urn:xmpp:chat-markers:0'/>", 'silent', 'empty'],
  ['a marker', 'chat', "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", 'keep', '<displayed/>'],
  ['a subject', 'normal', '<subject>News</subject>', 'keep', '<subject/>'],
  ['an invitation', 'normal', "<x xmlns='jabber:x:conference' jid='room@conference.localhost'/>", 'keep', '<x/>'],
  ['an encrypted payload', 'chat', "<encrypted xmlns='eu.siacs.conversations.axolotl'/>", 'keep', '<encrypted/>'],
]

for (const [title, type, payload, expected, because] of table)
  test(`offline: ${title}: ${expected}`, () => {
    const verdict = shouldStore(
      parseDocument(`<message from='romeo@localhost' to='juliet@localhost'>${payload}</message>`),
      type,
    )
    assert.equal(verdict.keep ? 'keep' : verdict.tell ? 'refuse' : 'silent', expected)
    assert.equal(verdict.because, because)
  })
