import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDocument } from '#api'
import { hashesIn } from '../../../../../modules/muc/features/vcard.ts'

const card = (...photos: string[]) => parseDocument(`<vCard xmlns='vcard-temp'>${photos.join('')}</vCard>`)

test('room avatars: the hash is that of the picture, however its base64 is broken // XEP-0153 §3', () => {
  // SHA-1 of "abc" (FIPS 180-4).
  const hash = 'a9993e364706816aba3e25717850c26c9cd0d89d'
  assert.deepEqual(hashesIn(card('<PHOTO><BINVAL>YWJj</BINVAL></PHOTO>')), [hash])
  assert.deepEqual(hashesIn(card('<PHOTO><TYPE>image/png</TYPE><BINVAL>\n YW\n Jj\n</BINVAL></PHOTO>')), [hash])
})

test('room avatars: what is no picture has no hash, and of pictures there are not too many // XEP-0486 §6.1', () => {
  const none = ['<FN>Balcony</FN>', '<PHOTO/>', '<PHOTO><BINVAL/></PHOTO>', '<PHOTO><EXTVAL>http://x</EXTVAL></PHOTO>']
  assert.deepEqual(hashesIn(card(...none)), [])
  const photo = '<PHOTO><BINVAL>YWJj</BINVAL></PHOTO>'
  assert.equal(hashesIn(card(...Array(6).fill(photo))).join(' ').length, 6 * 41 - 1)
  assert.throws(() => hashesIn(card(...Array(7).fill(photo))), { condition: 'not-acceptable' })
})
