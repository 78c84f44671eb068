import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** By how many bytes the heap is larger after `work` than before, garbage aside. What `work` returns counts. */
export function heapGrowth(work: () => unknown): number {
  collect()
  const before = process.memoryUsage().heapUsed
  const kept = work()
  collect()
  const growth = process.memoryUsage().heapUsed - before
  // Held until after the measurement.
  void [kept]
  return growth
}
