import { type Contender, type Entry, possible, startAll, stopAll, versions } from './contender.ts'
import { Load } from './load.ts'
import { costOf, measured, type Round } from './login.ts'
import { median, type PartReport, type Row, round } from './report.ts'

const features = { passwordHash: 'SHA-1' } as const

/** How reading a long roster is measured. */
export interface RosterSettings {
  readonly contacts: number
  /** Accounts with such a roster, who log in in turn. */
  readonly owners: number
  readonly rounds: number
  readonly seconds: number
  /** After each round, time for server and database to end what they put off; its CPU counts. */
  readonly restSeconds: number
}

/** A way to come to one's roster: after a login or again on the same connection, whole or by its version. */
const ways = [
  { name: 'login', roster: undefined, again: false },
  { name: 'login, whole', roster: 'whole', again: false },
  { name: 'login, version known', roster: 'known', again: false },
  { name: 'again, whole', roster: 'whole', again: true },
  { name: 'again, version known', roster: 'known', again: true },
] as const
type Way = (typeof ways)[number]

interface Scene {
  readonly contender: Contender
  readonly load: Load
  readonly rounds: Map<Way, Round[]>
}

/** Measures reading a long roster after a login and again, whole and when the client has the present version, plain. */
export async function measureRosters(entries: readonly Entry[], settings: RosterSettings): Promise<PartReport> {
  const { contacts, owners, rounds } = settings
  const all = { ...features, rosters: { owners, contacts } }
  const contenders = await startAll(possible(entries, all), owners, all)
  const scenes = contenders.map((contender): Scene => ({ contender, load: new Load(), rounds: new Map() }))
  try {
    // The first round warms up, and brings the clients their versions.
    for (let i = 0; i <= rounds; i++)
      for (const way of ways)
        for (const scene of scenes) {
          const found = await playRound(scene, way, settings)
          if (i > 0) scene.rounds.set(way, [...(scene.rounds.get(way) ?? []), found])
        }
  } finally {
    for (const { load } of scenes) load.stop()
    await stopAll(contenders)
  }
  return {
    part: 'roster',
    settings: { ...settings, features: all, servers: versions(contenders) },
    rows: ways.flatMap((way) => tabulate(scenes, way, contacts)),
  }
}

async function playRound({ contender, load }: Scene, way: Way, settings: RosterSettings): Promise<Round> {
  const { owners, seconds, restSeconds } = settings
  const target = contender.server.target(false)
  const { passwordHash: hash } = features
  const { roster, again } = way
  return await measured(contender, load, restSeconds, () =>
    again
      ? load.readRosters(target, { seconds, hash, roster })
      : load.logIn(target, {
          seconds,
          hash,
          accounts: owners,
          atOnce: Math.min(owners, 4),
          transport: 'plain',
          road: 'full',
          ...(roster && { roster }),
        }),
  )
}

function tabulate(scenes: readonly Scene[], way: Way, contacts: number): Row[] {
  const roundsOf = (scene: Scene) => scene.rounds.get(way)!
  const over = (scene: Scene, of: (round: Round) => number) => median(roundsOf(scene).map(of))
  const first = scenes[0]!
  return scenes.map((scene) => ({
    server: scene.contender.name,
    storage: scene.contender.storage,
    contacts,
    way: way.name,
    'CPU µs': Math.round(costOf(roundsOf(scene))),
    'of it database': Math.round(over(scene, ({ cpu, logins }) => cpu.database / logins)),
    ratio: first.contender.name === 'stonechat' ? round(costOf(roundsOf(scene)) / costOf(roundsOf(first)), 2) : '',
    'times/s': Math.round(over(scene, ({ logins, seconds }) => logins / seconds)),
    'p50 ms': round(
      over(scene, ({ p50Ms }) => p50Ms),
      1,
    ),
    'load µs': Math.round(over(scene, ({ loadMicros, logins }) => loadMicros / logins)),
  }))
}
