/** Something that writes its queued output when asked. */
export interface Flushable {
  flush(): void
}

let waiting: Flushable[] = []

/** Has `output.flush()` called once, at the end of this turn of the event loop. */
export function flushSoon(output: Flushable): void {
  if (waiting.length === 0) setImmediate(flushAll)
  waiting.push(output)
}

function flushAll(): void {
  const outputs = waiting
  waiting = []
  for (const output of outputs) output.flush()
}
