import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Entry } from '../../durability/disk-journal.ts'
import { PowerLoss } from '../../durability/power-loss.ts'

const content = 'x'.repeat(100)

/** Loses power after what a journal says; gives what is left of the files named, how many were hit, and whether one of those removed is back. */
function left(
  names: readonly string[],
  entries: (path: (name: string) => string) => Entry[],
  before: string[] = [],
  removed: string[] = [],
) {
  const data = mkdtempSync(join(tmpdir(), 'stonechat-power-'))
  const path = (name: string) => join(data, 'files', name)
  const write = (name: string) => {
    mkdirSync(join(path(name), '..'), { recursive: true })
    writeFileSync(path(name), content)
  }
  try {
    before.forEach(write)
    const power = new PowerLoss(join(data, 'files'), join(data, 'journal'))
    power.begins()
    names.forEach(write)
    for (const name of removed) renameSync(path(name), join(data, `saved ${name}`))
    writeFileSync(
      power.journal,
      entries(path)
        .map((one) => `${JSON.stringify(one)}\n`)
        .join(''),
    )
    const hit = power.happens()
    const kept = names.map((name) => {
      if (!existsSync(path(name))) return 'gone'
      return readFileSync(path(name), 'utf8') === content ? 'whole' : 'cut'
    })
    return {
      kept,
      hit,
      back: removed.some((name) => existsSync(path(name)) && readFileSync(path(name), 'utf8') === content),
    }
  } finally {
    rmSync(data, { recursive: true })
  }
}

test('a file outlasts a loss of power when it, and all names that lead to it, got onto the disk', () => {
  const data = (path: (name: string) => string) => join(path(''), '..')
  const folders = (path: (name: string) => string): Entry[] => [
    ['made', path('')],
    ['syncs', data(path), 1],
    ['synced', data(path), 1],
  ]
  const file = (path: (name: string) => string): Entry[] => [
    ['made', path('draft')],
    ['written', path('draft')],
  ]
  const synced = (path: string, id: number): Entry[] => [
    ['syncs', path, id],
    ['synced', path, id],
  ]
  const top = (path: (name: string) => string) => path('')
  const plays: Readonly<Record<string, [expected: string, entries: (path: (name: string) => string) => Entry[]]>> = {
    'all is synced': [
      'whole',
      (path) => [
        ...folders(path),
        ...file(path),
        ...synced(path('draft'), 2),
        ['moved', path('a'), path('draft')],
        ...synced(top(path), 3),
      ],
    ],
    'its folder is not synced': [
      'gone',
      (path) => [...folders(path), ...file(path), ...synced(path('draft'), 2), ['moved', path('a'), path('draft')]],
    ],
    'its folder was synced before': [
      'gone',
      (path) => [
        ...folders(path),
        ...file(path),
        ...synced(path('draft'), 2),
        ['syncs', top(path), 3],
        ['moved', path('a'), path('draft')],
        ['synced', top(path), 3],
      ],
    ],
    'the folder above is not synced': [
      'gone',
      (path) => [
        ['made', top(path)],
        ...file(path),
        ...synced(path('draft'), 2),
        ['moved', path('a'), path('draft')],
        ...synced(top(path), 3),
      ],
    ],
    'it is not synced': [
      'cut',
      (path) => [...folders(path), ...file(path), ['moved', path('a'), path('draft')], ...synced(top(path), 3)],
    ],
    'it was written while it was synced': [
      'cut',
      (path) => [
        ...folders(path),
        ...file(path),
        ['syncs', path('draft'), 2],
        ['written', path('draft')],
        ['synced', path('draft'), 2],
        ['moved', path('a'), path('draft')],
        ...synced(top(path), 3),
      ],
    ],
    'its sync has not ended': [
      'cut',
      (path) => [
        ...folders(path),
        ...file(path),
        ['syncs', path('draft'), 2],
        ['moved', path('a'), path('draft')],
        ...synced(top(path), 3),
      ],
    ],
    'nobody saw how it came': ['gone', folders],
  }
  for (const [what, [expected, entries]] of Object.entries(plays)) {
    const { kept, hit } = left(['a'], entries)
    assert.deepEqual(kept, [expected], what)
    assert.equal(hit > 0, expected !== 'whole', what)
  }
})

test('a file that was removed comes back unless its folder was synced after that', () => {
  const saved = (path: (name: string) => string) => join(path(''), '..', 'saved b')
  const plays: readonly [hit: number, entries: (path: (name: string) => string) => Entry[]][] = [
    [1, (path) => [['removed', path('b'), saved(path)]]],
    [
      1,
      (path) => [
        ['syncs', path(''), 1],
        ['removed', path('b'), saved(path)],
        ['synced', path(''), 1],
      ],
    ],
    [
      0,
      (path) => [
        ['removed', path('b'), saved(path)],
        ['syncs', path(''), 1],
        ['synced', path(''), 1],
      ],
    ],
    [0, (path) => [['removed', path('never there'), saved(path)]]],
  ]
  for (const [expected, entries] of plays) {
    const { hit, back } = left([], entries, ['b'], ['b'])
    assert.deepEqual([hit, back], [expected, expected === 1])
  }
})

test('what was there before stays', () => {
  const { kept, hit } = left(['old/b'], () => [], ['old/b'])
  assert.deepEqual([kept, hit], [['whole'], 0])
})
