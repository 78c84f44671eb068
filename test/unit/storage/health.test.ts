import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HealthWatch } from '../../../src/storage/health.ts'
import type { StorageLog } from '../../../src/storage/knex-log.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const settle = () => new Promise((resolve) => setImmediate(resolve))

function watchAt(clock: FakeClock) {
  const state = { answers: false, probes: [] as number[], lines: [] as string[], heard: [] as string[] }
  const write = (level: string) => (_fields: object, message: string) => void state.lines.push(`${level}: ${message}`)
  const log: StorageLog = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  const probe = async () => {
    state.probes.push(clock.now())
    if (!state.answers) throw new Error('refused')
  }
  const watch = new HealthWatch(probe, clock, log)
  watch.onChange((health) => state.heard.push(health))
  return { watch, state }
}

test('a failure turns the health down once, and a probe that gets through turns it up once', async () => {
  const clock = new FakeClock()
  const { watch, state } = watchAt(clock)
  for (let i = 0; i < 3; i++) watch.failed(new Error('lost'))
  assert.equal(watch.health, 'down')
  state.answers = true
  clock.advance(1000)
  await settle()
  assert.equal(watch.health, 'up')
  assert.deepEqual(state.heard, ['down', 'up'])
  assert.equal(state.lines.length, 2)
})

test('probes come at growing intervals, and at least every five seconds', async () => {
  const clock = new FakeClock()
  const { watch, state } = watchAt(clock)
  watch.failed(new Error('lost'))
  for (let i = 0; i < 600; i++) {
    clock.advance(100)
    await settle()
  }
  const gaps = state.probes.slice(1).map((at, index) => at - state.probes[index]!)
  assert.ok(gaps.length >= 12 && gaps.length <= 32, `${gaps.length} probes in a minute`)
  assert.ok(Math.max(...gaps) <= 5100)
  assert.ok(gaps[0]! < 500 && gaps.at(-1)! >= 2000)
})

test('a watch that was stopped probes no more', async () => {
  const clock = new FakeClock()
  const { watch, state } = watchAt(clock)
  watch.failed(new Error('lost'))
  watch.stop()
  clock.advance(60_000)
  await settle()
  assert.deepEqual(state.probes, [])
})

test('a listener that crashes does not keep the others from hearing', () => {
  const { watch, state } = watchAt(new FakeClock())
  const heard: string[] = []
  watch.onChange(() => {
    throw new Error('crash')
  })
  const detach = watch.onChange((health) => heard.push(health))
  watch.failed(new Error('lost'))
  assert.deepEqual(heard, ['down'])
  assert.deepEqual(state.heard, ['down'])
  detach()
})
