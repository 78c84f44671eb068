import type Logger from 'bunyan'
import { CommandError } from './module/command.ts'
import { askRunningServer, ControlSocket } from './net/control-socket.ts'
import { Server } from './server.ts'
import { openLog, openTls, programVersion, type Setup } from './setup.ts'
import { type Database, openDatabase } from './storage/database.ts'
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

/** Runs the server until it is told to stop: SIGINT and SIGTERM stop it in order, SIGHUP reloads certificates. */
export async function serve(setup: Setup): Promise<void> {
  const { config } = setup
  if ((await askRunningServer(config.data, 'user list', [])) !== undefined)
    throw new CommandError(`A server is running on the data in ${config.data} already: stop that one first.`)
  const log = openLog(config)
  const tls = await openTls(setup, log)
  const opened = await openServer(setup, log)
  const { server } = opened
  const control = new ControlSocket(config.data, async (command, args) => {
    try {
      return { lines: await server.commands.run(command, args) }
    } catch (error) {
      if (error instanceof CommandError) return { error: error.message }
      log.error({ err: error, command }, 'a command failed')
      return { error: 'It failed; the log of the server says why.' }
    }
  })
  try {
    const ports = await server.listen(tls)
    await control.open()
    tls.watch()
    process.stdout.write(banner(setup, ports))
    await untilToldToStop(() => tls.reload(), log)
    process.stdout.write('Stopping.\n')
  } finally {
    control.close()
    tls.close()
    await opened.close()
  }
}

function banner(setup: Setup, ports: { client: number; clientTls: number }): string {
  const { config, configFolder } = setup
  const lines = [
    `Stonechat ${programVersion()} serves ${config.hosts.join(', ')}.`,
    ...(ports.client > 0
      ? [`  Clients connect to port ${ports.client} (STARTTLS${config.requireTls ? '' : ', or without TLS'}).`]
      : []),
    ...(ports.clientTls > 0 ? [`  Clients connect to port ${ports.clientTls} (TLS from the start).`] : []),
    `  Data:           ${config.database.client === 'mysql' ? 'MySQL, and ' : ''}${config.data}`,
    `  Configuration:  ${configFolder} (server.yaml, modules/<name>.yaml; every option stands in modules/<name>/config.yaml)`,
    `  Certificate:    ${config.tls.certificate ?? `self-signed, in ${configFolder}/certs: clients will ask whether to trust it`}`,
    '',
    `  Add an account: npx stonechat user add somebody@${config.hosts[0]}${configFolder === process.cwd() ? '' : ` --config ${configFolder}`}`,
    '  Stop:           Ctrl-C',
    '',
  ]
  return lines.join('\n')
}

function untilToldToStop(reload: () => void, log: Logger): Promise<void> {
  return new Promise((resolve) => {
    let told = false
    const stop = (signal: string) => {
      // Whoever asks twice will not wait.
      if (told) process.exit(1)
      told = true
      log.info({ signal }, 'stopping')
      resolve()
    }
    process.on('SIGINT', () => stop('SIGINT'))
    process.on('SIGTERM', () => stop('SIGTERM'))
    process.on('SIGHUP', reload)
    // A promise nobody waited for is a bug, but no reason to throw everybody out.
    process.on('unhandledRejection', (error) => log.error({ err: error }, 'a failure nobody handled'))
  })
}
