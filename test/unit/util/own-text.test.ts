import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownText } from '../../../src/util/own-text.ts'
import { heapGrowth } from '../../support/heap.ts'

test('a text of its own is the same text', () => {
  for (const text of ['', 'a', 'böb & <bob>', '日本語 🎉', '\r\n\t']) assert.equal(ownText(text), text)
})

test('a text of its own keeps nothing of what it was cut from', () => {
  const growth = heapGrowth(() =>
    Array.from({ length: 100 }, (_, n) => ownText(`${n} `.padEnd(50_000, 'x').slice(0, 40))),
  )
  assert.ok(growth < 500_000, `${growth} bytes for 100 short texts`)
})
