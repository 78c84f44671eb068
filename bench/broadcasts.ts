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
import { damage, named } from './conversation.ts'
import { type BroadcastBurst, type BroadcastFigures, Load, type Show } from './load.ts'
import { interestingNode } from './load-broadcast.ts'
import type { Wishes } from './load-client.ts'
import { cpuMicros } from './process-figures.ts'
import { median, type PartReport, type Row, round } from './report.ts'
import type { Features } from './server-kind.ts'

/** How changes of presence, publishing and pings are measured. */
export interface BroadcastSettings {
  /** Contacts of each account, all online. */
  readonly contacts: number
  /** How many accounts show something. */
  readonly senders: number
  /** How many each has under way at full speed. */
  readonly window: number
  /** How many a second in all, at the even pace. */
  readonly rate: number
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
  /** After each round, time for server and database to end what they put off; its CPU counts. */
  readonly restSeconds: number
}

/** What is measured, and the share of the better peer's cost that the goal is, if there is one. */
const parts: Readonly<
  Record<Show, { features: Features; wishes: Wishes; goalShare: number | undefined; unit: string }>
> = {
  presence: { features: {}, wishes: {}, goalShare: 1 / 3, unit: 'µs/delivery' },
  ping: { features: {}, wishes: {}, goalShare: 1 / 3, unit: 'µs/ping' },
  pep: { features: { pep: true }, wishes: { interest: interestingNode }, goalShare: undefined, unit: 'µs/delivery' },
}

interface Scene {
  readonly contender: Contender
  readonly load: Load
  readonly full: Round[]
  readonly paced: Round[]
}

interface Round extends BroadcastFigures {
  readonly cpu: Cpu
  readonly loadMicros: number
}

/** Measures what it costs to tell all contacts of something, or to answer a ping, on each server in turn, round after round. */
export async function measureBroadcasts(
  part: Show,
  entries: readonly Entry[],
  settings: BroadcastSettings,
): Promise<PartReport> {
  const { contacts, senders, window, rate, rounds, seconds, warmUpSeconds } = settings
  const accounts = part === 'ping' ? senders : contacts + 1
  const { wishes } = parts[part]
  const features = { ...parts[part].features, ...(part !== 'ping' && { rosters: { owners: accounts, contacts } }) }
  const contenders = await startAll(possible(entries, features), accounts, features)
  const scenes = contenders.map((contender): Scene => ({ contender, load: new Load(), full: [], paced: [] }))
  const play = (scene: Scene, burst: BroadcastBurst) => playRound(scene, part, senders, burst, settings.restSeconds)
  try {
    for (const { contender, load } of scenes)
      await named(contender, () => load.open(contender.server.target(false), accounts, accounts, wishes))
    // Questions for capabilities come after the presences.
    await sleep(1_000)
    for (const scene of scenes) {
      await play(scene, { seconds: warmUpSeconds, window })
      await play(scene, { seconds: warmUpSeconds / 2, rate })
    }
    for (let i = 0; i < rounds; i++)
      for (const scene of scenes) {
        scene.full.push(await play(scene, { seconds, window }))
        scene.paced.push(await play(scene, { seconds, rate }))
      }
  } finally {
    for (const { load } of scenes) load.stop()
    await stopAll(contenders)
  }
  const rows = (['full', 'paced'] as const).flatMap((speed) => tabulate(scenes, part, speed, settings))
  return { part, settings: { ...settings, features, servers: versions(contenders) }, rows }
}

async function playRound(
  { contender, load }: Scene,
  show: Show,
  senders: number,
  burst: BroadcastBurst,
  restSeconds: number,
): Promise<Round> {
  const before = exactly(contender)
  const loadBefore = cpuMicros(load.pid)
  const figures = await named(contender, () => load.broadcast(show, senders, burst))
  const loadMicros = cpuMicros(load.pid) - loadBefore
  await sleep(restSeconds * 1000)
  return { ...figures, cpu: used(before, exactly(contender)), loadMicros }
}

function tabulate(scenes: readonly Scene[], part: Show, speed: 'full' | 'paced', settings: BroadcastSettings): Row[] {
  const { goalShare, unit } = parts[part]
  const over = (scene: Scene, of: (round: Round) => number) => median(scene[speed].map(of))
  const cost = (scene: Scene) => over(scene, ({ cpu, deliveries }) => (cpu.server + cpu.database) / deliveries)
  const first = scenes[0]!
  const peers = scenes.filter(({ contender }) => contender.name !== 'stonechat').map(cost)
  return scenes.map((scene) => {
    const isGoal = scene.contender.name === 'stonechat' && peers.length > 0
    return {
      server: scene.contender.name,
      storage: scene.contender.storage,
      load: speed === 'full' ? 'closed loop' : `${settings.rate}/s`,
      [`CPU ${unit}`]: round(cost(scene), 1),
      'of it database': round(
        over(scene, ({ cpu, deliveries }) => cpu.database / deliveries),
        1,
      ),
      ratio: first.contender.name === 'stonechat' ? round(cost(scene) / cost(first), 2) : '',
      'sent/s': round(
        over(scene, ({ sent, seconds }) => sent / seconds),
        1,
      ),
      'deliveries/s': Math.round(over(scene, ({ deliveries, seconds }) => deliveries / seconds)),
      'last p50 ms': round(
        over(scene, ({ p50Ms }) => p50Ms),
        2,
      ),
      'p99 ms': round(
        over(scene, ({ p99Ms }) => p99Ms),
        2,
      ),
      'load µs': round(
        over(scene, ({ loadMicros, deliveries }) => loadMicros / deliveries),
        1,
      ),
      'lost/doubled/re-ordered': damage(scene[speed]),
      goal: isGoal && goalShare !== undefined ? verdict(cost(scene), Math.min(...peers) * goalShare) : '',
    }
  })
}

function verdict(value: number, goal: number): string {
  return `≤ ${round(goal, 1)} µs: ${value <= goal ? 'met' : 'missed'}`
}
