import { setTimeout as sleep } from 'node:timers/promises'
import { type Contender, type Cpu, type Entry, startAll, stopAll } from './contender.ts'
import { type Burst, type ChatFigures, Load } from './load.ts'
import type { Wishes } from './load-client.ts'
import { cpuMicros, residentKiB } from './process-figures.ts'
import { median, type Row } from './report.ts'
import type { Features } from './server-kind.ts'
import { Tally } from './tally.ts'

/** Logins leave work behind, too. */
const loginRestMs = 3_000

/** How conversations are measured. */
export interface ConversationSettings {
  readonly pairs: number
  /** Messages in flight in each direction of a pair at full speed. */
  readonly window: number
  /** Messages a second, over all pairs, at the even pace. */
  readonly rate: number
  readonly rounds: number
  readonly seconds: number
  /** Length of a round at the even pace. */
  readonly pacedSeconds: number
  readonly warmUpSeconds: number
  /** After each round, time for server and database to end what they put off; its CPU counts. */
  readonly restSeconds: number
  /** How long to look at what each uses for nothing, which does not count as work put off. */
  readonly idleSeconds: number
  /** Whether to measure with TLS, too. */
  readonly tls: boolean
  readonly devices: number
  readonly features: Features
  readonly wishes: Wishes
}

/** One server and transport, and what was measured. */
export interface Scene {
  readonly contender: Contender
  readonly tls: boolean
  readonly load: Load
  readonly full: Round[]
  readonly paced: Round[]
  /** Messages sent in all, warm-up included. */
  sent: number
  readonly tally: Tally
  /** CPU used outside of warm-up and rounds until nothing was left to do, in microseconds. */
  outsideMicros: number
}

/** What one round showed. */
export interface Round extends ChatFigures {
  readonly cpu: Cpu
  /** What the load generator used. */
  readonly loadMicros: number
  readonly residentKiB: number
}

/** Looks at a server before it is measured and after it was. */
export type Inspection = (scenes: readonly Scene[], moment: 'warmed up' | 'done') => Promise<void>

/** Has pairs chat over loopback on each server in turn, round after round, first plain, then with TLS. */
export async function playConversations(
  entries: readonly Entry[],
  settings: ConversationSettings,
  inspect: Inspection = async () => {},
): Promise<Scene[]> {
  const scenes: Scene[] = []
  const contenders = await startAll(entries, settings.pairs * 2, settings.features)
  try {
    for (const tls of settings.tls ? [false, true] : [false]) {
      const act = contenders.map((contender) => makeScene(contender, tls))
      scenes.push(...act)
      await play(act, settings, () => inspect(scenes, 'warmed up'))
      for (const { load } of act) await load.close()
      await inspect(scenes, 'done')
    }
    return scenes
  } finally {
    for (const { load } of scenes) load.stop()
    await stopAll(contenders)
  }
}

async function play(scenes: readonly Scene[], settings: ConversationSettings, warmedUp: () => Promise<void>) {
  const {
    pairs,
    window,
    rate,
    rounds,
    seconds,
    pacedSeconds,
    warmUpSeconds,
    restSeconds,
    idleSeconds,
    devices,
    wishes,
  } = settings
  for (const { load, contender, tls } of scenes)
    await named(contender, () => load.open(contender.target(tls), pairs * 2 * devices, pairs * 2, wishes))
  if (idleSeconds > 0) await sleep(loginRestMs)
  await Promise.all(scenes.map(({ tally }) => tally.begin(idleSeconds)))
  for (const scene of scenes) {
    await playRound(scene, { seconds: warmUpSeconds, window }, restSeconds)
    await playRound(scene, { seconds: warmUpSeconds / 2, rate }, restSeconds)
  }
  await warmedUp()
  for (let i = 0; i < rounds; i++) {
    for (const scene of scenes) {
      scene.full.push(await playRound(scene, { seconds, window }, restSeconds))
      scene.paced.push(await playRound(scene, { seconds: pacedSeconds, rate }, restSeconds))
    }
  }
  for (const scene of scenes) scene.outsideMicros = scene.tally.outsideMicros()
}

function makeScene(contender: Contender, tls: boolean): Scene {
  const tally = new Tally(contender)
  return { contender, tls, load: new Load(), full: [], paced: [], sent: 0, tally, outsideMicros: 0 }
}

async function playRound(scene: Scene, burst: Burst, restSeconds: number): Promise<Round> {
  const { load, contender, tally } = scene
  const loadBefore = cpuMicros(load.pid)
  let figures: ChatFigures | undefined
  const cpu = await tally.round(async () => {
    figures = await named(contender, () => load.chat(burst))
    scene.sent += figures.sent
    if (restSeconds > 0) await sleep(restSeconds * 1000)
  })
  return {
    ...figures!,
    cpu,
    loadMicros: cpuMicros(load.pid) - loadBefore,
    residentKiB: residentKiB(contender.server.pid),
  }
}

/** Names the server in what goes wrong with it. */
export async function named<T>(contender: Contender, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new Error(`${contender.name} on ${contender.storage}: ${String(error)}`, { cause: error })
  }
}

/** The rows of a table: those without TLS first, and of each those at full speed. */
export function bySpeed(
  scenes: readonly Scene[],
  tabulate: (scenes: readonly Scene[], speed: 'full' | 'paced') => Row[],
): Row[] {
  return [false, true].flatMap((tls) => {
    const alike = scenes.filter((scene) => scene.tls === tls)
    return (['full', 'paced'] as const).flatMap((speed) => tabulate(alike, speed))
  })
}

/** CPU a message in microseconds: the medians over the rounds of the server, its database and both. */
export function cost(rounds: readonly Round[]): { server: number; database: number; sum: number } {
  const over = (part: (cpu: Cpu) => number) => median(rounds.map((round) => part(round.cpu) / round.messages))
  return {
    server: over((cpu) => cpu.server),
    database: over((cpu) => cpu.database),
    sum: over((cpu) => cpu.server + cpu.database),
  }
}

/** Copies lost, doubled and re-ordered in all rounds, as `0/0/0`. */
export function damage(rounds: readonly { lost: number; doubled: number; reordered: number }[]): string {
  const sum = (key: 'lost' | 'doubled' | 'reordered') => rounds.reduce((total, round) => total + round[key], 0)
  return `${sum('lost')}/${sum('doubled')}/${sum('reordered')}`
}
