import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ArchiveIds, firstIdAt, readId, timeOf } from '../../../../modules/archive/ids.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

test('an id is the time in microseconds, and greater than any before it', () => {
  const clock = new FakeClock(1_000_000)
  const ids = new ArchiveIds(clock, 0)
  assert.equal(ids.next(), 1_000_000_000)
  assert.equal(ids.next(), 1_000_000_001)
  clock.advance(1)
  assert.equal(ids.next(), 1_000_001_000)
  assert.equal(timeOf(1_000_001_999), 1_000_001)
})

test('while the clock is behind the newest message ids go on from that', () => {
  const clock = new FakeClock(1000)
  const ids = new ArchiveIds(clock, 5_000_000)
  assert.deepEqual([ids.next(), ids.next()], [5_000_001, 5_000_002])
  clock.advance(10_000)
  assert.equal(ids.next(), 11_000_000)
})

test('what is no id of ours is none', () => {
  assert.equal(readId('1767225600000000'), 1_767_225_600_000_000)
  assert.equal(readId(String(Number.MAX_SAFE_INTEGER)), Number.MAX_SAFE_INTEGER)
  for (const text of ['', '0', '01', '-1', '+1', '1.0', '1e3', ' 1', '1 ', '9007199254740992', '٣', '0x1', "1'"])
    assert.equal(readId(text), undefined, text)
})

test('times far off stay numbers that are exact', () => {
  assert.equal(firstIdAt(5), 5000)
  assert.equal(firstIdAt(8.64e15), Number.MAX_SAFE_INTEGER)
})
