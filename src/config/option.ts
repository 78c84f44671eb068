import type { Jid } from '../jid/jid.ts'
import { readQuantity, type ScalarFacts, type ScalarType, scalarPhrase } from './scalar.ts'

/** Options by key, as a module or a group declares them. */
// biome-ignore lint/suspicious/noExplicitAny: options of every type stand side by side
export type Options = Readonly<Record<string, Option<any>>>

/** The values that a set of options decodes to. */
export type ConfigOf<O extends Options> = { readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never }

/** How an option is built: one value, or values in a list, by key, or in a block of named keys. */
export type Shape =
  | { readonly kind: 'scalar'; readonly type: ScalarType }
  | { readonly kind: 'list'; readonly of: AnyOption }
  | { readonly kind: 'record'; readonly of: AnyOption; readonly key: AnyOption }
  | { readonly kind: 'group'; readonly options: Options }

// biome-ignore lint/suspicious/noExplicitAny: an option of unknown type
export type AnyOption = Option<any>

/** What an option says about itself beyond its shape. */
export interface Facts extends ScalarFacts {
  readonly default?: unknown
  readonly optional?: boolean
  readonly description?: string
  readonly example?: string
  readonly distinct?: boolean
}

/** Where the value is a number, its text with a unit does as well: `30s`, `8KiB`. */
export type Quantity<T> = [T] extends [number] ? T | `${number}${string}` : T

/**
 * One configuration option: its type, check, default and sentence in one expression.
 * Immutable: each method returns a new option. Without `default` or `optional` the admin must give a value.
 */
export class Option<T> {
  declare readonly _t?: T
  readonly shape: Shape
  readonly facts: Facts

  constructor(shape: Shape, facts: Facts = {}) {
    this.shape = shape
    this.facts = facts
  }

  /** The value when no file gives one; for durations and sizes also as text with a unit. */
  default(value: Quantity<T>): Option<T> {
    return this.#with({ default: this.#read(value) })
  }

  /** The sentence that stands above the option in files and in the documentation. */
  describe(text: string): Option<T> {
    return this.#with({ description: text })
  }

  /** The least value; of a text its least length, of a list its fewest items. */
  min(bound: number | `${number}${string}`): Option<T> {
    return this.#with({ min: this.#read(bound) as number })
  }

  /** The greatest value; of a text its greatest length, of a list its most items. */
  max(bound: number | `${number}${string}`): Option<T> {
    return this.#with({ max: this.#read(bound) as number })
  }

  /** Accepts `off` and 0 for "no limit", whatever the bounds; the value is then 0. */
  orOff(): Option<T> {
    return this.#with({ off: true })
  }

  /** May be left out without a default; the value is then undefined. */
  optional(): Option<T | undefined> {
    return new Option<T | undefined>(this.shape, { ...this.facts, optional: true })
  }

  /** A sample, as YAML, for options without a default. */
  example(yaml: string): Option<T> {
    return this.#with({ example: yaml })
  }

  /** Texts must match; `phrase` says in words what matches: "a colour such as #fff". */
  matching(pattern: RegExp, phrase: string): Option<T> {
    return this.#with({ pattern, patternPhrase: phrase })
  }

  /** No item of the list may stand in it twice. */
  distinct(): Option<T> {
    return this.#with({ distinct: true })
  }

  /** Whether the value, or one inside it, must not be shown. */
  get isSecret(): boolean {
    const { shape } = this
    if (shape.kind === 'scalar') return shape.type === 'secret'
    if (shape.kind === 'group') return Object.values(shape.options).some((o) => o.isSecret)
    return shape.of.isSecret
  }

  /** In words, what the option takes: "a whole number of at least 1, or off". */
  get phrase(): string {
    const { shape } = this
    if (shape.kind === 'scalar') return scalarPhrase(shape.type, this.facts)
    if (shape.kind === 'list') {
      const { min, max } = this.facts
      const count = min === undefined ? '' : ` with at least ${min} item${min === 1 ? '' : 's'}`
      return `a list${count}${max === undefined ? '' : `, at most ${max} items`}, each ${shape.of.phrase}`
    }
    if (shape.kind === 'record') return `keys, each ${shape.key.phrase}, with values, each ${shape.of.phrase}`
    return `a block of keys: ${Object.keys(shape.options).join(', ')}`
  }

  #read(value: unknown): unknown {
    const type = this.shape.kind === 'scalar' ? this.shape.type : undefined
    const isText = typeof value === 'string' && (type === 'duration' || type === 'bytes' || type === 'int')
    return isText ? readQuantity(type, value) : value
  }

  #with(facts: Facts): Option<T> {
    return new Option<T>(this.shape, { ...this.facts, ...facts })
  }
}

const scalar = <T>(type: ScalarType, facts: Facts = {}): Option<T> => new Option<T>({ kind: 'scalar', type }, facts)

/** Builders of options, one for each kind of value. */
export const option = {
  /** `true` or `false`. */
  bool: () => scalar<boolean>('bool'),
  /** A whole number. */
  int: () => scalar<number>('int'),
  /** Any number. */
  number: () => scalar<number>('number'),
  /** Text; bounds are on its length. */
  string: () => scalar<string>('string'),
  /** A time span in milliseconds, written `30s`, `15m`, `1h30m`, `30d`. */
  duration: () => scalar<number>('duration'),
  /** A size in bytes, written `512`, `64KiB`, `10MiB`. */
  bytes: () => scalar<number>('bytes'),
  /** One of a few words. */
  oneOf: <const V extends string>(...values: V[]) => scalar<V>('oneOf', { values }),
  /** A path, made absolute from the folder of the file that mentions it. */
  path: () => scalar<string>('path'),
  /** Like `path`, of a file that must be readable at start. */
  file: () => scalar<string>('file'),
  /** A domain, prepared (RFC 7622 §3.2). */
  host: () => scalar<string>('host'),
  /** The bare address of an account, prepared. */
  jid: () => scalar<Jid>('jid'),
  /** An IP address, or a network: `10.0.0.0/8`, `2001:db8::/32`. */
  network: () => scalar<string>('network'),
  /** Text that is never shown: plain, `{file: PATH}` (read, trimmed) or `{env: NAME}`. */
  secret: () => scalar<string>('secret'),
  /** Values in order. */
  list: <T>(of: Option<T>) => new Option<readonly T[]>({ kind: 'list', of }),
  /** Values by key; the keys are texts unless `key` says otherwise. The highest file that has it gives all of it. */
  record: <T>(of: Option<T>, key: Option<string> = scalar<string>('string')) =>
    new Option<Readonly<Record<string, T>>>({ kind: 'record', of, key }),
  /** Named keys; each takes its value from the highest file that has it. */
  group: <const O extends Options>(options: O) => new Option<ConfigOf<O>>({ kind: 'group', options }),
} as const
