import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import bunyan from 'bunyan'
import { componentLimits } from '../../src/config/component-config.ts'
import { decodeOptions } from '../../src/config/layers.ts'
import { loadServerConfig, type ServerConfig } from '../../src/config/server-config.ts'
import { loadCatalogue } from '../../src/module/catalogue.ts'
import type { AnyModule } from '../../src/module/define.ts'
import type { EnabledModule } from '../../src/module/lifecycle.ts'
import { ensureCertificate } from '../../src/net/certificate.ts'
import { ConnectionCount } from '../../src/net/listener.ts'
import { TlsContexts } from '../../src/net/tls-context.ts'
import { Server } from '../../src/server.ts'
import { type Database, openDatabase } from '../../src/storage/database.ts'
import { connectBosh } from './bosh-transport.ts'
import { FakeClock } from './fake-clock.ts'
import { sharedMariadb } from './mariadb.ts'
import { connectTls, MemoryPair, type Transport } from './transport.ts'
import { connectWebSocket } from './websocket-transport.ts'

/** What a story may ask of its server. */
export interface BedOptions {
  readonly hosts?: readonly string[]
  /** Options over the defaults, by module. */
  readonly modules?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** Options of `server.yaml` over the defaults; blocks are merged. */
  readonly server?: Readonly<Record<string, unknown>>
  /** Modules of the test's own, after the others. */
  readonly extra?: readonly AnyModule[]
  /** Modules that are off for some hosts, by the domain. */
  readonly without?: Readonly<Record<string, readonly string[]>>
  /** Has every line of the log, from level trace on, in `lines`. */
  readonly trace?: true
}

export type BedKind = 'bosh' | 'mysql' | 'process' | 'tls' | 'websocket'

/** The kind of bed stories run on: in memory on SQLite, over TLS, by WebSocket or by BOSH on SQLite, or in memory on MySQL. */
export const bedKind = (process.env['BED'] ?? 'process') as BedKind

/** A server for stories, in this process. */
export interface Bed {
  readonly server: Server
  readonly database: Database
  readonly clock: FakeClock
  readonly domain: string
  /** The data folder. */
  readonly folder: string
  /** Every line of the server's log at level error and above. */
  readonly errors: string[]
  /** Every line of the log, where the options ask for that. */
  readonly lines: string[]
  connect(domain?: string): Promise<Transport>
  /** Where its HTTP server is, without TLS: `http://127.0.0.1:PORT`. It listens from the first call on. */
  web(): Promise<string>
  close(): Promise<void>
}

const FOR_EVER_MS = 1e12
const modulesFolder = fileURLToPath(new URL('../../modules', import.meta.url))

/** What every bed has. */
export interface PlainBed {
  readonly server: Server
  /** The data folder. */
  readonly folder: string
  readonly config: ServerConfig
  readonly database: Database
  readonly clock: FakeClock
  readonly tls: TlsContexts
  readonly errors: string[]
  readonly lines: string[]
  web(): Promise<string>
  close(): Promise<void>
}

/** A server that nothing leads to yet; `folder` takes its files. It stands on the database of `databaseUrl`, if given. */
export async function openPlainBed(options: BedOptions, folder: string, databaseUrl?: string): Promise<PlainBed> {
  const clock = new FakeClock()
  const errors: string[] = []
  const lines: string[] = []
  const log = bunyan.createLogger({
    name: 'stonechat',
    ...(options.trace && { serializers: bunyan.stdSerializers }),
    streams: [
      { level: 'error', type: 'raw', stream: { write: (line: object) => errors.push(JSON.stringify(line)) } as never },
      ...(options.trace
        ? [{ level: 'trace' as const, stream: { write: (line: string) => lines.push(line) } as never }]
        : []),
    ],
  })
  const config = { ...serverConfig(options), data: folder }
  const url = databaseUrl ?? (bedKind === 'mysql' ? await (await sharedMariadb()).createDatabase() : 'sqlite::memory:')
  const database = await openDatabase({ url, dataDir: folder, pool: 5, log })
  const modules = await enabledModules(options, config.hosts)
  const parts = { config, modules, db: database, clock, log, version: '0.0.0-test' }
  const server = await Server.start(parts).catch(async (error) => {
    await database.close()
    throw error
  })
  const tls = new TlsContexts({ default: await ensureCertificate(folder, config.hosts), hosts: new Map(), log })
  const close = async () => {
    await server.stop()
    tls.close()
    await database.close()
  }
  let web: Promise<string> | undefined
  const openWeb = async () => {
    const count = new ConnectionCount({ connections: 0, connectionsPerAddress: 0 })
    return `http://127.0.0.1:${await server.listenForWeb('127.0.0.1', 0, count)}`
  }
  return { server, folder, config, database, clock, tls, errors, lines, web: () => (web ??= openWeb()), close }
}

/** A bed for stories, of the kind that `BED` says. */
export async function openBed(options: BedOptions = {}): Promise<Bed> {
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-bed-'))
  const own = bedKind === 'bosh' ? merge({ modules: { bosh: patient } }, options) : options
  const { server, config, database, clock, tls, errors, lines, web, close } = await openPlainBed(own, folder)
  const port = bedKind === 'tls' ? await server.listenOn('127.0.0.1', 0, tls, true) : 0
  const domain = config.hosts[0]!
  return {
    server,
    database,
    clock,
    domain,
    folder,
    errors,
    lines,
    connect: async (name = domain) => {
      if (bedKind === 'tls') return await connectTls(port, name)
      if (bedKind === 'bosh') return connectBosh(await web(), name)
      if (bedKind === 'websocket') return await connectWebSocket(await web(), name)
      const pair = new MemoryPair()
      server.accept(pair)
      return pair
    },
    web,
    close: async () => {
      await close()
      await rm(folder, { recursive: true })
    },
  }
}

/** Options of BOSH where the clock jumps, and nobody has the time to ask again. */
const patient = { wait: FOR_EVER_MS, inactivity: FOR_EVER_MS, sessionsPerAddress: 0 }

/** The configuration of a bed: the defaults, but cheap hashing and wrong passwords answered at once. */
function serverConfig(options: BedOptions): ServerConfig {
  const { config } = loadServerConfig(null, { base: tmpdir() })
  // Where the clock jumps, nobody has the time to answer a ping.
  const keepalive = bedKind === 'bosh' || bedKind === 'websocket' ? 0 : config.limits.keepalive
  const base = {
    ...config,
    hosts: [...(options.hosts ?? ['localhost'])],
    auth: { ...config.auth, scramIterations: 4096, guesses: { ...config.auth.guesses, delay: 0 } },
    limits: { ...config.limits, keepalive, closeTimeout: 500 },
  }
  const merged = merge(base, options.server ?? {}) as ServerConfig
  const components = Object.entries(merged.components).map(([domain, component]) => [
    domain,
    { ...component, limits: { ...componentLimits, ...component.limits } },
  ])
  return { ...merged, components: Object.fromEntries(components) }
}

function merge(base: object, over: object): object {
  const result: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const old = result[key]
    result[key] = isBlock(old) && isBlock(value) ? merge(old, value) : value
  }
  return result
}

function isBlock(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The modules that are on, as a test's options say; an option that does not exist or has a wrong value fails. */
export async function enabledModules(
  options: BedOptions,
  hosts: readonly string[],
): Promise<ReadonlyMap<string, readonly EnabledModule[]>> {
  const catalogue = await loadCatalogue(modulesFolder)
  for (const name of Object.keys(options.modules ?? {}))
    if (!catalogue.some((m) => m.name === name)) throw new Error(`there is no module ${name}`)
  const enabled = catalogue.flatMap((module) => {
    const { enabled = module.enabledByDefault ?? true, ...over } = options.modules?.[module.name] ?? {}
    if (!enabled) return []
    const defaults = decodeOptions(module.options ?? {}, [], { file: module.name }).values as Record<string, unknown>
    for (const key of Object.keys(over))
      if (!(key in defaults)) throw new Error(`module ${module.name} has no option ${key}`)
    return [{ module, config: merge(defaults, over) as Record<string, unknown> }]
  })
  const own = (options.extra ?? []).map((module) => ({ module, config: {} }))
  const isOn = (host: string, name: string) => options.without?.[host]?.includes(name) !== true
  return new Map(hosts.map((host) => [host, [...enabled, ...own].filter(({ module }) => isOn(host, module.name))]))
}
