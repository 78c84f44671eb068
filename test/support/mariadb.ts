import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { accessSync, closeSync, constants, existsSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import mysql from 'mysql2'
import { freePort } from './free-port.ts'

/** A place to make databases in. */
export interface MysqlServer {
  /** URL of a database, which need not exist. */
  url(name: string): string
  /** Makes an empty database and resolves with its URL. Its default is a collation no table may end up with. */
  createDatabase(): Promise<string>
}

/** A MariaDB server of this process alone. */
export interface Mariadb extends MysqlServer {
  readonly port: number
  /** Ends the server with SIGKILL. */
  kill(): Promise<void>
  /** Starts it on the same data and port. */
  start(): Promise<void>
  /** Freezes it: connections stay open and nothing is answered, until `thaw`. Resolves when all its threads stand still. */
  freeze(): Promise<void>
  thaw(): void
  /** Ends it for good and removes its data. */
  stop(): Promise<void>
}

const run = promisify(execFile)
/** The state of each thread of a process, one letter each (proc(5)). */
function threadsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3)
  })
}

const READY_MS = 60_000
const searchPath = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/libexec']

/** What to tell somebody who has no MariaDB. */
export const MISSING =
  'The tests need a MariaDB server, and there is no mariadbd here. On Debian: apt-get install mariadb-server'

/** Finds a program on PATH and where servers are kept. */
export function findProgram(name: string): string | undefined {
  return searchPath
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** Starts a private server on a free port of 127.0.0.1, its data in a new temporary folder. It ends with this process. */
export async function startMariadb(): Promise<Mariadb> {
  const [program, install] = [findProgram('mariadbd'), findProgram('mariadb-install-db')]
  if (program === undefined || install === undefined) throw new Error(MISSING)
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-mariadb-'))
  const user = userInfo().username
  const data = join(folder, 'data')
  await run(install, [
    '--no-defaults',
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    `--datadir=${data}`,
    // Else several that begin at once share the names of their temporary tables.
    `--tmpdir=${folder}`,
    `--user=${user}`,
  ])
  const port = await freePort()
  const args = [
    '--no-defaults',
    `--user=${user}`,
    `--datadir=${data}`,
    // Else several that begin at once share the names of their temporary tables.
    `--tmpdir=${folder}`,
    `--socket=${join(folder, 'socket')}`,
    `--pid-file=${join(folder, 'pid')}`,
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    '--skip-log-bin',
    '--skip-name-resolve',
    '--max-connections=500',
    '--innodb-buffer-pool-size=64M',
    '--innodb-log-file-size=32M',
    // What was written survives a kill without fsync; only a power cut would lose it.
    '--innodb-flush-method=nosync',
    '--performance-schema=OFF',
  ]
  const server = new Server(program, args, folder, port)
  await server.start()
  return server
}

class Server implements Mariadb {
  readonly port: number
  readonly #program: string
  readonly #args: readonly string[]
  readonly #folder: string
  #process: ChildProcess | undefined
  readonly #atExit = () => this.#remove()

  constructor(program: string, args: readonly string[], folder: string, port: number) {
    this.#program = program
    this.#args = args
    this.#folder = folder
    this.port = port
    process.on('exit', this.#atExit)
  }

  url(name: string): string {
    return `mysql://root@127.0.0.1:${this.port}/${name}`
  }

  createDatabase(): Promise<string> {
    return createDatabase(this.url(''))
  }

  async start(): Promise<void> {
    const log = openSync(join(this.#folder, 'log'), 'a')
    // With setpriv the server ends when this process is killed, however that happens.
    const setpriv = findProgram('setpriv')
    const [program, prefix] =
      setpriv === undefined ? [this.#program, []] : [setpriv, ['--pdeathsig', 'KILL', this.#program]]
    const child = spawn(program, [...prefix, ...this.#args], { stdio: ['ignore', log, log] })
    closeSync(log)
    child.unref()
    this.#process = child
    const until = Date.now() + READY_MS
    while (!(await answers(this.port))) {
      if (child.exitCode !== null || Date.now() > until)
        throw new Error(`mariadbd did not start:\n${this.#lastLines()}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async kill(): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.ref()
    child.kill('SIGKILL')
    await gone
  }

  async freeze(): Promise<void> {
    const pid = this.#process?.pid
    this.#process?.kill('SIGSTOP')
    while (pid !== undefined && !threadsOf(pid).every((state) => state === 'T'))
      await new Promise((resolve) => setImmediate(resolve))
  }

  thaw(): void {
    this.#process?.kill('SIGCONT')
  }

  async stop(): Promise<void> {
    await this.kill()
    process.off('exit', this.#atExit)
    this.#remove()
  }

  #remove(): void {
    this.#process?.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  #lastLines(): string {
    const file = join(this.#folder, 'log')
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(-20).join('\n') : ''
  }
}

let shared: Promise<MysqlServer> | undefined

/** The server of this run: the one that STONECHAT_TEST_MYSQL names (`mysql://user@host:port/`), else one started here. */
export function sharedMariadb(): Promise<MysqlServer> {
  shared ??= openShared()
  return shared
}

async function openShared(): Promise<MysqlServer> {
  const url = process.env['STONECHAT_TEST_MYSQL']
  if (url === undefined || url === '') return await startMariadb()
  return { url: (name) => new URL(name, url).href, createDatabase: () => createDatabase(url) }
}

async function createDatabase(serverUrl: string): Promise<string> {
  const name = `stonechat_test_${randomBytes(6).toString('hex')}`
  await query(serverUrl, `create database ${name} character set latin1 collate latin1_swedish_ci`)
  return new URL(name, serverUrl).href
}

/** Runs one statement on a connection of its own. */
export async function query(url: string, sql: string): Promise<unknown> {
  const { hostname, port, username, password, pathname } = new URL(url)
  const database = pathname.slice(1)
  const login = {
    host: hostname,
    port: Number(port),
    user: username,
    password: decodeURIComponent(password),
    connectTimeout: 2000,
  }
  const connection = mysql.createConnection(database === '' ? login : { ...login, database })
  connection.on('error', () => {})
  try {
    return await new Promise((resolve, reject) => {
      connection.query(sql, (error, rows) => (error ? reject(error) : resolve(rows)))
    })
  } finally {
    connection.destroy()
  }
}

async function answers(port: number): Promise<boolean> {
  try {
    await query(`mysql://root@127.0.0.1:${port}/`, 'select 1')
    return true
  } catch {
    return false
  }
}
