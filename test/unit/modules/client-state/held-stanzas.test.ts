import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { parseDocument } from '#api'
import { HeldStanzas, type HoldingLimits } from '../../../../modules/client-state/held-stanzas.ts'
import { heapGrowth } from '../../../support/heap.ts'
import { Stage, type StageStream } from '../../session/stage.ts'

const ROMEO = 'romeo@verona.example/orchard'
const NURSE = 'nurse@verona.example/kitchen'
const composing = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
const paused = "<paused xmlns='http://jabber.org/protocol/chatstates'/>"

let stream: StageStream
let held: HeldStanzas

async function begin(limits: HoldingLimits): Promise<void> {
  stream = await new Stage().session('juliet', 'balcony', 0)
  held = new HeldStanzas(stream.session!, limits)
  stream.session!.filter = held
}
beforeEach(() => begin({ stanzas: 0, size: 0 }))

const send = (text: string) => stream.session!.send(parseDocument(text))
const presence = (from: string, id: string, more = '') => send(`<presence from='${from}' id='${id}'>${more}</presence>`)
const message = (from: string, id: string, payload: string) =>
  send(`<message from='${from}' type='chat' id='${id}'>${payload}</message>`)

/** The ids of what the client has got since it was asked last. */
function heard(): string {
  const ids = stream.heard.map((text) => parseDocument(text).attrs['id'])
  stream.heard.length = 0
  return ids.join(' ')
}

test('of each sender the last presence and the last chat state wait, in order', () => {
  presence(ROMEO, 'p1')
  message(ROMEO, 'c1', composing)
  presence(NURSE, 'p2')
  presence(ROMEO, 'p3')
  message(ROMEO, 'c2', paused)
  message(NURSE, 'c3', composing)
  assert.equal(heard(), '')
  held.release()
  assert.equal(heard(), 'p2 p3 c2 c3')
  held.release()
  assert.equal(heard(), '')
})

test('what waits goes before what its sender says next, and nobody else’s does // RFC 6120 §10.1', () => {
  presence(ROMEO, 'p1')
  presence(NURSE, 'p2')
  send(`<iq from='${ROMEO}' type='get' id='1'><query xmlns='urn:example'/></iq>`)
  assert.equal(heard(), 'p1 1')
  held.release()
  assert.equal(heard(), 'p2')
})

test('presence and chat state go in the order in which they came // RFC 6120 §10.1', () => {
  for (const first of ['presence', 'chat state']) {
    if (first === 'presence') presence(ROMEO, 'p')
    message(ROMEO, 'c', composing)
    if (first !== 'presence') presence(ROMEO, 'p')
    message(ROMEO, 'r', "<received xmlns='urn:xmpp:receipts' id='1'/>")
    assert.equal(heard(), first === 'presence' ? 'p c r' : 'c p r')
  }
})

test('a text replaces the chat state before it', () => {
  message(ROMEO, 'c1', composing)
  message(NURSE, 'c2', composing)
  message(ROMEO, 't', '<body>Hi</body>')
  assert.equal(heard(), 't')
  held.release()
  assert.equal(heard(), 'c2')
})

test('the copy of a text replaces the chat state before it', () => {
  const copy = (direction: string, id: string, payload: string) =>
    send(
      `<message from='juliet@verona.example' id='${id}'><${direction} xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='${ROMEO}' to='${NURSE}' type='chat'>${payload}</message></forwarded></${direction}></message>`,
    )
  copy('received', 'c1', composing)
  copy('received', 'c2', paused)
  copy('sent', 'c3', composing)
  copy('received', 't', '<body>Hi</body>')
  assert.equal(heard(), 't')
  held.release()
  assert.equal(heard(), 'c3')
})

test('the occupants of a room go before one’s own presence there // XEP-0045 §7.2.2', () => {
  for (const nick of ['one', 'two']) presence(`room@rooms.example/${nick}`, nick)
  presence(ROMEO, 'p')
  presence('room@rooms.example/me', 'me', "<x xmlns='http://jabber.org/protocol/muc#user'><status code='110'/></x>")
  assert.equal(heard(), 'one two me')
})

test('past the number of stanzas all go, and holding begins anew', async () => {
  await begin({ stanzas: 2, size: 0 })
  presence(ROMEO, 'p1')
  presence(ROMEO, 'p2')
  presence(NURSE, 'p3')
  assert.equal(heard(), '')
  message(NURSE, 'c', composing)
  assert.equal(heard(), 'p2 p3 c')
  presence(ROMEO, 'p4')
  assert.equal(heard(), '')
})

test('past the size all go, and what was replaced or sent does not count', async () => {
  await begin({ stanzas: 0, size: 400 })
  const long = `<status>${'x'.repeat(150)}</status>`
  for (let i = 0; i < 10; i++) presence(ROMEO, 'p1', long)
  send(`<iq from='${ROMEO}' type='result' id='1'/>`)
  assert.equal(heard(), 'p1 1')
  presence(ROMEO, 'p2', long)
  assert.equal(heard(), '')
  presence(NURSE, 'p3', long)
  assert.equal(heard(), 'p2 p3')
})

test('a stanza is written as it was rendered, to the address it had', () => {
  send(`<presence from='${ROMEO}' to='juliet@verona.example'><status>a &amp; b</status></presence>`)
  held.release()
  assert.match(stream.heard[0]!, / to="juliet@verona\.example".*<status>a &amp; b<\/status>/)
})

test('a session that is over hears nothing more', () => {
  presence(ROMEO, 'p1')
  stream.session!.close()
  held.release()
  assert.equal(heard(), '')
})

test('what is held keeps nothing of what came in with it', () => {
  const spaces = ' '.repeat(50_000)
  const growth = heapGrowth(() => {
    for (let n = 0; n < 200; n++)
      send(`<presence from='${ROMEO}${n}'${spaces}><status>gone for a little while</status></presence>`)
  })
  assert.ok(growth < 2_000_000, `${growth} bytes for 200 held stanzas`)
})
