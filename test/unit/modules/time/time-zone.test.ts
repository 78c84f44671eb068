import assert from 'node:assert/strict'
import { test } from 'node:test'
import { timeZoneOffset } from '../../../../modules/time/time-zone.ts'

// XEP-0082
for (const [minutes, text] of [
  [0, 'Z'],
  [-120, '+02:00'],
  [360, '-06:00'],
  [-345, '+05:45'],
  [210, '-03:30'],
] as const)
  test(`${minutes} minutes west of Greenwich are ${text}`, () => {
    assert.equal(timeZoneOffset(minutes), text)
  })
