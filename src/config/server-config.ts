import { join, resolve } from 'node:path'
import { type ComponentConfig, type LoadedComponents, loadComponents } from './component-config.ts'
import { type ConfigDocument, fileProblem, readDocument } from './document.ts'
import { decodeOptions, type Origin } from './layers.ts'
import { suggest } from './nearest.ts'
import type { ConfigOf } from './option.ts'
import type { ConfigProblem } from './problem.ts'
import { movedOptions, serverOptions } from './server-options.ts'

/** Where everything is kept. `file` is absolute, or `:memory:`. */
export type DatabaseConfig =
  | { readonly client: 'sqlite'; readonly file: string }
  | { readonly client: 'mysql'; readonly url: string }

/**
 * The values of `server.yaml`, with the components of `modules/components.yaml`: durations in milliseconds, sizes in bytes,
 * 0 for a limit that is off, absolute paths.
 */
export type ServerConfig = Omit<ConfigOf<typeof serverOptions>, 'database'> & {
  readonly database: DatabaseConfig
  /** By domain. */
  readonly components: Readonly<Record<string, ComponentConfig>>
}

/** What `server.yaml` and `modules/components.yaml` came to. */
export interface LoadedServerConfig {
  /** To be used only when there are no problems. */
  readonly config: ServerConfig
  readonly origins: ReadonlyMap<string, Origin>
  /** Where `config.components` came from, as that file has it. */
  readonly componentOrigins: ReadonlyMap<string, Origin>
  readonly problems: readonly ConfigProblem[]
  /** Whether `config.hosts` is what the admin means, whatever the other problems. */
  readonly hostsKnown: boolean
}

/** How `server.yaml` is looked for. */
export interface ServerConfigSettings {
  /** The folder may lack a `server.yaml`, as when it is the default one; then everything has its default. */
  readonly mayBeMissing?: boolean
  /** Folder that default paths start from when there is no configuration folder; the working directory unless given. */
  readonly base?: string
  /** Environment for `{env: NAME}`. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Reads `dir/server.yaml`, or takes every default when `dir` is null. Collects all problems and never throws for them. */
export function loadServerConfig(dir: string | null, settings: ServerConfigSettings = {}): LoadedServerConfig {
  const base = resolve(dir ?? settings.base ?? process.cwd())
  const file = dir === null ? 'server.yaml' : join(dir, 'server.yaml')
  const document = dir === null ? undefined : readDocument(file, settings.mayBeMissing === true)
  const documents = document === undefined ? [] : [document]
  const decoded = decodeOptions(serverOptions, documents, {
    base,
    file,
    moved: movedOptions,
    ...(settings.env ? { env: settings.env } : {}),
  })
  const { values, origins } = decoded
  const components = loadComponents(dir, settings.env)
  const unsure = decoded.problems.length > 0
  const problems = [
    ...decoded.problems,
    ...relationProblems(values, origins, document, unsure),
    ...components.problems,
    ...componentProblems(components, values, unsure),
  ]
  return {
    config: {
      ...values,
      database: readDatabase(values.database, values.data, base),
      components: components.components,
    },
    origins,
    componentOrigins: components.origins,
    problems,
    hostsKnown:
      documents.every(({ root }) => root !== undefined) && !problems.some(({ message }) => /^hosts\b/.test(message)),
  }
}

/** Whether a URL can be used as the driver will: hosts and ports that are none, and half an escape, are found here. */
function isMysqlUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.hostname === '' || url.username === '' || url.search !== '' || url.hash !== '')
    return false
  try {
    for (const part of [url.username, url.password, url.pathname]) decodeURIComponent(part)
    return true
  } catch {
    return false
  }
}

function readDatabase(text: string, data: string, base: string): DatabaseConfig {
  if (text.startsWith('mysql:')) return { client: 'mysql', url: text }
  const path = text.slice('sqlite:'.length)
  if (path === '') return { client: 'sqlite', file: join(data, 'stonechat.sqlite') }
  return { client: 'sqlite', file: path === ':memory:' ? path : resolve(base, path) }
}

/** What no single option can see: a certificate without its key, a certificate for a domain that is not served, one web address for several. */
function relationProblems(
  values: ConfigOf<typeof serverOptions>,
  origins: ReadonlyMap<string, Origin>,
  document: ConfigDocument | undefined,
  unsure: boolean,
): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const add = (key: string, message: string, cure: string) =>
    problems.push(problemAt(origins.get(key), document, message, cure))
  const has = (key: string) => origins.has(key) && origins.get(key) !== 'default'
  if (values.database.startsWith('mysql:') && !isMysqlUrl(values.database)) {
    const cure =
      'Write mysql://USER:PASSWORD@HOST:PORT/NAME, with %25 %40 %2F %23 %3F for the characters % @ / # ? in a password.'
    problems.push(problemAt(origins.get('database'), document, 'database is not a URL that can be used', cure, true))
  }
  if (has('tls.certificate') && !has('tls.key')) {
    add('tls.certificate', 'tls.certificate stands without tls.key', 'Add key: with the path of its private key.')
  }
  if (has('tls.key') && !has('tls.certificate')) {
    add('tls.key', 'tls.key stands without tls.certificate', 'Add certificate: with the path of its certificate.')
  }
  if (!unsure) {
    for (const [one, other] of samePorts(values.listen)) {
      const key = has(`listen.${other}.port`) ? `listen.${other}.port` : `listen.${one}.port`
      const message = `listen.${one} and listen.${other} have the same port`
      add(key, message, 'Give them two ports, or turn one off with 0.')
    }
  }
  if (!unsure && values.hosts.length > 1 && values.http.url?.includes('{host}') === false) {
    const message = 'http.url is one address for several hosts, of which only the first would be found there'
    add('http.url', message, 'Put {host} into it, which stands for the domain, as in https://chat.{host}.')
  }
  const { pause, drop } = values.limits.outbound
  if (!unsure && pause !== 0 && drop !== 0 && drop < pause) {
    const key = has('limits.outbound.drop') ? 'limits.outbound.drop' : 'limits.outbound.pause'
    add(key, 'limits.outbound.drop is less than limits.outbound.pause', 'Make drop the greater of the two.')
  }
  for (const domain of Object.keys(values.tls.hosts)) {
    if (unsure || values.hosts.includes(domain)) continue
    const cure = suggest(domain, values.hosts, `Add ${domain} to hosts, or remove this.`)
    add(`tls.hosts.${domain}`, `${domain} is not among the hosts`, cure)
  }
  return problems
}

/** A component that can never connect. */
function componentProblems(
  { components, problemOf }: LoadedComponents,
  { hosts, listen }: ConfigOf<typeof serverOptions>,
  unsure: boolean,
): ConfigProblem[] {
  return Object.keys(components).flatMap((domain) => {
    if (hosts.includes(domain)) {
      const message = `${domain} is one of the hosts, and cannot be a component too`
      return [problemOf(domain, message, 'Give the component another domain.')]
    }
    if (unsure || listen.component.port !== 0) return []
    const cure = 'Set listen.component.port in server.yaml, for example to 5347.'
    return [problemOf(domain, `${domain} cannot connect: listen.component is off`, cure)]
  })
}

/** The pairs of listeners that cannot both listen. */
function samePorts(listen: ServerConfig['listen']): [keyof ServerConfig['listen'], keyof ServerConfig['listen']][] {
  const names = Object.keys(listen) as (keyof typeof listen)[]
  return names.flatMap((other, i) =>
    names
      .slice(0, i)
      .filter((one) => listen[one].port !== 0 && listen[one].port === listen[other].port)
      .filter((one) => listen[one].address === listen[other].address)
      .map((one): [typeof one, typeof other] => [one, other]),
  )
}

function problemAt(
  origin: Origin | undefined,
  document: ConfigDocument | undefined,
  message: string,
  cure: string,
  hide = false,
) {
  if (origin === undefined || origin === 'default' || document === undefined) {
    return fileProblem(document?.file ?? 'server.yaml', message, cure)
  }
  return document.problemAt(origin, message, cure, hide)
}
