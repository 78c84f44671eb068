import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDocument } from '#api'
import { addressedIn, mentionedIn } from '../../../../modules/muc/mentions.ts'

const ROOM = 'balcony@rooms.example'
const message = (payload: string) => parseDocument(`<message type='groupchat'>${payload}</message>`)
const reference = (uri: string, type = 'mention') =>
  `<reference xmlns='urn:xmpp:reference:0' type='${type}' uri='${uri}'/>`

const references: readonly (readonly [uri: string, jids: readonly string[], nicks: readonly string[]])[] = [
  ['xmpp:romeo@verona.example', ['romeo@verona.example'], []],
  ['xmpp:Romeo@verona.example/orchard', ['romeo@verona.example'], []],
  ['XMPP:romeo@verona.example?message', ['romeo@verona.example'], []],
  [`xmpp:${ROOM}/Romeo`, [], ['Romeo']],
  [`xmpp:${ROOM}/Queen%20Mab`, [], ['Queen Mab']],
  [`xmpp:${ROOM}`, [], []],
  ['xmpp:', [], []],
  ['xmpp:@', [], []],
  ['xmpp:%', [], []],
  ['mailto:romeo@verona.example', [], []],
]

test('mentions: a reference mentions an account by its address, or by that in the room // XEP-0372 §3.2', () => {
  for (const [uri, jids, nicks] of references)
    assert.deepEqual(mentionedIn(message(reference(uri)), ROOM), { jids, nicks }, uri)
  assert.deepEqual(mentionedIn(message(reference('xmpp:romeo@verona.example', 'data')), ROOM), { jids: [], nicks: [] })
})

const texts: readonly (readonly [text: string, nicks: readonly string[]])[] = [
  ['Romeo: come', ['Romeo']],
  ['Romeo, wherefore?', ['Romeo']],
  ['Queen Mab: hast thou been', ['Queen Mab']],
  ['Romeo:', ['Romeo']],
  ['@Romeo: come', ['Romeo', 'Romeo:']],
  ['come, @Romeo', ['come', 'Romeo']],
  ['Come hither @Romeo! @Nurse', ['Romeo!', 'Romeo', 'Nurse']],
  ['12:30 it is', []],
  ['romeo@verona.example is his address', []],
  ['I love Romeo', []],
  ['', []],
  ['@ @', []],
  [`${'x'.repeat(70)}: come`, []],
  [Array.from({ length: 21 }, (_, n) => `@n${n}`).join(' '), []],
]

test('mentions: a text addresses by a nick that it begins with, or that has an @', () => {
  for (const [text, nicks] of texts)
    assert.deepEqual(
      [...addressedIn(message(`<body>${text}</body>`), ROOM).nicks].sort(),
      nicks.toSorted(),
      text.slice(0, 40),
    )
})

test('mentions: a reply addresses the author // XEP-0461 §3', () => {
  const reply = (to: string) => `<reply xmlns='urn:xmpp:reply:0' id='1' to='${to}'/>`
  assert.deepEqual(addressedIn(message(reply(`${ROOM}/Romeo`)), ROOM).nicks, ['Romeo'])
  for (const to of [ROOM, 'other@rooms.example/Romeo', '@'])
    assert.deepEqual(addressedIn(message(reply(to)), ROOM).nicks, [], to)
})

test('mentions: a long text is read in no time', () => {
  const started = process.cpuUsage()
  for (const text of ['a '.repeat(60_000), '@'.repeat(120_000), `${'@a'.repeat(30_000)} x`, 'a'.repeat(120_000)])
    addressedIn(message(`<body>${text}</body>`), ROOM)
  assert.ok(process.cpuUsage(started).user < 2_000_000)
})
