import { setTimeout as sleep } from 'node:timers/promises'
import { type Contender, type Cpu, type Entry, possible, startAll, stopAll, used, versions } from './contender.ts'
import { damage } from './conversation.ts'
import { Load, type OfflineFigures } from './load.ts'
import { median, type PartReport, type Row, round } from './report.ts'

/** How offline messages are measured. */
export interface OfflineSettings {
  /** Accounts that are away; as many others write to them. */
  readonly accounts: number
  /** Messages each of them gets while it is away. */
  readonly messages: number
  readonly rounds: number
  /** After each step, time for server and database to end what they put off; its CPU counts. */
  readonly restSeconds: number
}

interface Step extends OfflineFigures {
  readonly cpu: Cpu
}

interface Scene {
  readonly contender: Contender
  readonly load: Load
  readonly store: Step[]
  readonly deliver: Step[]
}

/**
 * Measures what it costs to keep messages for accounts that are away, and to deliver them at login: the CPU of the logins
 * with messages, less that of the same logins without.
 */
export async function measureOffline(entries: readonly Entry[], settings: OfflineSettings): Promise<PartReport> {
  const contenders = await startAll(possible(entries, {}), settings.accounts * 2, {})
  const scenes = contenders.map((contender): Scene => ({ contender, load: new Load(), store: [], deliver: [] }))
  try {
    for (const { contender, load } of scenes)
      await load.open(contender.server.target(false), settings.accounts, settings.accounts)
    // The first round warms up.
    for (let i = 0; i <= settings.rounds; i++) for (const scene of scenes) await playRound(scene, settings, i > 0)
  } finally {
    for (const { load } of scenes) load.stop()
    await stopAll(contenders)
  }
  const rows = (['store', 'deliver'] as const).flatMap((step) => tabulate(scenes, step, settings))
  return { part: 'offline', settings: { ...settings, servers: versions(contenders) }, rows }
}

async function playRound(scene: Scene, { messages, restSeconds }: OfflineSettings, counts: boolean): Promise<void> {
  const { contender, load } = scene
  const target = contender.server.target(false)
  const step = async (work: () => Promise<OfflineFigures>): Promise<Step> => {
    const before = contender.cpu()
    const figures = await work()
    await sleep(restSeconds * 1000)
    return { ...figures, cpu: used(before, contender.cpu()) }
  }
  const logins = await step(() => load.deliver(target, 0))
  const store = await step(() => load.store(messages))
  const deliver = await step(() => load.deliver(target, messages))
  if (!counts) return
  scene.store.push(store)
  scene.deliver.push({ ...deliver, cpu: used(logins.cpu, deliver.cpu) })
}

function tabulate(scenes: readonly Scene[], step: 'store' | 'deliver', settings: OfflineSettings): Row[] {
  const count = settings.accounts * settings.messages
  const over = (scene: Scene, part: (cpu: Cpu) => number) => median(scene[step].map(({ cpu }) => part(cpu) / count))
  const sum = (scene: Scene) => over(scene, (cpu) => cpu.server + cpu.database)
  const first = scenes[0]!
  return scenes.map((scene) => ({
    server: scene.contender.name,
    storage: scene.contender.storage,
    step,
    'server µs': round(
      over(scene, (cpu) => cpu.server),
      1,
    ),
    'database µs': round(
      over(scene, (cpu) => cpu.database),
      1,
    ),
    'sum µs': round(sum(scene), 1),
    ratio: first.contender.name === 'stonechat' ? round(sum(scene) / sum(first), 2) : '',
    'messages/s': Math.round(median(scene[step].map(({ seconds }) => count / seconds))),
    'lost/doubled/re-ordered': damage(scene[step]),
  }))
}
