import { randomId } from './id.ts'

/** Tells what this process numbers from what others did, or it before a restart. */
const run = randomId().replace(/[-_]/g, '').slice(0, 5)
let last = 0

/** The next number of this process: for streams and sessions, which the log is to tell apart. */
export function nextSerial(): number {
  return ++last
}

/** The short name under which the log knows what has a number; no other process has used it, as far as chance allows. */
export function serialName(serial: number): string {
  return `${run}-${serial.toString(36)}`
}
