/** A mistake in the configuration, with the spot and the cure, for whoever is awake at night. */
export interface ConfigProblem {
  readonly file: string
  /** Counted from 1; 0 when the problem is with the file as a whole. */
  readonly line: number
  /** Counted from 1; 0 when the problem is with the file as a whole. */
  readonly column: number
  /** The text of that line, empty when there is none to show. */
  readonly source: string
  /** What is wrong, as a clause without a full stop. */
  readonly message: string
  /** What to do about it, as a sentence. */
  readonly cure: string
}

/** Refuses to start: carries every problem found, not only the first. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    super(formatProblems(problems))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/**
 * Renders problems as a report: place and message, the line, a caret under the spot, what to do.
 * Sorted by place; the same problem found twice is told once. Empty for no problems.
 */
export function formatProblems(problems: readonly ConfigProblem[]): string {
  return distinctProblems(problems).sort(byPlace).map(formatProblem).join('\n\n')
}

/** The problems without repetitions, as one file is often read for several hosts. */
export function distinctProblems(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const seen = new Map<string, ConfigProblem>()
  for (const p of problems) {
    const key = JSON.stringify([p.file, p.line, p.column, p.message])
    if (!seen.has(key)) seen.set(key, p)
  }
  return [...seen.values()]
}

function formatProblem(problem: ConfigProblem): string {
  const { file, line, column, source, message, cure } = problem
  if (line === 0) return `${file}: ${message}\n  What to do: ${cure}`
  const number = String(line)
  const gutter = ' '.repeat(number.length)
  // Tabs stay tabs, so that the caret stands under the spot in any terminal.
  const indent = source.slice(0, column - 1).replace(/[^\t]/g, ' ')
  return [
    `${file}:${line}:${column}: ${message}`,
    `  ${number} | ${source}`,
    `  ${gutter} | ${indent}^`,
    `  What to do: ${cure}`,
  ].join('\n')
}

function byPlace(a: ConfigProblem, b: ConfigProblem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return a.line - b.line || a.column - b.column
}
