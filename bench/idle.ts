import { Load } from './load.ts'
import { openFilesLimit, settledKiB } from './process-figures.ts'
import { type PartReport, type Row, round } from './report.ts'
import type { ServerKind } from './server-kind.ts'
import { startServer } from './servers.ts'

/** The goals at the largest number of sessions, KiB a session above the empty server. */
const goalKiB = { plain: 12, TLS: 45 }
const warmUpSessions = 200

/** How idle sessions are measured. */
export interface IdleSettings {
  /** Numbers of sessions to measure at, rising. */
  readonly sessions: readonly number[]
  readonly sessionsPerAccount: number
  /** Longest time to wait for memory to come to rest. */
  readonly settleSeconds: number
}

/** Measures what idle sessions, logged in and available, add to the resident memory of each server. */
export async function measureIdle(kinds: readonly ServerKind[], settings: IdleSettings): Promise<PartReport> {
  const most = Math.max(...settings.sessions)
  if (openFilesLimit() < most + 1_000)
    throw new Error(`${most} sessions need more open files than ${openFilesLimit()}: raise the limit (ulimit -n)`)
  const rows: Row[] = []
  const versions: string[] = []
  for (const transport of ['plain', 'TLS'] as const) {
    const ours = new Map<number, number>()
    for (const kind of kinds) {
      const { found, version } = await measureServer(kind, transport === 'TLS', settings)
      versions.push(`${kind.name} ${version}`)
      for (const { sessions, perSessionKiB, residentKiB, emptyKiB } of found) {
        if (kind.name === 'stonechat') ours.set(sessions, perSessionKiB)
        const our = ours.get(sessions)
        const isGoal = kind.name === 'stonechat' && sessions === most
        rows.push({
          server: kind.name,
          transport,
          sessions,
          'KiB/session': round(perSessionKiB, 1),
          ratio: our === undefined ? '' : round(perSessionKiB / our, 2),
          'RSS empty MiB': round(emptyKiB / 1024, 1),
          'RSS MiB': round(residentKiB / 1024, 1),
          goal: isGoal ? verdict(perSessionKiB, goalKiB[transport]) : '',
        })
      }
    }
  }
  return { part: 'idle', settings: { ...settings, servers: [...new Set(versions)] }, rows }
}

interface Finding {
  readonly sessions: number
  readonly emptyKiB: number
  readonly residentKiB: number
  readonly perSessionKiB: number
}

async function measureServer(kind: ServerKind, tls: boolean, settings: IdleSettings) {
  const accounts = Math.ceil(Math.max(...settings.sessions) / settings.sessionsPerAccount)
  const server = await startServer(kind, accounts)
  const load = new Load()
  try {
    const target = server.target(tls)
    await load.open(target, warmUpSessions, accounts)
    await load.close()
    const emptyKiB = await settledKiB(server.pid, settings.settleSeconds)
    const found: Finding[] = []
    for (const sessions of settings.sessions) {
      await load.open(target, sessions, accounts)
      const residentKiB = await settledKiB(server.pid, settings.settleSeconds)
      found.push({ sessions, emptyKiB, residentKiB, perSessionKiB: (residentKiB - emptyKiB) / sessions })
    }
    return { found, version: server.version }
  } finally {
    load.stop()
    await server.stop()
  }
}

function verdict(value: number, goal: number): string {
  return `≤ ${goal} KiB: ${value <= goal ? 'met' : 'missed'}`
}
