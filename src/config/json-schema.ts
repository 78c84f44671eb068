import { z } from 'zod'
import { type AnyOption, type Options, option } from './option.ts'
import { scalarSchema } from './scalar.ts'
import { serverOptions } from './server-options.ts'
import { writeDefault } from './write.ts'

/** A JSON Schema (draft 2020-12) as a plain object. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** The JSON Schema of `server.yaml`, for editors that complete and check it. */
export function serverJsonSchema(): JsonSchema {
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...optionsJsonSchema(serverOptions) }
}

/** The JSON Schema of a file that takes these options. Defaults are told in words, as they are written in YAML. */
export function optionsJsonSchema(options: Options): JsonSchema {
  const properties = Object.entries(options).map(([key, option]) => [key, schemaOf(option)])
  return { type: 'object', properties: Object.fromEntries(properties), additionalProperties: false }
}

function schemaOf(option: AnyOption): JsonSchema {
  const { description, default: standard } = option.facts
  const told = standard === undefined ? description : `${description ?? ''} Default: ${writeDefault(option)}`.trim()
  return { ...(told === undefined ? {} : { description: told }), ...typeOf(option) }
}

function typeOf({ shape, facts }: AnyOption): JsonSchema {
  if (shape.kind === 'group') return optionsJsonSchema(shape.options)
  if (shape.kind === 'record') return { type: 'object', additionalProperties: schemaOf(shape.of) }
  if (shape.kind === 'list') {
    const { min: minItems, max: maxItems } = facts
    return { type: 'array', items: schemaOf(shape.of), ...defined({ minItems, maxItems }) }
  }
  const { $schema: _, ...schema } = z.toJSONSchema(scalarSchema(shape.type, facts), {
    io: 'input',
    unrepresentable: 'any',
  })
  if (shape.type !== 'secret') return schema
  const reference = (key: string) => ({ ...optionsJsonSchema({ [key]: option.string() }), required: [key] })
  return { anyOf: [schema, reference('file'), reference('env')] }
}

function defined(facts: Readonly<Record<string, number | undefined>>): JsonSchema {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined))
}
