import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Lines that `docs/LOGGING.md` says one ought to know. */
export interface DocumentedLines {
  readonly messages: readonly string[]
  readonly levels: readonly string[]
  readonly fields: readonly string[]
}

/** What `docs/LOGGING.md` says of the log. */
export interface LogDocumentation {
  /** The type of each field. */
  readonly fields: ReadonlyMap<string, string>
  /** Those that every line has. */
  readonly always: readonly string[]
  readonly lines: readonly DocumentedLines[]
  /** The samples for Elasticsearch. */
  readonly samples: string
}

const file = fileURLToPath(new URL('../../docs/LOGGING.md', import.meta.url))

/** Reads the documentation. @throws Error when a field stands there twice. */
export function readLogDocumentation(): LogDocumentation {
  const [text = '', samples = ''] = readFileSync(file, 'utf8').split('## Into Elasticsearch')
  const fields = new Map<string, string>()
  const tables = text.split(/^(?=\| field \| type \|)/m).slice(1)
  const always: string[] = []
  for (const [place, table] of tables.entries())
    for (const [, names = '', type = ''] of (table.split('\n\n')[0] ?? '').matchAll(/^\| (`.*?`) \| ([a-z ]+) \|/gm))
      for (const name of quoted(names)) {
        if (fields.has(name)) throw new Error(`${name} is documented twice`)
        fields.set(name, type)
        if (place === 0) always.push(name)
      }
  const rows = text.matchAll(/^\| ((?:error|warn|info|debug)(?:, \w+)*) \| (`.*?`) \| (.*) \|$/gm)
  const lines = [...rows].map(([, levels = '', messages = '', said = '']) => ({
    levels: levels.split(', '),
    messages: quoted(messages),
    // Beside fields, metrics and reasons are named.
    fields: quoted(said).filter((name) => fields.has(name)),
  }))
  return { fields, always, lines, samples }
}

function quoted(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)
}
