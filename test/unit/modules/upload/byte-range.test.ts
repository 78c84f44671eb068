import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRange } from '../../../../modules/upload/byte-range.ts'

// RFC 9110 §14.1.2, §14.2
test('one range of bytes is read, and everything else is all of the file', () => {
  for (const [header, expected] of [
    ['bytes=0-0', { start: 0, end: 0 }],
    ['bytes=0-', { start: 0, end: 9 }],
    ['BYTES= 2-5 ', { start: 2, end: 5 }],
    ['bytes=9-100', { start: 9, end: 9 }],
    ['bytes=-3', { start: 7, end: 9 }],
    ['bytes=-100', { start: 0, end: 9 }],
    ['bytes=10-', 'none'],
    ['bytes=-0', 'none'],
    ['bytes=999999999999999-', 'none'],
    [undefined, undefined],
    ['', undefined],
    ['bytes=-', undefined],
    ['bytes=5-2', undefined],
    ['bytes=0-1,3-4', undefined],
    ['bytes=a-b', undefined],
    ['bytes=0--1', undefined],
    ['bytes=9999999999999999-', undefined],
    ['lines=0-1', undefined],
  ] as const)
    assert.deepEqual(readRange(header, 10), expected, header)
})
