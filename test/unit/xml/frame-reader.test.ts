import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FrameReader } from '../../../src/xml/frame-reader.ts'
import { serialize } from '../../../src/xml/wire.ts'

const FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing'
const OPEN = `<open xmlns='${FRAMING}' to='localhost' version='1.0'/>`
const limits = { bytes: 1000, depth: 10, elements: 100, attributes: 10 }

/** What a reader tells of frames. */
function read(...frames: (string | Uint8Array)[]): string[] {
  const told: string[] = []
  const reader = new FrameReader(
    {
      onOpen: ({ attrs }) => void told.push(`open ${attrs['xmlns']} ${attrs['to']}`),
      onStanza: (element) => void told.push(serialize(element)),
      onEnd: () => void told.push('end'),
      onError: ({ condition }) => void told.push(condition),
    },
    limits,
  )
  for (const frame of frames) reader.write(typeof frame === 'string' ? Buffer.from(frame) : frame)
  return told
}

// RFC 7395 §3.3
test('a stream comes as one element a frame, in the form it has elsewhere', () => {
  assert.deepEqual(
    read(
      OPEN,
      "<message xmlns='jabber:client' to='juliet@localhost'><body>&lt;é&gt;</body><x xmlns='urn:x'/></message>",
      "<r xmlns='urn:xmpp:sm:3'/>",
      `<close xmlns='${FRAMING}'/>`,
      "<message xmlns='jabber:client'/>",
    ),
    [
      'open jabber:client localhost',
      '<message to="juliet@localhost"><body>&lt;é&gt;</body><x xmlns="urn:x"/></message>',
      '<r xmlns="urn:xmpp:sm:3"/>',
      'end',
    ],
  )
})

test('a frame that is not one whole element ends the stream, and nothing after it is read', () => {
  const one = "<message xmlns='jabber:client'/>"
  for (const [frame, condition] of [
    ['', 'bad-format'],
    [' ', 'bad-format'],
    [` ${one}`, 'bad-format'],
    ['\ufeff<message/>', 'bad-format'],
    ['hello', 'bad-format'],
    ["<message xmlns='jabber:client'><body>", 'not-well-formed'],
    [`${one}${one}`, 'not-well-formed'],
    [`${one}<message`, 'not-well-formed'],
    [`${one}hello`, 'not-well-formed'],
    ['</stream:stream>', 'not-well-formed'],
    [OPEN, 'bad-format'],
    ['<message/>', 'invalid-namespace'],
    ["<message xmlns=''/>", 'invalid-namespace'],
    ["<!DOCTYPE a [<!ENTITY b 'c'>]><a xmlns='urn:a'/>", 'restricted-xml'],
    ['<!-- a -->', 'restricted-xml'],
    ["<a:b xmlns='urn:a'/>", 'not-well-formed'],
    [`<message xmlns='jabber:client'>${'a'.repeat(1000)}</message>`, 'policy-violation'],
    ["<stream:stream xmlns:stream='http://etherx.jabber.org/streams'>", 'not-well-formed'],
  ] as const)
    assert.deepEqual(read(OPEN, frame, one).slice(1), [condition], frame)
})

test('frames are read each for itself, whatever was in those before', () => {
  const frames = [
    `<message xmlns='jabber:client'>${'a'.repeat(950)}</message>`,
    `<?xml version='1.0'?><message xmlns='jabber:client'>${'é'.repeat(450)}</message>`,
    `<message xmlns='jabber:client'><body>${'<a/>'.repeat(90)}</body></message>`,
    "<a:b xmlns:a='urn:a'><![CDATA[<]]]]></a:b>",
    "<b xmlns='urn:b'><message xmlns='jabber:client'/></b>",
    "<message xmlns='jabber:client'>&amp;\r\n</message> \n",
    "<?xml version='1.0'?><r xmlns='urn:xmpp:sm:3'/>",
    `<message xmlns='jabber:client'>${'\u{1f339}'.repeat(230)}</message>`,
  ]
  const alone = frames.map((frame) => read(OPEN, frame)[1])
  assert.ok(alone.every((told) => told?.startsWith('<')))
  const order = [...frames.keys(), ...[...frames.keys()].reverse(), 0, 2, 2, 7, 7, 1, 1]
  assert.deepEqual(
    read(OPEN, ...order.map((i) => frames[i]!)).slice(1),
    order.map((i) => alone[i]),
  )
  assert.deepEqual(read(OPEN, ...frames, "<b:c xmlns='urn:b'/>").at(-1), 'not-well-formed')
  const long = `<message xmlns='jabber:client'>${'a'.repeat(960)}</message>`
  assert.deepEqual(read(OPEN, ...frames, long).at(-1), 'policy-violation')
})

test('a stream begins with <open/>', () => {
  assert.deepEqual(read("<message xmlns='jabber:client'/>"), ['bad-format'])
  assert.deepEqual(read(`<close xmlns='${FRAMING}'/>`), ['end'])
  assert.deepEqual(read("<open xmlns='jabber:client'/>"), ['bad-format'])
  assert.deepEqual(read(Buffer.from([0x3c, 0xff])), ['unsupported-encoding'])
})
