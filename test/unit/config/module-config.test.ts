import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { findStrayFiles, loadModuleConfig, optionsOf } from '../../../src/config/module-config.ts'
import { option } from '../../../src/config/option.ts'

const root = mkdtempSync(join(tmpdir(), 'module-config-'))
after(() => rmSync(root, { recursive: true }))

let folders = 0
function folder(files: Readonly<Record<string, string>>): string {
  const dir = join(root, String(folders++))
  mkdirSync(dir)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), text)
  }
  return dir
}

const offline = {
  name: 'offline',
  options: { limit: option.int().orOff().default(100), keep: option.duration().default('30d') },
}

test('each host takes the highest of shipped, shared and own file', () => {
  const dir = folder({
    'shipped.yaml': 'limit: 200\n',
    'modules/offline.yaml': 'keep: 10d\n',
    'hosts/b.example/offline.yaml': 'enabled: false\nlimit: off\n',
  })
  const settings = { shippedFile: join(dir, 'shipped.yaml'), configDir: dir, hosts: ['a.example', 'b.example'] }
  const { byHost, problems } = loadModuleConfig(offline, settings)
  assert.deepEqual(problems, [])
  const a = byHost.get('a.example')!
  const b = byHost.get('b.example')!
  const limit: number = a.values.limit
  assert.deepEqual([a.enabled, limit, a.values.keep], [true, 200, 864_000_000])
  assert.deepEqual([b.enabled, b.values.limit, b.values.keep], [false, 0, 864_000_000])
  assert.deepEqual(b.origins.get('limit'), { file: join(dir, 'hosts/b.example/offline.yaml'), line: 2, column: 8 })
  assert.deepEqual(a.origins.get('keep'), { file: join(dir, 'modules/offline.yaml'), line: 1, column: 7 })
  assert.equal(a.origins.get('enabled'), 'default')
  assert.equal(Object.hasOwn(a.values, 'enabled'), false)
})

test('without any file a module has its defaults and its own idea of being on', () => {
  const settings = { shippedFile: join(root, 'none.yaml'), configDir: null, hosts: ['a.example'] }
  const on = loadModuleConfig(offline, settings).byHost.get('a.example')!
  assert.deepEqual([on.enabled, on.values.limit], [true, 100])
  const off = loadModuleConfig({ ...offline, enabledByDefault: false }, settings)
  assert.equal(off.byHost.get('a.example')!.enabled, false)
})

test('a mistake in a shared file is told once, and in every file', () => {
  const dir = folder({
    'shipped.yaml': 'limmit: 200\n',
    'modules/offline.yaml': 'keep: ten\n',
    'hosts/b.example/offline.yaml': 'enabled: 1\n',
  })
  const settings = { shippedFile: join(dir, 'shipped.yaml'), configDir: dir, hosts: ['a.example', 'b.example'] }
  assert.deepEqual(
    loadModuleConfig(offline, settings)
      .problems.map((p) => p.message)
      .sort(),
    ['enabled cannot be 1', 'keep cannot be "ten"', 'there is no option limmit'],
  )
})

test('a module that is off need not be given what it requires', () => {
  const push = { name: 'push', options: { url: option.string() } }
  const read = (yaml: string) => {
    const dir = folder({ 'modules/push.yaml': yaml })
    return loadModuleConfig(push, { shippedFile: join(dir, 'x'), configDir: dir, hosts: ['a.example'] }).problems
  }
  assert.deepEqual(
    read('enabled: true').map((p) => p.message),
    ['url is missing'],
  )
  assert.deepEqual(read('enabled: false'), [])
  assert.deepEqual(
    read('enabled: false\nurl: 1').map((p) => p.message),
    ['url cannot be 1'],
  )
})

test('a module may not declare enabled itself', () => {
  assert.throws(() => optionsOf({ name: 'x', options: { enabled: option.bool() } }), TypeError)
})

test('files that nothing reads are told with the name they were probably meant to have', () => {
  const dir = folder({
    'server.yaml': '',
    'modules/offline.yaml': '',
    'modules/ofline.yaml': '',
    'modules/roster.yml': '',
    'modules/notes.txt': '',
    'modules/.hidden.yaml': '',
    'hosts/example.org/roster.yaml': '',
    'hosts/example.org/zzz.yaml': '',
    'hosts/exampel.org/roster.yaml': '',
  })
  assert.deepEqual(
    findStrayFiles(dir, ['offline', 'roster'], ['example.org']).map((p) => [
      p.file.slice(dir.length + 1),
      p.message,
      p.cure,
    ]),
    [
      ['modules/ofline.yaml', 'there is no module ofline', 'Change it to offline if that is what you meant.'],
      ['modules/roster.yml', 'this file is never read', 'Rename it to roster.yaml.'],
      [
        'hosts/exampel.org',
        'exampel.org is not among the hosts',
        'Change it to example.org if that is what you meant.',
      ],
      ['hosts/example.org/zzz.yaml', 'there is no module zzz', 'Remove it, or name it for a module.'],
    ],
  )
  assert.deepEqual(findStrayFiles(folder({}), [], []), [])
})
