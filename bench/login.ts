import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Contender,
  type Cpu,
  type Entry,
  exactly,
  possible,
  startAll,
  stopAll,
  used,
  versions,
} from './contender.ts'
import { named } from './conversation.ts'
import { Load, type LoginFigures, type LoginRun, type Road, type Transport } from './load.ts'
import { cpuMicros } from './process-figures.ts'
import { median, type PartReport, type Row, round } from './report.ts'
import type { PasswordHash } from './server-kind.ts'

/** The server is to need at most this share of what the better peer needs for a login. */
const goalShare = 1 / 2

/** How logins are measured. */
export interface LoginSettings {
  readonly hashes: readonly PasswordHash[]
  readonly transports: readonly Transport[]
  readonly roads: readonly Road[]
  readonly accounts: number
  /** Connections at a time. */
  readonly atOnce: number
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
  /** After each round, time for server and database to end what they put off; its CPU counts. */
  readonly restSeconds: number
}

/** One server and way to log in, and what was measured. */
interface Scene {
  readonly contender: Contender
  readonly hash: PasswordHash
  readonly transport: Transport
  readonly road: Road
  readonly rounds: Round[]
}

/** What one round of logins showed. */
export interface Round extends LoginFigures {
  readonly cpu: Cpu
  readonly loadMicros: number
}

/**
 * Measures logins: from the connection to a bound resource and the end of the stream, on each server in turn, for each
 * hash and transport, round after round. Each server keeps passwords as keys of the hash that is measured.
 */
export async function measureLogins(entries: readonly Entry[], settings: LoginSettings): Promise<PartReport> {
  const scenes: Scene[] = []
  const servers = new Set<string>()
  for (const hash of settings.hashes) {
    const features = { passwordHash: hash }
    const contenders = await startAll(possible(entries, features), settings.accounts, features)
    const loads = new Map(contenders.map((contender) => [contender, new Load()]))
    for (const name of versions(contenders)) servers.add(name)
    try {
      for (const transport of settings.transports)
        for (const road of settings.roads) scenes.push(...(await playRoad(loads, { hash, transport, road }, settings)))
    } finally {
      for (const load of loads.values()) load.stop()
      await stopAll(contenders)
    }
  }
  return { part: 'login', settings: { ...settings, servers: [...servers] }, rows: tabulate(scenes) }
}

/** What only Stonechat knows is measured with it alone. */
async function playRoad(
  loads: ReadonlyMap<Contender, Load>,
  way: Pick<Scene, 'hash' | 'road' | 'transport'>,
  settings: LoginSettings,
): Promise<Scene[]> {
  const { accounts, atOnce, warmUpSeconds, restSeconds } = settings
  // Offered with TLS only.
  if (way.road !== 'full' && !way.transport.includes('tls')) return []
  const able = [...loads.keys()].filter(({ name }) => way.road === 'full' || name === 'stonechat')
  const scenes = able.map((contender): Scene => ({ contender, ...way, rounds: [] }))
  const play = (scene: Scene, seconds: number) =>
    playRound(scene.contender, loads.get(scene.contender)!, { ...way, accounts, atOnce, seconds }, restSeconds)
  for (const scene of scenes) await play(scene, warmUpSeconds)
  for (let i = 0; i < settings.rounds; i++)
    for (const scene of scenes) scene.rounds.push(await play(scene, settings.seconds))
  return scenes
}

async function playRound(contender: Contender, load: Load, run: LoginRun, restSeconds: number): Promise<Round> {
  return await measured(contender, load, restSeconds, () =>
    load.logIn(contender.server.target(run.transport.startsWith('tls')), run),
  )
}

/** The CPU of a round of logins, and of what it leaves to do. */
export async function measured(
  contender: Contender,
  load: Load,
  restSeconds: number,
  work: () => Promise<LoginFigures>,
): Promise<Round> {
  const before = exactly(contender)
  const loadBefore = cpuMicros(load.pid)
  const figures = await named(contender, work)
  const loadMicros = cpuMicros(load.pid) - loadBefore
  await sleep(restSeconds * 1000)
  return { ...figures, cpu: used(before, exactly(contender)), loadMicros }
}

/** CPU of server and database for one, in microseconds: the median over rounds. */
export function costOf(rounds: readonly Round[]): number {
  return median(rounds.map(({ cpu, logins }) => (cpu.server + cpu.database) / logins))
}

function tabulate(scenes: readonly Scene[]): Row[] {
  return scenes.map((scene) => {
    const { contender, rounds, hash, transport, road } = scene
    const alike = scenes.filter((other) => other.hash === hash && other.transport === transport)
    const peers = peersOf(contender, alike)
    const first = alike[0]!
    const isGoal = contender.name === 'stonechat' && peers.length > 0
    const over = (of: (round: Round) => number) => median(rounds.map(of))
    return {
      server: contender.name,
      storage: contender.storage,
      mechanism: `SCRAM-${hash}`,
      transport,
      road,
      'CPU µs/login': round(costOf(rounds), 0),
      'of it database': round(
        over(({ cpu, logins }) => cpu.database / logins),
        0,
      ),
      ratio: first.contender.name === 'stonechat' ? round(costOf(rounds) / costOf(first.rounds), 2) : '',
      'logins/s': Math.round(over(({ logins, seconds }) => logins / seconds)),
      'p50 ms': round(
        over(({ p50Ms }) => p50Ms),
        1,
      ),
      'p99 ms': round(
        over(({ p99Ms }) => p99Ms),
        1,
      ),
      'resumed %': Math.round(over(({ resumed, logins }) => (100 * resumed) / logins)),
      'load µs': Math.round(over(({ loadMicros, logins }) => loadMicros / logins)),
      goal: isGoal ? verdict(costOf(rounds), Math.min(...peers.map((peer) => costOf(peer.rounds)))) : '',
    }
  })
}

/** Those on a MariaDB are compared with each other, if there are any. */
function peersOf({ storage }: Contender, scenes: readonly Scene[]): Scene[] {
  const peers = scenes.filter(({ contender }) => contender.name !== 'stonechat')
  const alike = peers.filter(({ contender }) => (contender.storage === 'MariaDB') === (storage === 'MariaDB'))
  return alike.length > 0 ? alike : peers
}

function verdict(value: number, better: number): string {
  const goal = better * goalShare
  return `≤ ${round(goal, 0)} µs: ${value <= goal ? 'met' : 'missed'}`
}
