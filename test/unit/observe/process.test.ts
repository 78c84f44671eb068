import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Metrics } from '../../../src/observe/metrics.ts'
import { observeProcess } from '../../../src/observe/process.ts'
import { Scrape } from '../../support/prometheus.ts'

const LONG_MS = 150

test('the process is measured from the first scrape on: the event loop since the one before', async () => {
  const metrics = new Metrics((_, error) => {
    throw error
  })
  const end = observeProcess(metrics)
  const scrape = async () => new Scrape(await metrics.text())
  try {
    const first = await scrape()
    assert.equal(first.sum('stonechat_event_loop_delay_seconds', { of: 'max' }), 0)
    assert.ok(
      first.sum('stonechat_memory_bytes', { kind: 'resident' }) >
        first.sum('stonechat_memory_bytes', { kind: 'heap_used' }),
    )
    await sleep(45)
    const until = process.hrtime.bigint() + BigInt(LONG_MS * 1e6)
    while (process.hrtime.bigint() < until);
    await sleep(45)
    const second = await scrape()
    const [mean, max] = ['mean', 'max'].map((of) => second.sum('stonechat_event_loop_delay_seconds', { of }))
    assert.ok(max! > (LONG_MS - 40) / 1000 && max! < 5, String(max))
    assert.ok(mean! > 0 && mean! < max!)
    const spent = second.sum('stonechat_cpu_seconds_total') - first.sum('stonechat_cpu_seconds_total')
    assert.ok(spent > 0.05, String(spent))
  } finally {
    end()
  }
})
