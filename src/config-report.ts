import { relative } from 'node:path'
import type { Origin } from './config/layers.ts'
import { optionsOf } from './config/module-config.ts'
import { suggest } from './config/nearest.ts'
import type { AnyOption } from './config/option.ts'
import { writeValue } from './config/write.ts'
import { CommandError } from './module/command.ts'
import type { Setup } from './setup.ts'

/** Each value of a module on each host, and where it came from, for `stonechat config show`. */
export function showConfig({ configs, catalogue }: Setup, name: string): string[] {
  const byHost = configs.get(name)
  const module = catalogue.find((candidate) => candidate.name === name)
  if (byHost === undefined || module === undefined)
    throw new CommandError(
      `There is no module ${name}. ${suggest(name, [...configs.keys()], `There are: ${[...configs.keys()].join(', ')}.`)}`,
    )
  const options = optionsOf(module)
  return [...byHost].flatMap(([host, { enabled, values, origins }]) => [
    `${name} on ${host}`,
    ...Object.entries({ enabled, ...(values as Record<string, unknown>) }).map(
      ([key, value]) => `  ${key}: ${writeValue(options[key] as AnyOption, value)}  # ${tellOrigin(origins.get(key))}`,
    ),
  ])
}

function tellOrigin(origin: Origin | undefined): string {
  if (origin === undefined || origin === 'default') return 'default'
  return `${relative('.', origin.file)}:${origin.line}`
}
