import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBoolean } from '../../../src/xml/boolean.ts'

for (const [text, value] of [
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
  ['', undefined],
  ['TRUE', undefined],
  ['2', undefined],
  [undefined, undefined],
] as const)
  test(`${text} as a boolean is ${value} // XEP-0004 §3.3`, () => {
    assert.equal(readBoolean(text), value)
  })
