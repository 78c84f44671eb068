import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Element, parseDocument } from '#api'
import { pastMessage } from '../../../../modules/muc-archive/past-message.ts'
import { RoutedAsker } from '../../../../modules/muc-archive/routed-asker.ts'
import { storedText } from '../../../../modules/muc-archive/stored-message.ts'

const ROOM = 'coven@rooms.example'

test('whoever enters later gets a message as it was sent out, under its id, and not who said it', () => {
  const live = parseDocument(
    `<message from='${ROOM}/hag' type='groupchat'><body>b</body><occupant-id xmlns='urn:xmpp:occupant-id:0' id='o'/></message>`,
  )
  const stanza = storedText(live, { affiliation: 'none', role: 'participant', jid: 'hag@verona.example/pda' })
  const past = pastMessage(ROOM, { id: 1_767_225_600_000_123, stanza })
  assert.equal(past.ms, Date.UTC(2026, 0, 1))
  assert.equal(
    String(past.stanza),
    String(live).replace(
      '</message>',
      `<stanza-id xmlns="urn:xmpp:sid:0" by="${ROOM}" id="1767225600000123"/></message>`,
    ),
  )
})

test('whoever asks from elsewhere gets the results through the router', () => {
  const routed: Element[] = []
  const asker = new RoutedAsker('nurse@far.example/kitchen', (stanza) => void routed.push(stanza))
  asker.pass(
    '<message from="coven@rooms.example" to="nurse@far.example/kitchen"><result xmlns="urn:xmpp:mam:2"/></message>',
  )
  assert.equal(routed[0]!.attrs['to'], 'nurse@far.example/kitchen')
  assert.ok(routed[0]!.getChild('result', 'urn:xmpp:mam:2'))
  assert.equal(asker.drained(), undefined)
})
