import { type Entry, possible, versions } from './contender.ts'
import { bySpeed, type ConversationSettings, cost, damage, playConversations, type Scene } from './conversation.ts'
import { median, type PartReport, type Row, round } from './report.ts'

/** The goal for a 320-byte message between two online users, without TLS. */
const goalMicros = 60

/** What is chatted with: nothing of the below, stream management, or carbons to a second device. */
export const chatParts = {
  chat: { features: {}, wishes: {}, devices: 1 },
  sm: { features: { streamManagement: true }, wishes: { streamManagement: true }, devices: 1 },
  carbons: { features: { carbons: true }, wishes: { carbons: true }, devices: 2 },
} as const

/** Measures pairs that chat over loopback, nothing being archived, on each server in turn, round after round. */
export async function measureChat(
  part: keyof typeof chatParts,
  entries: readonly Entry[],
  settings: Omit<ConversationSettings, 'features' | 'wishes' | 'devices'>,
): Promise<PartReport> {
  const all = { ...settings, ...chatParts[part] }
  const scenes = await playConversations(possible(entries, all.features), all)
  const rows = bySpeed(scenes, (alike, speed) =>
    tabulate(alike, speed, settings.rate, part === 'chat' ? goalMicros : undefined),
  )
  const servers = versions(scenes.filter(({ tls }) => !tls).map(({ contender }) => contender))
  return { part, settings: { ...all, servers }, rows }
}

function tabulate(scenes: readonly Scene[], speed: 'full' | 'paced', rate: number, goal: number | undefined): Row[] {
  const first = scenes[0]
  return scenes.map((scene) => {
    const rounds = scene[speed]
    const micros = cost(rounds).sum
    const isOurs = scene === first && scene.contender.name === 'stonechat'
    return {
      server: scene.contender.name,
      transport: scene.tls ? 'TLS' : 'plain',
      load: speed === 'full' ? 'full speed' : `${rate}/s`,
      'CPU µs/message': round(micros, 1),
      ratio: first?.contender.name === 'stonechat' ? round(micros / cost(first[speed]).sum, 2) : '',
      'messages/s': Math.round(median(rounds.map((r) => r.messages / r.seconds))),
      'p50 ms': round(median(rounds.map((r) => r.p50Ms)), 2),
      'p99 ms': round(median(rounds.map((r) => r.p99Ms)), 2),
      'RSS MiB': round(rounds.at(-1)!.residentKiB / 1024, 1),
      'load µs': round(median(rounds.map((r) => r.loadMicros / r.messages)), 1),
      'lost/doubled/re-ordered': damage(rounds),
      goal: goal !== undefined && isOurs && !scene.tls ? `≤ ${goal} µs: ${micros <= goal ? 'met' : 'missed'}` : '',
    }
  })
}
