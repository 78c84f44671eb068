import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { type Document, LineCounter, type Node, parseDocument as parseYaml, type YAMLError } from 'yaml'
import type { ConfigProblem } from './problem.ts'

/** A spot in a configuration file; line and column count from 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** One YAML file with the position of everything in it. */
export interface ConfigDocument {
  readonly file: string
  readonly yaml: Document
  /** Undefined when the text is no YAML: then nothing in it can be trusted, and only `problems` counts. */
  readonly root: Node | null | undefined
  /** Syntax errors and duplicate keys. */
  readonly problems: readonly ConfigProblem[]
  /** The place of a character offset. */
  place(offset: number): Place
  /** A problem at a character offset. With `hide` the rest of the line is not shown, as it may be a secret. */
  problem(offset: number, message: string, cure: string, hide?: boolean): ConfigProblem
  /** The same at a place, as {@link place} gave it. */
  problemAt(spot: Place, message: string, cure: string, hide?: boolean): ConfigProblem
}

/** A problem with a file as a whole. */
export function fileProblem(file: string, message: string, cure: string): ConfigProblem {
  return { file, line: 0, column: 0, source: '', message, cure }
}

/** Parses the text of a YAML file; never throws, mistakes are in `problems`. `file` is only a name for reports. */
export function parseDocument(file: string, text: string): ConfigDocument {
  const counter = new LineCounter()
  const yaml = parseYaml(text, { lineCounter: counter, prettyErrors: false, keepSourceTokens: false })
  const lines = text.split(/\r\n|\r|\n/)
  const place = (offset: number): Place => {
    const { line, col } = counter.linePos(offset)
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const problemAt = (spot: Place, message: string, cure: string, hide = false): ConfigProblem => {
    const source = lines[spot.line - 1] ?? ''
    return { ...spot, source: hide ? `${source.slice(0, spot.column - 1)}(hidden)` : source, message, cure }
  }
  const problem: ConfigDocument['problem'] = (offset, ...what) => problemAt(place(offset), ...what)
  const mistakes: readonly YAMLError[] = [...yaml.errors, ...yaml.warnings]
  // A mapping with a key twice is still a tree; after any other error the tree is a guess.
  const trusted = yaml.errors.every((e) => e.code === 'DUPLICATE_KEY')
  return {
    file,
    yaml,
    root: trusted ? (yaml.contents as Node | null) : undefined,
    problems: mistakes.map((e) => problem(e.pos[0], syntaxMessage(e), syntaxCure(e))),
    place,
    problem,
    problemAt,
  }
}

/**
 * Reads a YAML file. Undefined when there is none and `mayBeMissing`; an unreadable file is a document
 * without content that carries the problem.
 */
export function readDocument(file: string, mayBeMissing: boolean): ConfigDocument | undefined {
  const unusable = (message: string, cure: string) => ({
    ...parseDocument(file, ''),
    root: undefined,
    problems: [fileProblem(file, message, cure)],
  })
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    if (mayBeMissing && isMissing(error)) return undefined
    return unusable(unreadable(error), 'Make it a file that the server’s user may read.')
  }
  if (!isUtf8(bytes) || bytes.includes(0)) return unusable('this is not a text in UTF-8', 'Save it as UTF-8.')
  return parseDocument(file, bytes.toString('utf8').replace(/^\ufeff/, ''))
}

/** A problem at a place of a file that was read before. */
export function problemAtPlace(place: Place, message: string, cure: string): ConfigProblem {
  return readDocument(place.file, true)?.problemAt(place, message, cure) ?? fileProblem(place.file, message, cure)
}

/** Whether an error of node:fs says that nothing is there. */
export function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/** In words, why a file could not be read. */
export function unreadable(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return 'the file does not exist'
  if (code === 'EACCES' || code === 'EPERM') return 'the file may not be read'
  if (code === 'EISDIR') return 'this is a folder, not a file'
  if (code === 'ENOTDIR') return 'it is in what is a file, not a folder'
  return `the file cannot be read (${code ?? error})`
}

function syntaxMessage(error: YAMLError): string {
  if (error.code === 'DUPLICATE_KEY') return 'this key stands here twice'
  return `this is not YAML: ${error.message.charAt(0).toLowerCase()}${error.message.slice(1)}`
}

function syntaxCure(error: YAMLError): string {
  if (error.code === 'DUPLICATE_KEY') return 'Keep one of the two and delete the other.'
  if (error.code === 'TAB_AS_INDENT') return 'Indent with spaces instead of tabs.'
  return 'Check brackets, quotes and indentation here and just above.'
}
