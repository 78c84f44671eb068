import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { askRunningServer } from '../src/net/control-socket.ts'
import type { Target } from './load-client.ts'
import { ejabberd, prosody } from './peers.ts'
import { domain, password, type ServerKind } from './server-kind.ts'

/** A server that runs for a measurement. */
export interface RunningServer {
  readonly name: string
  readonly version: string
  readonly pid: number
  target(tls: boolean): Target
  /** Stops the server, by force if need be, and removes its files. */
  stop(): Promise<void>
}

/** Stonechat as it stands in this checkout. */
export const stonechat: ServerKind = {
  name: 'stonechat',
  version: () =>
    (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version,
  prepare: async ({ folder, plainPort, tlsPort, accounts }) => {
    writeFileSync(
      join(folder, 'server.yaml'),
      `hosts: [${domain}]
data: ./data
requireTls: false
listen:
  client: { address: 127.0.0.1, port: ${plainPort} }
  clientTls: { address: 127.0.0.1, port: ${tlsPort} }
log: { level: warn }
auth: { scramIterations: 4096 }
limits: { connections: off, connectionsPerAddress: off, sessionsPerAccount: off }
`,
    )
    const profile = process.env['BENCH_NODE_FLAGS']?.split(' ') ?? []
    return {
      command: process.execPath,
      args: [...profile, fileURLToPath(new URL('../bin/stonechat.js', import.meta.url)), 'serve', '--config', folder],
      started: () => addAccounts(join(folder, 'data'), accounts),
    }
  },
}

async function addAccounts(dataFolder: string, accounts: number): Promise<void> {
  for (let i = 0; i < accounts; i++) {
    const reply = await withPatience(() => askRunningServer(dataFolder, 'user add', [`user${i}@${domain}`, password]))
    if (reply.error !== undefined) throw new Error(`no account: ${reply.error}`)
  }
}

/** The control socket opens a little after the ports. */
async function withPatience<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 100; tries++) {
    const reply = await ask()
    if (reply !== undefined) return reply
    await sleep(100)
  }
  throw new Error('the server does not answer on its control socket')
}

/** All servers that can be measured against each other; Stonechat first, since ratios are to it. */
export const kinds: readonly ServerKind[] = [stonechat, prosody, ejabberd]

/** The servers that run, each with its folder. */
const running = new Map<ChildProcess, string>()
process.on('exit', () => {
  for (const [child, folder] of running) {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))

/** Starts a server on free ports of 127.0.0.1 with accounts user0 to user<accounts − 1>; resolves when it takes clients. */
export async function startServer(kind: ServerKind, accounts: number): Promise<RunningServer> {
  const folder = mkdtempSync(join(tmpdir(), `bench-${kind.name}-`))
  const [plainPort, tlsPort] = await freePorts()
  const launch = await kind.prepare({ folder, plainPort, tlsPort, accounts })
  const output = join(folder, 'output.log')
  const fd = openSync(output, 'a')
  const child = spawn(launch.command, launch.args, {
    stdio: ['ignore', fd, fd],
    cwd: folder,
    env: { ...process.env, ...launch.env },
  })
  running.set(child, folder)
  let exited = false
  const gone = new Promise<void>((resolve) =>
    child.once('close', () => {
      exited = true
      running.delete(child)
      resolve()
    }),
  )
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    if (!exited) await Promise.race([gone, sleep(15_000)])
    if (!exited) child.kill('SIGKILL')
    await gone
    if (process.env['BENCH_KEEP'] === undefined) rmSync(folder, { recursive: true, force: true })
  }
  try {
    for (const port of [plainPort, tlsPort]) await untilOpen(port, () => exited)
    await launch.started?.()
  } catch (error) {
    const said = readFileSync(output, 'utf8').slice(-2_000)
    await stop()
    throw new Error(`${kind.name} did not start: ${String(error)}\n${said}`)
  }
  return {
    name: kind.name,
    version: kind.version() ?? '',
    pid: child.pid!,
    target: (tls) => ({ domain, port: tls ? tlsPort : plainPort, tls, password }),
    stop,
  }
}

async function untilOpen(port: number, exited: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (exited()) throw new Error('it ended at once')
    if (await canConnect(port)) return
    await sleep(100)
  }
  throw new Error(`nothing listens on port ${port}`)
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** Two ports nobody uses at this moment, below those the system gives to outgoing connections. */
async function freePorts(): Promise<[number, number]> {
  const ports = new Set<number>()
  while (ports.size < 2) {
    const port = randomInt(10_000, 32_000)
    if (await canListen(port)) ports.add(port)
  }
  const [plain, tls] = [...ports]
  return [plain!, tls!]
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
