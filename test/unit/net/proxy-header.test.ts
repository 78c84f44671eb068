import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { MAX_V1_BYTES, MAX_V2_BYTES, readProxyHeader } from '../../../src/net/proxy-header.ts'
import { plainAddress } from '../../../src/net/trusted-proxies.ts'
import { v2Header } from './proxy-bed.ts'

const read = (text: string) => readProxyHeader(Buffer.from(text, 'latin1'))

// The sections are those of proxy-protocol.txt.

describe('version 1 // §2.1', () => {
  test('the line says whose connection it is', () => {
    for (const [line, address] of [
      ['PROXY TCP4 192.0.2.7 10.0.0.1 56324 5222', '192.0.2.7'],
      ['PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535', '255.255.255.255'],
      ['PROXY TCP4 0.0.0.0 0.0.0.0 0 0', '0.0.0.0'],
      ['PROXY TCP6 2001:DB8::7 ::1 56324 5222', '2001:db8::7'],
      [
        `PROXY TCP6 ${Array(8).fill('ffff').join(':')} ${Array(8).fill('ffff').join(':')} 65535 65535`,
        Array(8).fill('ffff').join(':'),
      ],
      ['PROXY TCP6 ::ffff:192.0.2.7 ::1 56324 5222', '192.0.2.7'],
      ['PROXY UNKNOWN', undefined],
      ['PROXY UNKNOWN ', undefined],
      ['PROXY UNKNOWN whatever there is', undefined],
      ['PROXY UNKNOWN 192.0.2.7 10.0.0.1 56324 5222', undefined],
      [`PROXY UNKNOWN ${'x'.repeat(MAX_V1_BYTES - 16)}`, undefined],
    ] as const) {
      const length = line.length + 2
      assert.deepEqual(read(`${line}\r\nrest`), { kind: 'header', length, address }, line)
      for (let end = 0; end < length; end++)
        assert.deepEqual(read(`${line}\r\n`.slice(0, end)), { kind: 'partial' }, `${end} of ${line}`)
    }
  })

  test('what does not match the protocol is malformed, and so is what does not end in time', () => {
    for (const text of [
      'PROXY TCP4 192.0.2.7 10.0.0.1 56324 5222\n',
      'PROXY TCP4 192.0.2.7 10.0.0.1 56324 5222\rx',
      'PROXY TCP4 192.0.2.7\n10.0.0.1 56324 5222\r\n',
      'PROXY TCP4 192.0.2.07 10.0.0.1 56324 5222\r\n',
      'PROXY TCP4 192.0.2.7 10.0.0.1 056324 5222\r\n',
      'PROXY TCP4 192.0.2.7 10.0.0.1 65536 5222\r\n',
      'PROXY TCP4 192.0.2.7 10.0.0.1 56324 -1\r\n',
      'PROXY TCP4 192.0.2.7 10.0.0.1 56324\r\n',
      'PROXY TCP4 192.0.2.7 10.0.0.1 56324 5222 1\r\n',
      'PROXY TCP4 192.0.2.7 10.0.0.1 56324 5222 \r\n',
      'PROXY  TCP4 192.0.2.7 10.0.0.1 56324 5222\r\n',
      'PROXY\tTCP4 192.0.2.7 10.0.0.1 56324 5222\r\n',
      'PROXY TCP4 ::1 ::1 56324 5222\r\n',
      'PROXY TCP6 192.0.2.7 10.0.0.1 56324 5222\r\n',
      'PROXY TCP6 fe80::1%lo ::1 56324 5222\r\n',
      'PROXY TCP4 192.0.2.7 localhost 56324 5222\r\n',
      'PROXY UDP4 192.0.2.7 10.0.0.1 56324 5222\r\n',
      'PROXY tcp4 192.0.2.7 10.0.0.1 56324 5222\r\n',
      'PROXYTCP4 192.0.2.7 10.0.0.1 56324 5222\r\n',
      'PROXY UNKNOWNS\r\n',
      'PROXY\r\n',
      `PROXY UNKNOWN ${'x'.repeat(MAX_V1_BYTES)}`,
      `PROXY UNKNOWN ${'x'.repeat(MAX_V1_BYTES - 15)}\r\n`,
      `PROXY UNKNOWN ${'x'.repeat(MAX_V1_BYTES - 15)}\r`,
    ])
      assert.equal(read(text).kind, 'malformed', text)
  })
})

describe('version 2 // §2.2', () => {
  const v4 = [192, 0, 2, 7, 10, 0, 0, 1, 0xdc, 4, 0x14, 0x66]
  const v6 = [...Buffer.from(`20010db8${'0'.repeat(23)}7${'0'.repeat(31)}1`, 'hex'), 0xdc, 4, 0x14, 0x66]
  /** ALPN, a checksum (wrong, and not looked at) and an unknown addition. */
  const tlvs = [1, 0, 11, ...Buffer.from('xmpp-client'), 3, 0, 4, 1, 2, 3, 4, 0xe0, 0, 0]

  test('the block says whose connection it is, whatever is added to it', () => {
    for (const [header, address] of [
      [v2Header(0x21, 0x11, v4), '192.0.2.7'],
      [v2Header(0x21, 0x11, [...v4, ...tlvs]), '192.0.2.7'],
      [v2Header(0x21, 0x21, v6), '2001:db8::7'],
      [v2Header(0x21, 0x21, [...v6, ...tlvs]), '2001:db8::7'],
      [v2Header(0x21, 0x21, [...Buffer.alloc(10), 0xff, 0xff, ...v4.slice(0, 4), ...Buffer.alloc(20)]), '192.0.2.7'],
      // A client of QUIC.
      [v2Header(0x21, 0x12, v4), '192.0.2.7'],
      [v2Header(0x21, 0x00, []), undefined],
      [v2Header(0x21, 0x00, v4), undefined],
      [v2Header(0x21, 0x10, v4), undefined],
      [v2Header(0x21, 0x31, [...Buffer.alloc(216), ...tlvs]), undefined],
      // LOCAL: the proxy asks how we are. Family and addresses are ignored.
      [v2Header(0x20, 0x00, []), undefined],
      [v2Header(0x20, 0x11, v4), undefined],
      [v2Header(0x20, 0xff, [1, 2, 3]), undefined],
      [v2Header(0x21, 0x11, [...v4, ...Buffer.alloc(MAX_V2_BYTES - 16 - 12)]), '192.0.2.7'],
    ] as const) {
      assert.deepEqual(readProxyHeader(Buffer.concat([header, Buffer.from('rest')])), {
        kind: 'header',
        length: header.length,
        address,
      })
      for (let end = 0; end < header.length; end++)
        assert.deepEqual(
          readProxyHeader(header.subarray(0, end)),
          { kind: 'partial' },
          `${end} of ${header.toString('hex')}`,
        )
    }
  })

  test('what a proxy does not send is malformed, as soon as it can be seen', () => {
    for (const header of [
      v2Header(0x11, 0x11, v4),
      v2Header(0x31, 0x11, v4),
      v2Header(0x22, 0x11, v4),
      v2Header(0x2f, 0x11, v4),
      v2Header(0x21, 0x41, v4),
      v2Header(0x21, 0x13, v4),
      v2Header(0x21, 0x11, v4.slice(1)),
      v2Header(0x21, 0x21, v6.slice(1)),
      v2Header(0x21, 0x31, Buffer.alloc(215)),
      v2Header(0x21, 0x11, [...v4, ...Buffer.alloc(MAX_V2_BYTES - 16 - 11)]),
      v2Header(0x20, 0x00, Buffer.alloc(MAX_V2_BYTES)),
    ])
      assert.equal(readProxyHeader(header.subarray(0, 16)).kind, 'malformed', header.toString('hex'))
    assert.equal(readProxyHeader(v2Header(0x31, 0x11, v4).subarray(0, 13)).kind, 'malformed')
  })
})

test('whatever else a peer says first is no header, and is told by the first byte that differs', () => {
  for (const text of [
    '<',
    '\x16\x03\x01',
    'GET / HTTP/1.1',
    'POST /',
    'PUT ',
    'PROPFIND /',
    'PROXZ',
    ' ',
    '\r\n\r\n<',
    '\r\n\r\n\0\r\nQUIT\r',
  ])
    assert.deepEqual(read(text), { kind: 'none' }, JSON.stringify(text))
  for (const text of ['', 'P', 'PROX', '\r', '\r\n\r\n\0\r\nQUIT\n']) assert.deepEqual(read(text), { kind: 'partial' })
})

test('bytes of any kind give an answer, which more bytes do not change', () => {
  const piece = fc.constantFrom(
    'PROXY',
    ' ',
    'TCP4',
    'TCP6',
    'UNKNOWN',
    '1.2.3.4',
    '::1',
    '\r',
    '\n',
    '\r\n',
    '5222',
    '\0',
    '\r\n\r\n\0\r\nQUIT\n',
    '!',
    '\x11',
    '\x0c',
  )
  const bytes = fc.oneof(
    fc.array(piece, { maxLength: 30 }).map((pieces) => Buffer.from(pieces.join(''), 'latin1')),
    fc.uint8Array({ maxLength: 600 }).map((rest) => Buffer.concat([v2Header(0x21, 0x11, []).subarray(0, 12), rest])),
  )
  fc.assert(
    fc.property(bytes, fc.nat(600), fc.uint8Array({ maxLength: 8 }), (all, end, more) => {
      const [early, whole] = [readProxyHeader(all.subarray(0, end)), readProxyHeader(all)]
      if (early.kind !== 'partial') assert.equal(whole.kind, early.kind)
      if (whole.kind === 'header') {
        assert.ok(whole.length <= Math.min(all.length, MAX_V2_BYTES))
        assert.ok(whole.address === undefined || isIP(whole.address) > 0)
        assert.deepEqual(readProxyHeader(Buffer.concat([all, more])), whole)
      }
      if (whole.kind === 'partial') assert.ok(all.length < MAX_V2_BYTES)
    }),
    { numRuns: 500 },
  )
})

test('every address comes out as it went in', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV6(), fc.nat(65535), (v4, v6, port) => {
      for (const [family, address] of [
        ['TCP4', v4],
        ['TCP6', v6],
      ] as const) {
        const header = read(`PROXY ${family} ${address} ${address} ${port} 5222\r\n`)
        assert.equal(header.kind === 'header' && header.address, plainAddress(address))
      }
    }),
  )
})
