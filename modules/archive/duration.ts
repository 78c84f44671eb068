import { CommandError } from '#api'

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Reads a time span as the configuration writes it: `30d`, `1d12h`; in ms. @throws CommandError */
export function readDuration(text: string): number {
  if (!/^(\d{1,9}[smhd])+$/.test(text)) throw new CommandError(`${text} is not a duration: write 30d, 12h or 1d12h.`)
  let ms = 0
  for (const [, number, unit] of text.matchAll(/(\d+)([smhd])/g)) ms += Number(number) * units[unit!]!
  if (ms === 0) throw new CommandError('A duration is longer than nothing; for ever is written "forever".')
  return Math.min(ms, Number.MAX_SAFE_INTEGER)
}

/** A time span for a person, in days and hours. */
export function durationText(ms: number): string {
  const parts: string[] = []
  let left = ms
  for (const unit of ['d', 'h', 'm', 's']) {
    const number = Math.floor(left / units[unit]!)
    if (number > 0) parts.push(`${number}${unit}`)
    left -= number * units[unit]!
  }
  return parts.join('') || '0s'
}
