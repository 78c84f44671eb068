import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Element, parseDocument } from '#api'
import { stripForged } from '../../../../modules/muc/features/stanza-ids.ts'

const ROOM = 'coven@rooms.example'
const left = (payload: string): string[] => {
  const stanza = parseDocument(`<message><body>b</body>${payload}</message>`)
  stripForged(stanza, ROOM, (domain) => domain === 'verona.example' || domain === 'rooms.example')
  return (stanza.children as Element[]).slice(1).map(({ name, attrs }) => attrs['by'] ?? name)
}
const id = (by: string) => `<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='${by}'/>`

// XEP-0359 §3, rules 2 and 3
test('ids that only the room or an account’s own archive gives do not come from somebody else', () => {
  for (const by of [ROOM, 'COVEN@rooms.example', `${ROOM}/hag`, 'juliet@verona.example', 'verona.example', 'a@@b'])
    assert.deepEqual(left(id(by)), [], by)
  assert.deepEqual(left("<stanza-id xmlns='urn:xmpp:sid:0' id='1'/>"), [])
  assert.deepEqual(left(id('nurse@far.example') + id(ROOM)), ['nurse@far.example'])
  assert.deepEqual(left("<origin-id xmlns='urn:xmpp:sid:0' id='1'/>"), ['origin-id'])
  assert.deepEqual(left(`<stanza-id xmlns='urn:other' by='${ROOM}'/>`), [ROOM])
})

test('nothing that looks like an archive’s answer is said in a room', () => {
  assert.deepEqual(left("<result xmlns='urn:xmpp:mam:2'/><fin xmlns='urn:xmpp:mam:2'/><result xmlns='urn:other'/>"), [
    'result',
  ])
})
