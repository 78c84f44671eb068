import { transports } from './net/connection.ts'
import type { ConnectionCount } from './net/listener.ts'
import type { Metrics, Sample } from './observe/metrics.ts'
import type { Host } from './session/host.ts'
import type { StanzaCount } from './session/traffic.ts'
import { batchWriters } from './storage/batch-writer.ts'
import type { Database } from './storage/database.ts'
import { ClientStream } from './stream/client-stream.ts'
import type { ComponentStream } from './stream/component-stream.ts'
import type { Clock } from './util/clock.ts'

/** What is measured of a server, as it stands at a scrape. */
export interface Observed {
  readonly version: string
  readonly clock: Clock
  readonly db: Database
  readonly hosts: ReadonlyMap<string, Host>
  readonly streams: Iterable<ClientStream | ComponentStream>
  /** Those of its listeners. */
  readonly connectionCounts: Iterable<ConnectionCount>
}

/** Measures what the server keeps count of anyway. */
export function observeServer(metrics: Metrics, observed: Observed): void {
  const { version, clock } = observed
  const build: Sample = { labels: { version, node: process.versions.node }, value: 1 }
  metrics.gauge('stonechat_build_info', 'The version of the program and of Node.', () => [build], ['version', 'node'])
  const startedMs = clock.now()
  metrics.gauge('stonechat_start_time_seconds', 'When the server was started, since the epoch.', () => startedMs / 1000)
  observeClients(metrics, observed)
  observeDatabase(metrics, observed)
  observeBatches(metrics, observed)
}

function observeClients(metrics: Metrics, { hosts, streams, connectionCounts }: Observed): void {
  const ofHosts = (read: (host: Host) => readonly Sample[]) => () =>
    [...hosts.values()].flatMap((host) =>
      read(host).map(({ labels, value }) => ({ labels: { host: host.domain, ...labels }, value })),
    )
  const sessions = ofHosts((host) => {
    const count = { online: 0, resting: 0 }
    for (const user of host.users())
      for (const one of user.sessions.values()) count[one.resting ? 'resting' : 'online']++
    return Object.entries(count).map(([state, value]) => ({ labels: { state }, value }))
  })
  metrics.gauge('stonechat_sessions', 'Sessions, with a connection or waiting for their client.', sessions, [
    'host',
    'state',
  ])
  const stanzas = ofHosts(({ traffic }) => [
    ...byKind(traffic.received, { direction: 'received' }),
    ...byKind(traffic.delivered, { direction: 'delivered' }),
  ])
  metrics.counted('stonechat_stanzas_total', 'Stanzas that came in, and those that were handed to clients.', stanzas, [
    'host',
    'direction',
    'kind',
  ])
  const refused = ofHosts(({ traffic }) => byKind(traffic.refused, {}))
  metrics.counted('stonechat_stanza_errors_total', 'Stanzas that were answered with an error.', refused, [
    'host',
    'kind',
  ])
  metrics.gauge('stonechat_connections', 'Connections by what carries them.', () => connections(streams), ['transport'])
  const turnedAway = (): Sample[] => {
    const sum = { address: 0, total: 0 }
    for (const { refused } of connectionCounts) {
      sum.address += refused.address
      sum.total += refused.total
    }
    return Object.entries(sum).map(([limit, value]) => ({ labels: { limit }, value }))
  }
  const help = 'Connections past a limit: of one address, or of all.'
  metrics.counted('stonechat_connections_refused_total', help, turnedAway, ['limit'])
}

function connections(streams: Iterable<ClientStream | ComponentStream>): Sample[] {
  const count: Record<string, number> = Object.fromEntries([...transports, 'component', 'other'].map((key) => [key, 0]))
  for (const stream of streams) {
    const key = stream instanceof ClientStream ? (stream.transport ?? 'other') : 'component'
    count[key] = (count[key] ?? 0) + 1
  }
  return Object.entries(count).map(([transport, value]) => ({ labels: { transport }, value }))
}

function byKind(count: StanzaCount, labels: Readonly<Record<string, string>>): Sample[] {
  return Object.entries({ ...count }).map(([kind, value]) => ({ labels: { ...labels, kind }, value }))
}

function observeDatabase(metrics: Metrics, { db }: Observed): void {
  metrics.gauge('stonechat_database_up', 'Whether the database answers.', () => (db.health === 'up' ? 1 : 0))
  metrics.counted('stonechat_database_queries_total', 'Statements run.', () => db.queries)
  const failures = () => Object.entries(db.figures().failures).map(([kind, value]) => ({ labels: { kind }, value }))
  metrics.counted('stonechat_database_failures_total', 'Statements that failed.', failures, ['kind'])
  metrics.counted('stonechat_database_outages_total', 'How often the database was lost.', () => db.figures().outages)
  const pool = (): Sample[] => {
    const { used, free, waiting } = db.figures()
    return Object.entries({ used, free, waiting }).map(([state, value]) => ({ labels: { state }, value }))
  }
  metrics.gauge('stonechat_database_pool', 'Connections to the database, and what waits for one.', pool, ['state'])
}

/** Writers of one name count together; of what waits, the oldest is the oldest of all. */
function observeBatches(metrics: Metrics, { clock, db }: Observed): void {
  const figures = () => [...batchWriters(db)].map((writer) => writer.figures)
  const labels = ['writer']
  const total = (key: 'failed' | 'waiting' | 'written') => () =>
    figures().map((one) => ({ labels: { writer: one.name }, value: one[key] }))
  metrics.gauge('stonechat_batch_waiting', 'What waits to be written to the database.', total('waiting'), labels)
  metrics.counted('stonechat_batch_written_total', 'What was written, in items.', total('written'), labels)
  metrics.counted('stonechat_batch_failed_total', 'What could not be written, in items.', total('failed'), labels)
  const lag = (): Sample[] => {
    const oldest = new Map<string, number>()
    for (const { name, waitingSinceMs: sinceMs } of figures()) {
      const seconds = sinceMs === undefined ? 0 : Math.max(0, clock.now() - sinceMs) / 1000
      oldest.set(name, Math.max(oldest.get(name) ?? 0, seconds))
    }
    return [...oldest].map(([writer, value]) => ({ labels: { writer }, value }))
  }
  metrics.gauge('stonechat_batch_lag_seconds', 'The age of the oldest of what waits to be written.', lag, labels)
  const commits = () => figures().map(({ name, commits }) => ({ labels: { writer: name }, distribution: commits }))
  metrics.distributions('stonechat_batch_commit_seconds', 'Commits, by how long they took.', commits, labels)
}
