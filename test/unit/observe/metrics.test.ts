import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metrics } from '../../../src/observe/metrics.ts'
import { Scrape } from '../../support/prometheus.ts'

const failures: string[] = []
const metricsOf = () => new Metrics((name, error) => failures.push(`${name}: ${(error as Error).message}`))
const read = async (metrics: Metrics) => new Scrape(await metrics.text()).series

test('a count is there from the start, and is read at each scrape', async () => {
  const metrics = metricsOf()
  const count = metrics.counter('stonechat_deeds_total', 'Deeds.')
  assert.equal((await read(metrics)).get('stonechat_deeds_total'), 0)
  count.value += 3
  for (let twice = 0; twice < 2; twice++) assert.equal((await read(metrics)).get('stonechat_deeds_total'), 3)
})

test('every combination of labels is there from the start; a value that was not declared is other', async () => {
  const metrics = metricsOf()
  const counts = metrics.counter('stonechat_deeds_total', 'Deeds.', { kind: ['good', 'bad'], by: ['day', 'night'] })
  counts.of('good', 'night').value++
  for (const evil of ['x', '"} 1', 'a\nb', '']) counts.of(evil, 'day').value++
  counts.of('good').value++
  assert.deepEqual(
    [...(await read(metrics))],
    [
      ['stonechat_deeds_total{kind="good",by="day"}', 0],
      ['stonechat_deeds_total{kind="good",by="night"}', 1],
      ['stonechat_deeds_total{kind="bad",by="day"}', 0],
      ['stonechat_deeds_total{kind="bad",by="night"}', 0],
      ['stonechat_deeds_total{kind="other",by="day"}', 4],
      ['stonechat_deeds_total{kind="good",by="other"}', 1],
    ],
  )
})

test('values of labels are escaped', async () => {
  const metrics = metricsOf()
  metrics.gauge('stonechat_depth', 'Depth.', () => [{ labels: { name: 'a"b\\c\nd' }, value: 1.5 }], ['name'])
  assert.deepEqual([...(await read(metrics))], [[String.raw`stonechat_depth{name="a\"b\\c\nd"}`, 1.5]])
})

test('a histogram counts each size in its bucket and those above, and adds up what has the same labels', async () => {
  const metrics = metricsOf()
  const seconds = metrics.histogram('stonechat_wait_seconds', 'Waits.', [0.1, 1])
  for (const value of [0.05, 0.1, 0.5, 7]) seconds.add(value)
  const parts = [{ labels: { of: 'a' }, distribution: seconds }]
  metrics.distributions('stonechat_waits_seconds', 'Waits.', () => [...parts, ...parts], ['of'])
  const series = await read(metrics)
  const values = (name: string, label = '') =>
    ['0.1', '1', '+Inf'].map((le) => series.get(`${name}_bucket{${label}le="${le}"}`))
  assert.deepEqual(values('stonechat_wait_seconds'), [2, 3, 4])
  assert.equal(series.get('stonechat_wait_seconds_count'), 4)
  assert.equal(series.get('stonechat_wait_seconds_sum'), 7.65)
  assert.deepEqual(values('stonechat_waits_seconds', 'of="a",'), [4, 6, 8])
})

test('modules of several hosts share a name; what one has goes when it is stopped, and the name with the last', async () => {
  const metrics = metricsOf()
  const undo = new Map<string, (() => void)[]>()
  for (const host of ['a.example', 'b.example']) {
    const lent: (() => void)[] = []
    undo.set(host, lent)
    const meter = metrics.scope('stonechat_push_', { host }, (one) => void lent.push(one))
    meter.counter('sent_total', 'Sent.').value = host.length
    meter.counter('outcomes_total', 'Outcomes.', { outcome: ['good'] }).of('good').value = 2
    meter.gauge('open', 'Open.', () => 4)
    meter.histogram('size_bytes', 'Sizes.', [1]).add(1)
  }
  const of = async (host: string) =>
    [...(await read(metrics))].filter(([name]) => name.includes(`host="${host}"`)).length
  assert.deepEqual([await of('a.example'), await of('b.example')], [7, 7])
  for (const one of undo.get('a.example')!) one()
  assert.deepEqual([await of('a.example'), await of('b.example')], [0, 7])
  for (const one of undo.get('b.example')!) one()
  assert.equal((await metrics.text()).trim(), '')
  metrics.counter('stonechat_push_sent_total', 'Sent, of another kind.', { kind: ['a'] })
})

test('a reading that fails leaves the others', async () => {
  const metrics = metricsOf()
  metrics.gauge('stonechat_broken', 'Broken.', () => {
    throw new Error('out of order')
  })
  metrics.gauge('stonechat_whole', 'Whole.', () => 1)
  assert.equal((await read(metrics)).get('stonechat_whole'), 1)
  assert.deepEqual(failures.splice(0), ['stonechat_broken: out of order'])
})

test('names are those of Prometheus, and one name means one thing', () => {
  const metrics = metricsOf()
  for (const name of ['stonechat_deeds', 'deeds_total', 'stonechat_Deeds_total', 'stonechat_deed-s_total'])
    assert.throws(() => metrics.counter(name, 'Deeds.'), /no name for a counter/)
  assert.throws(() => metrics.gauge('stonechat_deeds_total', 'Deeds.', () => 1), /no name for a gauge/)
  metrics.counter('stonechat_deeds_total', 'Deeds.')
  assert.throws(() => metrics.counter('stonechat_deeds_total', 'Deeds.', { kind: [] }), /two metrics/)
})

test('what is to begin with the first scrape begins once', async () => {
  const metrics = metricsOf()
  let begun = 0
  metrics.onFirstScrape(() => begun++)
  assert.equal(begun, 0)
  await metrics.text()
  await metrics.text()
  assert.equal(begun, 1)
})
