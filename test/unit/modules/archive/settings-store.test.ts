import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SettingsStore } from '../../../../modules/archive/settings-store.ts'
import { eachDatabase } from '../../../support/databases.ts'

const account = 'juliet@capulet.example'
const nothing = { preferences: undefined, retention: undefined, readers: new Map() }

eachDatabase((open) => {
  test('preferences and retention are kept beside each other', async () => {
    const store = new SettingsStore(await open())
    assert.deepEqual(await store.find(account), nothing)
    const preferences = { policy: 'roster' as const, always: new Set(['böb@x', 'bob@x']), never: new Set<string>() }
    await store.setPreferences(account, preferences)
    await store.setRetention(account, 86_400_000)
    assert.deepEqual(await store.find(account), { ...nothing, preferences, retention: 86_400_000 })
    await store.setPreferences(account, { ...preferences, policy: 'never' })
    assert.equal((await store.find(account)).retention, 86_400_000)
    await store.setRetention(account, undefined)
    assert.deepEqual(await store.find(account), {
      ...nothing,
      preferences: { ...preferences, policy: 'never' },
    })
    assert.deepEqual(await store.find('Juliet@capulet.example'), nothing)
  })

  test('retentions are those that differ from the host’s', async () => {
    const store = new SettingsStore(await open())
    await store.setRetention('a@x', 0)
    await store.setRetention('b@x', 5)
    await store.setRetention('c@x', undefined)
    assert.deepEqual(
      await store.retentions(['a@x', 'b@x', 'c@x', 'd@x']),
      new Map([
        ['a@x', 0],
        ['b@x', 5],
      ]),
    )
    assert.deepEqual(await store.retentions([]), new Map())
  })

  test('readers are remembered by resource, in the order of time', async () => {
    const store = new SettingsStore(await open())
    await store.putReader(account, 'phone', 20)
    await store.putReader(account, 'Phone', 10)
    await store.putReader(account, 'tablet', 5)
    await store.putReader(account, 'tablet', 30)
    const readers = async (jid: string) => [...(await store.find(jid)).readers]
    assert.deepEqual(await readers(account), [
      ['Phone', 10],
      ['phone', 20],
      ['tablet', 30],
    ])
    await store.removeReaders(account, ['phone'])
    await store.removeReadersBefore(11)
    assert.deepEqual(await readers(account), [['tablet', 30]])
  })

  test('an account is forgotten', async () => {
    const store = new SettingsStore(await open())
    for (const jid of [account, 'other@x']) {
      await store.setRetention(jid, 1)
      await store.putReader(jid, 'phone', 1)
    }
    await store.forget(account)
    assert.deepEqual(await store.find(account), nothing)
    assert.equal((await store.find('other@x')).retention, 1)
    assert.equal((await store.find('other@x')).readers.size, 1)
  })
})
