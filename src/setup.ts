import { accessSync, appendFileSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { domainToASCII, fileURLToPath } from 'node:url'
import bunyan from 'bunyan'
import { fileProblem, problemAtPlace, unreadable } from './config/document.ts'
import type { Origin } from './config/layers.ts'
import { findStrayFiles, loadModuleConfig, type ModuleConfig } from './config/module-config.ts'
import { ConfigError, type ConfigProblem, distinctProblems } from './config/problem.ts'
import { loadServerConfig, type ServerConfig } from './config/server-config.ts'
import { loadCatalogue } from './module/catalogue.ts'
import { CommandError } from './module/command.ts'
import type { AnyModule } from './module/define.ts'
import type { EnabledModule } from './module/lifecycle.ts'
import { dependenciesOf } from './module/order.ts'
import { ensureCertificate } from './net/certificate.ts'
import { type CertificateFiles, TlsContexts, TlsFileError } from './net/tls-context.ts'

/** The folder of the program, which has `package.json`, `modules` and `sql`. */
export const programFolder: string = resolve(dirname(fileURLToPath(import.meta.url)), '..')
/** The folder of the modules. */
export const modulesFolder: string = join(programFolder, 'modules')

/** The whole configuration, decoded. */
export interface Setup {
  readonly config: ServerConfig
  /** Where each value of `config` came from, by path. */
  readonly origins: ReadonlyMap<string, Origin>
  /** The same of `config.components`, by path in their file. */
  readonly componentOrigins: ReadonlyMap<string, Origin>
  readonly configFolder: string
  readonly catalogue: readonly AnyModule[]
  /** Every module's configuration by module, then host. */
  readonly configs: ReadonlyMap<string, ReadonlyMap<string, ModuleConfig>>
  /** The modules that are on, for each host, dependencies first. */
  readonly enabled: ReadonlyMap<string, readonly EnabledModule[]>
}

/** The folder the configuration is in when nobody says: the current one when it has a `server.yaml`, else the program's. */
export function defaultConfigFolder(): string {
  return existsSync('server.yaml') ? resolve('.') : programFolder
}

/**
 * Reads the configuration in a folder; nobody needs to have made one in the default folder.
 *
 * With `serving`, certificates and log file are looked at too, which only a server needs.
 *
 * @throws ConfigError with every problem of every file.
 */
export async function loadSetup(configFolder: string | undefined, serving = false): Promise<Setup> {
  const folder = resolve(configFolder ?? defaultConfigFolder())
  refuseFolder(folder)
  const loaded = loadServerConfig(folder, { mayBeMissing: configFolder === undefined })
  const { config, origins, componentOrigins } = loaded
  const problems: ConfigProblem[] = [...loaded.problems]
  if (serving) problems.push(...servingProblems(config, origins))
  const catalogue = await loadCatalogue(modulesFolder)
  const configs = new Map<string, ReadonlyMap<string, ModuleConfig>>()
  for (const module of catalogue) {
    const shippedFile = join(modulesFolder, module.name, 'config.yaml')
    const loaded = loadModuleConfig(module, { shippedFile, configDir: folder, hosts: config.hosts })
    configs.set(module.name, loaded.byHost)
    problems.push(...loaded.problems)
  }
  const names = catalogue.map((module) => module.name)
  problems.push(...findStrayFiles(folder, names, loaded.hostsKnown ? config.hosts : undefined, ['components']))
  const enabled = new Map(
    config.hosts.map((host) => [
      host,
      catalogue.flatMap((module) => {
        const own = configs.get(module.name)?.get(host)
        return own?.enabled === true ? [{ module, config: own.values as Record<string, unknown> }] : []
      }),
    ]),
  )
  problems.push(...missingDependencies(enabled, configs, folder))
  if (problems.length === 0) problems.push(...complaints(enabled, configs, folder))
  if (problems.length === 0) problems.push(...domainProblems(enabled, config, folder))
  if (problems.length > 0) throw new ConfigError(problems)
  return { config, origins, componentOrigins, configFolder: folder, catalogue, configs, enabled }
}

function refuseFolder(folder: string): void {
  try {
    readdirSync(folder)
  } catch (error) {
    const message = unreadable(error)
      .replace(/^the file/, 'this folder')
      .replace(/^it is in/, 'this is')
    throw new ConfigError([fileProblem(folder, message, 'Name the folder that server.yaml is in with --config.')])
  }
}

/** What keeps a server from starting although every option is right: certificates that cannot be served, a log that cannot be written. */
function servingProblems(config: ServerConfig, origins: ReadonlyMap<string, Origin>): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const add = (key: string, message: string, cure: string) => {
    const origin = origins.get(key) ?? origins.get(key.replace(/\.\w+$/, ''))
    if (origin !== undefined && origin !== 'default') problems.push(problemAtPlace(origin, message, cure))
  }
  for (const [path, files] of configuredCertificates(config)) {
    try {
      openCertificate(files)
    } catch (error) {
      if (!(error instanceof TlsFileError)) throw error
      const which = error.file === files.key ? 'key' : 'certificate'
      add(`${path}.${which}`, `${path}.${which} cannot be used`, error.message)
    }
  }
  const { file } = config.log
  if (file !== undefined && !isWritable(existsSync(file) ? file : dirname(file)))
    add(
      'log.file',
      `${file} cannot be written`,
      'Name a file in a folder that exists and that the server’s user may write to.',
    )
  return problems
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** The pairs of files that `tls` names, by the path of the option. */
function configuredCertificates({ tls }: ServerConfig): [path: string, files: CertificateFiles][] {
  const { certificate, key, hosts } = tls
  const pairs = Object.entries(hosts).map(([host, files]): [string, CertificateFiles] => [`tls.hosts.${host}`, files])
  if (certificate !== undefined && key !== undefined) pairs.unshift(['tls', { certificate, key }])
  // A pair that is not complete is a problem of its own.
  return pairs.filter(([, files]) => files.certificate !== undefined && files.key !== undefined)
}

const silent = bunyan.createLogger({ name: 'stonechat', streams: [] })

function openCertificate(files: CertificateFiles): TlsContexts {
  return new TlsContexts({ default: files, hosts: new Map(), log: silent })
}

/** What `check` mentions although a server would start with it: certificates that have expired, or are for other domains. */
export function certificateWarnings({ config }: Setup, nowMs: number): string[] {
  return configuredCertificates(config).flatMap(([path, files]) => {
    const certificate = openCertificate(files).certificateFor(undefined)
    const expired = Date.parse(certificate.validTo) < nowMs
    const hosts =
      path === 'tls'
        ? config.hosts.filter((host) => config.tls.hosts[host] === undefined)
        : [path.slice('tls.hosts.'.length)]
    const others = hosts.filter((host) => certificate.checkHost(domainToASCII(host)) === undefined)
    return [
      ...(expired ? [`The certificate in ${files.certificate} expired on ${certificate.validTo}.`] : []),
      ...others.map((host) => `The certificate in ${files.certificate} is not for ${host}.`),
    ]
  })
}

function missingDependencies(
  enabled: ReadonlyMap<string, readonly EnabledModule[]>,
  configs: Setup['configs'],
  folder: string,
): ConfigProblem[] {
  const problem = (host: string, name: string, needed: string): ConfigProblem => {
    const message = `module ${name} needs module ${needed}, which is off on ${host}`
    const cure = `Turn ${needed} on, or ${name} off as well.`
    const origin = configs.get(needed)?.get(host)?.origins.get('enabled')
    if (origin !== undefined && origin !== 'default') return problemAtPlace(origin, message, cure)
    return fileProblem(join(folder, 'modules', `${needed}.yaml`), message, cure)
  }
  return [...enabled].flatMap(([host, modules]) =>
    modules.flatMap(({ module }) =>
      dependenciesOf(module)
        .filter((needed) => !needed.soft && !modules.some((other) => other.module.name === needed.name))
        .map((needed) => problem(host, module.name, needed.name)),
    ),
  )
}

/** What modules complain of, once each option is right by itself. */
function complaints(
  enabled: ReadonlyMap<string, readonly EnabledModule[]>,
  configs: Setup['configs'],
  folder: string,
): ConfigProblem[] {
  const problems = [...enabled].flatMap(([host, modules]) =>
    modules.flatMap(({ module, config }) =>
      (module.check?.(config, host) ?? []).map(({ option, message, cure }) => {
        const origin = configs.get(module.name)?.get(host)?.origins.get(option)
        if (origin !== undefined && origin !== 'default') return problemAtPlace(origin, `${option} ${message}`, cure)
        return fileProblem(join(folder, 'modules', `${module.name}.yaml`), `${option} ${message}`, cure)
      }),
    ),
  )
  return distinctProblems(problems)
}

/** Domains that two would serve, or that are none. */
function domainProblems(
  enabled: ReadonlyMap<string, readonly EnabledModule[]>,
  { hosts, components }: ServerConfig,
  folder: string,
): ConfigProblem[] {
  const taken = new Map<string, string>()
  for (const host of hosts) taken.set(host, 'a host')
  for (const domain of Object.keys(components)) taken.set(domain, 'a component')
  const problems: ConfigProblem[] = []
  for (const [host, modules] of enabled)
    for (const { module, config } of modules) {
      const file = join(folder, 'modules', `${module.name}.yaml`)
      try {
        for (const domain of module.domains?.(config, host) ?? []) {
          const rival = taken.get(domain)
          const cure = 'Give one of them another name.'
          if (rival !== undefined)
            problems.push(fileProblem(file, `${domain}, which ${module.name} is to serve, is ${rival}`, cure))
          taken.set(domain, `that of ${module.name} on ${host}`)
        }
      } catch (error) {
        problems.push(fileProblem(file, (error as Error).message, 'A name is a domain, or what stands before one.'))
      }
    }
  return problems
}

/** The version in package.json. */
export function programVersion(): string {
  return (JSON.parse(readFileSync(join(programFolder, 'package.json'), 'utf8')) as { version: string }).version
}

/** The log that the configuration asks for: JSON lines on standard error or in a file. */
export function openLog(config: ServerConfig): bunyan {
  const { level, file } = config.log
  const stream = file === undefined ? process.stderr : { write: (line: object) => appendLine(file, String(line)) }
  return bunyan.createLogger({ name: 'stonechat', serializers: bunyan.stdSerializers, streams: [{ level, stream }] })
}

/** Opens the file for each line, so that it may be moved away meanwhile; a full disk loses lines, and never the server. */
function appendLine(file: string, line: string): void {
  try {
    appendFileSync(file, line, { mode: 0o640 })
  } catch {
    // There is nowhere to tell it.
  }
}

/** The certificates to serve: the configured ones, or a self-signed one made in `certs/` beside the configuration. */
export async function openTls({ config, configFolder }: Setup, log: bunyan): Promise<TlsContexts> {
  const { certificate, key, hosts, keyExchange } = config.tls
  const files =
    certificate !== undefined && key !== undefined
      ? { certificate, key }
      : await selfSigned(join(configFolder, 'certs'), config.hosts)
  return new TlsContexts({ default: files, hosts: new Map(Object.entries(hosts)), log, keyExchange })
}

async function selfSigned(folder: string, hosts: readonly string[]): Promise<CertificateFiles> {
  try {
    return await ensureCertificate(folder, hosts)
  } catch (error) {
    const cure = 'Let the user of the server write there, or name a certificate under tls in server.yaml.'
    throw new CommandError(`No certificate could be made in ${folder}: ${(error as Error).message}. ${cure}`)
  }
}
