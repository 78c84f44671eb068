import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml'
import { type ConfigDocument, fileProblem, type Place, unreadable } from './document.ts'
import { suggest } from './nearest.ts'
import type { AnyOption, ConfigOf, Options } from './option.ts'
import type { ConfigProblem } from './problem.ts'
import { scalarSchema } from './scalar.ts'
import { writeDefault } from './write.ts'

/** Where a value came from. */
export type Origin = Place | 'default'

/** What a set of options came to. */
export interface Decoded<O extends Options> {
  /** To be trusted only when `problems` is empty: an option with a problem has its default or undefined. */
  readonly values: ConfigOf<O>
  /** By key, inside groups, lists and records by path: `limits.stanza.bytes`, `hosts[0]`, `tls.hosts.example.org`. */
  readonly origins: ReadonlyMap<string, Origin>
  readonly problems: readonly ConfigProblem[]
}

/** What decoding needs beside the documents. */
export interface DecodeSettings {
  /** Folder that default paths start from; the working directory unless given. */
  readonly base?: string
  /** The file to name when a required option is in no document. */
  readonly file?: string
  /** Environment for `{env: NAME}`. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Accepts the absence of required options: the values of a module that is off. */
  readonly lenient?: boolean
  /** What to do about options that stood here once, by path. */
  readonly moved?: Readonly<Record<string, string>>
}

/** A node of one document, together with the offset where a caret would stand. */
interface Source {
  readonly document: ConfigDocument
  readonly node: Node | null
  readonly at: number
}

interface Decoding extends Required<DecodeSettings> {
  readonly problems: ConfigProblem[]
  readonly origins: Map<string, Origin>
}

/** Stands for "there was a problem, which is reported". */
const failed = Symbol('failed')

/**
 * Decodes options from documents laid over each other, the lowest first.
 * Never stops at the first problem and never throws for the admin's mistakes. A document that is no YAML counts as absent,
 * and then nothing is called missing, as it may stand in there.
 */
export function decodeOptions<const O extends Options>(
  options: O,
  documents: readonly ConfigDocument[],
  settings: DecodeSettings = {},
): Decoded<O> {
  const sources: Source[] = []
  for (const document of documents) {
    if (document.root !== undefined) sources.push(toSource(document, document.root, 0))
  }
  const decoding: Decoding = {
    base: settings.base ?? process.cwd(),
    file: settings.file ?? documents.at(-1)?.file ?? 'configuration',
    env: settings.env ?? process.env,
    lenient: settings.lenient === true || sources.length < documents.length,
    moved: settings.moved ?? {},
    problems: documents.flatMap((d) => d.problems),
    origins: new Map(),
  }
  const values = decodeGroup(options, sources, '', decoding)
  return { values: values as ConfigOf<O>, origins: decoding.origins, problems: decoding.problems }
}

function toSource(document: ConfigDocument, node: Node | null, at: number): Source {
  const start = node?.range?.[0] ?? at
  return { document, node: isAlias(node) ? (node.resolve(document.yaml) ?? null) : node, at: start }
}

function decode(option: AnyOption, sources: readonly Source[], parents: readonly Source[], path: string, d: Decoding) {
  const { shape, facts } = option
  if (sources.length === 0 && (shape.kind !== 'group' || facts.optional)) return absent(option, parents, path, d)
  if (shape.kind === 'group') return decodeGroup(shape.options, sources, path, d)
  let value: unknown = failed
  for (const source of sources) {
    d.origins.set(path, source.document.place(source.at))
    value = decodeOne(option, source, path, d)
  }
  return value === failed ? facts.default : value
}

function decodeOne(option: AnyOption, source: Source, path: string, d: Decoding): unknown {
  switch (option.shape.kind) {
    case 'list':
      return decodeList(option, option.shape.of, source, path, d)
    case 'record':
      return decodeRecord(option, option.shape, source, path, d)
    default:
      return decodeScalar(option, source, path, d)
  }
}

function absent(option: AnyOption, parents: readonly Source[], path: string, d: Decoding): unknown {
  const { shape, facts } = option
  d.origins.set(path, 'default')
  if (facts.default !== undefined) {
    return shape.kind === 'scalar' && shape.type === 'path' ? resolve(d.base, String(facts.default)) : facts.default
  }
  if (facts.optional || d.lenient) return undefined
  const cure = `Add ${path.replace(/^.*\./, '')}: ${option.phrase}.`
  const parent = parents.at(-1)
  const message = `${path} is missing`
  d.problems.push(parent ? parent.document.problem(parent.at, message, cure) : fileProblem(d.file, message, cure))
  return undefined
}

function decodeGroup(options: Options, sources: readonly Source[], path: string, d: Decoding) {
  const byKey = new Map<string, Source[]>()
  const maps: Source[] = []
  let lenient = d.lenient
  for (const source of sources) {
    if (source.node === null || (isScalar(source.node) && source.node.value === null)) continue
    if (!isMap(source.node)) {
      const what = path === '' ? 'this file' : path
      const cure = `Write keys with values under it; it takes ${Object.keys(options).join(', ')}.`
      lenient = true
      d.problems.push(source.document.problem(source.at, `${what} cannot be ${shown(source.node)}`, cure))
      continue
    }
    maps.push(source)
    for (const { key, at, value } of entries(source.document, source.node)) {
      if (Object.hasOwn(options, key)) byKey.set(key, [...(byKey.get(key) ?? []), value])
      else {
        const moved = d.moved[path === '' ? key : `${path}.${key}`]
        d.problems.push(unknownKey(source.document, at, key, Object.keys(options), path, moved))
      }
    }
  }
  const values: Record<string, unknown> = {}
  for (const [key, option] of Object.entries(options)) {
    values[key] = decode(option, byKey.get(key) ?? [], maps, path === '' ? key : `${path}.${key}`, { ...d, lenient })
  }
  return values
}

function unknownKey(
  document: ConfigDocument,
  at: number,
  key: string,
  known: readonly string[],
  path: string,
  moved?: string,
) {
  const where = path === '' ? '' : ` in ${path}`
  const cure = moved ?? suggest(key, known, `Remove it, or use one of: ${known.join(', ')}.`)
  return document.problem(at, `there is no option ${key}${where}`, cure)
}

function decodeList(option: AnyOption, of: AnyOption, source: Source, path: string, d: Decoding): unknown {
  const { node, document } = source
  if (!isSeq(node)) return refuse(option, source, path, d)
  const { min = 0, max = Number.POSITIVE_INFINITY, distinct } = option.facts
  if (node.items.length < min || node.items.length > max) return refuse(option, source, path, d)
  const seen = new Set<string>()
  const values: unknown[] = []
  node.items.forEach((item, i) => {
    const at = toSource(document, item as Node | null, source.at)
    const value = decode(of, [at], [source], `${path}[${i}]`, d)
    if (distinct && value !== undefined && seen.has(String(value))) {
      d.problems.push(document.problem(at.at, `${path} has ${value} twice`, 'Delete one of the two.'))
    }
    seen.add(String(value))
    // What is right is kept beside what is not, so that files for a host are not called stray over another host's mistake.
    if (value !== undefined) values.push(value)
  })
  return values
}

function decodeRecord(
  option: AnyOption,
  shape: { readonly of: AnyOption; readonly key: AnyOption },
  source: Source,
  path: string,
  d: Decoding,
): unknown {
  const { node, document } = source
  if (!isMap(node)) return refuse(option, source, path, d)
  const values = new Map<string, unknown>()
  for (const { at, keyNode, value } of entries(document, node)) {
    const name = decodeScalar(shape.key, { document, node: keyNode, at }, `a key of ${path}`, d)
    if (name === failed) continue
    if (values.has(String(name))) {
      d.problems.push(document.problem(at, `${path} has ${name} twice`, 'Delete one of the two.'))
    }
    values.set(String(name), decode(shape.of, [value], [{ document, node: keyNode, at }], `${path}.${name}`, d))
    d.origins.set(`${path}.${name}`, document.place(at))
  }
  return Object.fromEntries(values)
}

function* entries(document: ConfigDocument, map: YAMLMap) {
  for (const pair of map.items as Pair<Node | null, Node | null>[]) {
    const at = pair.key?.range?.[0] ?? map.range?.[0] ?? 0
    const key = isScalar(pair.key) ? String(pair.key.value) : String(pair.key)
    yield { key, at, keyNode: pair.key, value: toSource(document, pair.value, at) }
  }
}

function decodeScalar(option: AnyOption, source: Source, path: string, d: Decoding): unknown {
  if (option.shape.kind !== 'scalar') throw new TypeError(`${path} is not a single value`)
  const { type } = option.shape
  let raw: unknown = isScalar(source.node) ? source.node.value : undefined
  if (type === 'secret' && isMap(source.node)) raw = readSecret(option, source, source.node, path, d)
  if (raw === failed) return failed
  if (raw === undefined || raw === null) return refuse(option, source, path, d)
  const result = scalarSchema(type, option.facts).safeParse(raw)
  if (!result.success) {
    const issue = result.error.issues.find((i) => i.code === 'custom')
    return refuse(option, source, path, d, issue?.message)
  }
  if (type !== 'path' && type !== 'file') return result.data
  const full = resolve(dirname(source.document.file), String(result.data))
  return type === 'path' ? full : readableFile(full, source, path, d)
}

function readableFile(file: string, source: Source, path: string, d: Decoding): unknown {
  try {
    accessSync(file, constants.R_OK)
    if (statSync(file).isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' })
    return file
  } catch (error) {
    const message = `${path} names ${file}, but ${unreadable(error)}`
    const cure =
      'Correct the path (it starts at the folder of this file), or make the file readable for the server’s user.'
    d.problems.push(source.document.problem(source.at, message, cure))
    return failed
  }
}

function readSecret(option: AnyOption, source: Source, map: YAMLMap, path: string, d: Decoding): unknown {
  const [only, ...more] = [...entries(source.document, map)]
  const name = isScalar(only?.value.node) ? only.value.node.value : undefined
  if (only === undefined || more.length > 0 || typeof name !== 'string') return refuse(option, source, path, d)
  if (only.key === 'env') {
    const value = d.env[name]
    if (value !== undefined && value !== '') return value
    const cure = `Set ${name} in the environment the server starts in.`
    d.problems.push(source.document.problem(only.value.at, `the environment variable ${name} is not set`, cure))
    return failed
  }
  if (only.key !== 'file') {
    d.problems.push(unknownKey(source.document, only.at, only.key, ['file', 'env'], path))
    return failed
  }
  const file = readableFile(resolve(dirname(source.document.file), name), only.value, path, d)
  if (file === failed) return failed
  try {
    return readFileSync(String(file), 'utf8').trim()
  } catch (error) {
    const message = `${path} names ${file}, but ${unreadable(error)}`
    d.problems.push(source.document.problem(only.value.at, message, 'Name a file with the secret alone in it.'))
    return failed
  }
}

function refuse(option: AnyOption, source: Source, path: string, d: Decoding, reason?: string): typeof failed {
  const secret = option.shape.kind === 'scalar' && option.shape.type === 'secret'
  const empty = source.node === null || (isScalar(source.node) && source.node.value === null)
  const verb = empty ? 'has no value' : secret ? 'has a value it cannot take' : `cannot be ${shown(source.node)}`
  const message = `${path} ${verb}${reason === undefined ? '' : `: ${reason}`}`
  d.problems.push(source.document.problem(source.at, message, cureFor(option, source.node), secret && !empty))
  return failed
}

function cureFor(option: AnyOption, node: Node | null): string {
  const { shape, facts } = option
  const text = shape.kind === 'scalar' && (shape.type === 'string' || shape.type === 'secret')
  if (text && isScalar(node) && node.value !== null && typeof node.value !== 'string') {
    return 'Put it in quotes, as it is meant as text.'
  }
  const standard = facts.default === undefined ? '' : `; the default is ${writeDefault(option)}`
  return `Write ${option.phrase}${standard}.`
}

function shown(node: Node | null): string {
  if (isSeq(node)) return node.items.length === 0 ? 'an empty list' : 'a list'
  if (isMap(node)) return 'a block of keys'
  const value = isScalar(node) ? node.value : null
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
