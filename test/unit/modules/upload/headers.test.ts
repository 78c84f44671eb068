import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dispositionOf, encodeName, faultOf } from '../../../../modules/upload/file-name.ts'
import { deliveryOf, essenceOf, isMediaType } from '../../../../modules/upload/media-type.ts'

test('a name of a file is no path, can be seen, and fits', () => {
  for (const name of [
    'a',
    'a.b',
    '...a',
    '.htaccess',
    'très cool.png',
    '文件',
    "it's",
    '100%',
    'a:b',
    '\u200fשלום',
    'x'.repeat(255),
  ])
    assert.equal(faultOf(name), undefined, name)
  for (const name of [
    '',
    '.',
    '..',
    ' .. ',
    ' ',
    'a/b',
    '/a',
    '..\\a',
    'a\0',
    'a\r\nb',
    'a\u007f',
    'a\u0085',
    'a\u2028b',
    '\u202egpj.exe',
    '\u2067a',
    '\ud800',
    'é'.repeat(128),
  ])
    assert.notEqual(faultOf(name), undefined, JSON.stringify(name))
})

// RFC 3986 §2.3; RFC 6266 §4
test('a name in an address or a header cannot end it', () => {
  assert.equal(encodeName(`a b/"';!*()é`), 'a%20b%2F%22%27%3B%21%2A%28%29%C3%A9')
  assert.equal(dispositionOf('attachment', 'a b-1.txt'), 'attachment; filename="a b-1.txt"')
  assert.equal(
    dispositionOf('attachment', 'a"; filename=b.exe\\é'),
    `attachment; filename="a__ filename_b.exe__"; filename*=UTF-8''a%22%3B%20filename%3Db.exe%5C%C3%A9`,
  )
})

// RFC 9110 §8.3.1
test('media types are checked for what they are made of', () => {
  for (const type of [
    'image/png',
    'a/b',
    'text/plain; charset=utf-8',
    'text/plain;charset="a b\\"c"',
    'application/vnd.x+json ; a=b;c=d',
  ])
    assert.ok(isMediaType(type), type)
  for (const type of [
    '',
    'png',
    'image/',
    '/png',
    'a/b/c',
    'a/b;',
    'a/b; c',
    'a/b\r\nx: y',
    'a/b;c="\n"',
    'a /b',
    'a/é',
    `a/${'b'.repeat(254)}`,
  ])
    assert.ok(!isMediaType(type), JSON.stringify(type))
  assert.equal(essenceOf('Text/HTML ; charset=x'), 'text/html')
})

test('only what does nothing is shown, and nothing is handed out as a program', () => {
  for (const type of [
    'image/png',
    'image/jpeg',
    'image/gif',
    'image/webp',
    'image/avif',
    'audio/ogg',
    'video/mp4',
    'text/plain; charset=x',
    'Image/PNG',
  ])
    assert.deepEqual(deliveryOf(type), { type, shown: true })
  for (const type of ['application/pdf', 'application/zip', 'image/tiff', 'application/octet-stream'])
    assert.deepEqual(deliveryOf(type), { type, shown: false })
  const bytes = { type: 'application/octet-stream', shown: false }
  for (const type of [
    undefined,
    'text/html',
    'TEXT/HTML',
    'application/xhtml+xml',
    'image/svg+xml',
    'text/xml',
    'application/xml',
    'text/javascript',
    'application/x-javascript',
    'application/ecmascript',
    'text/css',
    'application/wasm',
    'text/vcard',
    'application/json',
    'video/x+xml',
    'application/x-shockwave-flash',
  ])
    assert.deepEqual(deliveryOf(type), bytes, type)
})
