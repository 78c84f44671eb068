import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readHeader, readPicture } from '../../../../modules/avatar/picture.ts'
import { StanzaError } from '../../../../src/api.ts'
import { jpeg, png } from '../../../support/pictures.ts'

/** Octets that are named, with numbers of several of them. */
const octets = (...parts: (number[] | string)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))))
const webp = (chunk: string, ...rest: (number[] | string)[]) =>
  Buffer.concat([octets('RIFF', [0, 0, 0, 0], 'WEBP', chunk, [0, 0, 0, 0], ...rest), Buffer.alloc(16)])

test('a picture is what its first octets say', () => {
  const table: [what: string, picture: Buffer, type?: string, width?: number, height?: number][] = [
    ['PNG', png('', 70_000, 3).octets, 'image/png', 70_000, 3],
    ['PNG without its header', Buffer.concat([png('').octets.subarray(0, 12), Buffer.alloc(20)])],
    ['PNG cut short', png('').octets.subarray(0, 20)],
    ['PNG of nothing', png('', 0, 64).octets],
    ['GIF', octets('GIF89a', [0x2c, 0x01], [0x05, 0x00], [0, 0, 0]), 'image/gif', 300, 5],
    ['old GIF', octets('GIF87a', [1, 0, 1, 0]), 'image/gif', 1, 1],
    ['GIF of no year', octets('GIF88a', [1, 0, 1, 0])],
    ['JPEG', jpeg('', 640, 481).octets, 'image/jpeg', 640, 481],
    [
      'progressive JPEG behind fill and tables',
      octets([0xff, 0xd8, 0xff, 0xff, 0xc4, 0, 4, 1, 2, 0xff, 0xc2, 0, 11, 8, 1, 0, 2, 0, 1]),
      'image/jpeg',
      512,
      256,
    ],
    [
      'JPEG that begins before it is described',
      octets([0xff, 0xd8, 0xff, 0xda, 0, 4, 1, 2, 0xff, 0xc0, 0, 11, 8, 1, 0, 2, 0, 1]),
    ],
    ['JPEG that is none inside', octets([0xff, 0xd8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])],
    ['JPEG that ends', octets([0xff, 0xd8, 0xff, 0xe0, 0xff, 0xff, 1, 2, 3, 4, 5, 6])],
    ['JPEG with a segment of no length', octets([0xff, 0xd8, 0xff, 0xe0, 0, 0, 0xff, 0xe0, 0, 0, 1, 1, 1, 1])],
    ['WebP, lossy', webp('VP8 ', [0, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x42, 0x10, 0x01]), 'image/webp', 640, 272],
    ['WebP, lossy, without its mark', webp('VP8 ', [0, 0, 0, 0x9d, 0x01, 0x2b, 0x80, 0x02, 0x10, 0x01])],
    ['WebP, lossless', webp('VP8L', [0x2f, 0x3f, 0xc0, 0x0f, 0x00]), 'image/webp', 64, 64],
    ['WebP, lossless, without its mark', webp('VP8L', [0x2e, 0x3f, 0xc0, 0x0f, 0x00])],
    ['WebP, extended', webp('VP8X', [0, 0, 0, 0, 0xff, 0x03, 0x00, 0x0f, 0x00, 0x00]), 'image/webp', 1024, 16],
    ['WebP of another kind', webp('ALPH')],
    ['sound', Buffer.concat([octets('RIFF', [0, 0, 0, 0], 'WAVEfmt '), Buffer.alloc(40)])],
    ['SVG', octets("<svg xmlns='http://www.w3.org/2000/svg'/>")],
    ['nothing', Buffer.alloc(0)],
  ]
  for (const [what, picture, type, width, height] of table)
    assert.deepEqual(readHeader(picture), type && { type, width, height }, what)
})

test('any beginning of a picture is read without an error', () => {
  const whole = [
    png('x').octets,
    jpeg('x').octets,
    webp('VP8 '),
    webp('VP8L'),
    webp('VP8X'),
    octets('GIF89a', [1, 0, 1, 0]),
  ]
  for (const picture of whole)
    for (let end = 0; end <= picture.length; end++) assert.doesNotThrow(() => readHeader(picture.subarray(0, end)))
})

test('base64 is read as it has to be written, and limits hold to the octet', () => {
  const { base64, octets: all, id } = png('five!')
  const limits = { maxSize: all.length, maxSide: 64 }
  const expected = { id, bytes: all.length, type: 'image/png', width: 64, height: 64 }
  assert.deepEqual(readPicture(base64, limits), expected)
  assert.deepEqual(readPicture(`\n ${base64.slice(0, 5)}\r\n\t${base64.slice(5)} `, limits), expected)
  assert.deepEqual(readPicture(base64, { maxSize: 0, maxSide: 0 }), expected)
  const wrong: [string, { maxSize: number; maxSide: number }][] = [
    ['', limits],
    [`${base64}!`, limits],
    [`data:image/png;base64,${base64}`, limits],
    [base64.replaceAll('=', ''), limits],
    [base64.replaceAll('+', '-').replace('/', '_').replace('A', '-'), limits],
    // Whatever the padding is.
    ...['1', '12', '123'].map((content): (typeof wrong)[number] => {
      const one = png(content)
      return [one.base64, { ...limits, maxSize: one.octets.length - 1 }]
    }),
    [base64, { ...limits, maxSide: 63 }],
    [png('', 1, 65).base64, limits],
  ]
  for (const [text, bounds] of wrong)
    assert.throws(
      () => readPicture(text, bounds),
      (error) => error instanceof StanzaError && error.condition === 'not-acceptable',
      text,
    )
})
