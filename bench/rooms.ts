import { setTimeout as sleep } from 'node:timers/promises'
import { missingRows } from './archive.ts'
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
import { Load, type RoomBurst, type RoomFigures } from './load.ts'
import { cpuMicros, residentKiB, settledKiB, threadMicros } from './process-figures.ts'
import { median, type PartReport, type Row, round } from './report.ts'
import { roomService } from './server-kind.ts'

/** A server is to need at most this share of what the better peer needs for a delivery. */
const goalShare = 1 / 5
/** The CPU that the server is to need at most when the last occupant enters, in milliseconds. */
const goalEntranceMs = 1_000
const features = { archive: true, rooms: true }
const room = `bench@${roomService}`
/** Before and after an entrance that is measured. */
const entranceRestMs = 200

/** How rooms are measured. */
export interface RoomsSettings {
  /** Numbers of occupants to measure with. */
  readonly occupants: readonly number[]
  /** Occupants with one message in flight each, at full speed. */
  readonly senders: number
  /** Messages a second at the even pace, fewer where there would be more deliveries a second than `mostDeliveries`. */
  readonly rate: number
  readonly mostDeliveries: number
  readonly rounds: number
  readonly seconds: number
  readonly pacedSeconds: number
  readonly warmUpSeconds: number
  /** After each round, time for server and database to end what they put off; its CPU counts. */
  readonly restSeconds: number
  /** How often the last occupant leaves and enters. */
  readonly rejoins: number
  /** Longest time to wait for memory to come to rest. */
  readonly settleSeconds: number
}

/** One server and size of a room, and what was measured. */
interface Scene {
  readonly contender: Contender
  readonly load: Load
  readonly full: Round[]
  readonly paced: Round[]
  entrances: Entrances | undefined
  sent: number
  missing: number
}

interface Round extends RoomFigures {
  readonly cpu: Cpu
  readonly loadMicros: number
}

interface Entrances {
  /** Of all who enter one after the other. */
  readonly cpu: Cpu
  readonly presences: number
  /** Of the last one alone: the server's CPU, and the time until all have the presences. */
  readonly lastCpuMs: number
  readonly lastTookMs: number
  /** What the occupants, who were logged in already, add to the server's memory. */
  readonly memoryKiB: number
  readonly residentKiB: number
}

/**
 * Measures rooms in which every occupant has an account and a connection of its own and everything is archived: what a
 * delivered message costs, and what entering does.
 */
export async function measureRooms(entries: readonly Entry[], settings: RoomsSettings): Promise<PartReport[]> {
  const talk: Row[] = []
  const entrances: Row[] = []
  const servers = new Set<string>()
  for (const size of settings.occupants) {
    const scenes = await playRoom(possible(entries, features), size, settings)
    for (const name of versions(scenes.map(({ contender }) => contender))) servers.add(name)
    talk.push(...tabulateTalk(scenes, size, 'full', settings), ...tabulateTalk(scenes, size, 'paced', settings))
    entrances.push(...tabulateEntrances(scenes, size))
  }
  const all = { ...settings, features, servers: [...servers] }
  return [
    { part: 'rooms', settings: all, rows: talk },
    { part: 'rooms-entering', settings: all, rows: entrances },
  ]
}

/** Servers are new for each size: a room of a thousand takes long to empty. */
async function playRoom(entries: readonly Entry[], size: number, settings: RoomsSettings): Promise<Scene[]> {
  const contenders = await startAll(entries, size, features)
  const scenes = contenders.map(
    (contender): Scene => ({
      contender,
      load: new Load(),
      full: [],
      paced: [],
      entrances: undefined,
      sent: 0,
      missing: 0,
    }),
  )
  try {
    for (const scene of scenes) await named(scene.contender, () => enter(scene, size, settings))
    const { seconds, pacedSeconds, warmUpSeconds, senders } = settings
    const rate = rateOf(size, settings)
    for (const scene of scenes) {
      await playRound(scene, { seconds: warmUpSeconds, senders }, settings)
      await playRound(scene, { seconds: warmUpSeconds / 2, senders, rate }, settings)
    }
    for (let i = 0; i < settings.rounds; i++) {
      for (const scene of scenes) {
        scene.full.push(await playRound(scene, { seconds, senders }, settings))
        scene.paced.push(await playRound(scene, { seconds: pacedSeconds, senders, rate }, settings))
      }
    }
    for (const scene of scenes) scene.missing = await missingRows(scene.contender, scene.sent)
    return scenes
  } finally {
    for (const { load } of scenes) load.stop()
    await stopAll(contenders)
  }
}

async function enter(scene: Scene, size: number, { rejoins, settleSeconds }: RoomsSettings): Promise<void> {
  const { contender, load } = scene
  const { server } = contender
  await load.open(server.target(false), size, size)
  await load.createRoom(room)
  const emptyKiB = await settledKiB(server.pid, settleSeconds)
  const before = contender.cpu()
  const { presences } = await load.enterRoom(size)
  await sleep(entranceRestMs)
  const cpu = used(before, contender.cpu())
  const fullKiB = await settledKiB(server.pid, settleSeconds)
  const last: { cpuMs: number; tookMs: number }[] = []
  for (let i = 0; i < rejoins; i++) {
    await load.leaveRoom()
    await sleep(entranceRestMs)
    const beforeMicros = threadMicros(server.pid)
    const { ms } = await load.enterRoom(size)
    await sleep(entranceRestMs)
    last.push({ cpuMs: (threadMicros(server.pid) - beforeMicros) / 1_000, tookMs: ms })
  }
  scene.entrances = {
    cpu,
    presences,
    lastCpuMs: last.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / rejoins,
    lastTookMs: median(last.map(({ tookMs }) => tookMs)),
    memoryKiB: fullKiB - emptyKiB,
    residentKiB: residentKiB(server.pid),
  }
}

async function playRound(scene: Scene, burst: RoomBurst, { restSeconds }: RoomsSettings): Promise<Round> {
  const { contender, load } = scene
  // A clock tick is much at 20 messages a second.
  const before = exactly(contender)
  const loadBefore = cpuMicros(load.pid)
  const figures = await named(contender, () => load.talk(burst))
  const loadMicros = cpuMicros(load.pid) - loadBefore
  await sleep(restSeconds * 1000)
  scene.sent += figures.sent
  return { ...figures, cpu: used(before, exactly(contender)), loadMicros }
}

function rateOf(size: number, { rate, mostDeliveries }: RoomsSettings): number {
  return Math.min(rate, mostDeliveries / size)
}

function tabulateTalk(scenes: readonly Scene[], size: number, speed: 'full' | 'paced', settings: RoomsSettings): Row[] {
  const first = scenes[0]!
  const isOurs = first.contender.name === 'stonechat'
  const over = (scene: Scene, of: (round: Round) => number) => median(scene[speed].map(of))
  const server = (scene: Scene) => over(scene, (r) => r.cpu.server / r.deliveries)
  const peers = scenes.filter(({ contender }) => contender.name !== 'stonechat')
  return scenes.map((scene) => ({
    server: scene.contender.name,
    storage: scene.contender.storage,
    occupants: size,
    load: speed === 'full' ? 'closed loop' : `${round(rateOf(size, settings), 1)}/s`,
    'server µs/delivery': round(server(scene), 1),
    'with database': round(
      over(scene, (r) => (r.cpu.server + r.cpu.database) / r.deliveries),
      1,
    ),
    ratio: isOurs ? round(server(scene) / server(first), 2) : '',
    'deliveries/s': Math.round(over(scene, (r) => r.deliveries / r.seconds)),
    'reflection p50 ms': round(
      over(scene, (r) => r.reflectionMs),
      2,
    ),
    'last p50 ms': round(
      over(scene, (r) => r.lastMs),
      2,
    ),
    'load µs': round(
      over(scene, (r) => r.loadMicros / r.deliveries),
      1,
    ),
    'lost/doubled/re-ordered': damage(scene[speed]),
    'rows missing': scene.missing,
    goal: isOurs && scene === first && peers.length > 0 ? verdict(server(scene), Math.min(...peers.map(server))) : '',
  }))
}

function tabulateEntrances(scenes: readonly Scene[], size: number): Row[] {
  const first = scenes[0]!
  return scenes.map((scene) => {
    const { cpu, presences, lastCpuMs, lastTookMs, memoryKiB, residentKiB } = scene.entrances!
    const isGoal = scene === first && scene.contender.name === 'stonechat'
    return {
      server: scene.contender.name,
      storage: scene.contender.storage,
      occupants: size,
      'all: server s': round(cpu.server / 1e6, 2),
      'with database s': round((cpu.server + cpu.database) / 1e6, 2),
      'µs/presence': round(cpu.server / presences, 1),
      'last: server ms': round(lastCpuMs, 2),
      'took ms': round(lastTookMs, 1),
      'KiB/occupant': round(memoryKiB / size, 1),
      'RSS MiB': round(residentKiB / 1024, 1),
      goal: isGoal ? `last < ${goalEntranceMs} ms: ${lastCpuMs < goalEntranceMs ? 'met' : 'missed'}` : '',
    }
  })
}

function verdict(value: number, better: number): string {
  const goal = better * goalShare
  return `server ≤ ${round(goal, 1)} µs: ${value <= goal ? 'met' : 'missed'}`
}
