import { type Burst, type ChatFigures, Load } from './load.ts'
import { cpuMicros, residentKiB } from './process-figures.ts'
import { median, type PartReport, type Row, round } from './report.ts'
import type { ServerKind } from './server-kind.ts'
import { type RunningServer, startServer } from './servers.ts'

/** The goal for a 320-byte message between two online users, without TLS. */
const goalMicros = 60

/** How the chat is measured. */
export interface ChatSettings {
  readonly pairs: number
  /** Messages in flight in each direction of a pair at full speed. */
  readonly window: number
  /** Messages a second, over all pairs, at the even pace. */
  readonly rate: number
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
}

interface Scene {
  readonly server: RunningServer
  readonly tls: boolean
  readonly load: Load
  readonly full: Round[]
  readonly paced: Round[]
}

interface Round extends ChatFigures {
  readonly cpuMicros: number
  readonly residentKiB: number
}

/** Measures pairs that chat over loopback, plain and with TLS, on each server in turn, round after round. */
export async function measureChat(kinds: readonly ServerKind[], settings: ChatSettings): Promise<PartReport> {
  const servers: RunningServer[] = []
  const scenes: Scene[] = []
  try {
    for (const kind of kinds) servers.push(await startServer(kind, settings.pairs * 2))
    for (const tls of [false, true]) {
      const act = servers.map((server) => ({ server, tls, load: new Load(), full: [], paced: [] }) as Scene)
      scenes.push(...act)
      await play(act, settings)
      for (const { load } of act) await load.close()
    }
  } finally {
    for (const { load } of scenes) load.stop()
    await Promise.all(servers.map((server) => server.stop()))
  }
  const rows = [false, true].flatMap((tls) =>
    (['full', 'paced'] as const).flatMap((speed) =>
      tabulate(
        scenes.filter((scene) => scene.tls === tls),
        speed,
        settings,
      ),
    ),
  )
  return { part: 'chat', settings: { ...settings, servers: servers.map((s) => `${s.name} ${s.version}`) }, rows }
}

async function play(scenes: readonly Scene[], { pairs, window, rate, rounds, seconds, warmUpSeconds }: ChatSettings) {
  for (const { load, server, tls } of scenes) {
    await load.open(server.target(tls), pairs * 2, pairs * 2)
    await load.chat({ seconds: warmUpSeconds, window })
    await load.chat({ seconds: warmUpSeconds / 2, rate })
  }
  for (let i = 0; i < rounds; i++) {
    for (const scene of scenes) {
      scene.full.push(await playRound(scene, { seconds, window }))
      scene.paced.push(await playRound(scene, { seconds, rate }))
    }
  }
}

async function playRound({ load, server }: Scene, burst: Burst): Promise<Round> {
  const before = cpuMicros(server.pid)
  const figures = await load.chat(burst)
  return { ...figures, cpuMicros: cpuMicros(server.pid) - before, residentKiB: residentKiB(server.pid) }
}

function tabulate(scenes: readonly Scene[], speed: 'full' | 'paced', { rate }: ChatSettings): Row[] {
  const cost = (scene: Scene): number => median(scene[speed].map((r) => r.cpuMicros / r.messages))
  const first = scenes[0]!
  return scenes.map((scene) => {
    const rounds = scene[speed]
    const micros = cost(scene)
    const isOurs = scene === first && scene.server.name === 'stonechat'
    return {
      server: scene.server.name,
      transport: scene.tls ? 'TLS' : 'plain',
      load: speed === 'full' ? 'full speed' : `${rate}/s`,
      'CPU µs/message': round(micros, 1),
      ratio: first.server.name === 'stonechat' ? round(micros / cost(first), 2) : '',
      'messages/s': Math.round(median(rounds.map((r) => r.messages / r.seconds))),
      'p50 ms': round(median(rounds.map((r) => r.p50Ms)), 2),
      'p99 ms': round(median(rounds.map((r) => r.p99Ms)), 2),
      'RSS MiB': round(rounds.at(-1)!.residentKiB / 1024, 1),
      goal: isOurs && !scene.tls ? `≤ ${goalMicros} µs: ${micros <= goalMicros ? 'met' : 'missed'}` : '',
    }
  })
}
