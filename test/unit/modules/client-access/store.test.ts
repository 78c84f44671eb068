import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClientStore, type Sighting } from '../../../../modules/client-access/store.ts'
import { eachDatabase } from '../../../support/databases.ts'

const sighting = (client: string, lastMs: number, passwordMs?: number, software?: string): Sighting => ({
  local: 'juliet',
  client,
  software,
  device: undefined,
  lastMs,
  passwordMs,
})

eachDatabase((open) => {
  test('clients are noted, listed and forgotten', async () => {
    const db = await open()
    const store = new ClientStore(db, 'verona.lit')
    await store.note([sighting('phone', 1, 1, 'Gajim'), sighting('desk', 2)])
    await store.note([sighting('phone', 3, undefined, 'Dino')])
    const phone = { client: 'phone', software: 'Dino', device: undefined, firstMs: 1, lastMs: 3, passwordMs: 1 }
    const desk = {
      client: 'desk',
      software: undefined,
      device: undefined,
      firstMs: 2,
      lastMs: 2,
      passwordMs: undefined,
    }
    assert.deepEqual(await store.list('juliet'), [desk, phone])
    await store.forgetPasswords('juliet')
    assert.deepEqual(await store.list('juliet'), [desk, { ...phone, passwordMs: undefined }])
    assert.deepEqual(await new ClientStore(db, 'mantua.lit').list('juliet'), [])
    assert.deepEqual(await store.crowded(1, 10), ['juliet'])
    assert.deepEqual(await store.crowded(2, 10), [])
    await store.removeBeyond('juliet', 1)
    assert.deepEqual(
      (await store.list('juliet')).map(({ client }) => client),
      ['phone'],
    )
    assert.equal(await store.removeBefore(3, 10), 0)
    assert.equal(await store.removeBefore(4, 10), 1)
    await store.note([sighting('phone', 5)])
    assert.equal(await store.remove('juliet', 'desk'), 0)
    assert.equal(await store.remove('juliet'), 1)
  })
})
