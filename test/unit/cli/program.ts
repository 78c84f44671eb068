import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../support/free-port.ts'

// The program run as people run it, in a process of its own.

/** The program as people start it. */
export const bin = fileURLToPath(new URL('../../../bin/stonechat.js', import.meta.url))
const running = new Set<ChildProcess>()
const folders: string[] = []
after(async () => {
  for (const child of running) child.kill('SIGKILL')
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

/** A new folder that goes with the tests. */
export async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-cli-'))
  folders.push(folder)
  return folder
}

interface Result {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs the command line to its end. */
export async function stonechat(args: readonly string[], input = '', cwd = '.'): Promise<Result> {
  const child = spawn(process.execPath, [bin, ...args], { cwd })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    err += String(chunk)
  })
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, err }
}

/** A configuration folder of its own, with ports that are free. */
export async function folder(yaml = ''): Promise<{ config: string; client: number; clientTls: number }> {
  const config = await temporary()
  const [client, clientTls] = [await freePort(), await freePort()]
  const listen = `listen: { client: { address: 127.0.0.1, port: ${client} }, clientTls: { address: 127.0.0.1, port: ${clientTls} }, http: { port: 0 }, https: { port: 0 } }`
  await writeFile(join(config, 'server.yaml'), `hosts: [localhost]\n${listen}\n${yaml}`)
  return { config, client, clientTls }
}

/** Starts a server and waits until it says that it serves. */
export async function serve(
  config: string,
): Promise<{ child: ChildProcess; said: () => string; stop: (signal?: NodeJS.Signals) => Promise<number | null> }> {
  const child = spawn(process.execPath, [bin, 'serve', '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.stdout!.on('data', (chunk) => {
      said += String(chunk)
      if (said.includes('Ctrl-C')) resolve()
    })
    child.stderr!.on('data', (chunk) => {
      said += String(chunk)
    })
    child.once('close', () => reject(new Error(`it did not start:\n${said}`)))
  })
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal)
    const [code] = (await once(child, 'close')) as [number | null]
    running.delete(child)
    return code
  }
  return { child, said: () => said, stop }
}
