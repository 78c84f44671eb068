import { setTimeout as sleep } from 'node:timers/promises'
import { type Contender, type Entry, possible, versions } from './contender.ts'
import {
  bySpeed,
  type ConversationSettings,
  cost,
  damage,
  type Inspection,
  playConversations,
  type Scene,
} from './conversation.ts'
import { median, type PartReport, type Row, round } from './report.ts'

const features = { archive: true }
/** Server and database together are to need at most this share of what the better peer needs. */
const goalShare = 1 / 5
/** A server that answers before it commits has so long to commit. */
const commitMs = 10_000

/**
 * Measures pairs whose messages are archived for both sides, each server with a MariaDB of its own, ours on SQLite, too;
 * in the end the archives must hold what was sent.
 */
export async function measureArchive(
  entries: readonly Entry[],
  settings: Omit<ConversationSettings, 'features' | 'wishes' | 'devices'>,
): Promise<PartReport> {
  const missing = new Map<Contender, number>()
  const inspect: Inspection = async (scenes, moment) => {
    for (const contender of new Set(scenes.map((scene) => scene.contender))) {
      const theirs = scenes.filter((scene) => scene.contender === contender)
      const rows = theirs.reduce((sum, { sent }) => sum + sent, 0) * 2
      missing.set(contender, await missingRows(contender, rows))
      if (missing.get(contender) === 0) continue
      const { name, storage } = contender
      process.stdout.write(`${name} on ${storage}, ${moment}: ${missing.get(contender)} of ${rows} rows are missing.\n`)
    }
  }
  const all = { ...settings, features, wishes: {}, devices: 1 }
  const scenes = await playConversations(possible(entries, features), all, inspect)
  const rows = bySpeed(scenes, (alike, speed) => tabulate(alike, speed, settings.rate, missing))
  const servers = versions(scenes.filter(({ tls }) => !tls).map(({ contender }) => contender))
  return { part: 'archive', settings: { ...all, servers }, rows }
}

/** How many rows too few (or, below zero, too many) the archives hold once they have had time. */
export async function missingRows({ server }: Contender, expected: number): Promise<number> {
  const count = server.launch.archivedRows
  if (count === undefined) throw new Error(`nobody knows how to count the archive of ${server.name}`)
  const giveUpMs = Date.now() + commitMs
  for (;;) {
    const missing = expected - (await count())
    if (missing <= 0 || Date.now() > giveUpMs) return missing
    await sleep(100)
  }
}

function tabulate(
  scenes: readonly Scene[],
  speed: 'full' | 'paced',
  rate: number,
  missing: ReadonlyMap<Contender, number>,
): Row[] {
  const first = scenes[0]
  const peers = scenes.filter(({ contender }) => contender.name !== 'stonechat')
  return scenes.map((scene) => {
    const { contender } = scene
    const rounds = scene[speed]
    const { server, database, sum } = cost(rounds)
    return {
      server: contender.name,
      storage: contender.storage,
      transport: scene.tls ? 'TLS' : 'plain',
      load: speed === 'full' ? 'closed loop' : `${rate}/s`,
      'server µs': round(server, 1),
      'database µs': round(database, 1),
      'later µs': round(later(scene), 1),
      'sum µs': round(sum + later(scene), 1),
      ratio: first?.contender.name === 'stonechat' ? round((sum + later(scene)) / whole(first, speed), 2) : '',
      'messages/s': Math.round(median(rounds.map((r) => r.messages / r.seconds))),
      'p50 ms': round(median(rounds.map((r) => r.p50Ms)), 2),
      'p99 ms': round(median(rounds.map((r) => r.p99Ms)), 2),
      'lost/doubled/re-ordered': damage(rounds),
      'rows missing': missing.get(contender)!,
      goal: scene === first && contender.name === 'stonechat' ? verdict(scene, peers, speed) : '',
    }
  })
}

/** CPU a message that is used outside of the rounds, such as for an index of words, in microseconds. */
function later({ outsideMicros, sent }: Scene): number {
  return outsideMicros / sent
}

function whole(scene: Scene, speed: 'full' | 'paced'): number {
  return cost(scene[speed]).sum + later(scene)
}

function verdict(ours: Scene, peers: readonly Scene[], speed: 'full' | 'paced'): string {
  if (peers.length === 0) return ''
  const word = (met: boolean) => (met ? 'met' : 'missed')
  if (speed === 'full') {
    const goal = Math.min(...peers.map((peer) => whole(peer, 'full'))) * goalShare
    return `sum ≤ ${round(goal, 1)} µs: ${word(whole(ours, 'full') <= goal)}`
  }
  const p50 = ({ paced }: Scene) => median(paced.map((r) => r.p50Ms))
  const goal = Math.min(...peers.map(p50))
  return `p50 < ${round(goal, 2)} ms: ${word(p50(ours) < goal)}`
}
