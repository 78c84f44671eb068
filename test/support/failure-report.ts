import type { TestEvent } from 'node:test/reporters'

/** How much is told of a failure: lines of its message, places it came from, and characters of each line. */
const MESSAGE_LINES = 20
const PLACES = 3
const LINE_LENGTH = 300

/** A reporter for node:test: the tests that fail, by the names of all they are in, and why; nothing when none does. */
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const names: string[] = []
  for await (const { type, data } of events) {
    if (type === 'test:start') {
      names.length = data.nesting
      names.push(data.name)
    }
    if (type !== 'test:fail') continue
    const { error } = data.details
    // A suite fails with what is in it.
    if ((error as { failureType?: string }).failureType === 'subtestsFailed') continue
    const path = [...names.slice(0, data.nesting), data.name].join(' > ')
    yield `✖ ${path} (${data.file ?? ''}:${data.line ?? ''})\n${tell(error)}\n`
  }
}

/** What is wrong, and where. */
function tell({ cause, message }: Error): string {
  if (!(cause instanceof Error)) return cut(message.split('\n'), MESSAGE_LINES)
  const isOurs = (line: string) => /^ {4}at .*\.ts:\d/.test(line) && !line.includes('/node_modules/')
  const places = (cause.stack ?? '').split('\n').filter(isOurs)
  return [cut(cause.message.split('\n'), MESSAGE_LINES), ...places.slice(0, PLACES)].join('\n')
}

function cut(lines: readonly string[], most: number): string {
  const shown = lines.slice(0, most).map((line) => `    ${line.slice(0, LINE_LENGTH)}`)
  return [...shown, ...(lines.length > most ? ['    …'] : [])].join('\n')
}
