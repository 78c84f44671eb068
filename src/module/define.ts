import type Logger from 'bunyan'
import type { ConfigOf, Options } from '../config/option.ts'
import type { HttpRoute, UpgradeRoute } from '../http/route.ts'
import type { Connection } from '../net/connection.ts'
import type { OutputLimits } from '../net/tcp-connection.ts'
import type { Meter, Metrics } from '../observe/metrics.ts'
import type { Flow, Phases } from '../pipeline/flow.ts'
import type { Collection, Gate, Notice, Question } from '../pipeline/hook.ts'
import type { IqHandler, IqTarget } from '../pipeline/iq-table.ts'
import type { StanzaEvent } from '../pipeline/stanza-event.ts'
import type { Host, Service } from '../session/host.ts'
import type { Database } from '../storage/database.ts'
import type { KeyValue } from '../storage/key-value.ts'
import type { Cancel, Clock } from '../util/clock.ts'
import type { CommandDeclaration, CommandRun, Commands } from './command.ts'

/** A specification a module implements: number, version, and what is left out or special, if anything. */
export interface Xep {
  readonly xep: number
  readonly version: string
  readonly note?: string
  /** Whether something is left out that others may look for. */
  readonly partial?: true
  /** The version of this program that had it first; the first one unless given. */
  readonly since?: string
}
/** Declares an implemented XEP at the version it was written against. */
export function xep(number: number, version: string, note?: string): Xep {
  return note === undefined ? { xep: number, version } : { xep: number, version, note }
}

/** Declares a XEP of which something is left out that others may look for, as the note says. */
export function partly(number: number, version: string, note: string): Xep {
  return { ...xep(number, version, note), partial: true }
}

/** A module as others see it: its name and, in the type, what its `setup` returns. */
export interface Module<Name extends string = string, Api = unknown> {
  readonly name: Name
  readonly _api?: Api
}
/** A dependency that may be absent. */
// biome-ignore lint/suspicious/noExplicitAny: any module will do
export interface Soft<M extends Module<any, any>> {
  readonly soft: M
}
/** Marks a dependency as one the module can do without. */
// biome-ignore lint/suspicious/noExplicitAny: any module will do
export function soft<M extends Module<any, any>>(module: M): Soft<M> {
  return { soft: module }
}
// biome-ignore lint/suspicious/noExplicitAny: any module will do
export type Depends = Readonly<Record<string, Module<any, any> | Soft<Module<any, any>>>>
export type ApiOf<M> = M extends Module<string, infer A> ? A : never
export type DepsOf<D extends Depends> = {
  readonly [K in keyof D]: D[K] extends Soft<infer M> ? ApiOf<M> | undefined : ApiOf<D[K]>
}

/** Where a handler stands among those of its phase, by module name. */
export interface Place {
  readonly before?: string
  readonly after?: string
}

/** Everything a module is lent for one host; what it attaches here is taken back when it stops. */
export interface Context<O extends Options = {}, D extends Depends = {}> {
  readonly host: Host
  /** The module's options as decoded for this host. */
  readonly config: ConfigOf<O>
  readonly deps: DepsOf<D>
  readonly log: Logger
  /** Counts and measures; names are put behind `stonechat_<module>_`, and every sample has the label `host`. */
  readonly metrics: Meter
  readonly clock: Clock
  /** For constructing the module's store and nothing else. */
  readonly db: Database
  /** A few values of the module's own. */
  readonly kv: KeyValue
  /** A folder of the module's own for files of this host, which only the server's user can read; made, on disk, when missing. */
  folder(): Promise<string>
  /** What is known of the program and the server, for modules that tell it. */
  readonly server: ServerFacts
  /** The commands of the whole server: for what gives others a way to them. */
  readonly commands: Pick<Commands, 'of' | 'perform'>

  /** Joins a phase of a stanza flow. */
  flow<E extends StanzaEvent, P extends keyof Phases<E>>(
    flow: Flow<E>,
    phase: P,
    handler: Phases<E>[P],
    place?: Place,
  ): void
  on<E>(notice: Notice<E>, handler: (e: E) => void): void
  gate<E>(gate: Gate<E>, handler: (e: E) => void | Promise<void>): void
  answer<E, A>(question: Question<E, A>, handler: (e: E) => A | undefined): void
  add<T>(collection: Collection<T>, item: NoInfer<T>): void
  /** Answers an IQ request; the handler returns the payload or nothing, and throws to refuse. */
  iq(type: 'get' | 'set', target: IqTarget, name: string, xmlns: string, handler: IqHandler): void
  /**
   * Serves a domain of the module's own, whose addresses are no accounts: `receive` takes whatever is sent there.
   *
   * @throws Error when the domain is somebody else's.
   */
  serve(domain: string, receive: Service): void
  /** Serves a path of the HTTP server, for requests to this host. @throws Error when it is served already. */
  route(route: HttpRoute): void
  /** Serves a path of the HTTP server on which connections become something else. @throws Error when it is served already. */
  upgrade(route: UpgradeRoute): void
  /** Starts a client's stream on a connection that the module has brought about, of whichever host it asks for that has the module. */
  acceptClient(connection: Connection): void
  /** Runs `fn` once, `ms` milliseconds from now, unless the module stops before. */
  after(ms: number, fn: () => void): Cancel
  /**
   * Does something every `ms` milliseconds, for the first time then; a turn that comes while the last is under way is left out. What
   * it throws or rejects with goes into the log, with `failure` for what that means. The module stops when it has ended.
   */
  every(ms: number, failure: string, work: () => void | Promise<void>): void
  /**
   * Does what one of the module's declared commands asks for on this host, or on another domain that the module serves; the
   * first argument says which.
   */
  command(name: string, run: CommandRun, domain?: string): void
  /** Runs when the modules of all hosts are set up, before the server listens. */
  onReady(fn: () => void | Promise<void>): void
  /** Runs when the module stops, last registered first. */
  onStop(fn: () => void | Promise<void>): void
}

/** What a module may know of the server as a whole. */
export interface ServerFacts {
  readonly name: string
  readonly version: string
  /** When the server started, ms since the epoch. */
  readonly startedMs: number
  readonly admins: readonly string[]
  /** The domains of external components that this host tells of, connected or not. */
  readonly components: readonly string[]
  /** What a client's stream may be, before and after login. */
  readonly streams: { readonly beforeLogin: StreamBounds; readonly afterLogin: StreamBounds }
  /** All that is measured, of the server and of the modules of all hosts. */
  readonly metrics: Pick<Metrics, 'contentType' | 'text'>
  /** Whether the server is about to end, and takes nobody in any more. */
  readonly isStopping: () => boolean
  /** What may pile up for a client that reads slowly. */
  readonly output: OutputLimits
  /** Where the world finds this host over HTTP, without a slash at the end; `undefined` when it cannot. */
  readonly webUrl: string | undefined
}

/** The bounds of a client's stream; 0 is no bound. */
export interface StreamBounds {
  /** The largest element, such as a stanza. */
  readonly maxBytes: number
  /** Silence after which the client is seen to: is it still there, or is the stream to end? */
  readonly idleMs: number
}

/** What no single option can see: something wrong with the options of a module taken together, or on this host. */
export interface OptionComplaint {
  /** The path of an option, such as `limits.size`, `services[0]` or `groups.NAME`. */
  readonly option: string
  /** In words: what follows the path. */
  readonly message: string
  /** What to do about it. */
  readonly cure: string
}

/** What a module says of itself, and what sets it up. */
export interface ModuleSpec<N extends string, O extends Options, D extends Depends, Api> {
  /** The name of its folder. */
  readonly name: N
  /** One sentence. */
  readonly summary: string
  readonly implements: readonly Xep[]
  /** Off until an admin turns it on, when false. */
  readonly enabledByDefault?: boolean
  /** Features in service discovery, of the host and of accounts (XEP-0030). */
  readonly features?: { readonly host?: readonly string[]; readonly account?: readonly string[] }
  readonly options?: O
  /** Looks at the options of a host, of which each is right by itself; nothing starts while there is something to complain of. */
  readonly check?: (config: ConfigOf<O>, domain: string) => readonly OptionComplaint[]
  /** The domains that the module serves beside a host, by its options. @throws Error that says what is wrong with them. */
  readonly domains?: (config: ConfigOf<O>, host: string) => readonly string[]
  /** Commands for the command line and admins' clients, whose first argument is an address or a domain; `setup` says what they do. */
  readonly commands?: readonly CommandDeclaration[]
  readonly depends?: D
  /** Attaches the module to one host and returns what its dependents get. */
  setup(ctx: Context<O, D>): Api | Promise<Api>
}

/** A module with its declaration, as the catalogue holds it. */
// biome-ignore lint/suspicious/noExplicitAny: the catalogue holds modules of every shape
export type AnyModule = Module & ModuleSpec<string, any, any, any>

/** Declares a module; the default export of its `index.ts`. It has no effect until the module is set up. */
export function defineModule<const N extends string, O extends Options = {}, D extends Depends = {}, Api = void>(
  spec: ModuleSpec<N, O, D, Api>,
): Module<N, Api> & ModuleSpec<N, O, D, Api> {
  return spec
}
