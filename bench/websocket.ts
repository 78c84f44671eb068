import { type Entry, possible, versions } from './contender.ts'
import { bySpeed, type ConversationSettings, cost, damage, playConversations, type Scene } from './conversation.ts'
import { median, type PartReport, type Row, round } from './report.ts'

/** What a message may cost by WebSocket, of what it costs over TCP. */
const goalRatio = 1.5

/** Measures pairs that chat over TCP and by WebSocket, each on a server of their own, in turn, round after round. */
export async function measureWebSocket(
  entries: readonly Entry[],
  settings: Omit<ConversationSettings, 'features' | 'wishes' | 'devices'>,
): Promise<PartReport> {
  const all = { ...settings, features: { webSocket: true }, wishes: {}, devices: 1 }
  const both = possible(entries, all.features).flatMap((entry) => [entry, { ...entry, byWebSocket: true }])
  const scenes = await playConversations(both, all)
  const rows = bySpeed(scenes, (alike, speed) => tabulate(alike, speed, settings.rate))
  const onTcp = scenes.filter(({ tls, contender }) => !tls && !contender.byWebSocket)
  return { part: 'websocket', settings: { ...all, servers: versions(onTcp.map(({ contender }) => contender)) }, rows }
}

function tabulate(scenes: readonly Scene[], speed: 'full' | 'paced', rate: number): Row[] {
  return scenes.map(({ contender, tls, ...scene }) => {
    const rounds = scene[speed]
    const micros = cost(rounds).sum
    const onTcp = scenes.find((other) => other.contender.name === contender.name && !other.contender.byWebSocket)!
    const ratio = micros / cost(onTcp[speed]).sum
    const isHeldToIt = contender.name === 'stonechat' && contender.byWebSocket
    return {
      server: contender.name,
      transport: `${contender.byWebSocket ? 'WebSocket' : 'TCP'}${tls ? ', TLS' : ''}`,
      load: speed === 'full' ? 'full speed' : `${rate}/s`,
      'CPU µs/message': round(micros, 1),
      '× TCP': round(ratio, 2),
      'messages/s': Math.round(median(rounds.map((r) => r.messages / r.seconds))),
      'p50 ms': round(median(rounds.map((r) => r.p50Ms)), 2),
      'p99 ms': round(median(rounds.map((r) => r.p99Ms)), 2),
      'RSS MiB': round(rounds.at(-1)!.residentKiB / 1024, 1),
      'load µs': round(median(rounds.map((r) => r.loadMicros / r.messages)), 1),
      'lost/doubled/re-ordered': damage(rounds),
      goal: isHeldToIt ? `≤ ${goalRatio} × TCP: ${ratio <= goalRatio ? 'met' : 'missed'}` : '',
    }
  })
}
