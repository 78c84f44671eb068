import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDocument } from '../../../src/config/document.ts'
import { decodeOptions } from '../../../src/config/layers.ts'
import { ConfigError, formatProblems } from '../../../src/config/problem.ts'
import { serverOptions } from '../../../src/config/server-options.ts'

const broken = `requireTls: true
hosts: [a.example
data: x
`
const mistaken = `hots: [example.org]
requireTls: maybe
database: mysql://root:hunter2@db
databasePool:\t0
listen:
  client: { adress: '::', port: 70000 }
limits:
  stanza: { bytes: lots, depth: 'off' }
  # a comment
  outbound:
    time: 60
admins: [admin@example.org, admin@example.org]
admins: []
`

test('a report with many problems reads like this', () => {
  const { problems } = decodeOptions(serverOptions, [parseDocument('conf/server.yaml', mistaken)])
  assert.equal(
    formatProblems(problems),
    `conf/server.yaml:1:1: there is no option hots
  1 | hots: [example.org]
    | ^
  What to do: Change it to hosts if that is what you meant.

conf/server.yaml:2:13: requireTls cannot be "maybe"
  2 | requireTls: maybe
    |             ^
  What to do: Write true or false; the default is true.

conf/server.yaml:3:11: database has a value it cannot take
  3 | database: (hidden)
    |           ^
  What to do: Write sqlite, sqlite:PATH or mysql://USER:PASSWORD@HOST:PORT/NAME, {file: PATH} or {env: NAME}; the default is sqlite.

conf/server.yaml:4:15: databasePool cannot be 0
  4 | databasePool:\t0
    |              \t^
  What to do: Write a whole number from 3 to 1000; the default is 10.

conf/server.yaml:6:13: there is no option adress in listen.client
  6 |   client: { adress: '::', port: 70000 }
    |             ^
  What to do: Change it to address if that is what you meant.

conf/server.yaml:6:33: listen.client.port cannot be 70000
  6 |   client: { adress: '::', port: 70000 }
    |                                 ^
  What to do: Write a whole number from 0 to 65535; the default is 5222.

conf/server.yaml:8:20: limits.stanza.bytes cannot be "lots"
  8 |   stanza: { bytes: lots, depth: 'off' }
    |                    ^
  What to do: Write a size (512, 64KiB, 10MiB) of at least 10000, or off; the default is 256KiB.

conf/server.yaml:11:11: limits.outbound.time cannot be 60
  11 |     time: 60
     |           ^
  What to do: Write a duration (30s, 15m, 12h) of at least 1s, or off; the default is 1m.

conf/server.yaml:12:29: admins has admin@example.org twice
  12 | admins: [admin@example.org, admin@example.org]
     |                             ^
  What to do: Delete one of the two.

conf/server.yaml:13:1: this key stands here twice
  13 | admins: []
     | ^
  What to do: Keep one of the two and delete the other.`,
  )
})

test('a report of broken YAML points at the spot and says nothing more', () => {
  const { problems } = decodeOptions(serverOptions, [parseDocument('conf/server.yaml', broken)])
  assert.equal(
    formatProblems(problems),
    `conf/server.yaml:3:1: this is not YAML: flow sequence in block collection must be sufficiently indented and end with a ]
  3 | data: x
    | ^
  What to do: Check brackets, quotes and indentation here and just above.`,
  )
})

test('a problem with a whole file has no line, and the same problem is told once', () => {
  const problem = {
    file: 'x.yaml',
    line: 0,
    column: 0,
    source: '',
    message: 'the file does not exist',
    cure: 'Make it.',
  }
  assert.equal(formatProblems([problem, { ...problem }]), 'x.yaml: the file does not exist\n  What to do: Make it.')
  assert.equal(new ConfigError([problem]).message, formatProblems([problem]))
  assert.equal(formatProblems([]), '')
})
