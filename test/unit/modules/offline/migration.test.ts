import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OfflineStore, START } from '../../../../modules/offline/store.ts'
import { up as initial } from '../../../../sql/offline/0001-initial.ts'
import { up as place } from '../../../../sql/offline/0002-place.ts'
import { Schema } from '../../../../src/storage/schema.ts'
import { dialects, openEmpty } from '../../../support/databases.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

for (const dialect of dialects)
  test(`offline: messages of an earlier version keep their order, before newer ones, on ${dialect}`, async () => {
    const { db, close } = await openEmpty(dialect)
    const isMysql = dialect === 'mysql'
    await initial(db.knex, new Schema(db.knex, isMysql, false))
    const row = { host: 'capulet.example', local: 'juliet' }
    for (const [receivedMs, message] of [
      [3000, '1'],
      [1000, '2'],
      [2000, '3'],
    ] as const)
      await db.knex('offline_messages').insert({ ...row, received_ms: receivedMs, message })
    await place(db.knex, new Schema(db.knex, isMysql, false))
    // MySQL commits each step, and one that was killed at the end is run again.
    if (isMysql) await place(db.knex, new Schema(db.knex, isMysql, true))
    const store = await OfflineStore.open(db, 'capulet.example', new FakeClock())
    await store.append('juliet', '5')
    await store.append('juliet', '4', 5000)
    const texts = (await store.page('juliet', START, 10)).map(({ text }) => text)
    assert.deepEqual(texts, ['1', '2', '3', '4', '5'])
    await close()
  })
