import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyValue } from '../../../src/storage/key-value.ts'
import { eachDatabase } from '../../support/databases.ts'

eachDatabase((open) => {
  test('a value is set, changed and removed', async () => {
    const kv = new KeyValue(await open(), 'greeter@example.org')
    assert.equal(await kv.get('greeting'), undefined)
    await kv.set('greeting', 'hello')
    await kv.set('greeting', 'grüß dich 😀 ')
    assert.equal(await kv.get('greeting'), 'grüß dich 😀 ')
    await kv.delete('greeting')
    await kv.delete('greeting')
    assert.equal(await kv.get('greeting'), undefined)
  })

  test('owners and keys are apart from each other', async () => {
    const db = await open()
    const [one, other] = [new KeyValue(db, 'one'), new KeyValue(db, 'One')]
    await one.set('key', '1')
    await one.set('Key', '2')
    await other.set('key', '3')
    await other.delete('Key')
    assert.deepEqual([await one.get('key'), await one.get('Key'), await other.get('key')], ['1', '2', '3'])
  })

  test('each call is one query', async () => {
    const db = await open()
    const kv = new KeyValue(db, 'owner')
    const start = db.queries
    await kv.set('key', 'value')
    await kv.get('key')
    await kv.delete('key')
    assert.equal(db.queries - start, 3)
  })
})
