import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StanzaError } from '#api'
import { readDatetime } from '../../../../modules/archive/datetime.ts'

// XEP-0082 §3.1
const table: readonly (readonly [text: string, ms: number])[] = [
  ['1970-01-01T00:00:00Z', 0],
  ['1969-07-21T02:56:15Z', -14_159_025_000],
  ['1969-07-20T21:56:15-05:00', -14_159_025_000],
  ['2026-01-31T12:00:00.557Z', Date.UTC(2026, 0, 31, 12) + 557],
  ['2026-01-31T12:00:00.5Z', Date.UTC(2026, 0, 31, 12) + 500],
  ['2026-01-31T12:00:00.0005Z', Date.UTC(2026, 0, 31, 12) + 0.5],
  ['2024-02-29T00:00:00+14:00', Date.UTC(2024, 1, 28, 10)],
  ['0001-01-01T00:00:00Z', -62_135_596_800_000],
]
for (const [text, ms] of table) test(text, () => assert.equal(readDatetime(text), ms))

test('every millisecond is read as itself', () => {
  for (let ms = 0; ms < 1000; ms++) assert.equal(readDatetime(new Date(ms).toISOString()), ms)
})

for (const text of [
  '',
  'now',
  '2026-01-31',
  '20260131T12:00:00Z',
  '2026-01-31T12:00:00',
  '2026-01-31 12:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-00-01T00:00:00Z',
  '2026-02-29T00:00:00Z',
  '2026-01-31T24:00:00Z',
  '2026-01-31T12:60:00Z',
  '2026-01-31T12:00:00+24:00',
  '2026-01-31T12:00:00.Z',
  '2026-01-31T12:00:00Z\n',
  '12026-01-31T12:00:00Z',
])
  test(`${JSON.stringify(text)} is no time`, () =>
    assert.throws(
      () => readDatetime(text),
      (error) => error instanceof StanzaError && error.condition === 'bad-request',
    ))
