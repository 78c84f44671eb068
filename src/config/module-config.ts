import { type Dirent, readdirSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { type ConfigDocument, fileProblem, isMissing, readDocument, unreadable } from './document.ts'
import { decodeOptions, type Origin } from './layers.ts'
import { suggest } from './nearest.ts'
import { type ConfigOf, type Options, option } from './option.ts'
import { type ConfigProblem, distinctProblems } from './problem.ts'

/** What the configuration of a module is read by. */
export interface ConfigurableModule<O extends Options = Options> {
  readonly name: string
  readonly options?: O
  /** Whether the module is on when no file says so; it is unless this is false. */
  readonly enabledByDefault?: boolean
}

/** The configuration of one module on one host. */
export interface ModuleConfig<O extends Options = Options> {
  readonly enabled: boolean
  /** Without `enabled`. Required options may be undefined while the module is off. */
  readonly values: ConfigOf<O>
  /** By key, `enabled` included. */
  readonly origins: ReadonlyMap<string, Origin>
}

/** Where the configuration of a module is looked for. */
export interface ModuleConfigSettings {
  /** `modules/<name>/config.yaml`; it may be missing. */
  readonly shippedFile: string
  /** The admin's folder, or null when there is none. */
  readonly configDir: string | null
  /** Served domains, prepared. */
  readonly hosts: readonly string[]
  /** Environment for `{env: NAME}`. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** What the files of a module came to, for each host. */
export interface LoadedModuleConfig<O extends Options = Options> {
  readonly byHost: ReadonlyMap<string, ModuleConfig<O>>
  readonly problems: readonly ConfigProblem[]
}

/** The options of a module as its files know them: its own and `enabled`. Throws TypeError when it declares that itself. */
export function optionsOf(module: ConfigurableModule): Options {
  if (module.options !== undefined && Object.hasOwn(module.options, 'enabled')) {
    throw new TypeError(`Module ${module.name} declares the option enabled, which every module has`)
  }
  const enabled = option
    .bool()
    .default(module.enabledByDefault ?? true)
    .describe('Whether this module is on.')
  return { enabled, ...module.options }
}

/**
 * Reads the configuration of a module for each host, lowest first: the file it ships with, `<configDir>/modules/<name>.yaml`,
 * `<configDir>/hosts/<domain>/<name>.yaml`. Any of them may be missing. Collects all problems, each once.
 */
export function loadModuleConfig<const O extends Options = Options>(
  module: ConfigurableModule<O>,
  settings: ModuleConfigSettings,
): LoadedModuleConfig<O> {
  const { shippedFile, configDir, hosts, env = process.env } = settings
  const fileName = `${module.name}.yaml`
  const read = (file: string) => readDocument(file, true)
  const shared = [read(shippedFile), configDir === null ? undefined : read(join(configDir, 'modules', fileName))]
  const byHost = new Map<string, ModuleConfig<O>>()
  const problems: ConfigProblem[] = []
  for (const host of hosts) {
    const own = configDir === null ? undefined : read(join(configDir, 'hosts', host, fileName))
    const documents = [...shared, own].filter((d): d is ConfigDocument => d !== undefined)
    const decoded = decodeModule(
      module,
      documents,
      configDir === null ? shippedFile : join(configDir, 'modules', fileName),
      env,
    )
    const { enabled, ...values } = decoded.values as { readonly enabled: boolean }
    byHost.set(host, { enabled, values: values as ConfigOf<O>, origins: decoded.origins })
    problems.push(...decoded.problems)
  }
  return { byHost, problems: distinctProblems(problems) }
}

function decodeModule(
  module: ConfigurableModule,
  documents: readonly ConfigDocument[],
  file: string,
  env: Readonly<Record<string, string | undefined>>,
) {
  const options = optionsOf(module)
  const strict = decodeOptions(options, documents, { file, env })
  // A module that is off need not be told what it would need.
  return strict.values['enabled'] === false ? decodeOptions(options, documents, { file, env, lenient: true }) : strict
}

/**
 * Finds files in the admin's folder that nothing would ever read: for a module that does not exist, for a domain that is
 * not served (when it is known which are), or ending in `.yml`. Files that are no YAML and hidden ones are left alone.
 * `others` are files beside those of the modules that are no module's, and are there for the whole server.
 */
export function findStrayFiles(
  configDir: string,
  modules: readonly string[],
  hosts: readonly string[] | undefined,
  others: readonly string[] = [],
): ConfigProblem[] {
  const problems: ConfigProblem[] = strayModuleFiles(join(configDir, 'modules'), [...modules, ...others])
  const hostsDir = join(configDir, 'hosts')
  for (const entry of list(hostsDir, problems)) {
    const path = join(hostsDir, entry.name)
    if (hosts === undefined || hosts.includes(entry.name)) {
      problems.push(...strayModuleFiles(path, modules))
    } else {
      const cure = suggest(entry.name, hosts, 'Add it to hosts in server.yaml, or remove this.')
      problems.push(fileProblem(path, `${entry.name} is not among the hosts`, cure))
    }
  }
  return problems
}

function strayModuleFiles(dir: string, modules: readonly string[]): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  for (const { name: file } of list(dir, problems)) {
    const extension = extname(file)
    const name = basename(file, extension)
    if (extension !== '.yaml' && extension !== '.yml') continue
    if (!modules.includes(name)) {
      const cure = suggest(name, modules, 'Remove it, or name it for a module.')
      problems.push(fileProblem(join(dir, file), `there is no module ${name}`, cure))
    } else if (extension === '.yml') {
      problems.push(fileProblem(join(dir, file), 'this file is never read', `Rename it to ${name}.yaml.`))
    }
  }
  return problems
}

function list(dir: string, problems: ConfigProblem[]): Dirent[] {
  try {
    const entries = readdirSync(dir, { withFileTypes: true })
    return entries.filter((e) => !e.name.startsWith('.')).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    if (!isMissing(error)) problems.push(fileProblem(dir, unreadable(error), 'Make it a folder the server may read.'))
    return []
  }
}
