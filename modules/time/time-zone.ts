/**
 * A time zone's offset from UTC as XEP-0082 writes it: `Z`, `+02:00`. `minutes` is what `getTimezoneOffset` gives:
 * positive west of Greenwich.
 */
export function timeZoneOffset(minutes: number): string {
  if (minutes === 0) return 'Z'
  const east = Math.abs(minutes)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${minutes < 0 ? '+' : '-'}${two(Math.floor(east / 60))}:${two(east % 60)}`
}
