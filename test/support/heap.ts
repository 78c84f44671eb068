import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
// Code that was not run for some collections would be dropped, and take the growth of something else along.
setFlagsFromString('--no-flush-bytecode')
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

/** By how many bytes the heap is larger after `work` than before, garbage aside. What `work` resolves with counts. */
export async function heapGrowthOf(work: () => Promise<unknown>): Promise<number> {
  await rest()
  const before = process.memoryUsage().heapUsed
  const kept = await work()
  await rest()
  const growth = process.memoryUsage().heapUsed - before
  void [kept]
  return growth
}

/** Lets go what callbacks hold that are still to run, and what finalizers do. */
async function rest(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
}
