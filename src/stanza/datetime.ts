/** A moment in UTC as XEP-0082 writes it, to the millisecond. */
export function toDatetime(ms: number): string {
  return new Date(ms).toISOString()
}
