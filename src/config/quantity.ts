const durationUnits = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const byteUnits = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, kB: 1000, MB: 1000 ** 2, GB: 1000 ** 3 } as const

/** What a duration looks like in a configuration file: one or more numbers, each with its unit. */
export const durationPattern = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/

/** What a size looks like in a configuration file: a number of bytes, or a number with a unit. */
export const bytesPattern = /^\d+(?:\.\d+)? ?(?:B|KiB|MiB|GiB|kB|MB|GB)?$/

/** Reads a duration such as `30s`, `500ms` or `1h30m` into milliseconds. Throws RangeError on anything else. */
export function parseDuration(text: string): number {
  if (!durationPattern.test(text)) throw new RangeError(`Not a duration: ${text}`)
  let ms = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)) {
    ms += Number(amount) * durationUnits[unit as keyof typeof durationUnits]
  }
  return Math.round(ms)
}

/** Reads a size such as `512`, `64KiB` or `10MiB` into bytes. Throws RangeError on anything else. */
export function parseBytes(text: string): number {
  if (!bytesPattern.test(text)) throw new RangeError(`Not a size: ${text}`)
  const [, amount, unit] = /^([\d.]+) ?(\w*)$/.exec(text)!
  return Math.round(Number(amount) * byteUnits[(unit || 'B') as keyof typeof byteUnits])
}

/** Writes milliseconds in the largest unit that divides them: 90,000 becomes `90s`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms !== 0 && ms % durationUnits[unit] === 0) return `${ms / durationUnits[unit]}${unit}`
  }
  return `${ms}ms`
}

/** Writes bytes in the largest binary unit that divides them: 8,192 becomes `8KiB`. */
export function formatBytes(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB'] as const) {
    if (bytes !== 0 && bytes % byteUnits[unit] === 0) return `${bytes / byteUnits[unit]}${unit}`
  }
  return String(bytes)
}
