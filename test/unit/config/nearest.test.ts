import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearest, suggest } from '../../../src/config/nearest.ts'

test('a misspelling finds its word, and a stranger finds none', () => {
  const words = ['hosts', 'data', 'database', 'databasePool', 'requireTls']
  const table: [string, string | undefined][] = [
    ['hots', 'hosts'],
    ['host', 'hosts'],
    ['ohsts', 'hosts'],
    ['dat', 'data'],
    ['database_pool', 'databasePool'],
    ['require-TLS', 'requireTls'],
    ['requireTsl', 'requireTls'],
    ['colour', undefined],
    ['x', undefined],
  ]
  for (const [word, found] of table) assert.equal(nearest(word, words), found, word)
})

test('the cure names the nearest word, or else what it was told', () => {
  assert.equal(suggest('hots', ['hosts'], 'Remove it.'), 'Change it to hosts if that is what you meant.')
  assert.equal(suggest('colour', ['hosts'], 'Remove it.'), 'Remove it.')
})
