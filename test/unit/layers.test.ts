import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const layers: readonly (readonly string[])[] = [
  ['xml', 'jid', 'util'],
  ['stanza', 'config', 'storage', 'observe'],
  ['session', 'pipeline', 'auth', 'cluster'],
  ['module', 'http', 'stream', 'net', 'routing'],
]
/** Packages that only these places may import. */
const reserved: Readonly<Record<string, (file: string) => boolean>> = {
  knex: (file) => file.startsWith('src/storage/') || file.startsWith('sql/'),
  'better-sqlite3': (file) => file.startsWith('src/storage/'),
  mysql2: (file) => file.startsWith('src/storage/'),
  '@xmpp/xml': (file) => file.startsWith('src/xml/'),
  saxes: (file) => file.startsWith('src/xml/'),
  'node:net': (file) => file.startsWith('src/net/'),
  'node:tls': (file) => file.startsWith('src/net/'),
}

/** Packages of modules’ own. */
const packagesOf: Readonly<Record<string, readonly string[]>> = { 'modules/websocket': ['ws'] }

interface Import {
  readonly file: string
  readonly target: string
  readonly isType: boolean
}

function filesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => join(folder, name))
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/^(?:import|export)\s(type\s)?[^'"]*?from '([^']+)'/gm)].map(([, type, target]) => ({
    file,
    target: target!,
    isType: type !== undefined,
  }))
}

const sources = filesUnder('src').flatMap(importsOf)
const moduleSources = filesUnder('modules').flatMap(importsOf)
const inside = (i: Import): string | undefined =>
  i.target.startsWith('.') ? relative(root, resolve(root, dirname(i.file), i.target)) : undefined
const folderOf = (path: string): string | undefined => /^src\/([^/]+)\//.exec(path)?.[1]
const layerOf = (folder: string | undefined): number =>
  folder === undefined ? layers.length : layers.findIndex((names) => names.includes(folder))

test('every folder of src has a layer', () => {
  for (const file of filesUnder('src')) assert.notEqual(layerOf(folderOf(file)), -1, file)
})

test('nothing imports from a layer above its own', () => {
  for (const i of sources) {
    const target = inside(i)
    // A type has no run-time cost and ties no knot: it may look up one layer where two name each other.
    if (target !== undefined && !i.isType)
      assert.ok(layerOf(folderOf(target)) <= layerOf(folderOf(i.file)), `${i.file} imports ${target}`)
  }
})

test('folders of src form no circle', () => {
  const edges = new Map<string, Set<string>>()
  for (const i of sources) {
    const [from, to] = [folderOf(i.file), folderOf(inside(i) ?? '')]
    if (!i.isType && from !== undefined && to !== undefined && from !== to)
      edges.set(from, (edges.get(from) ?? new Set()).add(to))
  }
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    [...(edges.get(from) ?? [])].some((next) => next === to || (!seen.has(next) && reaches(next, to, seen.add(next))))
  for (const folder of edges.keys())
    assert.ok(!reaches(folder, folder), `src/${folder} imports itself by way of ${[...edges.get(folder)!].join(', ')}`)
})

test('src does not import modules', () => {
  for (const i of sources) assert.ok(!(inside(i) ?? '').startsWith('modules/'), `${i.file} imports ${i.target}`)
})

test('a module imports #api, node built-ins, itself, and index or hooks of others', () => {
  for (const i of moduleSources) {
    const own = i.file.split('/').slice(0, 2).join('/')
    const target = inside(i)
    const allowed =
      target === undefined
        ? i.target === '#api' ||
          i.target.startsWith('node:') ||
          packagesOf[own]?.includes(i.target) === true ||
          (i.target === 'knex' && i.isType && i.file.endsWith('/store.ts'))
        : target.startsWith(`${own}/`) || /^modules\/[^/]+\/(index|hooks)\.ts$/.test(target)
    assert.ok(allowed, `${i.file} imports ${i.target}`)
    for (const name of ['node:net', 'node:tls', 'node:http', 'node:dgram'])
      assert.notEqual(i.target, name, `${i.file} opens sockets`)
  }
})

test('a module that imports another declares it', () => {
  for (const i of moduleSources) {
    const [, owner] = i.file.split('/')
    const other = /^modules\/([^/]+)\//.exec(inside(i) ?? '')?.[1]
    if (other === undefined || other === owner) continue
    const index = readFileSync(join(root, 'modules', owner!, 'index.ts'), 'utf8')
    assert.match(
      index,
      new RegExp(`from '\\.\\./${other}/index\\.ts'`),
      `${i.file} imports ${other}, which modules/${owner}/index.ts does not depend on`,
    )
  }
})

test('packages stay in the places that own them', () => {
  for (const i of [...sources, ...moduleSources]) {
    const owns = reserved[i.target]
    if (owns !== undefined && !i.isType) assert.ok(owns(i.file), `${i.file} imports ${i.target}`)
    assert.notEqual(i.target, 'ltx', `${i.file} imports ltx: under ESM that is a second Element class`)
  }
})

test('time comes from the clock and chance from node:crypto', () => {
  for (const file of [...filesUnder('src'), ...filesUnder('modules')]) {
    const text = readFileSync(join(root, file), 'utf8')
    assert.doesNotMatch(text, /Math\.random/, file)
    if (file !== 'src/util/clock.ts') assert.doesNotMatch(text, /Date\.now\(|new Date\(\)|performance\.now\(/, file)
  }
})
