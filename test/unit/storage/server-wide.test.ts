import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Database } from '../../../src/storage/database.ts'
import { serverWide } from '../../../src/storage/server-wide.ts'

test('hosts that share a database have it in common, and others have one of their own', () => {
  const [one, other] = [{}, {}] as Database[]
  const domainsOf = serverWide(() => new Set<string>())
  domainsOf(one!).add('capulet.example')
  assert.deepEqual([...domainsOf(one!)], ['capulet.example'])
  assert.deepEqual([...domainsOf(other!)], [])
})
