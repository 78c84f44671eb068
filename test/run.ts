import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findProgram, type Mariadb, MISSING, startMariadb } from './support/mariadb.ts'

// npm test: runs every stage, or those named (`npm test -- unit stories:mysql`), and tells which failed.

const root = fileURLToPath(new URL('..', import.meta.url))

interface Stage {
  readonly name: string
  readonly command: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Has nothing to run: there are no such files. */
  readonly empty?: boolean
}

/** A stage of node:test; all files share one process, which is ten times as fast as one for each. */
function nodeTest(name: string, patterns: readonly string[], env: Readonly<Record<string, string>> = {}): Stage {
  const files = globSync(patterns, { cwd: root }).sort()
  return {
    name,
    env,
    command: [process.execPath, '--test', '--test-isolation=none', '--test-timeout=120000', ...files],
    empty: files.length === 0,
  }
}

function stages(): Stage[] {
  const stories = ['test/stories/**/*.story.ts']
  return [
    { name: 'check', command: ['npm', 'run', '--silent', 'check'] },
    nodeTest('unit', ['test/unit/**/*.test.ts', 'test/fuzz/**/*.test.ts']),
    ...['process', 'tls', 'mysql'].map((bed) => nodeTest(`stories:${bed}`, stories, { BED: bed })),
    {
      name: 'clients',
      command: [process.execPath, 'test/interop/run.ts'],
      empty: !existsSync(`${root}/test/interop/run.ts`),
    },
  ]
}

/** Runs a command with our standard streams; resolves with whether it succeeded. */
async function succeeds(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<boolean> {
  const [program, ...args] = command
  const child = spawn(program!, args, { cwd: root, env: { ...process.env, ...env }, stdio: 'inherit' })
  running = child
  const [code] = (await once(child, 'close').catch((error: unknown) => [error])) as [unknown]
  running = undefined
  return code === 0
}

/** The programs the tests play with, and Debian's package of each. */
const programs = { mariadbd: 'mariadb-server', profanity: 'profanity', tmux: 'tmux' } as const

/** Installs what is missing where we may. What then is missing still is a failure of the tests that need it, never skipped tests. */
async function installPrograms(): Promise<void> {
  const missing = Object.entries(programs).filter(([program]) => findProgram(program) === undefined)
  const hasSlixmpp = await succeeds(['/bin/sh', '-c', '/usr/bin/python3 -c "import slixmpp" 2>/dev/null'])
  if ((missing.length === 0 && hasSlixmpp) || process.getuid?.() !== 0 || findProgram('apt-get') === undefined) return
  const packages = [...missing.map(([, name]) => name), 'python3-slixmpp']
  console.log(`Installing ${packages.join(', ')}.`)
  await succeeds([`${root}/.ci/install-packages`, ...packages])
}

/** Starts the MariaDB server of this run. */
async function openMariadb(): Promise<Mariadb> {
  await installPrograms()
  if (findProgram('mariadbd') === undefined) throw new Error(MISSING)
  return await startMariadb()
}

async function runStages(chosen: readonly Stage[]): Promise<string[]> {
  const failed: string[] = []
  const mariadb = chosen.some(({ name }) => name !== 'check') ? await openMariadb() : undefined
  const env: Record<string, string> = mariadb === undefined ? {} : { STONECHAT_TEST_MYSQL: mariadb.url('') }
  try {
    for (const stage of chosen) {
      if (stopping) break
      console.log(`\n== ${stage.name}${stage.empty === true ? ': nothing to run' : ''}`)
      if (stage.empty === true) continue
      const start = performance.now()
      const passed = await succeeds(stage.command, { ...env, ...stage.env })
      if (!passed) failed.push(stage.name)
      console.log(
        `== ${stage.name}: ${passed ? 'passed' : 'FAILED'} in ${((performance.now() - start) / 1000).toFixed(1)} s`,
      )
    }
  } finally {
    await mariadb?.stop()
  }
  return failed
}

let running: ReturnType<typeof spawn> | undefined
let stopping = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stopping = true
    running?.kill(signal)
  })
}

const all = stages()
const names = process.argv.slice(2)
const unknown = names.filter((name) => !all.some((stage) => stage.name === name || stage.name.startsWith(`${name}:`)))
if (unknown.length > 0) {
  console.error(`There is no stage ${unknown.join(', ')}; there are: ${all.map(({ name }) => name).join(', ')}.`)
  process.exit(64)
}
const chosen = all.filter(
  ({ name }) => names.length === 0 || names.some((given) => name === given || name.startsWith(`${given}:`)),
)
// Temporary files of all stages go with the run, also those of tests that fail halfway.
const scratch = mkdtempSync(join(tmpdir(), 'stonechat-tests-'))
process.env['TMPDIR'] = scratch
try {
  const failed = await runStages(chosen)
  if (failed.length > 0) console.error(`\nFailed: ${failed.join(', ')}`)
  else console.log(stopping ? '\nStopped.' : '\nAll passed.')
  process.exitCode = failed.length > 0 || stopping ? 1 : 0
} catch (error) {
  console.error(`\n${(error as Error).message}`)
  process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
