import { stringify } from 'yaml'
import type { AnyOption } from './option.ts'
import { scalarToYaml } from './scalar.ts'

/** Writes the default of an option as one line of YAML; empty when it has none. */
export function writeDefault(option: AnyOption): string {
  return option.facts.default === undefined ? '' : writeValue(option, option.facts.default)
}

/** Writes a value of an option as one line of YAML that decodes to it again; a secret as `(hidden)`, none as empty. */
export function writeValue(option: AnyOption, value: unknown): string {
  if (value === undefined) return ''
  return stringify(toYaml(option, value), {
    collectionStyle: 'flow',
    flowCollectionPadding: false,
    lineWidth: 0,
  }).trim()
}

function toYaml(option: AnyOption, value: unknown): unknown {
  const { shape, facts } = option
  switch (shape.kind) {
    case 'scalar':
      return shape.type === 'secret' && value !== facts.default ? '(hidden)' : scalarToYaml(shape.type, facts, value)
    case 'list':
      return (value as readonly unknown[]).map((item) => toYaml(shape.of, item))
    case 'record':
      return mapValues(value as object, () => shape.of)
    case 'group':
      return mapValues(value as object, (key) => shape.options[key]!)
  }
}

function mapValues(values: object, optionOf: (key: string) => AnyOption): Record<string, unknown> {
  const present = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(present.map(([key, value]) => [key, toYaml(optionOf(key), value)]))
}
