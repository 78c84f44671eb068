import assert from 'node:assert/strict'
import type { EventEmitter } from 'node:events'
import { test } from 'node:test'
import * as ws from 'ws'
import { declare, toMessages } from '../../../../modules/websocket/framing.ts'

/** What a client reads messages with; `ws` does not document it. */
const { Receiver } = ws as unknown as {
  Receiver: new (options: { isServer: boolean }) => EventEmitter & { write(bytes: Uint8Array): void }
}

test('a stanza, and what is of the stream itself, declares its namespace // RFC 7395 §3.3.3', () => {
  for (const [text, frame] of [
    ['<message/>', '<message xmlns="jabber:client"/>'],
    ['<message to="a"><body>é</body></message>', '<message xmlns="jabber:client" to="a"><body>é</body></message>'],
    ['<presence><show/></presence>', '<presence xmlns="jabber:client"><show/></presence>'],
    ['<iq id="1"/>', '<iq xmlns="jabber:client" id="1"/>'],
    ['<stream:features/>', '<stream:features xmlns:stream="http://etherx.jabber.org/streams"/>'],
    [
      '<stream:error><a xmlns="urn:a"/></stream:error>',
      '<stream:error xmlns:stream="http://etherx.jabber.org/streams"><a xmlns="urn:a"/></stream:error>',
    ],
    ['<iquana xmlns="urn:a"/>', '<iquana xmlns="urn:a"/>'],
    ['<r xmlns="urn:xmpp:sm:3"/>', '<r xmlns="urn:xmpp:sm:3"/>'],
  ] as const)
    assert.equal(declare(text), frame)
})

test('messages are whole and in order, whatever is in them and however long they are // RFC 6455 §5.2', () => {
  const texts = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000].flatMap((length) => [
    'a'.repeat(length),
    'é'.repeat(length / 2),
    '\u{1f339}'.repeat(length / 4),
    `${'a'.repeat(length)}\ufffd`,
  ])
  const receiver = new Receiver({ isServer: false })
  const heard: string[] = []
  receiver.on('message', (data: Buffer, isBinary: boolean) => heard.push(isBinary ? 'binary' : data.toString()))
  const ascii = ['', 'a', '\u007f'.repeat(126), 'b'.repeat(65_535), 'c'.repeat(65_536)]
  for (const some of [texts, ascii, ['\u0080'], ['\u00ff']]) {
    const messages = toMessages(some)
    receiver.write(typeof messages === 'string' ? Buffer.from(messages, 'latin1') : messages)
  }
  assert.equal(typeof toMessages(ascii), 'string')
  assert.deepEqual(heard, [...texts, ...ascii, '\u0080', '\u00ff'])
})
