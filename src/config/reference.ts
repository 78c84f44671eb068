import { componentOptions } from './component-config.ts'
import type { Claim } from './doap.ts'
import { type ConfigurableModule, optionsOf } from './module-config.ts'
import { type AnyOption, type Options, option } from './option.ts'
import { serverOptions } from './server-options.ts'
import { writeDefault } from './write.ts'

/** What the generated documents tell about a module. */
export interface DescribedModule extends ConfigurableModule {
  readonly summary: string
  readonly implements: readonly Claim[]
}

const generated = '<!-- Generated from the declarations in the code. Do not edit. -->\n'

/** The text of `modules/<name>/config.yaml`: every option commented, at its default, under its sentence. */
export function moduleYaml(module: Omit<DescribedModule, 'implements'>): string {
  const head = [
    `# ${module.name}: ${module.summary}`,
    '# Every option stands here at its default. To change one, take away its # here, or better put it into',
    `# modules/${module.name}.yaml or hosts/DOMAIN/${module.name}.yaml of your configuration folder, which upgrades leave alone.`,
  ]
  return `${head.join('\n')}\n${yamlOf(optionsOf(module), '')}`
}

/** The text of a `server.yaml` with every option commented, at its default, under its sentence. */
export function serverYaml(): string {
  const head =
    '# The options of the server, each at its default. To change one, take away its #, and that of the keys it stands under.'
  return `${head}\n${yamlOf(serverOptions, '')}`
}

/** The text of a `modules/components.yaml` with its option commented, and what can be said of one component above it. */
export function componentsYaml(): string {
  const keys = flatten(oneComponent(), 'components.DOMAIN.').map(([path, option]) => {
    const standard = option.facts.default === undefined ? '' : ` The default is ${writeDefault(option)}.`
    return `# ${path}: ${sentence(option)}${standard}\n`
  })
  const head = '# External components, in modules/components.yaml of your configuration folder.'
  return `${head}\n#\n${keys.join('')}${yamlOf(componentOptions, '')}`
}

/** The options of one component. */
function oneComponent(): Options {
  const { shape } = componentOptions.components
  return shape.kind === 'record' && shape.of.shape.kind === 'group' ? shape.of.shape.options : {}
}

/** Prose lines keep a `#` when the first one of every option line is taken away: what is left is YAML. */
function yamlOf(options: Options, indent: string): string {
  let text = ''
  for (const [key, option] of Object.entries(options)) {
    const { shape } = option
    const prose = indent === '' ? '# ' : `#${indent}# `
    text += `${indent === '' ? '\n' : ''}${prose}${sentence(option)}\n`
    if (shape.kind === 'group') text += `#${indent}${key}:\n${yamlOf(shape.options, `${indent}  `)}`
    else if (option.facts.default !== undefined) text += `#${indent}${key}: ${writeDefault(option)}\n`
    else text += `${prose}${key}: ${option.facts.example ?? '…'}\n`
  }
  return text
}

function sentence(option: AnyOption): string {
  const { description = '', default: standard, optional, example } = option.facts
  if (option.shape.kind === 'group') return description
  const parts = [description, `Takes ${option.phrase}.`]
  if (standard === undefined) parts.push(optional ? 'Not set unless given.' : 'Must be given when this module is on.')
  else if (example !== undefined) parts.push(`For example ${example}.`)
  return parts.filter((part) => part !== '').join(' ')
}

/** The page of all options, `docs/generated/options.md`: the server's and each module's, in a table. */
export function optionsMarkdown(modules: readonly DescribedModule[]): string {
  const sections = [`${generated}\n# Options\n`, `## server.yaml\n\n${optionTable(serverOptions)}`]
  sections.push(
    `## modules/components.yaml\n\n${optionTable({ ...componentOptions, 'components.DOMAIN': option.group(oneComponent()) })}`,
  )
  for (const module of byName(modules)) {
    sections.push(`## ${module.name}\n\n${module.summary}\n\n${optionTable(optionsOf(module))}`)
  }
  return sections.join('\n')
}

function optionTable(options: Options): string {
  const rows = flatten(options, '').map(([path, option]) => {
    const standard =
      option.facts.default === undefined ? (option.facts.optional ? 'not set' : 'required') : code(option)
    return [`\`${path}\``, cell(option.phrase), standard, cell(option.facts.description ?? '')]
  })
  return table(['Option', 'Takes', 'Default', 'Meaning'], rows)
}

function flatten(options: Options, prefix: string): [string, AnyOption][] {
  return Object.entries(options).flatMap(([key, option]): [string, AnyOption][] =>
    option.shape.kind === 'group' ? flatten(option.shape.options, `${prefix}${key}.`) : [[`${prefix}${key}`, option]],
  )
}

/** The page of all modules, `docs/generated/modules.md`. */
export function modulesMarkdown(modules: readonly DescribedModule[]): string {
  const rows = byName(modules).map((module) => [
    `[${module.name}](../../modules/${module.name}/README.md)`,
    cell(module.summary),
    module.implements.map(({ xep }) => xepLink(xep)).join(', '),
    module.enabledByDefault === false ? 'no' : 'yes',
  ])
  return `${generated}\n# Modules\n\n${table(['Module', 'What it does', 'Specifications', 'On by default'], rows)}`
}

/** The page of all implemented extensions, `docs/generated/xeps.md`, by number. */
export function xepsMarkdown(modules: readonly DescribedModule[]): string {
  const rows = byName(modules)
    .flatMap((module) => module.implements.map((spec) => ({ ...spec, module: module.name })))
    .sort((a, b) => a.xep - b.xep)
    .map(({ xep, version, module, partial, note }) => [
      xepLink(xep),
      version,
      partial === true ? 'partial' : 'complete',
      module,
      cell(note ?? ''),
    ])
  return `${generated}\n# Extensions\n\n${table(['XEP', 'Version', 'Status', 'Module', 'Note'], rows)}`
}

function xepLink(xep: number): string {
  const number = String(xep).padStart(4, '0')
  return `[XEP-${number}](https://xmpp.org/extensions/xep-${number}.html)`
}

function byName(modules: readonly DescribedModule[]): DescribedModule[] {
  return [...modules].sort((a, b) => (a.name < b.name ? -1 : 1))
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}

function code(option: AnyOption): string {
  return `\`${writeDefault(option).replaceAll('|', '\\|')}\``
}
