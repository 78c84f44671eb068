import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, globSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findProgram, type Mariadb, MISSING, startMariadb } from './support/mariadb.ts'

// npm test: runs every stage, or those named (`npm test -- unit stories:mysql`), two at a time, and tells which failed and why.

const root = fileURLToPath(new URL('..', import.meta.url))

interface Stage {
  readonly name: string
  readonly command: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Has nothing to run: there are no such files. */
  readonly empty?: boolean
  /** It tells its failures apart, in a file. */
  readonly reports?: boolean
}

/** A stage of node:test; all files share one process, which is ten times as fast as one for each. */
function nodeTest(name: string, patterns: readonly string[], env: Readonly<Record<string, string>> = {}): Stage {
  const files = globSync(patterns, { cwd: root }).sort()
  return {
    name,
    env,
    command: [process.execPath, '--test', '--test-isolation=none', '--test-timeout=120000', ...files],
    empty: files.length === 0,
    reports: true,
  }
}

function stages(): Stage[] {
  const stories = ['test/stories/**/*.story.ts']
  return [
    { name: 'check', command: ['npm', 'run', '--silent', 'check'] },
    nodeTest('unit', ['test/unit/**/*.test.ts', 'test/fuzz/**/*.test.ts']),
    ...['process', 'tls', 'websocket', 'mysql'].map((bed) => nodeTest(`stories:${bed}`, stories, { BED: bed })),
    {
      name: 'clients',
      command: [process.execPath, 'test/interop/run.ts'],
      empty: !existsSync(`${root}/test/interop/run.ts`),
    },
    { name: 'web', command: [process.execPath, 'test/web/run.ts'] },
  ]
}

/** Runs a command, its output with ours or in a file; resolves with whether it succeeded. */
async function succeeds(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
  output: number | 'inherit' = 'inherit',
): Promise<boolean> {
  const [program, ...args] = command
  const stdio = output === 'inherit' ? output : (['ignore', output, output] as const)
  const child = spawn(program!, args, { cwd: root, env: { ...process.env, ...env }, stdio: stdio as 'inherit' })
  running.add(child)
  const [code] = (await once(child, 'close').catch((error: unknown) => [error])) as [unknown]
  running.delete(child)
  return code === 0
}

/** The programs the tests play with, and Debian's package of each. */
const programs = {
  mariadbd: 'mariadb-server',
  profanity: 'profanity',
  tmux: 'tmux',
  gajim: 'gajim',
  Xvfb: 'xvfb',
  'dbus-daemon': 'dbus-daemon',
  chromium: 'chromium',
  haproxy: 'haproxy',
  nginx: 'nginx-light',
} as const
/** What is no program: a file by which to tell it is there, and Debian's package of it. */
const modules = { '/usr/lib/nginx/modules/ngx_stream_module.so': 'libnginx-mod-stream' } as const

/** Installs what is missing where we may. What then is missing still is a failure of the tests that need it, never skipped tests. */
async function installPrograms(): Promise<void> {
  const missing = [
    ...Object.entries(programs).filter(([program]) => findProgram(program) === undefined),
    ...Object.entries(modules).filter(([file]) => !existsSync(file)),
  ]
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

/** Runs stages, in two lanes; resolves with what there is to tell of each that failed, by name. */
async function runStages(chosen: readonly Stage[]): Promise<Map<string, string>> {
  const failed = new Map<string, string>()
  const mariadb = chosen.some(({ name }) => name !== 'check') ? await openMariadb() : undefined
  const env: Record<string, string> = mariadb === undefined ? {} : { STONECHAT_TEST_MYSQL: mariadb.url('') }
  const lanes = [chosen.filter(({ name }) => name === LONGEST), chosen.filter(({ name }) => name !== LONGEST)]
  try {
    await Promise.all(
      lanes.map(async (lane, index) => {
        const folder = join(scratch, String(index))
        mkdirSync(folder)
        for (const stage of lane) {
          if (stopping) break
          const failure = await runStage(stage, { ...env, TMPDIR: folder })
          if (failure !== undefined) failed.set(stage.name, failure)
        }
      }),
    )
  } finally {
    await mariadb?.stop()
  }
  return failed
}

/** The stage that takes about as long as all others together, and so has a lane of its own. */
const LONGEST = 'unit'

/** Runs a stage, and prints all of its output when it ends; resolves with what there is to tell if it fails. */
async function runStage(stage: Stage, env: Readonly<Record<string, string>>): Promise<string | undefined> {
  const { name, command, empty = false, reports = false } = stage
  console.log(`\n== ${name}${empty ? ': nothing to run' : ''}`)
  if (empty) return undefined
  const start = performance.now()
  const file = (what: string) => join(scratch, `${name.replace(':', '-')}.${what}`)
  const report = file('failures')
  const [program, ...args] = command
  const reporters = reports ? [...SPEC, `--test-reporter=${REPORTER}`, `--test-reporter-destination=${report}`] : []
  const output = openSync(file('output'), 'w')
  const passed = await succeeds([program!, ...reporters, ...args], { ...env, ...stage.env }, output)
  closeSync(output)
  const text = readFileSync(file('output'), 'utf8')
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  process.stdout.write(`\n== ${name} has run:\n${text}== ${name}: ${passed ? 'passed' : 'FAILED'} in ${seconds} s\n`)
  if (passed) return undefined
  const failures = existsSync(report) ? readFileSync(report, 'utf8').trimEnd() : ''
  // Such as a crash, or what no test runner ran.
  return failures === '' ? lastLines(text) : failures
}

const SPEC = ['--test-reporter=spec', '--test-reporter-destination=stdout']
const REPORTER = new URL('support/failure-report.ts', import.meta.url).href
/** How much is told of what says nothing of its failures, and of what says much. */
const LAST_LINES = 40
const FAILURE_LINES = 100

function lastLines(text: string): string {
  return text.trimEnd().split('\n').slice(-LAST_LINES).join('\n')
}

/** What CI shows of a run is its end. */
function conclude(failed: ReadonlyMap<string, string>): void {
  // In the order in which they are listed everywhere.
  const names = chosen.map(({ name }) => name).filter((name) => failed.has(name))
  console.error(`\nFailed: ${names.join(', ')}`)
  for (const name of names) {
    const lines = failed.get(name)!.split('\n')
    console.error(`\n-- ${name}\n${lines.slice(0, FAILURE_LINES).join('\n')}`)
    if (lines.length > FAILURE_LINES) console.error(`… and ${lines.length - FAILURE_LINES} more lines`)
  }
}

const running = new Set<ReturnType<typeof spawn>>()
let stopping = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stopping = true
    for (const child of running) child.kill(signal)
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
// What one process has compiled the next need not: half of what a command line costs, of which there are hundreds.
process.env['NODE_COMPILE_CACHE'] = join(scratch, 'compiled')
try {
  const failed = await runStages(chosen)
  if (failed.size > 0) conclude(failed)
  else console.log(stopping ? '\nStopped.' : '\nAll passed.')
  process.exitCode = failed.size > 0 || stopping ? 1 : 0
} catch (error) {
  console.error(`\n${(error as Error).message}`)
  process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
