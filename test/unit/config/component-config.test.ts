import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { componentLimits, loadComponents } from '../../../src/config/component-config.ts'
import { loadServerConfig } from '../../../src/config/server-config.ts'

const root = mkdtempSync(join(tmpdir(), 'stonechat-components-'))
after(() => rmSync(root, { recursive: true }))

let folders = 0
/** A new configuration folder; `components` is the text of `modules/components.yaml`. */
function folder(components: string, server = 'listen: { component: { port: 5347 } }\n', secret = 'juliet\n'): string {
  const dir = join(root, String(folders++))
  mkdirSync(join(dir, 'modules'), { recursive: true })
  writeFileSync(join(dir, 'server.yaml'), server)
  writeFileSync(join(dir, 'modules/components.yaml'), components)
  writeFileSync(join(dir, 'modules/push.secret'), secret)
  return dir
}

const problems = (components: string, server?: string) =>
  loadServerConfig(folder(components, server)).problems.map((p) => `${p.line}:${p.column} ${p.message}`)

test('a component has a secret, in a file, a variable or as it stands, and limits of its own', () => {
  const yaml = `components:
  Push.Example.org: { secret: { file: push.secret } }
  bot.example.org: { secret: { env: BOT }, limits: { connections: 3, bytes: 1MiB, inboundPending: off } }
  irc.example.org: { secret: romeo }
`
  const { components, problems } = loadComponents(folder(yaml), { BOT: 'the lark' })
  assert.deepEqual(problems, [])
  assert.deepEqual(components, {
    'push.example.org': { secret: 'juliet', limits: { connections: 1, bytes: 524_288, inboundPending: 1000 } },
    'bot.example.org': { secret: 'the lark', limits: { connections: 3, bytes: 1_048_576, inboundPending: 0 } },
    'irc.example.org': { secret: 'romeo', limits: componentLimits },
  })
  const env = { BOT: 'the lark' }
  assert.deepEqual(loadServerConfig(folder(yaml), { env }).config.components, components)
  assert.deepEqual(loadServerConfig(null).config.components, {})
})

test('a component cannot be a host, be without a secret, or have nowhere to connect to', () => {
  const on = 'listen: { component: { port: 5347 } }\n'
  assert.deepEqual(problems('components: { a.example: { secret: x } }', `${on}hosts: [a.example]`), [
    '1:15 a.example is one of the hosts, and cannot be a component too',
  ])
  assert.deepEqual(problems('components: { a.example: {} }'), ['1:26 components.a.example.secret is missing'])
  assert.deepEqual(problems("components: { a.example: { secret: '' } }"), [
    '1:36 components.a.example.secret has a value it cannot take',
  ])
  assert.deepEqual(problems('components: { a.example: { secret: x } }', 'hosts: [localhost]'), [
    '1:15 a.example cannot connect: listen.component is off',
  ])
  assert.deepEqual(problems('a.example: { secret: x }'), ['1:1 there is no option a.example'])
})

test('what stood in server.yaml once is refused there, saying where it belongs now', () => {
  const server = 'components: { a.example: { secret: x } }\nlimits: { component: { bytes: 1MiB } }\n'
  const told = loadServerConfig(folder('', server)).problems
  assert.deepEqual(
    told.map((p) => [p.line, p.message, /modules\/components\.yaml/.test(p.cure)]),
    [
      [1, 'there is no option components', true],
      [2, 'there is no option component in limits', true],
    ],
  )
})
