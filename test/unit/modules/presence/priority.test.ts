import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPriority } from '../../../../modules/presence/priority.ts'
import { parseDocument, StanzaError } from '../../../../src/api.ts'

const read = (children: string) => readPriority(parseDocument(`<presence>${children}</presence>`))

// RFC 6121 §4.7.2.3
test('a priority is a whole number from -128 to 127, and 0 when none is given', () => {
  assert.equal(read(''), 0)
  for (const [text, value] of [
    ['-128', -128],
    ['127', 127],
    ['0', 0],
    [' 5\n', 5],
    ['+1', 1],
  ] as const)
    assert.equal(read(`<priority>${text}</priority>`), value)
  assert.equal(read(`<priority xmlns='urn:example:other'>300</priority>`), 0)
})

test('anything else is refused', () => {
  for (const text of ['', '128', '-129', '1.5', '1e2', '0x10', 'one', '1 2', '١'])
    assert.throws(
      () => read(`<priority>${text}</priority>`),
      (error) => error instanceof StanzaError && error.condition === 'bad-request',
      text,
    )
  assert.throws(() => read('<priority>1</priority><priority>1</priority>'), StanzaError)
})
