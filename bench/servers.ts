import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../test/support/free-port.ts'
import { ejabberd } from './ejabberd.ts'
import type { Target } from './load-client.ts'
import { prosody } from './prosody.ts'
import { type DatabaseAccess, domain, type Features, type Launch, password, type ServerKind } from './server-kind.ts'
import { stonechat } from './stonechat.ts'

/** A server that runs for a measurement. */
export interface RunningServer {
  readonly name: string
  readonly version: string
  readonly pid: number
  readonly launch: Launch
  target(tls: boolean): Target
  /** Where it takes clients by WebSocket, over HTTPS or HTTP, when it has that feature. */
  webTarget(tls: boolean): Target
  /** Stops the server, by force if need be, and removes its files. */
  stop(): Promise<void>
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
export async function startServer(
  kind: ServerKind,
  accounts: number,
  features: Features = {},
  database?: DatabaseAccess,
): Promise<RunningServer> {
  const folder = mkdtempSync(join(tmpdir(), `bench-${kind.name}-`))
  const [plainPort, tlsPort] = [await freePort(), await freePort()]
  const [webPort, webTlsPort] = [await freePort(), await freePort()]
  const launch = await kind.prepare({ folder, plainPort, tlsPort, webPort, webTlsPort, accounts, features, database })
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
    for (const port of [plainPort, tlsPort, ...(features.webSocket ? [webPort, webTlsPort] : [])])
      await untilOpen(port, () => exited)
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
    launch,
    target: (tls) => ({ domain, port: tls ? tlsPort : plainPort, tls, password }),
    webTarget: (tls) => ({ domain, port: tls ? webTlsPort : webPort, tls, webSocket: true, password }),
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
