import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import bunyan from 'bunyan'
import { findStrayFiles, loadModuleConfig, type ModuleConfig } from './config/module-config.ts'
import { ConfigError, type ConfigProblem } from './config/problem.ts'
import { loadServerConfig, type ServerConfig } from './config/server-config.ts'
import { loadCatalogue } from './module/catalogue.ts'
import type { AnyModule } from './module/define.ts'
import type { EnabledModule } from './module/lifecycle.ts'
import { dependenciesOf } from './module/order.ts'
import { ensureCertificate } from './net/certificate.ts'
import { TlsContexts } from './net/tls-context.ts'

/** The folder of the program, which has `package.json`, `modules` and `sql`. */
export const programFolder: string = resolve(dirname(fileURLToPath(import.meta.url)), '..')
/** The folder of the modules. */
export const modulesFolder: string = join(programFolder, 'modules')

/** The whole configuration, decoded. */
export interface Setup {
  readonly config: ServerConfig
  readonly configFolder: string
  readonly catalogue: readonly AnyModule[]
  /** Every module's configuration by module, then host. */
  readonly configs: ReadonlyMap<string, ReadonlyMap<string, ModuleConfig>>
  /** The modules that are on, for each host, dependencies first. */
  readonly enabled: ReadonlyMap<string, readonly EnabledModule[]>
}

/**
 * Reads the configuration in a folder.
 *
 * @throws ConfigError with every problem of every file.
 */
export async function loadSetup(configFolder: string, mayBeMissing: boolean): Promise<Setup> {
  const folder = resolve(configFolder)
  const { config, problems: serverProblems } = loadServerConfig(folder, { mayBeMissing })
  const problems: ConfigProblem[] = [...serverProblems]
  const catalogue = await loadCatalogue(modulesFolder)
  const configs = new Map<string, ReadonlyMap<string, ModuleConfig>>()
  for (const module of catalogue) {
    const shippedFile = join(modulesFolder, module.name, 'config.yaml')
    const loaded = loadModuleConfig(module, { shippedFile, configDir: folder, hosts: config.hosts })
    configs.set(module.name, loaded.byHost)
    problems.push(...loaded.problems)
  }
  problems.push(
    ...findStrayFiles(
      folder,
      catalogue.map((module) => module.name),
      config.hosts,
    ),
  )
  const enabled = new Map(
    config.hosts.map((host) => [
      host,
      catalogue.flatMap((module) => {
        const own = configs.get(module.name)?.get(host)
        return own?.enabled === true ? [{ module, config: own.values as Record<string, unknown> }] : []
      }),
    ]),
  )
  problems.push(...missingDependencies(enabled, folder))
  if (problems.length > 0) throw new ConfigError(problems)
  return { config, configFolder: folder, catalogue, configs, enabled }
}

function missingDependencies(enabled: ReadonlyMap<string, readonly EnabledModule[]>, folder: string): ConfigProblem[] {
  return [...enabled].flatMap(([host, modules]) =>
    modules.flatMap(({ module }) =>
      dependenciesOf(module)
        .filter((dependency) => !dependency.soft && !modules.some((other) => other.module.name === dependency.name))
        .map((dependency) => ({
          file: join(folder, 'modules', `${dependency.name}.yaml`),
          line: 0,
          column: 0,
          message: `module ${module.name} needs module ${dependency.name}, which is off on ${host}`,
          cure: `Turn ${dependency.name} on, or ${module.name} off as well.`,
          source: '',
        })),
    ),
  )
}

/** The version in package.json. */
export function programVersion(): string {
  return (JSON.parse(readFileSync(join(programFolder, 'package.json'), 'utf8')) as { version: string }).version
}

/** The log that the configuration asks for: JSON lines on standard error or in a file. */
export function openLog(config: ServerConfig): bunyan {
  const { level, file } = config.log
  const stream = file === undefined ? { level, stream: process.stderr } : { level, path: file }
  return bunyan.createLogger({ name: 'stonechat', serializers: bunyan.stdSerializers, streams: [stream] })
}

/** The certificates to serve: the configured ones, or a self-signed one made in `certs/` beside the configuration. */
export async function openTls({ config, configFolder }: Setup, log: bunyan): Promise<TlsContexts> {
  const { certificate, key, hosts } = config.tls
  const files =
    certificate !== undefined && key !== undefined
      ? { certificate, key }
      : await ensureCertificate(join(configFolder, 'certs'), config.hosts)
  return new TlsContexts({ default: files, hosts: new Map(Object.entries(hosts)), log })
}
