import { join } from 'node:path'
import { type ConfigDocument, fileProblem, readDocument } from './document.ts'
import { decodeOptions, type Origin } from './layers.ts'
import { type ConfigOf, option } from './option.ts'
import type { ConfigProblem } from './problem.ts'

const limits = option
  .group({
    connections: option
      .int()
      .min(1)
      .orOff()
      .default(1)
      .describe('Connections at once, among which the people who write to the component are divided.'),
    bytes: option.bytes().min('10kB').orOff().default('512KiB').describe('Largest stanza, in bytes.'),
    inboundPending: option
      .int()
      .min(1)
      .orOff()
      .default(1000)
      .describe('Stanzas of one connection in work at once; past it nothing more is read from it.'),
  })
  .describe('What the component may do where that is more than a client may.')

const component = option.group({
  secret: option.secret().min(1).describe('What the component and the server share.'),
  limits,
})

/** The options of `modules/components.yaml`. */
export const componentOptions = {
  components: option
    .record(component, option.host())
    .default({})
    .describe(
      'External programs (XEP-0114), by the domain each serves, with secret and limits; they connect to listen.component.',
    )
    .example('{ echo.example.org: { secret: { file: echo.secret }, limits: { connections: 2 } } }'),
} as const

/** One external component, as an admin describes it. */
export type ComponentConfig = ConfigOf<typeof componentOptions>['components'][string]

/** What a component may do unless its admin says otherwise. */
export const componentLimits: ComponentConfig['limits'] = decodeOptions({ limits }, []).values.limits

/** What `modules/components.yaml` came to. */
export interface LoadedComponents {
  readonly components: Readonly<Record<string, ComponentConfig>>
  readonly origins: ReadonlyMap<string, Origin>
  readonly problems: readonly ConfigProblem[]
  /** A problem with one of the components, by its domain. */
  problemOf(domain: string, message: string, cure: string): ConfigProblem
}

/** Reads `dir/modules/components.yaml`, which may be missing. Collects all problems. */
export function loadComponents(
  dir: string | null,
  env?: Readonly<Record<string, string | undefined>>,
): LoadedComponents {
  const file = join(dir ?? '', 'modules', 'components.yaml')
  const document: ConfigDocument | undefined = dir === null ? undefined : readDocument(file, true)
  const settings = { file, ...(env ? { env } : {}) }
  const { values, origins, problems } = decodeOptions(componentOptions, document ? [document] : [], settings)
  return {
    components: values.components,
    origins,
    problems,
    problemOf(domain, message, cure) {
      const origin = origins.get(`components.${domain}`)
      if (document === undefined || origin === undefined || origin === 'default')
        return fileProblem(file, message, cure)
      return document.problemAt(origin, message, cure)
    },
  }
}
