/** `npm run bench -- [parser] [dispatch] [chat] [idle] [options]`: measures, prints tables and keeps them as JSON. */

import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { measureChat } from './chat.ts'
import { measureDispatch } from './dispatch.ts'
import { measureIdle } from './idle.ts'
import { type PartReport, publish } from './report.ts'
import type { ServerKind } from './server-kind.ts'
import { kinds } from './servers.ts'

const usage = `npm run bench -- [parts] [options]

Parts: parser, dispatch, chat, idle; all of them when none is named.
  --servers LIST    servers to run chat and idle on: ${kinds.map((kind) => kind.name).join(',')} (those installed)
  --pairs N         pairs that chat (20)
  --window N        messages in flight in each direction of a pair at full speed (4)
  --rate N          messages a second at the even pace (2000)
  --rounds N        rounds, of which the median counts (5)
  --seconds N       length of a round (4)
  --sessions LIST   numbers of idle sessions (1000,5000)
  --settle N        longest wait for memory to come to rest, in seconds (60)
`
const parts = ['parser', 'dispatch', 'chat', 'idle'] as const

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    servers: { type: 'string' },
    pairs: { type: 'string', default: '20' },
    window: { type: 'string', default: '4' },
    rate: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    sessions: { type: 'string', default: '1000,5000' },
    settle: { type: 'string', default: '60' },
    help: { type: 'boolean', default: false },
  },
})

const unknown = positionals.filter((name) => !(parts as readonly string[]).includes(name))
if (values.help || unknown.length > 0) {
  process.stdout.write(usage)
  process.exit(unknown.length > 0 ? 64 : 0)
}

const wanted = new Set(positionals.length > 0 ? positionals : parts)
const measures: Readonly<Record<(typeof parts)[number], () => Promise<PartReport | undefined>>> = {
  parser: measureParser,
  dispatch: measureDispatch,
  chat: () =>
    measureChat(servers(), {
      pairs: Number(values.pairs),
      window: Number(values.window),
      rate: Number(values.rate),
      rounds: Number(values.rounds),
      seconds: Number(values.seconds),
      warmUpSeconds: 6,
    }),
  idle: () =>
    measureIdle(servers(), {
      sessions: values.sessions.split(',').map(Number),
      sessionsPerAccount: 10,
      settleSeconds: Number(values.settle),
    }),
}

for (const part of parts) {
  if (!wanted.has(part)) continue
  const report = await measures[part]()
  if (report !== undefined) publish(report)
}

function servers(): ServerKind[] {
  const chosen = kinds.filter((kind) => values.servers === undefined || values.servers.split(',').includes(kind.name))
  const missing = chosen.filter((kind) => kind.version() === undefined).map((kind) => kind.name)
  if (missing.length > 0) process.stdout.write(`Not installed, so not measured: ${missing.join(', ')}.\n`)
  const there = chosen.filter((kind) => !missing.includes(kind.name))
  if (there.length === 0) throw new Error('there is no server to measure')
  return there
}

/** The parser's own bench prints its table; what it returns, if anything, is kept. */
async function measureParser(): Promise<PartReport | undefined> {
  const file = new URL('parser.ts', import.meta.url)
  if (!existsSync(file)) return undefined
  const { run } = (await import(file.href)) as { run: () => unknown }
  const rows = await run()
  return Array.isArray(rows) ? { part: 'parser', settings: {}, rows } : undefined
}
