import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A program that runs beside the test, and all that it has said. */
export interface Running {
  readonly child: ChildProcess
  /** Standard output and standard error so far. */
  said(): string
  /** Resolves when it has said something; rejects when it ends before, or has not within a time. */
  says(word: string, timeoutMs?: number): Promise<void>
  /** Resolves with the exit code; `null` after a signal. */
  ended(timeoutMs: number): Promise<number | null>
  /** Ends it, with SIGKILL when it does not go by itself, and resolves with the exit code. */
  stop(): Promise<number | null>
}

/** Starts a program; it does not outlive this one, unless this one is killed. */
export function start(
  program: string,
  args: readonly string[],
  { input = '', env = {}, show = false }: { input?: string; env?: Record<string, string>; show?: boolean } = {},
): Running {
  const child = spawn(program, args, { env: { ...process.env, ...env } })
  running.add(child)
  let text = ''
  let watch = () => {}
  const closed = new Promise<number | null>((resolve) => {
    child.once('close', (code) => resolve(code))
    child.once('error', (error) => {
      text += `${error.message}\n`
      resolve(-1)
    })
  }).finally(() => running.delete(child))
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (show) process.stdout.write(chunk)
      watch()
    })
  }
  // A program that ends before it has read its input is told of by its exit code.
  child.stdin.on('error', () => {})
  child.stdin.end(input)

  const ended = (timeoutMs: number) => within(timeoutMs, closed, `${program} does not end:\n${text}`)
  return {
    child,
    said: () => text,
    ended,
    async says(word, timeoutMs = 30_000) {
      const said = new Promise<boolean>((resolve) => {
        watch = () => {
          if (text.includes(word)) resolve(true)
        }
        watch()
      })
      const heard = await within(timeoutMs, Promise.race([said, closed.then(() => false)]), `no "${word}":\n${text}`)
      if (!heard) throw new Error(`${program} ended without saying "${word}":\n${text}`)
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      return await ended(10_000).catch(async () => {
        child.kill('SIGKILL')
        return await closed
      })
    },
  }
}

/** Runs a program to its end and resolves with its output; rejects when it fails. */
export async function run(
  program: string,
  args: readonly string[],
  input = '',
  env: Record<string, string> = {},
): Promise<string> {
  const running = start(program, args, { input, env })
  const code = await running.ended(30_000)
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${running.said()}`)
  return running.said()
}

async function within<T>(ms: number, promise: Promise<T>, complaint: string): Promise<T> {
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), ms)
  try {
    const late = once(stop.signal, 'abort').then(() => {
      throw new Error(`After ${ms / 1000} s: ${complaint}`)
    })
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

const PATIENCE_MS = 20_000
const POLL_MS = 50

/** Waits until something is so that nobody tells us of; rejects when it is not within a time. */
export async function until(condition: () => Promise<boolean>, complaint: string | (() => string)): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(typeof complaint === 'string' ? complaint : complaint())
    await wait(POLL_MS)
  }
}
