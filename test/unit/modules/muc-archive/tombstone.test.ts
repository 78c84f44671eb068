import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDocument, xml } from '#api'
import { isOf, storedText, withoutSender } from '../../../../modules/muc-archive/stored-message.ts'
import { canBeRetracted, tombstoneText } from '../../../../modules/muc-archive/tombstone.ts'

const sender = { affiliation: 'none', role: 'participant', jid: 'hag@verona.example/pda' }
const retracted = xml('retracted', { xmlns: 'urn:xmpp:message-retract:1', id: 'r', stamp: '2026-01-01T00:00:00Z' })
const said = (payload: string) =>
  parseDocument(
    storedText(
      parseDocument(
        `<message from='coven@rooms.example/hag' type='groupchat' id='m' xml:lang='en'>${payload}<occupant-id xmlns='urn:xmpp:occupant-id:0' id='o'/></message>`,
      ),
      sender,
    ),
  )

// XEP-0424 §4, XEP-0425 §4
test('a tombstone keeps addresses and ids, who said it for those who may know, and nothing of what was said', () => {
  const text = tombstoneText(said('<body>secret</body><x xmlns="jabber:x:oob"><url>secret</url></x>'), retracted)
  assert.equal(
    withoutSender(text),
    '<message from="coven@rooms.example/hag" type="groupchat" id="m"><occupant-id xmlns="urn:xmpp:occupant-id:0" id="o"/><retracted xmlns="urn:xmpp:message-retract:1" id="r" stamp="2026-01-01T00:00:00Z"/></message>',
  )
  assert.ok(isOf(parseDocument(text), 'hag@verona.example'))
  assert.ok(!canBeRetracted(parseDocument(text)))
})

test('a message of the room’s own, and one without an id, leave tombstones, too', () => {
  const own = parseDocument('<message from="coven@rooms.example" type="groupchat"><body>b</body></message>')
  assert.doesNotMatch(tombstoneText(own, retracted), /body|undefined|muc#user|occupant/)
})

// XEP-0424 §5
test('a retraction is not taken back', () => {
  assert.ok(canBeRetracted(said('<body>b</body>')))
  assert.ok(!canBeRetracted(said('<retract xmlns="urn:xmpp:message-retract:1" id="1"/><body>fallback</body>')))
})
