import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type Logger from 'bunyan'
import type { HttpRoutes } from '../http/route.ts'
import type { Connection } from '../net/connection.ts'
import type { Metrics } from '../observe/metrics.ts'
import { compileFlows, type Registration } from '../pipeline/compile.ts'
import type { Host } from '../session/host.ts'
import type { Database } from '../storage/database.ts'
import { KeyValue } from '../storage/key-value.ts'
import type { Clock } from '../util/clock.ts'
import { syncFolder } from '../util/sync-folder.ts'
import type { Commands } from './command.ts'
import type { AnyModule, Context, OptionComplaint, ServerFacts } from './define.ts'
import { dependenciesOf } from './order.ts'

/** What modules are set up with. */
export interface ModuleSurroundings {
  readonly db: Database
  /** Where modules have their folders. */
  readonly data: string
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  readonly server: ServerFacts
  readonly commands: Commands
  readonly routes: HttpRoutes
  /** `by` is the module that has brought the connection about. */
  readonly acceptClient: (connection: Connection, by: string) => void
}

/** A module that is on for a host, with its options decoded. */
export interface EnabledModule {
  readonly module: AnyModule
  readonly config: Readonly<Record<string, unknown>>
}

type Undo = () => unknown

/** The modules of one host, from `start` to `stop`. */
export class HostModules {
  readonly #host: Host
  readonly #surroundings: ModuleSurroundings
  readonly #undo = new Set<Undo>()
  readonly #registrations: Registration[] = []
  readonly #ready: (() => void | Promise<void>)[] = []

  constructor(host: Host, surroundings: ModuleSurroundings) {
    this.#host = host
    this.#surroundings = surroundings
  }

  /**
   * Sets the modules up in the order given (dependencies first) and compiles the host's flows. When one throws, all
   * that was attached is taken back and the error, naming the module, is thrown on. {@link begin} is to follow.
   */
  async start(enabled: readonly EnabledModule[]): Promise<void> {
    const apis = new Map<string, unknown>()
    try {
      for (const { module, config } of enabled) {
        const deps = this.#resolve(module, apis)
        try {
          refuseComplaints(module.check?.(config, this.#host.domain) ?? [])
          apis.set(module.name, await module.setup(this.#context(module, config, deps)))
        } catch (error) {
          throw new Error(`module ${module.name} could not start on ${this.#host.domain}: ${String(error)}`, {
            cause: error,
          })
        }
        this.#announce(this.#host.features.host, module.features?.host ?? [])
        this.#announce(this.#host.features.account, module.features?.account ?? [])
      }
      this.#host.flows = compileFlows(this.#registrations)
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /**
   * Lets the modules do what needs all of them, on all hosts: what one of them sends finds everybody. When one throws, all
   * that was attached is taken back and the error is thrown on.
   */
  async begin(): Promise<void> {
    try {
      for (const begin of this.#ready.splice(0)) await begin()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /** Takes everything back, last attached first. */
  async stop(): Promise<void> {
    this.#host.flows = compileFlows([])
    for (const undo of [...this.#undo].reverse()) {
      try {
        await undo()
      } catch (error) {
        this.#surroundings.log.error({ err: error, host: this.#host.domain }, 'a module could not stop cleanly')
      }
    }
    this.#undo.clear()
    this.#registrations.length = 0
    this.#ready.length = 0
  }

  /** Two modules may share a feature: whoever announced it first takes it back. */
  #announce(announced: Set<string>, features: readonly string[]): void {
    for (const feature of features) {
      if (announced.has(feature)) continue
      announced.add(feature)
      this.#undo.add(() => announced.delete(feature))
    }
  }

  #resolve(module: AnyModule, apis: ReadonlyMap<string, unknown>): Record<string, unknown> {
    const deps: Record<string, unknown> = {}
    for (const { key, name, soft } of dependenciesOf(module)) {
      if (!apis.has(name) && !soft)
        throw new Error(
          `module ${module.name} needs module ${name}, which is turned off: turn it on, or ${module.name} off`,
        )
      deps[key] = apis.get(name)
    }
    return deps
  }

  #context(module: AnyModule, config: Readonly<Record<string, unknown>>, deps: Record<string, unknown>): Context {
    const host = this.#host
    const { db, data, clock, log, metrics, server, commands, routes, acceptClient } = this.#surroundings
    const { name } = module
    const lend = (undo: Undo) => void this.#undo.add(undo)
    const context: Context = {
      host,
      config,
      deps,
      log: log.child({ module: name, host: host.domain }),
      metrics: metrics.scope(`stonechat_${name.replaceAll('-', '_')}_`, { host: host.domain }, lend),
      clock,
      db,
      kv: new KeyValue(db, `${name}@${host.domain}`),
      folder: async () => {
        const folder = join(data, name, host.domain)
        await mkdir(folder, { recursive: true, mode: 0o700 })
        await Promise.all([dirname(folder), data].map(syncFolder))
        return folder
      },
      server,
      flow: (flow, phase, handler, place) =>
        void this.#registrations.push({ module: name, flow, phase, handler: handler as never, ...place }),
      on: (notice, handler) => lend(host.hooks.attach(notice, handler)),
      gate: (gate, handler) => lend(host.hooks.attach(gate, handler)),
      answer: (question, handler) => lend(host.hooks.attach(question, handler)),
      add: (collection, item) => lend(host.hooks.attach(collection, item)),
      iq: (type, target, element, xmlns, handler) => lend(host.iq.add(type, target, element, xmlns, name, handler)),
      serve: (domain, receive) => lend(host.attach(domain, receive)),
      route: (route) => lend(routes.add(host.domain, route)),
      upgrade: (route) => lend(routes.addUpgrade(host.domain, route)),
      acceptClient: (connection) => acceptClient(connection, name),
      after: (ms, fn) => {
        const cancel = clock.after(ms, () => {
          this.#undo.delete(cancel)
          fn()
        })
        lend(cancel)
        return () => {
          this.#undo.delete(cancel)
          cancel()
        }
      },
      every: (ms, failure, work) => {
        let running: Promise<void> | undefined
        const run = async (): Promise<void> => {
          try {
            await work()
          } catch (error) {
            context.log.warn({ err: error }, failure)
          }
          running = undefined
        }
        const begin = (): void => {
          cancel = clock.after(ms, begin)
          running ??= run()
        }
        let cancel = clock.after(ms, begin)
        lend(() => {
          cancel()
          return running
        })
      },
      commands,
      command: (command, run, domain = host.domain) => {
        const declaration = module.commands?.find((one) => one.name === command)
        lend(commands.addFor(domain, command, run, declaration && { host: host.domain, declaration }))
      },
      onReady: (fn) => void this.#ready.push(fn),
      onStop: (fn) => lend(fn),
    }
    return context
  }
}

/** Whoever reads configuration files has told of these before, with file and line. */
function refuseComplaints([first]: readonly OptionComplaint[]): void {
  if (first !== undefined) throw new Error(`${first.option} ${first.message}`)
}
