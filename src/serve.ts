import type Logger from 'bunyan'
import { ConfigError, formatProblems } from './config/problem.ts'
import { CommandError } from './module/command.ts'
import { type ControlReply, ControlSocket } from './net/control-socket.ts'
import { type Ports, Server } from './server.ts'
import { defaultConfigFolder, openLog, openTls, programVersion, type Setup } from './setup.ts'
import type { Ending } from './stopping.ts'
import { lockData } from './storage/data-lock.ts'
import { type Database, isUnavailable, openDatabase } from './storage/database.ts'
import { serverKey } from './storage/server-key.ts'
import { systemClock } from './util/clock.ts'

/** A server that is set up but does not listen, and the way to put it away. */
export interface OpenedServer {
  readonly server: Server
  readonly db: Database
  close(): Promise<void>
}

/** Opens the database and sets the server up, without listening. */
export async function openServer({ config, enabled }: Setup, log: Logger): Promise<OpenedServer> {
  const { database, data, databasePool } = config
  const url = database.client === 'mysql' ? database.url : `sqlite:${database.file}`
  const db = await openDatabase({ url, dataDir: data, pool: databasePool, log })
  try {
    const server = await Server.start({
      config,
      modules: enabled,
      db,
      clock: systemClock,
      log,
      version: programVersion(),
      secret: await serverKey(data),
    })
    const close = async () => {
      await server.stop()
      await db.close()
    }
    return { server, db, close }
  } catch (error) {
    await db.close()
    throw error
  }
}

/**
 * Runs the server until it is told to stop: SIGINT and SIGTERM stop it in order, SIGHUP reloads certificates and the level of
 * the log. A restart that an admin calls for reads the configuration anew, by `reload`; the program stays the one that was
 * started.
 */
export async function serve(setup: Setup, reload: () => Promise<Setup>): Promise<void> {
  const signals = new Signals()
  for (let next: Setup | undefined = setup; next !== undefined; ) next = await serveOnce(next, reload, signals)
}

/** Resolves with the setup to serve next, if the server is to be started again. */
async function serveOnce(setup: Setup, reload: () => Promise<Setup>, signals: Signals): Promise<Setup | undefined> {
  const { config } = setup
  const log = openLog(config)
  signals.log = log
  signals.whenTold(exitAtOnce)
  const unlock = await lockData(config.data)
  if (unlock === undefined)
    throw new CommandError(`A server is running on the data in ${config.data} already: stop that one first.`)
  let ending: Ending = 'shutdown'
  try {
    const tls = await openTls(setup, log)
    signals.onReload = () => {
      tls.reload()
      void relevel(log, reload)
    }
    const opened = await openServer(setup, log)
    const { server } = opened
    const control = new ControlSocket(config.data, (command, args) => answer(server, log, command, args))
    try {
      const ports = await server.listen(tls)
      await control.open()
      tls.watch()
      const stop = Promise.withResolvers<Ending>()
      server.stopping.runner = { mayRestart: () => mustBeRight(reload), end: stop.resolve }
      signals.whenTold(() => stop.resolve('shutdown'))
      process.stdout.write(banner(setup, ports))
      ending = await stop.promise
      process.stdout.write(ending === 'restart' ? 'Restarting.\n' : 'Stopping.\n')
    } finally {
      control.close()
      tls.close()
      await opened.close()
    }
  } finally {
    await unlock()
  }
  return ending === 'restart' && !signals.told ? await reload() : undefined
}

/** Has the log go by the level that the configuration asks for now. */
async function relevel(log: Logger, reload: () => Promise<Setup>): Promise<void> {
  try {
    const { level } = (await reload()).config.log
    log.level(level)
    // Not `level`, which is the line’s own.
    log.info({ logLevel: level }, 'the level of the log was read')
  } catch (err) {
    log.error({ err }, 'the level of the log stays, since the configuration is not right')
  }
}

/** A configuration that is wrong must not keep a server from coming back. */
async function mustBeRight(reload: () => Promise<Setup>): Promise<void> {
  try {
    await reload()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new CommandError(
      `The server goes on, since its configuration is not right:\n${formatProblems(error.problems)}`,
    )
  }
}

async function answer(server: Server, log: Logger, command: string, args: readonly string[]): Promise<ControlReply> {
  try {
    return { lines: await server.commands.run(command, args) }
  } catch (error) {
    if (error instanceof CommandError) return { error: error.message }
    log.error({ err: error, command }, 'a command failed')
    if (isUnavailable(error)) return { error: 'The database does not take it now; the log of the server says why.' }
    return { error: 'It failed; the log of the server says why.' }
  }
}

function banner(setup: Setup, ports: Ports): string {
  const { config, configFolder } = setup
  const lines = [
    `Stonechat ${programVersion()} serves ${config.hosts.join(', ')}.`,
    ...(ports.client > 0
      ? [`  Clients connect to port ${ports.client} (STARTTLS${config.requireTls ? '' : ', or without TLS'}).`]
      : []),
    ...(ports.clientTls > 0 ? [`  Clients connect to port ${ports.clientTls} (TLS from the start).`] : []),
    ...(ports.component > 0 ? [`  Components connect to port ${ports.component} (without TLS).`] : []),
    ...(ports.https > 0 ? [`  Browsers connect to port ${ports.https} (HTTPS).`] : []),
    ...(ports.http > 0 ? [`  HTTP without TLS is on ${config.listen.http.address} port ${ports.http}.`] : []),
    ...(ports.client + ports.clientTls === 0 ? ['  Nobody can connect: both listeners are off.'] : []),
    `  Data:           ${config.database.client === 'mysql' ? 'MySQL, and ' : ''}${config.data}`,
    `  Configuration:  ${configFolder} (server.yaml, modules/<name>.yaml; every option stands in modules/<name>/config.yaml)`,
    `  Certificate:    ${config.tls.certificate ?? `self-signed, in ${configFolder}/certs: clients will ask whether to trust it`}`,
    '',
    `  Add an account: npx stonechat user add somebody@${config.hosts[0]}${configFolder === defaultConfigFolder() ? '' : ` --config ${configFolder}`}`,
    '  Stop:           Ctrl-C',
    '',
  ]
  return lines.join('\n')
}

/** How soon after the first a second signal is the same one, told by a terminal, npm and a supervisor each. */
const sameMs = 1000

/** A start that is cut short has nothing to flush, and the next one goes on with it. */
function exitAtOnce(): void {
  process.exit(0)
}

/** What the process is told from outside, from the moment this is made. */
class Signals {
  log: Logger | undefined
  onReload: () => void = () => {}
  #onStop: () => void = exitAtOnce
  #toldMs: number | undefined

  constructor() {
    process.on('SIGINT', () => this.#tell('SIGINT'))
    process.on('SIGTERM', () => this.#tell('SIGTERM'))
    process.on('SIGHUP', () => this.onReload())
    // A promise nobody waited for is a bug, but no reason to throw everybody out.
    process.on('unhandledRejection', (error) => this.log?.error({ err: error }, 'a failure nobody handled'))
  }

  /** Whether the process was told to stop. */
  get told(): boolean {
    return this.#toldMs !== undefined
  }

  /** Stops by `stop`, in order, from now on. */
  whenTold(stop: () => void): void {
    this.#onStop = stop
  }

  #tell(signal: string): void {
    if (this.#toldMs === undefined) {
      this.#toldMs = systemClock.now()
      this.log?.info({ signal }, 'stopping')
      this.#onStop()
      // Whoever presses Ctrl-C again will not wait.
    } else if (signal === 'SIGINT' && systemClock.now() - this.#toldMs > sameMs) process.exit(1)
  }
}
