import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parseDocument } from '../../../src/config/document.ts'
import { type DecodeSettings, decodeOptions } from '../../../src/config/layers.ts'
import { type AnyOption, type Options, option } from '../../../src/config/option.ts'

const dir = mkdtempSync(join(tmpdir(), 'config-layers-'))
after(() => rmSync(dir, { recursive: true }))

/** Decodes options from texts, lowest first, named a.yaml, b.yaml, … */
function read<const O extends Options>(options: O, texts: readonly string[], settings?: DecodeSettings) {
  const documents = texts.map((text, i) => parseDocument(join(dir, `${'abc'[i]}.yaml`), text))
  return decodeOptions(options, documents, settings)
}

/** The value of one option `x`, or the message of its only problem. */
function one(x: AnyOption, yaml: string): unknown {
  const { values, problems } = read({ x }, [`x: ${yaml}`], { env: { PW: 'from-env' } })
  assert.ok(problems.length <= 1, JSON.stringify(problems))
  return problems[0]?.message ?? values.x
}

test('each kind of option reads its values and refuses others', () => {
  const duration = option.duration().min('1s')
  const table: [AnyOption, string, unknown][] = [
    [option.bool(), 'true', true],
    [option.bool(), 'off', 'x cannot be "off"'],
    [option.int().min(1).max(9), '9', 9],
    [option.int().min(1).max(9), '10', 'x cannot be 10'],
    [option.int().min(1).max(9), '0', 'x cannot be 0'],
    [option.int(), '1.5', 'x cannot be 1.5'],
    [option.int().min(1).orOff(), 'off', 0],
    [option.int().min(1).orOff(), '0', 0],
    [option.int().min(1).orOff(), '-1', 'x cannot be -1'],
    [option.number(), '1.5', 1.5],
    [option.string(), 'hello', 'hello'],
    [option.string(), '12', 'x cannot be 12'],
    [option.string(), '', 'x has no value'],
    [option.string().matching(/^#/, 'a colour'), "'#fff'", '#fff'],
    [option.string().matching(/^#/, 'a colour'), 'fff', 'x cannot be "fff"'],
    [duration, '1h30m', 5_400_000],
    [duration, '500ms', 'x cannot be "500ms"'],
    [duration, '30', 'x cannot be 30'],
    [duration, 'off', 'x cannot be "off"'],
    [duration.orOff(), 'off', 0],
    [duration.orOff(), '0', 0],
    [option.bytes(), '10MiB', 10_485_760],
    [option.bytes(), '512', 512],
    [option.bytes(), "'512'", 512],
    [option.bytes().max('1KiB'), '2KiB', 'x cannot be "2KiB"'],
    [option.oneOf('kick', 'refuse'), 'kick', 'kick'],
    [option.oneOf('kick', 'refuse'), 'kill', 'x cannot be "kill"'],
    [option.list(option.int()), '[1, 2]', [1, 2]],
    [option.list(option.int()), '[1, two]', 'x[1] cannot be "two"'],
    [option.list(option.int()), '1', 'x cannot be 1'],
    [option.list(option.int()).min(1), '[]', 'x cannot be an empty list'],
    [option.list(option.int()).distinct(), '[1, 2, 1]', 'x has 1 twice'],
    [option.record(option.int()), '{ a: 1, b: 2 }', { a: 1, b: 2 }],
    [option.record(option.int()), '{ a: one }', 'x.a cannot be "one"'],
    [option.group({ a: option.int() }), '[1]', 'x cannot be a list'],
    [option.group({ a: option.int() }), '{ a: 1 }', { a: 1 }],
    [option.group({ a: option.int() }), '{}', 'x.a is missing'],
    [option.group({ a: option.int().optional() }), '', { a: undefined }],
    [option.path(), 'sub/file', join(dir, 'sub/file')],
    [option.path(), '/etc/x', '/etc/x'],
    [option.host(), 'Example.ORG', 'example.org'],
    [option.network(), '192.0.2.1', '192.0.2.1'],
    [option.network(), '2001:db8::/32', '2001:db8::/32'],
    [option.network(), '192.0.2.0/33', 'x cannot be "192.0.2.0/33"'],
    [option.network(), 'localhost', 'x cannot be "localhost"'],
    [option.network(), '10.0', 'x cannot be 10'],
    [option.list(option.network()), '[::1, 127.0.0.1]', ['::1', '127.0.0.1']],
    [option.secret(), 'plain', 'plain'],
    [option.secret(), '{ env: PW }', 'from-env'],
    [option.secret(), '{ env: NOPE }', 'the environment variable NOPE is not set'],
    [option.secret(), '{ fil: x }', 'there is no option fil in x'],
    [option.secret(), '{ file: a, env: PW }', 'x has a value it cannot take'],
    [option.secret(), '[1]', 'x has a value it cannot take'],
  ]
  for (const [kind, yaml, expected] of table) assert.deepEqual(one(kind, yaml), expected, `${kind.phrase}: ${yaml}`)
})

test('a host or account that does not prepare is refused with the reason', () => {
  for (const yaml of ["'a b'", 'user@example.org', 'example.org/x']) {
    assert.match(String(one(option.host(), yaml)), /^x cannot be ".*": /, yaml)
  }
  for (const yaml of ['example.org', 'user@example.org/x', "'@'"]) {
    assert.match(String(one(option.jid(), yaml)), /^x cannot be ".*": /, yaml)
  }
  assert.equal(String(one(option.jid(), 'Alice@Example.org')), 'alice@example.org')
})

test('a secret is read from a file beside the one that names it, trimmed', () => {
  writeFileSync(join(dir, 'password.txt'), ' s3cret \n')
  assert.equal(one(option.secret(), '{ file: password.txt }'), 's3cret')
  assert.equal(one(option.file(), 'password.txt'), join(dir, 'password.txt'))
  const missing = `x names ${join(dir, 'nope')}, but the file does not exist`
  assert.equal(one(option.secret(), '{ file: nope }'), missing)
  assert.equal(one(option.file(), 'nope'), missing)
  assert.equal(one(option.secret(), '{ file: . }'), `x names ${dir}, but this is a folder, not a file`)
})

test('a secret that is refused is not shown', () => {
  const { problems } = read({ pw: option.secret().min(20) }, ['pw: hunter2'])
  assert.equal(problems.length, 1)
  assert.doesNotMatch(JSON.stringify(problems), /hunter2/)
})

test('the highest document that has a key gives it, key by key in groups, and origins say which', () => {
  const options = {
    a: option.int().default(1),
    b: option.int().default(2),
    c: option.int().default(3),
    g: option.group({ x: option.int().default(4), y: option.int().default(5) }),
    r: option.record(option.int()).default({}),
  }
  const { values, origins, problems } = read(options, [
    'a: 10\nb: 10\ng:\n  x: 10\nr: { p: 1 }',
    '',
    'b: 20\ng: { y: 20 }\nr: { q: 2 }',
  ])
  assert.deepEqual(problems, [])
  assert.deepEqual(values, { a: 10, b: 20, c: 3, g: { x: 10, y: 20 }, r: { q: 2 } })
  assert.deepEqual(origins.get('a'), { file: join(dir, 'a.yaml'), line: 1, column: 4 })
  assert.deepEqual(origins.get('b'), { file: join(dir, 'c.yaml'), line: 1, column: 4 })
  assert.equal(origins.get('c'), 'default')
  assert.deepEqual(origins.get('g.x'), { file: join(dir, 'a.yaml'), line: 4, column: 6 })
  assert.deepEqual(origins.get('g.y'), { file: join(dir, 'c.yaml'), line: 2, column: 9 })
})

test('a wrong value is told even where a higher document overrides it', () => {
  const { values, problems } = read({ a: option.int().default(1) }, ['a: one', 'a: 2'])
  assert.equal(values.a, 2)
  assert.deepEqual(
    problems.map((p) => p.message),
    ['a cannot be "one"'],
  )
})

test('nothing is called missing while a document cannot be read as YAML', () => {
  const options = { a: option.int() }
  assert.deepEqual(
    read(options, ['b: 1\n'])
      .problems.map((p) => p.message)
      .sort(),
    ['a is missing', 'there is no option b'],
  )
  const broken = read(options, ['a: "1']).problems
  assert.equal(broken.length, 1)
  assert.match(broken[0]!.message, /^this is not YAML: missing closing/)
})

test('a key twice is told, and the rest is still checked', () => {
  const { problems } = read({ a: option.int(), b: option.int() }, ['a: 1\na: 2\nb: x'])
  assert.deepEqual(
    problems.map((p) => [p.line, p.message]),
    [
      [2, 'this key stands here twice'],
      [3, 'b cannot be "x"'],
    ],
  )
})

test('aliases stand for what they name', () => {
  const { values, problems } = read({ a: option.int(), b: option.int() }, ['a: &n 7\nb: *n'])
  assert.deepEqual(problems, [])
  assert.deepEqual(values, { a: 7, b: 7 })
})

test('a default path starts at the base, and a required option is named in the file it belongs in', () => {
  const { values, problems } = read({ p: option.path().default('./data'), q: option.int() }, [], {
    base: '/srv',
    file: 'q.yaml',
  })
  assert.equal(values.p, '/srv/data')
  assert.deepEqual(problems, [
    { file: 'q.yaml', line: 0, column: 0, source: '', message: 'q is missing', cure: 'Add q: a whole number.' },
  ])
})

test('keys of the object prototype are unknown keys like others', () => {
  const { problems } = read({ a: option.int().default(1) }, ['__proto__: 1\nconstructor: 2\ntoString: 3'])
  assert.equal(problems.length, 3)
})

test('values have the types of their options', () => {
  const { values } = read(
    { n: option.int().default(1), m: option.oneOf('a', 'b').default('a'), o: option.string().optional() },
    [],
  )
  const typed: { readonly n: number; readonly m: 'a' | 'b'; readonly o: string | undefined } = values
  assert.deepEqual(typed, { n: 1, m: 'a', o: undefined })
  // @ts-expect-error a word that is not among them
  option.oneOf('a', 'b').default('c')
  assert.throws(() => option.int().default('30s'), TypeError)
})
