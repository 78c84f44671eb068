import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDocument } from '#api'
import { type Kinds, type Side, shouldArchive } from '../../../../modules/archive/should-archive.ts'

const usual: Kinds = { groupchat: false, headlines: false }
const all: Kinds = { groupchat: true, headlines: true }

const table: [xml: string, keep: boolean, because: string, type?: string, kinds?: Kinds, side?: Side][] = [
  ['<body>Hi</body>', true, 'a text'],
  ['<body>Hi</body>', true, 'a text', 'normal'],
  ['<body/>', false, 'nothing to keep'],
  ["<body/><body xml:lang='de'>Hallo</body>", true, 'a text'],
  ["<body>Hi</body><active xmlns='http://jabber.org/protocol/chatstates'/>", true, 'a text'],
  ["<active xmlns='http://jabber.org/protocol/chatstates'/><body>Hi</body>", true, 'a text'],
  ["<active xmlns='http://jabber.org/protocol/chatstates'/>", false, 'chat state only'],
  ["<gone xmlns='http://jabber.org/protocol/chatstates'/><thread>1</thread>", false, 'chat state only'],
  ['', false, 'nothing to keep'],
  ["<x xmlns='urn:unknown'/>", false, 'nothing to keep'],
  ['<subject>Verona</subject>', true, 'a subject'],
  // XEP-0380, XEP-0384, XEP-0373, XEP-0027
  ["<encryption xmlns='urn:xmpp:eme:0' namespace='x'/>", true, 'encrypted'],
  ["<encrypted xmlns='eu.siacs.conversations.axolotl'/>", true, 'encrypted'],
  ["<encrypted xmlns='urn:xmpp:omemo:2'/>", true, 'encrypted'],
  ["<openpgp xmlns='urn:xmpp:openpgp:0'/>", true, 'encrypted'],
  ["<x xmlns='jabber:x:encrypted'/>", true, 'encrypted'],
  // XEP-0184 §5, XEP-0333 §6
  ["<received xmlns='urn:xmpp:receipts' id='1'/>", true, 'a receipt'],
  ["<request xmlns='urn:xmpp:receipts'/>", false, 'nothing to keep'],
  ["<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", true, 'a marker'],
  ["<markable xmlns='urn:xmpp:chat-markers:0'/>", false, 'nothing to keep'],
  // XEP-0308, XEP-0444, XEP-0424
  ["<replace xmlns='urn:xmpp:message-correct:0' id='1'/>", true, 'a correction'],
  ["<reactions xmlns='urn:xmpp:reactions:0' id='1'/>", true, 'a reaction'],
  ["<retract xmlns='urn:xmpp:message-retract:1' id='1'/>", true, 'a retraction'],
  // XEP-0249, XEP-0045 §7.8.2, §7.5
  ["<x xmlns='jabber:x:conference' jid='r@m'/>", true, 'an invitation'],
  ["<x xmlns='http://jabber.org/protocol/muc#user'><invite from='a@b'/></x>", true, 'an invitation'],
  ["<x xmlns='http://jabber.org/protocol/muc#user'><decline from='a@b'/></x>", true, 'an invitation'],
  ["<x xmlns='http://jabber.org/protocol/muc#user'/>", false, 'nothing to keep'],
  ["<body>psst</body><x xmlns='http://jabber.org/protocol/muc#user'/>", true, 'a text'],
  // XEP-0334 §4
  ["<x xmlns='urn:unknown'/><store xmlns='urn:xmpp:hints'/>", true, 'asked to be stored'],
  ["<body>Hi</body><store xmlns='urn:xmpp:hints'/>", true, 'a text'],
  ["<body>Hi</body><no-store xmlns='urn:xmpp:hints'/>", false, 'asked not to be stored'],
  ["<body>Hi</body><no-permanent-store xmlns='urn:xmpp:hints'/>", false, 'asked not to be stored'],
  ["<store xmlns='urn:xmpp:hints'/><no-store xmlns='urn:xmpp:hints'/>", false, 'asked not to be stored'],
  ["<body>Hi</body><no-copy xmlns='urn:xmpp:hints'/>", true, 'a text'],
  ["<body>Hi</body><private xmlns='urn:xmpp:carbons:2'/>", true, 'a text'],
  // XEP-0313 §6.1.1: "only once"
  ["<body>x</body><sent xmlns='urn:xmpp:carbons:2'/>", false, 'a copy of another message'],
  ["<received xmlns='urn:xmpp:carbons:2'/>", false, 'a copy of another message'],
  ["<result xmlns='urn:xmpp:mam:2'/>", false, 'a copy of another message'],
  ["<fin xmlns='urn:xmpp:mam:2'/><store xmlns='urn:xmpp:hints'/>", false, 'a copy of another message'],
  // types
  ['<body>Hi</body>', false, 'an error', 'error'],
  ['<body>Hi</body>', false, 'an error', 'error', all],
  ["<body>Hi</body><store xmlns='urn:xmpp:hints'/>", false, 'a headline', 'headline'],
  ['<body>Hi</body>', true, 'a text', 'headline', all],
  ['<body>Hi</body>', false, 'a room’s message', 'groupchat'],
  ['<body>Hi</body>', true, 'a text', 'groupchat', all],
  ['<body>Hi</body>', false, 'comes back from the room', 'groupchat', all, 'sent'],
  ['<body>Hi</body>', true, 'a text', 'chat', usual, 'sent'],
]

for (const [xml, keep, because, type = 'chat', kinds = usual, side = 'received'] of table)
  test(`${type} ${side} ${xml || '(empty)'}: ${because}`, () => {
    const message = parseDocument(`<message type='${type}'>${xml}</message>`)
    assert.deepEqual(shouldArchive(message, type, side, kinds), { keep, because })
  })
