import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { Command, CommanderError } from 'commander'
import { ConfigError, formatProblems } from './config/problem.ts'
import { showConfig } from './config-report.ts'
import { dnsRecords } from './dns-records.ts'
import { loadCatalogue } from './module/catalogue.ts'
import { type CommandDeclaration, CommandError } from './module/command.ts'
import { askRunningServer } from './net/control-socket.ts'
import { TlsFileError } from './net/tls-context.ts'
import { describePipeline } from './pipeline-report.ts'
import { openServer, serve } from './serve.ts'
import { sqlFolder } from './server.ts'
import { groupSummaries, serverCommands } from './server-commands.ts'
import { certificateWarnings, loadSetup, modulesFolder, openLog, programVersion, type Setup } from './setup.ts'
import { DatabaseError, openDatabase } from './storage/database.ts'
import { migrate, SchemaError } from './storage/migrate.ts'
import { systemClock } from './util/clock.ts'

/** Exit codes, after sysexits.h. */
const EXIT_USAGE = 64
const EXIT_CONFIG = 78

/** Runs the command line; resolves with the exit code. */
export async function runCli(argv: readonly string[]): Promise<number> {
  try {
    const program = await buildProgram()
    await program.parseAsync(argv as string[], { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (error) {
    return report(error)
  }
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE
  if (error instanceof ConfigError) {
    process.stderr.write(`${formatProblems(error.problems)}\n`)
    return EXIT_CONFIG
  }
  const expected =
    error instanceof CommandError ||
    error instanceof SchemaError ||
    error instanceof DatabaseError ||
    error instanceof TlsFileError
  process.stderr.write(
    `stonechat: ${expected ? error.message : error instanceof Error ? (error.cause instanceof Error ? (error.stack ?? error.message) : error.message) : String(error)}\n`,
  )
  return 1
}

async function buildProgram(): Promise<Command> {
  const program = new Command('stonechat')
    .description('An XMPP messaging server for organisations that host their own chat.')
    .version(programVersion())
    .option('--config <folder>', 'folder of server.yaml (default: the current one if it has one, else the program’s)')
    .exitOverride()
    .showHelpAfterError('(stonechat --help tells more)')
  const setup = (serving?: boolean): Promise<Setup> => loadSetup(program.opts<{ config?: string }>().config, serving)
  const withConfig = (command: Command): Command =>
    command.option('--config <folder>', 'folder of server.yaml').hook('preAction', (_, action) => {
      const { config } = action.opts<{ config?: string }>()
      if (config !== undefined) program.setOptionValue('config', config)
    })

  withConfig(program.command('serve', { isDefault: true }))
    .description('Runs the server (what `npm start` does).')
    // This is the default command, so an unknown one ends up here.
    .allowExcessArguments()
    .action(async (_, { args }: Command) => {
      if (args.length > 0) program.error(`error: there is no command '${args[0]}', and serve takes no arguments`)
      await serve(await setup(true), () => setup(true))
    })
  withConfig(program.command('check'))
    .description('Validates the configuration and starts nothing.')
    .option('--dns [machine]', 'print the DNS records to set, for a machine of that name or of the domain’s')
    .action(async ({ dns }: { dns?: string | true }) => {
      const checked = await setup(true)
      if (dns !== undefined) return print(dnsRecords(checked, dns === true ? undefined : dns))
      const { config, configFolder } = checked
      print([`The configuration in ${configFolder} is right; it serves ${config.hosts.join(', ')}.`])
      print(certificateWarnings(checked, systemClock.now()).map((warning) => `But note: ${warning}`))
    })
  withConfig(program.command('migrate'))
    .description('Brings the database schema up to date.')
    .action(async () => print(await runMigrations(await setup())))
  withConfig(program.command('pipeline'))
    .description('Prints the order in which modules see stanzas.')
    .action(async () => print(await describePipeline(await setup())))
  const config = program.command('config').description('Tells about the configuration.')
  withConfig(config.command('show'))
    .description('Prints each value of a module and the file and line it came from.')
    .argument('<module>', 'name of the module, or server')
    .action(async (name: string) => print(showConfig(await setup(), name)))
  const add = (declaration: CommandDeclaration, summary: string) => {
    const group = declaration.name.split(' ')[0]!
    const parent =
      program.commands.find((command) => command.name() === group) ??
      program.command(group).description(groupSummaries[group] ?? summary)
    addCommand(parent, declaration, setup, withConfig)
  }
  for (const declaration of serverCommands()) add(declaration, '')
  for (const module of await loadCatalogue(modulesFolder))
    for (const declaration of module.commands ?? []) add(declaration, module.summary)
  return program
}

function addCommand(
  parent: Command,
  spec: CommandDeclaration,
  setup: (serving?: boolean) => Promise<Setup>,
  withConfig: (command: Command) => Command,
): void {
  const command = withConfig(parent.command(spec.name.split(' ').at(-1)!)).description(spec.summary)
  for (const { name, summary, kind } of spec.args ?? []) {
    const shown = kind === 'jids' ? `${name}...` : name
    command.argument(name.endsWith('?') ? `[${name.slice(0, -1)}]` : `<${shown}>`, summary)
  }
  command.action(async (...given: unknown[]) => {
    // The last argument may be several.
    const typed = given.slice(0, spec.args?.length ?? 0).flat()
    const args = typed.filter((arg): arg is string => typeof arg === 'string')
    const loaded = await setup()
    if (spec.password === true) args.push(await readPassword())
    print((await runCommand(loaded, spec.name, args)).map(printable))
  })
}

/** Runs a command in the server that is running on this data folder, or beside it when there is none. */
async function runCommand(setup: Setup, name: string, args: readonly string[]): Promise<readonly string[]> {
  const { data } = setup.config
  const reply = await askRunningServer(data, name, args).catch((error: NodeJS.ErrnoException) => {
    // The folder is none: opening the database says so.
    if (error.code === 'ENOTDIR') return undefined
    if (error.code !== 'EACCES' && error.code !== 'EPERM') throw error
    throw new CommandError(`The server on the data in ${data} may not be asked: be the user that it runs as.`)
  })
  if (reply?.error !== undefined) throw new CommandError(reply.error)
  if (reply !== undefined) return reply.lines ?? []
  const opened = await openServer(setup, openLog({ ...setup.config, log: { ...setup.config.log, level: 'error' } }))
  try {
    return await opened.server.commands.run(name, args)
  } finally {
    await opened.close()
  }
}

async function runMigrations(setup: Setup): Promise<string[]> {
  const db = await openDatabase({ ...databaseOf(setup), log: openLog(setup.config) })
  try {
    const { applied } = await migrate(db, sqlFolder)
    return applied.length === 0 ? ['The schema is up to date.'] : applied.map((name) => `Applied ${name}.`)
  } finally {
    await db.close()
  }
}

function databaseOf({ config }: Setup): { url: string; dataDir: string; pool: number } {
  return { url: databaseUrl(config), dataDir: config.data, pool: config.databasePool }
}

function databaseUrl(config: Setup['config']): string {
  return config.database.client === 'mysql' ? config.database.url : `sqlite:${config.database.file}`
}

/** A line that may have in it what users have written: it stays one line, and does nothing to the terminal. */
function printable(line: string): string {
  return line.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, ' ')
}

function print(lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`)
}

/** A password from the terminal, typed twice and not shown, or the first line of standard input. */
async function readPassword(): Promise<string> {
  if (process.stdin.isTTY !== true) {
    const [first] = await readLines([''])
    if (first === undefined) throw new CommandError('No password came on standard input.')
    return first
  }
  const [password, again] = await readLines(['Password: ', 'Again: '])
  if (password === undefined || password !== again)
    throw new CommandError('The two passwords are not the same; nothing was changed.')
  return password
}

/** Reads a line after each prompt, fewer when the input ends. A terminal shows nothing of them from before the first prompt on. */
async function readLines(prompts: readonly string[]): Promise<string[]> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = process.stdin.isTTY === true
  const input = createInterface({ input: process.stdin, output: silent, terminal })
  input.once('SIGINT', () => process.exit(130))
  const lines: string[] = []
  process.stdout.write(prompts[0] ?? '')
  try {
    for await (const line of input) {
      if (terminal) process.stdout.write('\n')
      lines.push(line)
      if (lines.length === prompts.length) break
      process.stdout.write(prompts[lines.length] ?? '')
    }
    return lines
  } finally {
    input.close()
  }
}
