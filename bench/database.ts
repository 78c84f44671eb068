import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import mysql, { type Connection } from 'mysql2/promise'
import { freePort } from '../test/support/free-port.ts'
import { findProgram } from '../test/support/mariadb.ts'
import type { DatabaseAccess } from './server-kind.ts'

/** A MariaDB server with one database, for one server under test. */
export interface Mariadb {
  readonly pid: number
  readonly version: string
  readonly access: DatabaseAccess
  /** Ends it and removes its data. */
  stop(): Promise<void>
}

const login = { host: '127.0.0.1', user: 'bench', password: 'bench' }
const readyMs = 60_000
const run = promisify(execFile)

/** What is missing for a MariaDB server, or `undefined`. */
export function lacksMariadb(): string | undefined {
  return findProgram('mariadbd') && findProgram('mariadb-install-db') ? undefined : 'mariadb-server'
}

/** The folders of the servers, each with its process once that runs. */
const running = new Map<string, ChildProcess | undefined>()
process.on('exit', () => {
  for (const [folder, child] of running) {
    child?.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
})

/**
 * Starts a server on a free port of 127.0.0.1 with its built-in defaults, above all
 * `innodb_flush_log_at_trx_commit=1`: what is committed is on disk. Its database is empty, in utf8mb4.
 */
export async function startMariadb(name: string): Promise<Mariadb> {
  const folder = mkdtempSync(join(tmpdir(), `bench-mariadb-${name}-`))
  running.set(folder, undefined)
  const data = join(folder, 'data')
  const user = `--user=${userInfo().username}`
  const install = [
    '--no-defaults',
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    `--datadir=${data}`,
    user,
  ]
  await run(findProgram('mariadb-install-db')!, install)
  const port = await freePort()
  const log = join(folder, 'log')
  const child = launch(folder, log, [user, `--datadir=${data}`, `--port=${port}`])
  running.set(folder, child)
  let connection: Connection | undefined
  const stop = async (): Promise<void> => {
    connection?.destroy()
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
    running.delete(folder)
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    await makeDatabase(port, name, () => child.exitCode !== null)
    connection = await mysql.createConnection({ ...login, port, database: name, multipleStatements: true })
    const query = ask(connection)
    const [row] = await query('select version() as version')
    const access = { ...login, port, name, query }
    return { pid: child.pid!, version: String(row!['version']), access, stop }
  } catch (error) {
    const said = readFileSync(log, 'utf8').slice(-2_000)
    await stop()
    throw new Error(`mariadbd did not start: ${String(error)}\n${said}`)
  }
}

function launch(folder: string, log: string, args: readonly string[]): ChildProcess {
  const fd = openSync(log, 'a')
  // With setpriv the server ends when this process is killed, however that happens.
  const setpriv = findProgram('setpriv')
  const program = findProgram('mariadbd')!
  const [command, prefix] = setpriv === undefined ? [program, []] : [setpriv, ['--pdeathsig', 'KILL', program]]
  const fixed = [
    '--no-defaults',
    `--socket=${join(folder, 'socket')}`,
    `--pid-file=${join(folder, 'pid')}`,
    '--bind-address=127.0.0.1',
    '--skip-name-resolve',
    '--innodb-flush-log-at-trx-commit=1',
  ]
  return spawn(command, [...prefix, ...fixed, ...args], { stdio: ['ignore', fd, fd] })
}

async function makeDatabase(port: number, name: string, exited: () => boolean): Promise<void> {
  const giveUpMs = Date.now() + readyMs
  for (;;) {
    try {
      const root = await mysql.createConnection({ host: login.host, port, user: 'root', multipleStatements: true })
      await root.query(
        `create database ${name} character set utf8mb4 collate utf8mb4_bin;
         create user '${login.user}'@'%' identified by '${login.password}';
         grant all on *.* to '${login.user}'@'%'`,
      )
      root.destroy()
      return
    } catch (error) {
      if (exited() || Date.now() > giveUpMs) throw error
      await sleep(100)
    }
  }
}

function ask(connection: Connection): DatabaseAccess['query'] {
  return async (sql) => {
    const [result] = await connection.query(sql)
    const rows = Array.isArray(result) && Array.isArray(result.at(-1)) ? result.at(-1) : result
    return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : []
  }
}
