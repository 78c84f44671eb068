import { relative } from 'node:path'
import { componentOptions } from './config/component-config.ts'
import type { Origin } from './config/layers.ts'
import { optionsOf } from './config/module-config.ts'
import { suggest } from './config/nearest.ts'
import type { AnyOption, Options } from './config/option.ts'
import { serverOptions } from './config/server-options.ts'
import { writeDefault, writeValue } from './config/write.ts'
import { CommandError } from './module/command.ts'
import type { Setup } from './setup.ts'

/** Each value of a module on each host, or of the server, and where it came from, for `stonechat config show`. */
export function showConfig({ config, origins, componentOrigins, configs, catalogue }: Setup, name: string): string[] {
  const byHost = configs.get(name)
  const module = catalogue.find((candidate) => candidate.name === name)
  if (name === 'server' && module === undefined) return ['server', ...showGroup(serverOptions, config, origins)]
  if (name === 'components') return ['components', ...showGroup(componentOptions, config, componentOrigins)]
  if (byHost === undefined || module === undefined) {
    const names = ['server', 'components', ...configs.keys()]
    throw new CommandError(`There is no module ${name}. ${suggest(name, names, `There are: ${names.join(', ')}.`)}`)
  }
  return [...byHost].flatMap(([host, own]) => [
    `${name} on ${host}`,
    ...showGroup(optionsOf(module), { enabled: own.enabled, ...own.values }, own.origins),
  ])
}

/** One line a value; those of a block have a line each, as each may come from another file. */
function showGroup(
  options: Options,
  values: Readonly<Record<string, unknown>>,
  origins: ReadonlyMap<string, Origin>,
  path = '',
): string[] {
  return Object.entries(options).flatMap(([key, option]: [string, AnyOption]) => {
    const own = `${path}${key}`
    const value = values[key]
    if (option.shape.kind === 'group' && value !== undefined)
      return showGroup(option.shape.options, value as Record<string, unknown>, origins, `${own}.`)
    return `  ${own}: ${show(option, value, origins.get(own))}  # ${tellOrigin(origins.get(own))}`
  })
}

function show(option: AnyOption, value: unknown, origin: Origin | undefined): string {
  if (value === undefined) return '(not set)'
  if (option.shape.kind !== 'scalar' || !option.isSecret) return writeValue(option, value)
  // The address of the database has been taken apart by now: its default is no text any more.
  return origin === 'default' ? writeDefault(option) : '(hidden)'
}

function tellOrigin(origin: Origin | undefined): string {
  if (origin === undefined || origin === 'default') return 'default'
  return `${relative('.', origin.file)}:${origin.line}`
}
