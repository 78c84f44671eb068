import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'

/** One line of a table: a column's title and its value. */
export type Row = Readonly<Record<string, string | number>>

/** What a part of the bench found. */
export interface PartReport {
  readonly part: string
  /** What was run, in words and numbers, so that it can be repeated. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly rows: readonly Row[]
}

/** The middle one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

/** Rounds to `digits` behind the point. */
export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

/** Prints what a part found and writes it to `<date>-<part>.json` in `folder`, which is made when missing. */
export function publish(report: PartReport, folder: string): void {
  const now = new Date()
  mkdirSync(folder, { recursive: true })
  const kept = { date: now.toISOString(), commit: commit(), machine: machine(), ...report }
  const file = join(folder, `${now.toISOString().slice(0, 10)}-${report.part}.json`)
  writeFileSync(file, `${JSON.stringify(kept, null, 2)}\n`)
  process.stdout.write(`\n${report.part}\n${table(report.rows)}\n`)
}

/** The rows under their titles, numbers to the right. */
export function table(rows: readonly Row[]): string {
  const titles = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const cells = rows.map((row) => titles.map((title) => text(row[title])))
  const widths = titles.map((title, i) => Math.max(title.length, ...cells.map((line) => line[i]!.length)))
  const right = titles.map((title) => rows.some((row) => typeof row[title] === 'number'))
  const line = (values: readonly string[]): string =>
    values.map((value, i) => (right[i] ? value.padStart(widths[i]!) : value.padEnd(widths[i]!))).join('  ')
  return [line(titles), line(widths.map((width) => '─'.repeat(width))), ...cells.map(line), ''].join('\n')
}

function text(value: string | number | undefined): string {
  return typeof value === 'number' ? value.toLocaleString('en-US', { maximumFractionDigits: 3 }) : (value ?? '')
}

function machine(): Readonly<Record<string, unknown>> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryMiB: Math.round(totalmem() / 1048576),
    kernel: release(),
    node: process.version,
    // Flags the measured server was started with beyond its normal ones: such figures are not its normal figures.
    extraNodeFlags: process.env['BENCH_NODE_FLAGS'] ?? '',
  }
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return 'unknown'
  }
}
