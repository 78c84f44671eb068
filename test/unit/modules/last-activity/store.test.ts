import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LastActivityStore } from '../../../../modules/last-activity/store.ts'
import { eachDatabase } from '../../../support/databases.ts'

eachDatabase((open) => {
  test('the last departure of each account is kept, octet for octet', async () => {
    const store = new LastActivityStore(await open())
    await store.save([
      { account: 'bob@localhost', leftMs: 1, status: '' },
      { account: 'böb@localhost', leftMs: 2, status: '' },
    ])
    await store.save([
      { account: 'bob@localhost', leftMs: 1_767_225_600_123, status: 'Zum Balkon 🌹' },
      { account: 'juliet@localhost', leftMs: 4, status: '' },
    ])
    assert.deepEqual(await store.find('bob@localhost'), {
      account: 'bob@localhost',
      leftMs: 1_767_225_600_123,
      status: 'Zum Balkon 🌹',
    })
    assert.equal((await store.find('böb@localhost'))?.leftMs, 2)
    assert.equal((await store.find('juliet@localhost'))?.leftMs, 4)
    assert.equal(await store.find('BOB@localhost'), undefined)
  })

  test('an account is forgotten and no other', async () => {
    const store = new LastActivityStore(await open())
    await store.save([
      { account: 'romeo@localhost', leftMs: 1, status: '' },
      { account: 'juliet@localhost', leftMs: 2, status: '' },
    ])
    await store.remove('romeo@localhost')
    assert.equal(await store.find('romeo@localhost'), undefined)
    assert.equal((await store.find('juliet@localhost'))?.leftMs, 2)
  })
})
