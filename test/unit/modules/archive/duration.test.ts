import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommandError } from '#api'
import { durationText, readDuration } from '../../../../modules/archive/duration.ts'

for (const [text, ms] of [
  ['30d', 2_592_000_000],
  ['1d12h', 129_600_000],
  ['90m', 5_400_000],
  ['5s', 5000],
] as const) {
  test(`${text} is ${ms} ms`, () => assert.equal(readDuration(text), ms))
}

test('a span is told in the largest units', () => {
  assert.equal(durationText(129_600_000), '1d12h')
  assert.equal(durationText(5_400_000), '1h30m')
  assert.equal(durationText(0), '0s')
})

for (const text of ['', '30', 'd', '30w', '0d', '-1d', '1.5d', '1 d', '1d '])
  test(`${JSON.stringify(text)} is no span`, () => assert.throws(() => readDuration(text), CommandError))
