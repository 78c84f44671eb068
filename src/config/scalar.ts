import { z } from 'zod'
import { Jid } from '../jid/jid.ts'
import { bytesPattern, durationPattern, formatBytes, formatDuration, parseBytes, parseDuration } from './quantity.ts'

/** The kinds of single values an option can take. */
export type ScalarType =
  | 'bool'
  | 'int'
  | 'number'
  | 'string'
  | 'duration'
  | 'bytes'
  | 'oneOf'
  | 'path'
  | 'file'
  | 'host'
  | 'jid'
  | 'network'
  | 'secret'

/** What narrows a single value. */
export interface ScalarFacts {
  readonly values?: readonly string[]
  readonly min?: number
  readonly max?: number
  readonly off?: boolean
  readonly pattern?: RegExp
  /** In words, what the pattern matches. */
  readonly patternPhrase?: string
}

/** The check of a single value as it stands in YAML; its output is the value the program sees. */
export function scalarSchema(type: ScalarType, facts: ScalarFacts): z.ZodType {
  const schema = plainSchema(type, facts)
  return facts.off ? z.union([z.literal(['off', 0, '0']).transform(() => 0), schema]) : schema
}

function plainSchema(type: ScalarType, facts: ScalarFacts): z.ZodType {
  switch (type) {
    case 'bool':
      return z.boolean()
    case 'int':
      return bounded(z.int(), facts)
    case 'number':
      return bounded(z.number(), facts)
    case 'duration':
      return z
        .union([z.literal(0).transform(() => 0), z.string().regex(durationPattern).transform(parseDuration)])
        .pipe(bounded(z.number(), facts))
    case 'bytes':
      return z
        .union([z.int().min(0), z.string().regex(bytesPattern).transform(parseBytes)])
        .pipe(bounded(z.number(), facts))
    case 'oneOf':
      return z.enum([...(facts.values ?? [])])
    case 'host':
      return z.string().transform((text, ctx) => prepare(text, ctx, toHost))
    case 'jid':
      return z.string().transform((text, ctx) => prepare(text, ctx, toAccount))
    case 'network':
      return z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])
    case 'path':
    case 'file':
      return z.string().min(1)
    case 'string':
    case 'secret': {
      const text = bounded(z.string(), facts)
      return facts.pattern ? text.regex(facts.pattern) : text
    }
  }
}

function bounded<S extends z.ZodNumber | z.ZodString>(schema: S, { min, max }: ScalarFacts): S {
  let narrowed = schema
  if (min !== undefined) narrowed = narrowed.min(min) as S
  if (max !== undefined) narrowed = narrowed.max(max) as S
  return narrowed
}

function prepare<T>(text: string, ctx: z.RefinementCtx, read: (text: string) => T): T {
  try {
    return read(text)
  } catch (error) {
    ctx.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) })
    return z.NEVER
  }
}

/** The prepared form of a domain (RFC 7622 §3.2). Throws on anything that is no domain alone. */
function toHost(text: string): string {
  const jid = Jid.parse(text)
  if (jid.local !== '' || jid.resource !== '') throw new Error('this is an address, not a domain')
  return jid.domain
}

/** A prepared bare address with a local part. Throws on anything else. */
function toAccount(text: string): Jid {
  const jid = Jid.parse(text)
  if (jid.local === '') throw new Error('the part before the @ is missing')
  if (jid.resource !== '') throw new Error('an account has no resource (the part after the /)')
  return jid
}

/** In words, what a single value may be: `a whole number from 1 to 9, or off`. */
export function scalarPhrase(type: ScalarType, facts: ScalarFacts): string {
  return facts.off ? `${plainPhrase(type, facts)}, or off` : plainPhrase(type, facts)
}

function plainPhrase(type: ScalarType, facts: ScalarFacts): string {
  switch (type) {
    case 'bool':
      return 'true or false'
    case 'int':
      return `a whole number${range(facts, String)}`
    case 'number':
      return `a number${range(facts, String)}`
    case 'duration':
      return `a duration (30s, 15m, 12h)${range(facts, formatDuration)}`
    case 'bytes':
      return `a size (512, 64KiB, 10MiB)${range(facts, formatBytes)}`
    case 'oneOf':
      return (facts.values ?? []).join(', ').replace(/, ([^,]*)$/, ' or $1')
    case 'path':
      return 'a path'
    case 'file':
      return 'the path of a file that can be read'
    case 'host':
      return 'a domain such as example.org'
    case 'jid':
      return 'an address such as alice@example.org'
    case 'network':
      return 'an IP address, or a network such as 10.0.0.0/8'
    case 'string':
      return textPhrase(facts)
    case 'secret':
      return `${textPhrase(facts)}, {file: PATH} or {env: NAME}`
  }
}

function textPhrase(facts: ScalarFacts): string {
  return facts.patternPhrase ?? `a text${range(facts, (n) => (n === 1 ? '1 character' : `${n} characters`))}`
}

function range({ min, max }: ScalarFacts, write: (n: number) => string): string {
  if (min !== undefined && max !== undefined) return ` from ${write(min)} to ${write(max)}`
  if (min !== undefined) return ` of at least ${write(min)}`
  return max === undefined ? '' : ` of at most ${write(max)}`
}

/** The way back: how a value the program sees is written in YAML. */
export function scalarToYaml(type: ScalarType, facts: ScalarFacts, value: unknown): unknown {
  if (facts.off && value === 0) return 'off'
  if (type === 'duration') return formatDuration(value as number)
  if (type === 'bytes') return (value as number) % 1024 === 0 ? formatBytes(value as number) : value
  return type === 'jid' ? String(value) : value
}

/** Reads the text of a bound or default: `30s` for a duration, `8KiB` for a size. Throws TypeError for other kinds. */
export function readQuantity(type: ScalarType | undefined, text: string): number {
  if (type === 'duration') return parseDuration(text)
  if (type === 'bytes') return parseBytes(text)
  throw new TypeError(`Only durations and sizes have units: ${text}`)
}
