import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { documentOf, inWords, readOutage, translated } from '../../../../modules/outage-status/outage.ts'
import { OutageStatus } from '../../../../modules/outage-status/status.ts'
import { CommandError, type KeyValue } from '../../../../src/api.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

const now = Date.parse('2027-01-01T00:00:00Z')

// XEP-0455 §2.2
test('an outage is read from what an admin types, and becomes the document of the specification', () => {
  const planned = readOutage(['planned', '2027-01-12T02:01:01+01:00', '4h', ' The server is updated '], now)
  assert.deepEqual(documentOf(translated(planned, 'fr', 'Mise à jour du serveur')), {
    planned: true,
    beginning: '2027-01-12T01:01:01.000Z',
    expected_end: '2027-01-12T05:01:01.000Z',
    message: { default: 'The server is updated', fr: 'Mise à jour du serveur' },
  })
  assert.equal(
    inWords(planned),
    'Planned outage from 2027-01-12 01:01 UTC until 2027-01-12 05:01 UTC: The server is updated',
  )
  const ongoing = readOutage(['ongoing', 'now', 'unknown', 'Fire'], now)
  assert.deepEqual(documentOf(ongoing), {
    planned: false,
    beginning: '2027-01-01T00:00:00.000Z',
    message: { default: 'Fire' },
  })
  assert.equal(inWords(ongoing), 'Outage from 2027-01-01 00:00 UTC: Fire')
  assert.equal(readOutage(['ongoing', '2026-12-31T23:00Z', '90m', 'Fire'], now).endMs, now + 30 * 60_000)
  assert.deepEqual(documentOf(undefined), {})
})

test('what is no outage is refused in words', () => {
  for (const [args, words] of [
    [['maybe', 'now', '1h', 'x'], /planned or ongoing, not maybe/],
    [['planned', '2027-01-12', '1h', 'x'], /is no time/],
    [['planned', '2027-01-12T00:00', '1h', 'x'], /is no time/],
    [['planned', 'now', 'soon', 'x'], /soon is no time/],
    [['planned', '2h', '2027-01-01T01:00Z', 'x'], /over already/],
    [['ongoing', '2026-12-31T00:00Z', '1h', 'x'], /over already/],
    [['planned', 'now', '1h', ' '], /Say something/],
    [['planned', 'now', '1h', 'x'.repeat(2001)], /at most 2000/],
    [[], /planned or ongoing/],
  ] as const)
    assert.throws(
      () => readOutage(args, now),
      (error: Error) => error instanceof CommandError && words.test(error.message),
    )
  const outage = readOutage(['ongoing', 'now', '1h', 'x'], now)
  for (const language of ['default', '', 'x', '__proto__', undefined])
    assert.throws(() => translated(outage, language, 'x'), CommandError)
})

test('the file is whole at every moment, and says so when it cannot be written', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-outage-'))
  try {
    const clock = new FakeClock()
    const values = new Map<string, string>()
    const kv = {
      get: async (key: string) => values.get(key),
      set: async (key: string, value: string) => void values.set(key, value),
      delete: async (key: string) => void values.delete(key),
    } as unknown as KeyValue
    const status = new OutageStatus(kv, clock, 'example.org', folder)
    const read = async () => JSON.parse(await readFile(join(folder, 'example.org.json'), 'utf8')) as object
    await status.announce(readOutage(['ongoing', 'now', '1h', 'Fire'], clock.now()))
    assert.deepEqual(await readdir(folder), ['example.org.json'])
    assert.deepEqual(await read(), status.document)
    assert.notDeepEqual(await read(), {})
    const again = new OutageStatus(kv, clock, 'example.org', undefined)
    await again.load()
    assert.deepEqual(again.document, status.document)
    clock.advance(3_600_000)
    assert.deepEqual([status.outage, status.document], [undefined, {}])
    await status.stop()
    assert.deepEqual(await read(), {}, 'its end has come')
    await assert.rejects(
      new OutageStatus(kv, clock, 'example.org', join(folder, 'none')).announce(undefined),
      (error: Error) => error instanceof CommandError && /could not be written/.test(error.message),
    )
  } finally {
    await rm(folder, { recursive: true })
  }
})
