/** `npm run bench -- [parts] [options]`: measures, prints tables and keeps them as JSON. */

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { measureArchive } from './archive.ts'
import { measureBroadcasts } from './broadcasts.ts'
import { measureChat } from './chat.ts'
import type { Entry } from './contender.ts'
import { measureDispatch } from './dispatch.ts'
import { measureIdle } from './idle.ts'
import type { Road, Transport } from './load.ts'
import { measureLogins } from './login.ts'
import { measureOffline } from './offline.ts'
import { measurePages } from './pages.ts'
import { type PartReport, publish } from './report.ts'
import { measureRooms } from './rooms.ts'
import { measureIdleRooms } from './rooms-idle.ts'
import { measureRosters } from './rosters.ts'
import type { PasswordHash, ServerKind } from './server-kind.ts'
import { kinds } from './servers.ts'
import { measureUploads } from './upload.ts'
import { measureWebSocket } from './websocket.ts'

const parts = [
  ...(['parser', 'dispatch', 'chat', 'idle', 'archive', 'sm', 'carbons', 'offline', 'pages'] as const),
  ...(['rooms', 'rooms-idle', 'login', 'roster', 'presence', 'ping', 'pep', 'upload', 'websocket'] as const),
] as const

const usage = `npm run bench -- [parts] [options]

Parts: ${parts.join(', ')}; all of them when none is named.
  --servers LIST    servers to run on: ${kinds.map((kind) => kind.name).join(',')} (those installed)
  --tls             archive, sm and carbons with TLS, too (chat and websocket have it anyway)
  --pairs N         pairs that chat (20; archive 100)
  --window N        messages in flight in each direction of a pair at full speed (4; archive 1)
  --rate N          messages a second at the even pace (2000; archive 100, sm 1000, carbons 500;
                    rooms 20, at most 5000 deliveries; presence 20, ping 1000, pep 20)
  --rounds N        rounds, of which the median counts (5; pages 3)
  --seconds N       length of a round (4; archive and rooms at the even pace 10; pages 2, for each page)
  --sessions LIST   numbers of idle sessions (1000,5000)
  --settle N        longest wait for memory to come to rest, in seconds (60)
  --away N          accounts that are offline (50)
  --messages N      messages that wait for each of them (100)
  --sizes LIST      lengths of the archive that pages are taken from, rising (1000,100000,1000000)
  --occupants LIST  occupants of a room (10,100,1000)
  --senders N       how many of them talk at full speed (10)
  --rejoins N       how often the last of them leaves and enters (5)
  --rooms N         rooms at rest (10000)
  --hashes LIST     hashes of the passwords (SHA-1,SHA-256)
  --transports LIST ways to connect (plain,starttls,starttls resumed,tls,tls resumed)
  --roads LIST      ways to log in: full (RFC 6120), and of Stonechat alone sasl2 and fast (full)
  --contacts N      contacts of an account (roster 5000, presence 50, pep 100)
  --mebibytes N     length of a file that is uploaded (100)
  --results FOLDER  where the figures are kept (bench/results)
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    servers: { type: 'string' },
    tls: { type: 'boolean', default: false },
    pairs: { type: 'string' },
    window: { type: 'string' },
    rate: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    sessions: { type: 'string', default: '1000,5000' },
    settle: { type: 'string', default: '60' },
    away: { type: 'string', default: '50' },
    messages: { type: 'string', default: '100' },
    sizes: { type: 'string', default: '1000,100000,1000000' },
    occupants: { type: 'string', default: '10,100,1000' },
    senders: { type: 'string', default: '10' },
    rejoins: { type: 'string', default: '5' },
    rooms: { type: 'string', default: '10000' },
    hashes: { type: 'string', default: 'SHA-1,SHA-256' },
    transports: { type: 'string', default: 'plain,starttls,starttls resumed,tls,tls resumed' },
    roads: { type: 'string', default: 'full' },
    contacts: { type: 'string' },
    mebibytes: { type: 'string', default: '100' },
    results: { type: 'string', default: fileURLToPath(new URL('results/', import.meta.url)) },
    help: { type: 'boolean', default: false },
  },
})

const unknown = positionals.filter((name) => !(parts as readonly string[]).includes(name))
if (values.help || unknown.length > 0) {
  process.stdout.write(usage)
  process.exit(unknown.length > 0 ? 64 : 0)
}

const wanted = new Set(positionals.length > 0 ? positionals : parts)
const number = (name: 'contacts' | 'pairs' | 'window' | 'rate' | 'rounds' | 'seconds', fallback: number): number =>
  Number(values[name] ?? fallback)
const list = (text: string): number[] => text.split(',').map(Number)

const measures: Readonly<
  Record<(typeof parts)[number], () => Promise<PartReport | readonly PartReport[] | undefined>>
> = {
  parser: measureParser,
  dispatch: measureDispatch,
  chat: () => measureChat('chat', onTheirOwn(), { ...conversation(20, 4, 2000), tls: true }),
  sm: () => measureChat('sm', onTheirOwn(), conversation(20, 4, 1000)),
  carbons: () => measureChat('carbons', onTheirOwn(), conversation(20, 4, 500)),
  archive: () =>
    measureArchive(onMariadb(), {
      ...conversation(100, 1, 100),
      pacedSeconds: number('seconds', 4) * 2.5,
      restSeconds: 1,
      idleSeconds: 20,
    }),
  offline: () =>
    measureOffline(onMariadb(), {
      accounts: Number(values.away),
      messages: Number(values.messages),
      rounds: number('rounds', 5),
      restSeconds: 1,
    }),
  pages: () =>
    measurePages(onMariadb(), {
      sizes: list(values.sizes),
      rounds: number('rounds', 3),
      seconds: number('seconds', 2),
    }),
  idle: () =>
    measureIdle(servers(), {
      sessions: list(values.sessions),
      sessionsPerAccount: 10,
      settleSeconds: Number(values.settle),
    }),
  rooms: () =>
    measureRooms(onMariadb(), {
      occupants: list(values.occupants),
      senders: Number(values.senders),
      rate: number('rate', 20),
      mostDeliveries: values.rate === undefined ? 5_000 : Number.POSITIVE_INFINITY,
      rounds: number('rounds', 5),
      seconds: number('seconds', 4),
      pacedSeconds: number('seconds', 4) * 2.5,
      warmUpSeconds: Math.min(6, number('seconds', 4) * 1.5),
      restSeconds: 1,
      rejoins: Number(values.rejoins),
      settleSeconds: Number(values.settle),
    }),
  login: () =>
    measureLogins(withMariadb(['stonechat', 'ejabberd']), {
      hashes: values.hashes.split(',') as PasswordHash[],
      transports: values.transports.split(',') as Transport[],
      roads: values.roads.split(',') as Road[],
      accounts: 50,
      atOnce: 8,
      rounds: number('rounds', 5),
      seconds: number('seconds', 4),
      warmUpSeconds: 8,
      restSeconds: 0.5,
    }),
  roster: () =>
    measureRosters(withMariadb(['stonechat']), {
      contacts: number('contacts', 5000),
      owners: 4,
      rounds: number('rounds', 3),
      seconds: number('seconds', 4),
      restSeconds: 0.5,
    }),
  presence: () => measureBroadcasts('presence', onTheirOwn(), broadcast(number('contacts', 50), 51, 1, 20)),
  ping: () => measureBroadcasts('ping', onTheirOwn(), broadcast(0, 20, 4, 1000)),
  pep: () => measureBroadcasts('pep', withMariadb(['stonechat']), broadcast(number('contacts', 100), 10, 1, 20)),
  upload: () =>
    measureUploads(onTheirOwn(), {
      mebibytes: Number(values.mebibytes),
      rounds: number('rounds', 5),
      restSeconds: 0.5,
    }),
  websocket: () => measureWebSocket(onTheirOwn(), { ...conversation(20, 4, 2000), tls: true }),
  'rooms-idle': () =>
    measureIdleRooms(onMariadb(), {
      rooms: Number(values.rooms),
      accounts: 100,
      settleSeconds: Number(values.settle),
    }),
}

for (const part of parts) {
  if (!wanted.has(part)) continue
  const report = await measures[part]()
  for (const one of [report ?? []].flat()) publish(one, values.results)
}

function conversation(pairs: number, window: number, rate: number) {
  const seconds = number('seconds', 4)
  return {
    pairs: number('pairs', pairs),
    window: number('window', window),
    rate: number('rate', rate),
    rounds: number('rounds', 5),
    seconds,
    pacedSeconds: seconds,
    warmUpSeconds: 6,
    restSeconds: 0,
    idleSeconds: 0,
    tls: values.tls,
  }
}

function broadcast(contacts: number, senders: number, window: number, rate: number) {
  const seconds = number('seconds', 4)
  return {
    contacts,
    senders: contacts === 0 ? senders : Math.min(senders, contacts + 1),
    window: number('window', window),
    rate: number('rate', rate),
    rounds: number('rounds', 5),
    seconds,
    warmUpSeconds: Math.min(6, seconds * 1.5),
    restSeconds: 0.5,
  }
}

/** Each on what it brings along, where accounts and rosters of the peers are; ours on MariaDB as well. */
/** All on what they bring along, and those named on a MariaDB of their own as well. */
function withMariadb(also: readonly string[]): Entry[] {
  return servers().flatMap((kind) => [
    { kind, onMariadb: false },
    ...(also.includes(kind.name) ? [{ kind, onMariadb: true }] : []),
  ])
}

function onTheirOwn(): Entry[] {
  return servers().map((kind) => ({ kind, onMariadb: false }))
}

/** All on MariaDB; ours, which goes first, on SQLite as well. */
function onMariadb(): Entry[] {
  return servers().flatMap((kind) =>
    kind.name === 'stonechat'
      ? [
          { kind, onMariadb: true },
          { kind, onMariadb: false },
        ]
      : [{ kind, onMariadb: true }],
  )
}

function servers(): ServerKind[] {
  const chosen = kinds.filter((kind) => values.servers === undefined || values.servers.split(',').includes(kind.name))
  const missing = chosen.filter((kind) => kind.version() === undefined).map((kind) => kind.name)
  if (missing.length > 0) process.stdout.write(`Not installed, so not measured: ${missing.join(', ')}.\n`)
  const there = chosen.filter((kind) => !missing.includes(kind.name))
  if (there.length === 0) throw new Error('there is no server to measure')
  return there
}

/** The parser's own bench prints its table; what it returns, if anything, is kept. */
async function measureParser(): Promise<PartReport | undefined> {
  const file = new URL('parser.ts', import.meta.url)
  if (!existsSync(file)) return undefined
  const { run } = (await import(file.href)) as { run: () => unknown }
  const rows = await run()
  return Array.isArray(rows) ? { part: 'parser', settings: {}, rows } : undefined
}
