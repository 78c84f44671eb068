import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks'
import type { Metrics, Sample } from './metrics.ts'

/** How often the event loop is looked at, in ms. */
const RESOLUTION_MS = 20
/** Of pauses for the collection of garbage, in seconds. */
const GC_BOUNDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5]

/**
 * Measures the process: CPU, memory, pauses for garbage, and how long the event loop keeps others waiting. The last two cost
 * something, and begin with the first scrape. What is returned ends it.
 */
export function observeProcess(metrics: Metrics): () => void {
  const cpu = (mode: 'system' | 'user'): Sample => ({ labels: { mode }, value: process.cpuUsage()[mode] / 1e6 })
  metrics.counted('stonechat_cpu_seconds_total', 'CPU time used by the process.', () => [cpu('user'), cpu('system')], [
    'mode',
  ])
  const memory = (): Sample[] => {
    const { rss, heapTotal, heapUsed, external } = process.memoryUsage()
    const sizes = { resident: rss, heap: heapTotal, heap_used: heapUsed, external }
    return Object.entries(sizes).map(([kind, value]) => ({ labels: { kind }, value }))
  }
  metrics.gauge('stonechat_memory_bytes', 'Memory of the process: resident, the heap and what of it is used.', memory, [
    'kind',
  ])
  const pauses = metrics.histogram('stonechat_gc_pause_seconds', 'Pauses for the collection of garbage.', GC_BOUNDS)
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) pauses.add(duration / 1000)
  })
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  const delays = (): Sample[] => {
    const waited = { mean: delay.mean, p99: delay.percentile(99), max: delay.max }
    const isEmpty = delay.count === 0
    delay.reset()
    return Object.entries(waited).map(([of, ns]) => ({ labels: { of }, value: isEmpty ? 0 : overdue(ns) }))
  }
  const help = 'How much later than due the event loop came to a timer, since the last scrape.'
  metrics.gauge('stonechat_event_loop_delay_seconds', help, delays, ['of'])
  metrics.onFirstScrape(() => {
    observer.observe({ entryTypes: ['gc'] })
    delay.enable()
  })
  return () => {
    observer.disconnect()
    delay.disable()
  }
}

/** Node measures from one look to the next, which is the resolution when nothing is late. */
function overdue(ns: number): number {
  return Math.max(0, ns - RESOLUTION_MS * 1e6) / 1e9
}
