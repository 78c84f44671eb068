import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type Logger from 'bunyan'
import { Accounts } from './auth/accounts.ts'
import { Throttle } from './auth/throttle.ts'
import type { ServerConfig } from './config/server-config.ts'
import { HttpRoutes } from './http/route.ts'
import { Commands } from './module/command.ts'
import type { ServerFacts } from './module/define.ts'
import { type EnabledModule, HostModules } from './module/lifecycle.ts'
import type { Connection } from './net/connection.ts'
import { ConnectionCount, Listener } from './net/listener.ts'
import { TcpConnection } from './net/tcp-connection.ts'
import type { TlsContexts } from './net/tls-context.ts'
import { Networks } from './net/trusted-proxies.ts'
import { shareLevel } from './observe/log.ts'
import { Metrics } from './observe/metrics.ts'
import { observeProcess } from './observe/process.ts'
import { Components } from './routing/components.ts'
import { Router } from './routing/router.ts'
import { serverCommands } from './server-commands.ts'
import { observeServer } from './server-metrics.ts'
import { componentConnected } from './session/component-hooks.ts'
import { hostStopping } from './session/hooks.ts'
import { Host } from './session/host.ts'
import { logSessions } from './session-log.ts'
import { StreamError } from './stanza/stream-error.ts'
import { Stopping } from './stopping.ts'
import type { Database } from './storage/database.ts'
import { KeyValue } from './storage/key-value.ts'
import { migrate } from './storage/migrate.ts'
import { ClientStream } from './stream/client-stream.ts'
import { type ComponentContext, ComponentStream } from './stream/component-stream.ts'
import type { StreamContext } from './stream/stream-context.ts'
import { StreamCounts } from './stream/stream-counts.ts'
import { outputLimits, streamSettings } from './stream-settings.ts'
import type { Cancel, Clock } from './util/clock.ts'
import { WebDoor, webUrl } from './web-door.ts'

/** Where the migrations are. */
export const sqlFolder: string = fileURLToPath(new URL('../sql', import.meta.url))

/** What a server is made of; the caller owns the database and closes it after `stop`. */
export interface ServerParts {
  readonly config: ServerConfig
  /** The modules that are on, with their options, for each host; dependencies first. */
  readonly modules: ReadonlyMap<string, readonly EnabledModule[]>
  readonly db: Database
  readonly clock: Clock
  readonly log: Logger
  readonly version: string
  /** What secrets are derived from, which is not in the database; one in the database unless given. */
  readonly secret?: Uint8Array
}

/** The ports in use, 0 for a listener that is off. */
export interface Ports {
  readonly client: number
  readonly clientTls: number
  readonly component: number
  readonly http: number
  readonly https: number
}

/** The server: hosts with their modules, and the streams of their clients and components. It listens only when told to. */
export class Server {
  readonly hosts: ReadonlyMap<string, Host>
  readonly commands: Commands = new Commands()
  /** What commands have called for; whoever runs the server sees to it. */
  readonly stopping: Stopping
  /** What there is to see of it in numbers. */
  readonly metrics: Metrics
  readonly #parts: ServerParts
  readonly #context: StreamContext
  readonly #componentContext: ComponentContext
  readonly #modules: readonly HostModules[]
  readonly #streams = new Set<ClientStream | ComponentStream>()
  readonly #listeners: Listener[] = []
  readonly #proxies: Networks
  readonly #routes = new HttpRoutes()
  readonly #counts = new Set<ConnectionCount>()
  readonly #unobserve: () => void
  #web: WebDoor | undefined
  #cancelSweep: Cancel | undefined
  #stopping = false
  #onLastClosed: () => void = () => {}

  private constructor(
    parts: ServerParts,
    hosts: ReadonlyMap<string, Host>,
    modules: readonly HostModules[],
    decoySecret: Uint8Array,
  ) {
    this.#parts = parts
    this.hosts = hosts
    this.#modules = modules
    this.stopping = new Stopping(parts.clock)
    this.#proxies = new Networks(parts.config.proxies)
    const { config, clock, db, log, version } = parts
    shareLevel(log)
    this.metrics = new Metrics((name, error) => log.warn({ err: error, metric: name }, 'a metric could not be read'))
    const [streams, connectionCounts] = [this.#streams, this.#counts]
    observeServer(this.metrics, { version, clock, db, hosts, streams, connectionCounts })
    this.#unobserve = observeProcess(this.metrics)
    for (const host of hosts.values()) logSessions(host, log)
    const components = new Components(
      Object.entries(config.components).map(([domain, { limits }]) => [domain, limits.connections] as const),
    )
    const router = new Router(log, components)
    for (const host of hosts.values()) router.serve(host)
    const { guesses } = config.auth
    const throttle = new Throttle(
      {
        perAddress: guesses.perAddress,
        perAccount: guesses.perAccount,
        windowMs: guesses.window,
        delayMs: guesses.delay,
      },
      clock,
    )
    const counts = new StreamCounts(this.metrics)
    this.#context = { hosts, router, clock, log, settings: streamSettings(config), throttle, decoySecret, counts }
    this.#componentContext = componentContext(this.#context, components, config)
    for (const command of serverCommands(hosts, this.stopping, log)) this.commands.add(command)
  }

  /** Brings the schema up to date and sets the modules of every host up; rejects when one of them cannot. */
  static async start(parts: ServerParts): Promise<Server> {
    const { config, db, clock, log } = parts
    await migrate(db, sqlFolder)
    const facts: Omit<ServerFacts, 'components' | 'isStopping' | 'metrics' | 'webUrl'> = {
      name: 'Stonechat',
      version: parts.version,
      startedMs: clock.now(),
      admins: config.admins.map(String),
      streams: {
        beforeLogin: { maxBytes: config.limits.preAuth.bytes, idleMs: config.limits.preAuth.time },
        afterLogin: { maxBytes: config.limits.stanza.bytes, idleMs: config.limits.keepalive },
      },
      output: outputLimits(config),
    }
    const secret = parts.secret ?? (await keptSecret(db, 'secret'))
    const hosts = new Map<string, Host>()
    const started: HostModules[] = []
    for (const domain of config.hosts) {
      const accounts = new Accounts(db, domain, {
        iterations: config.auth.scramIterations,
        clock,
        onUpgradeFailure: (error) =>
          log.warn({ err: error, host: domain }, 'the password hashes of an account could not be upgraded at login'),
      })
      const onCrash = (hook: string, error: unknown) =>
        log.error({ err: error, hook, host: domain }, 'a listener crashed')
      const { deletionGrace: deletionGraceMs, limits } = config
      const { inboundPending } = limits
      const host = new Host(domain, accounts, onCrash, { inboundPending, clock, deletionGraceMs, secret })
      hosts.set(domain, host)
    }
    const server = new Server(parts, hosts, started, await keptSecret(db, 'decoy-secret'))
    try {
      for (const host of hosts.values()) {
        const { commands, metrics } = server
        const own = {
          ...facts,
          metrics,
          isStopping: () => server.#stopping,
          components: componentsOf(host.domain, config),
          webUrl: webUrl(config, host.domain),
        }
        const { data } = config
        const surroundings = {
          db,
          data,
          clock,
          log,
          metrics,
          server: own,
          commands,
          routes: server.#routes,
          acceptClient: (connection: Connection, by: string) => void server.accept(connection, by),
        }
        const modules = new HostModules(host, surroundings)
        await modules.start(parts.modules.get(host.domain) ?? [])
        started.push(modules)
      }
      for (const modules of started) await modules.begin()
    } catch (error) {
      for (const modules of started.reverse()) await modules.stop()
      throw error
    }
    for (const host of hosts.values()) host.deletions.begin()
    server.#sweepLater()
    return server
  }

  /** Opens the configured ports; resolves with those in use. */
  async listen(tls: TlsContexts): Promise<Ports> {
    const { config, log } = this.#parts
    const count = new ConnectionCount(config.limits)
    const open = async ({ address, port }: { address: string; port: number }, direct: boolean): Promise<number> => {
      if (port === 0) return 0
      return await this.listenOn(address, port, tls, direct, count)
    }
    const { component } = config.listen
    const ports = {
      client: await open(config.listen.client, false),
      clientTls: await open(config.listen.clientTls, true),
      component:
        component.port === 0 ? 0 : await this.listenForComponents(component.address, component.port, tls, count),
      http: await this.#openWeb(config.listen.http, count),
      https: await this.#openWeb(config.listen.https, count, tls),
    }
    log.info({ ports, hosts: config.hosts }, 'listening')
    return ports
  }

  /** Opens one port; with port 0 the system picks one. `direct` is TLS from the first byte (XEP-0368). */
  async listenOn(
    address: string,
    port: number,
    tls: TlsContexts,
    direct: boolean,
    count: ConnectionCount = new ConnectionCount({ connections: 0, connectionsPerAddress: 0 }),
  ): Promise<number> {
    return await this.#listen(address, port, tls, count, (connection) => {
      const stream = this.accept(connection)
      if (direct) stream.secureFirst()
    })
  }

  /** Like {@link listenOn}, for components (XEP-0114): without TLS. */
  async listenForComponents(
    address: string,
    port: number,
    tls: TlsContexts,
    count: ConnectionCount = new ConnectionCount({ connections: 0, connectionsPerAddress: 0 }),
  ): Promise<number> {
    return await this.#listen(address, port, tls, count, (connection) => this.acceptComponent(connection))
  }

  /** Opens a port for HTTP, with TLS when given; with port 0 the system picks one. */
  async listenForWeb(address: string, port: number, count: ConnectionCount, tls?: TlsContexts): Promise<number> {
    this.#counts.add(count)
    this.#web ??= await WebDoor.open(this.#routes, { ...this.#parts, proxies: this.#proxies })
    return await this.#web.listenOn(address, port, count, tls)
  }

  async #openWeb(at: { address: string; port: number }, count: ConnectionCount, tls?: TlsContexts): Promise<number> {
    return at.port === 0 ? 0 : await this.listenForWeb(at.address, at.port, count, tls)
  }

  async #listen(
    address: string,
    port: number,
    tls: TlsContexts,
    count: ConnectionCount,
    accept: (connection: Connection) => void,
  ): Promise<number> {
    this.#counts.add(count)
    const limits = outputLimits(this.#parts.config)
    const { clock, log } = this.#parts
    const listener = new Listener({ count, proxies: this.#proxies, clock, log }, (socket, client) =>
      accept(new TcpConnection(socket, client, tls, limits, clock)),
    )
    this.#listeners.push(listener)
    return await listener.listen(address, port)
  }

  /** Starts a client's stream on a connection; on one that a module has brought about, with a host that has the module. */
  accept(connection: Connection, module?: string): ClientStream {
    const context = module === undefined ? this.#context : { ...this.#context, hosts: this.#hostsWith(module) }
    return this.#keep(new ClientStream(connection, context, (closed) => this.#forget(closed)))
  }

  #hostsWith(name: string): ReadonlyMap<string, Host> {
    const { modules } = this.#parts
    return new Map(
      [...this.hosts].filter(([domain]) => modules.get(domain)?.some(({ module }) => module.name === name)),
    )
  }

  /** Starts a component's stream on a connection. */
  acceptComponent(connection: Connection): ComponentStream {
    return this.#keep(new ComponentStream(connection, this.#componentContext, (closed) => this.#forget(closed)))
  }

  #keep<S extends ClientStream | ComponentStream>(stream: S): S {
    this.#streams.add(stream)
    if (this.#stopping) stream.close(new StreamError('system-shutdown'))
    return stream
  }

  #forget(stream: ClientStream | ComponentStream): void {
    this.#streams.delete(stream)
    if (this.#streams.size === 0) this.#onLastClosed()
  }

  /** Stops in order: no new connections, what came in is finished, every stream hears why, modules let go. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.stopping.cancel()
    this.#cancelSweep?.()
    for (const listener of this.#listeners) listener.close()
    this.#web?.stopListening()
    const clients = [...this.#streams].filter((stream) => stream instanceof ClientStream)
    const components = [...this.#streams].filter((stream) => stream instanceof ComponentStream)
    await this.#settled(clients, components)
    for (const host of this.hosts.values()) host.hooks.notify(hostStopping, host)
    for (const stream of [...clients, ...components])
      stream.close(new StreamError('system-shutdown', 'The server is being stopped.'))
    for (const host of this.hosts.values()) await host.deletions.stop()
    for (const modules of [...this.#modules].reverse()) await modules.stop()
    await this.#drained(this.#parts.config.limits.closeTimeout)
    await this.#web?.close()
    this.#unobserve()
  }

  /**
   * Waits until what came in is dealt with, also of clients whose connections are gone, at most as long as
   * `limits.stopTimeout` says.
   */
  async #settled(clients: readonly ClientStream[], components: readonly ComponentStream[]): Promise<void> {
    const { clock, config, log } = this.#parts
    const settle = (streams: readonly (ClientStream | ComponentStream)[]) =>
      Promise.all(streams.map((stream) => stream.settle()))
    // One after the other, since what clients have sent may wait for what components answer.
    const all = Promise.all([settle(clients), this.#inboxesIdle()]).then(() => settle(components))
    const { promise: late, resolve } = Promise.withResolvers<'late'>()
    const { stopTimeout } = config.limits
    const cancel = stopTimeout > 0 ? clock.after(stopTimeout, () => resolve('late')) : () => {}
    if ((await Promise.race([all, late])) === 'late') log.warn('stopping though clients still wait for answers')
    cancel()
  }

  /** Also of sessions that rest: of what they sent, all that is handled is to be counted (XEP-0198 §5). */
  async #inboxesIdle(): Promise<void> {
    const sessions = [...this.hosts.values()].flatMap((host) =>
      [...host.users()].flatMap((user) => [...user.sessions.values()]),
    )
    await Promise.all(sessions.map(({ inbox }) => inbox.idle()))
  }

  /** Waits until all connections are gone, at most `timeoutMs` (0: as long as it takes). */
  async #drained(timeoutMs: number): Promise<void> {
    if (this.#streams.size === 0) return
    await new Promise<void>((resolve) => {
      this.#onLastClosed = resolve
      if (timeoutMs > 0) this.#parts.clock.after(timeoutMs, resolve)
    })
  }

  /** RFC 6120 §4.6.1: white space on quiet streams finds out which of them are dead. */
  #sweepLater(): void {
    const { keepalive } = this.#parts.config.limits
    if (keepalive === 0) return
    this.#cancelSweep = this.#parts.clock.after(keepalive, () => {
      for (const stream of this.#streams) stream.keepAlive()
      this.#sweepLater()
    })
  }
}

/** The components a host tells of: those of its own subdomains, and those under none of the hosts. */
function componentsOf(host: string, { components, hosts }: ServerConfig): string[] {
  const isUnder = (domain: string, parent: string) => domain.endsWith(`.${parent}`)
  return Object.keys(components).filter(
    (domain) => isUnder(domain, host) || !hosts.some((other) => isUnder(domain, other)),
  )
}

function componentContext(client: StreamContext, components: Components, config: ServerConfig): ComponentContext {
  const { router, clock, counts, log, throttle, settings } = client
  const { preAuthLimits, preAuthMs, closeMs, liveLimits } = settings
  const known = Object.entries(config.components).map(([domain, { secret, limits }]) => {
    const { bytes, inboundPending } = limits
    return [domain, { secret, liveLimits: { ...liveLimits, bytes }, inboundPending }] as const
  })
  return {
    router,
    components,
    known: new Map(known),
    clock,
    counts,
    log,
    throttle,
    settings: { preAuthLimits, preAuthMs, closeMs, liveLimits },
    onConnected: (connection) => {
      for (const host of client.hosts.values()) host.hooks.notify(componentConnected, connection)
    },
    serverName: config.hosts[0]!,
  }
}

/** A key that is made once and kept, such as that of invented salts: a stranger sees the same salt after a restart. */
async function keptSecret(db: Database, name: string): Promise<Uint8Array> {
  const kv = new KeyValue(db, 'auth')
  const known = await kv.get(name)
  if (known !== undefined) return Buffer.from(known, 'base64')
  const secret = randomBytes(32)
  await kv.set(name, secret.toString('base64'))
  return secret
}
