import { setTimeout as sleep } from 'node:timers/promises'
import { type Contender, type Cpu, type Entry, possible, startAll, stopAll, used, versions } from './contender.ts'
import { Load, type PageFigures, type PageQuery } from './load.ts'
import { median, type PartReport, type Row, round } from './report.ts'
import { domain } from './server-kind.ts'

/** A page of the largest archive is to need at most so much of what it needs in the smallest. */
const goalFactor = 1.5
const pageLength = 50
const peers = 10
const stepMs = 30_000

/** How pages of an archive are measured. */
export interface PageSettings {
  /** Messages in the archive of one account, rising. */
  readonly sizes: readonly number[]
  readonly rounds: number
  /** How long the same page is asked for in a round. */
  readonly seconds: number
}

interface Finding {
  readonly contender: Contender
  readonly size: number
  readonly page: string
  readonly rounds: (PageFigures & { readonly cpu: Cpu })[]
}

/** Measures what a page costs in archives of growing length, which are filled past the server. */
export async function measurePages(entries: readonly Entry[], settings: PageSettings): Promise<PartReport> {
  const features = { archive: true }
  const contenders = await startAll(possible(entries, features), 1, features)
  const loads = contenders.map(() => new Load())
  const findings: Finding[] = []
  // Whole seconds: one of the peers keeps no finer times.
  const firstMs = Math.floor(Date.now() / 1000) * 1000 - (Math.max(...settings.sizes) + 10) * stepMs
  try {
    for (const [i, load] of loads.entries()) await load.open(contenders[i]!.server.target(false), 1, 1)
    let filled = 0
    for (const size of settings.sizes) {
      const lot = await Promise.all(
        contenders.map(async (contender, i): Promise<[Load, PageQueries, Finding[]]> => {
          await fill(contender, { from: filled, to: size, peers, firstMs, stepMs })
          const queries = await makeQueries(loads[i]!, size, firstMs)
          const found = Object.keys(queries).map((page): Finding => ({ contender, size, page, rounds: [] }))
          return [loads[i]!, queries, found]
        }),
      )
      filled = size
      findings.push(...lot.flatMap(([, , found]) => found))
      // Else the smallest archive, the first, would pay for all that programs do at first only.
      const warmUps = size === settings.sizes[0] ? 3 : 1
      for (let round = 1 - warmUps; round <= settings.rounds; round++)
        for (const [load, queries, found] of lot)
          for (const finding of found) {
            const figures = await measure(finding.contender, load, queries[finding.page]!, settings.seconds)
            if (round > 0) finding.rounds.push(figures)
          }
    }
  } finally {
    for (const load of loads) load.stop()
    await stopAll(contenders)
  }
  return {
    part: 'pages',
    settings: { ...settings, pageLength, peers, servers: versions(contenders) },
    rows: tabulate(findings),
  }
}

type PageQueries = Readonly<Record<string, PageQuery>>

async function fill(
  contender: Contender,
  range: Parameters<NonNullable<Contender['server']['launch']['fillArchive']>>[0],
): Promise<void> {
  const { fillArchive, archivedRows } = contender.server.launch
  if (fillArchive === undefined || archivedRows === undefined)
    throw new Error(`nobody knows how to fill the archive of ${contender.name}`)
  for (let from = range.from; from < range.to; from += 50_000)
    await fillArchive({ ...range, from, to: Math.min(range.to, from + 50_000) })
  const rows = await archivedRows()
  if (rows !== range.to) throw new Error(`${contender.name} has ${rows} archived messages instead of ${range.to}`)
}

async function makeQueries(load: Load, size: number, firstMs: number): Promise<PageQueries> {
  const time = (number: number) => new Date(firstMs + number * stepMs).toISOString().replace('.000', '')
  const middle = size >> 1
  const dates = form({ start: time(middle), end: time(middle + pageLength * 2) })
  const query = (payload: string): PageQuery => ({ payload, results: pageLength })
  const there = await load.page(query(dates + paging('')))
  const id = /<result\b[^>]*\bid=['"]([^'"]+)/.exec(there)?.[1]
  if (id === undefined) throw new Error('a page without ids')
  return {
    newest: query(paging('<before/>')),
    oldest: query(paging('')),
    'after an id in the middle': query(paging(`<after>${id}</after>`)),
    'newest with a peer': query(form({ with: `peer3@${domain}` }) + paging('<before/>')),
    'dates in the middle': query(dates + paging('')),
  }
}

function form(fields: Readonly<Record<string, string>>): string {
  const all = Object.entries(fields).map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`)
  return `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:mam:2</value></field>${all.join('')}</x>`
}

function paging(place: string): string {
  return `<set xmlns='http://jabber.org/protocol/rsm'><max>${pageLength}</max>${place}</set>`
}

async function measure(contender: Contender, load: Load, query: PageQuery, seconds: number) {
  const before = contender.cpu()
  const figures = await load.pages(query, seconds)
  await sleep(100)
  return { ...figures, cpu: used(before, contender.cpu()) }
}

function tabulate(findings: readonly Finding[]): Row[] {
  const over = ({ rounds }: Finding, part: (cpu: Cpu) => number) => median(rounds.map((r) => part(r.cpu) / r.pages))
  const sum = (finding: Finding) => over(finding, (cpu) => cpu.server + cpu.database)
  const smallest = Math.min(...findings.map(({ size }) => size))
  const largest = Math.max(...findings.map(({ size }) => size))
  const order = [
    ...new Map(
      findings.map((finding) => [`${finding.contender.storage} ${finding.contender.name} ${finding.page}`, finding]),
    ).values(),
  ]
  return order.flatMap(({ contender, page }) => {
    const same = findings.filter((finding) => finding.contender === contender && finding.page === page)
    const base = sum(same.find(({ size }) => size === smallest)!)
    return same.map((finding) => {
      const factor = sum(finding) / base
      const isGoal = contender.name === 'stonechat' && finding.size === largest && largest > smallest
      return {
        server: contender.name,
        storage: contender.storage,
        page,
        messages: finding.size,
        'server µs': round(
          over(finding, (cpu) => cpu.server),
          0,
        ),
        'database µs': round(
          over(finding, (cpu) => cpu.database),
          0,
        ),
        'sum µs': round(sum(finding), 0),
        [`× ${smallest}`]: round(factor, 2),
        'p50 ms': round(median(finding.rounds.map((r) => r.p50Ms)), 2),
        'max ms': round(Math.max(...finding.rounds.map((r) => r.maxMs)), 1),
        goal: isGoal ? `≤ ${goalFactor} ×: ${factor <= goalFactor ? 'met' : 'missed'}` : '',
      }
    })
  })
}
