import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IqTable } from '../../../src/pipeline/iq-table.ts'

const NS = 'urn:example:play'
const handler = () => {}

test('a request is found by type, target, name and namespace', () => {
  const table = new IqTable()
  table.add('get', 'host', 'query', NS, 'stage', handler)
  assert.deepEqual(table.find('get', 'host', 'query', NS), { module: 'stage', handler })
  assert.equal(table.find('set', 'host', 'query', NS), undefined)
  assert.equal(table.find('get', 'account', 'query', NS), undefined)
  assert.equal(table.find('get', 'host', 'other', NS), undefined)
  assert.equal(table.find('get', 'host', 'query', 'urn:example:other'), undefined)
  assert.equal(table.find('get', 'host', 'query', undefined), undefined)
})

test('what a client chooses as a name finds nothing that is not there', () => {
  const table = new IqTable()
  table.add('get', 'host', 'query', NS, 'stage', handler)
  for (const name of ['__proto__', 'constructor', 'toString']) {
    assert.equal(table.find('get', 'host', name, NS), undefined)
    assert.equal(table.find('get', 'host', 'query', name), undefined)
  }
})

test('two modules that answer one request are refused, both by name', () => {
  const table = new IqTable()
  table.add('get', 'host', 'query', NS, 'stage', handler)
  assert.throws(
    () => table.add('get', 'host', 'query', NS, 'rival', handler),
    /modules stage and rival both answer <query xmlns='urn:example:play'\/> \(host get\)/,
  )
  table.add('get', 'account', 'query', NS, 'rival', handler)
})

test('`self` and `account` are rivals in either order: an owner asks the same address', () => {
  for (const [first, second] of [
    ['self', 'account'],
    ['account', 'self'],
  ] as const) {
    const table = new IqTable()
    table.add('set', first, 'query', NS, 'stage', handler)
    assert.throws(() => table.add('set', second, 'query', NS, 'rival', handler), /stage and rival/)
    table.add('get', second, 'query', NS, 'rival', handler)
  }
})

test('what is taken back is no longer answered or described, and may be taken by another', () => {
  const table = new IqTable()
  const undo = table.add('get', 'host', 'query', NS, 'stage', handler)
  undo()
  assert.equal(table.find('get', 'host', 'query', NS), undefined)
  assert.deepEqual(table.describe(), [])
  table.add('get', 'host', 'query', NS, 'rival', handler)
  assert.equal(table.find('get', 'host', 'query', NS)?.module, 'rival')
})

test('entries are described sorted', () => {
  const table = new IqTable()
  table.add('set', 'host', 'b', NS, 'stage', handler)
  table.add('get', 'account', 'a', NS, 'stage', handler)
  assert.deepEqual(table.describe(), [`account get a ${NS}: stage`, `host set b ${NS}: stage`])
})
