import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Accounts } from '../../src/auth/accounts.ts'
import { openDatabase } from '../../src/storage/database.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { systemClock } from '../../src/util/clock.ts'
import { silentLog, sqlFolder } from '../support/databases.ts'
import { freePort } from '../support/free-port.ts'
import { findProgram } from '../support/mariadb.ts'
import type { Target } from './connection.ts'

/** A kind of server that can be put to the test. */
export interface Kind {
  readonly name: string
  /** Whether it says in `<failed/>` what it had handled, as XEP-0198 §5 allows. */
  readonly tellsHandled: boolean
  /** Writes what it needs into the folder, the accounts user0, user1… among it, and gives the command line. */
  prepare(place: Place): Promise<readonly string[]>
}

/** What a server is made from. */
export interface Place {
  readonly folder: string
  /** Where its data goes. */
  readonly data: string
  readonly port: number
  /** HTTP without TLS, where it is wanted. */
  readonly webPort?: number | undefined
  readonly accounts: number
  /** `sqlite` or the URL of a database. */
  readonly database: string
  /** Options of modules, by name. */
  readonly modules: Readonly<Record<string, object>>
}

const domain = 'localhost'
const password = 'durability'
const readyMs = 60_000
const bin = fileURLToPath(new URL('../../bin/stonechat.js', import.meta.url))

/** This server, without limits a crowd on one address would meet. */
export const stonechat: Kind = {
  name: 'stonechat',
  tellsHandled: true,
  prepare: async ({ folder, data, port, webPort = 0, accounts, database, modules }) => {
    const options = {
      hosts: [domain],
      data,
      database,
      requireTls: false,
      listen: {
        client: { address: '127.0.0.1', port },
        clientTls: { port: 0 },
        http: { port: webPort },
        https: { port: 0 },
      },
      log: { level: 'warn' },
      auth: { guesses: { perConnection: 'off', perAddress: 'off', perAccount: 'off', delay: 'off' } },
      limits: { connections: 'off', connectionsPerAddress: 'off', sessionsPerAccount: 'off' },
    }
    // JSON is YAML too.
    await writeFile(join(folder, 'server.yaml'), JSON.stringify(options))
    await mkdir(join(folder, 'modules'))
    for (const [name, values] of Object.entries({ offline: { maxMessages: 0 }, ...modules }))
      await writeFile(join(folder, 'modules', `${name}.yaml`), JSON.stringify(values))
    const db = await openDatabase({ url: database, dataDir: data, pool: 2, log: silentLog })
    await migrate(db, sqlFolder)
    const book = new Accounts(db, domain, { iterations: 4096, clock: systemClock })
    for (let i = 0; i < accounts; i++) await book.create(`user${i}`, password)
    await db.close()
    return [process.execPath, bin, 'serve', '--config', folder]
  },
}

/** Prosody with stream management and an archive in files: the harness was proven on it, and shows what a peer does. */
export const prosody: Kind = {
  name: 'prosody',
  tellsHandled: false,
  prepare: async ({ folder, data, port, accounts }) => {
    const book = join(data, domain, 'accounts')
    await mkdir(book, { recursive: true })
    for (let i = 0; i < accounts; i++)
      await writeFile(join(book, `user${i}.dat`), `return {\n\t["password"] = "${password}";\n};\n`)
    const config = join(folder, 'prosody.cfg.lua')
    await writeFile(
      config,
      `run_as_root = true
daemonize = false
pidfile = "${join(folder, 'prosody.pid')}"
data_path = "${data}"
interfaces = { "127.0.0.1" }
c2s_ports = { ${port} }
modules_enabled = { "roster", "saslauth", "disco", "ping", "smacks", "mam" }
modules_disabled = { "s2s", "tls" }
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
archive_expires_after = "never"
storage = "internal"
smacks_max_old_sessions = 100
log = { warn = "*console" }
VirtualHost "${domain}"
`,
    )
    return ['prosody', '-F', '--config', config]
  },
}

/** A server process that can be killed and started again on the same data and port. */
export class ServerProcess {
  readonly kind: Kind
  readonly target: Target
  /** HTTP without TLS, if it was wanted. */
  readonly webPort: number | undefined
  readonly #folder: string
  #command: readonly string[] = []
  #env: Readonly<Record<string, string>> = {}
  #child: ChildProcess | undefined
  readonly #atExit = () => {
    this.#child?.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 })
  }

  private constructor(kind: Kind, folder: string, target: Target, webPort: number | undefined) {
    this.kind = kind
    this.webPort = webPort
    this.#folder = folder
    this.target = target
    process.on('exit', this.#atExit)
  }

  /** Makes one and starts it; resolves when it takes clients. Its data goes to `data`, or to a new folder. */
  static async start(
    kind: Kind,
    options: {
      accounts: number
      database?: string
      data?: string
      modules?: Readonly<Record<string, object>>
      web?: boolean
      /** What it finds in its environment, beside ours. */
      env?: Readonly<Record<string, string>>
    },
  ): Promise<ServerProcess> {
    const folder = await mkdtemp(join(tmpdir(), `durability-${kind.name}-`))
    const port = await freePort()
    const webPort = options.web === true ? await freePort() : undefined
    const server = new ServerProcess(kind, folder, { port, domain, password }, webPort)
    server.#env = options.env ?? {}
    try {
      const { accounts, database = 'sqlite', data = join(folder, 'data'), modules = {} } = options
      server.#command = await kind.prepare({ folder, data, port, webPort, accounts, database, modules })
      await server.startAgain()
      return server
    } catch (error) {
      await server.remove()
      throw error
    }
  }

  get pid(): number {
    return this.#child!.pid!
  }

  get alive(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** The last lines it wrote. */
  get said(): string {
    return readFileSync(join(this.#folder, 'output'), 'utf8').split('\n').slice(-20).join('\n')
  }

  async startAgain(): Promise<void> {
    const output = openSync(join(this.#folder, 'output'), 'a')
    // With setpriv the server ends when this process is killed, however that happens.
    const setpriv = findProgram('setpriv')
    const [program, ...args] = [...(setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL']), ...this.#command]
    this.#child = spawn(program!, args, {
      stdio: ['ignore', output, output],
      cwd: this.#folder,
      env: { ...process.env, ...this.#env },
    })
    closeSync(output)
    const until = Date.now() + readyMs
    const ports = [this.target.port, ...(this.webPort === undefined ? [] : [this.webPort])]
    for (const port of ports)
      while (!(await canConnect(port))) {
        if (!this.alive || Date.now() > until) throw new Error(`${this.kind.name} did not start:\n${this.said}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
  }

  /** Ends it with a signal; resolves with its exit code, `null` when the signal ended it. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.#child
    if (child === undefined || !this.alive) return child?.exitCode ?? null
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
    return child.exitCode
  }

  /** Ends it for good and removes its files. */
  async remove(): Promise<void> {
    await this.end('SIGKILL')
    process.off('exit', this.#atExit)
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
