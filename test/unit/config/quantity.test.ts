import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatBytes, formatDuration, parseBytes, parseDuration } from '../../../src/config/quantity.ts'

test('durations read into milliseconds', () => {
  const table = {
    '500ms': 500,
    '30s': 30_000,
    '15m': 900_000,
    '1h30m': 5_400_000,
    '30d': 2_592_000_000,
    '0.5s': 500,
    '2w': 1_209_600_000,
  }
  for (const [text, ms] of Object.entries(table)) assert.equal(parseDuration(text), ms, text)
})

test('what is no duration is refused', () => {
  for (const text of ['', '30', 's', '30 s', '-1s', '30S', '1y', '1e3s', '1h ']) {
    assert.throws(() => parseDuration(text), RangeError, text)
  }
})

test('sizes read into bytes', () => {
  const table = {
    '512': 512,
    '512B': 512,
    '256KiB': 262_144,
    '10MiB': 10_485_760,
    '1.5KiB': 1536,
    '1 GiB': 1_073_741_824,
    '1kB': 1000,
  }
  for (const [text, bytes] of Object.entries(table)) assert.equal(parseBytes(text), bytes, text)
})

test('what is no size is refused', () => {
  for (const text of ['', 'KiB', '1K', '1kib', '-1', '1e3', '0x10', '1TiB']) {
    assert.throws(() => parseBytes(text), RangeError, text)
  }
})

test('what is written reads back', () => {
  for (const ms of [0, 1, 999, 1000, 90_000, 3_600_000, 86_400_000, 604_800_000]) {
    assert.equal(parseDuration(formatDuration(ms)), ms)
  }
  for (const bytes of [0, 1, 1000, 1024, 1536, 8_388_608, 2 ** 31]) assert.equal(parseBytes(formatBytes(bytes)), bytes)
  assert.equal(formatDuration(90_000), '90s')
  assert.equal(formatDuration(2_592_000_000), '30d')
  assert.equal(formatBytes(8192), '8KiB')
})
