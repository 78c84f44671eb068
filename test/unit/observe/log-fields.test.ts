import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readLogDocumentation } from '../../support/log-documentation.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const documentation = readLogDocumentation()

/** The names in an object as it is written, without those of what is spread into it. */
function namesIn(object: string): string[] {
  let depth = 0
  let top = ''
  for (const character of object) {
    if ('{(['.includes(character)) depth++
    if (depth === 0) top += character
    if ('})]'.includes(character)) depth--
  }
  return top.split(',').flatMap((part) => /^\s*(\w+)\s*(?::|$)/.exec(part)?.[1] ?? [])
}

/** The text from a brace on up to the one that closes it, without either. */
function within(text: string, from: number): string {
  let depth = 1
  let end = from
  for (; depth > 0; end++) depth += text[end] === '{' ? 1 : text[end] === '}' ? -1 : 0
  return text.slice(from, end - 1)
}

test('every field that the program logs is documented', () => {
  const unknown: string[] = []
  let known = 0
  for (const file of globSync(['src/**/*.ts', 'modules/**/*.ts'], { cwd: root })) {
    const text = readFileSync(`${root}/${file}`, 'utf8')
    for (const match of text.matchAll(/\blog\.(?:trace|debug|info|warn|error|fatal)\(\s*\{/g))
      for (const name of namesIn(within(text, match.index + match[0].length)))
        if (documentation.fields.has(name)) known++
        else unknown.push(`${file}: ${name}`)
  }
  assert.deepEqual(unknown, [])
  assert.ok(known > 100, `${known} fields were found: the pattern finds none any more`)
})

test('the samples for Elasticsearch name fields that there are, and lines as they are logged', () => {
  const { fields, lines, samples } = documentation
  const named = [...samples.matchAll(/\[?stonechat\]?[.[](\w+)\b(?!\.log|\.conf)/g)].map(([, name]) => name!)
  const wanted = ['time', 'address', 'level', 'msg', 'account', 'session', 'stream']
  assert.deepEqual(
    wanted.filter((name) => !named.includes(name)),
    [],
  )
  assert.deepEqual(
    [...new Set(named)].filter((name) => !fields.has(name) && name !== 'log'),
    [],
  )
  const messages = [...samples.matchAll(/\[stonechat\]\[msg\] == "([^"]+)"/g)].map(([, message]) => message!)
  assert.ok(messages.length > 0)
  for (const message of messages)
    assert.ok(
      lines.some((line) => line.messages.includes(message)),
      message,
    )
})
