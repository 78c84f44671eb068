import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ResumableStore, type SavedStanza } from '../../../../modules/stream-management/store.ts'
import { eachDatabase } from '../../../support/databases.ts'

const own: SavedStanza = { stanza: '<presence/>', handover: null, sinceMs: null, owed: null }
const saved = (hash: string, local = 'romeo', handled = 3) => ({ hash, local, handled, state: `{"of":"${hash}"}` })

eachDatabase((open) => {
  test('a count is found until it is forgotten, on its host only', async () => {
    const db = await open()
    const store = new ResumableStore(db, 'verona.example')
    await store.count(
      [
        { hash: 'a', local: 'romeo', handled: 1 },
        { hash: 'b', local: 'böb', handled: 0 },
      ],
      1000,
    )
    await store.count([{ hash: 'a', local: 'romeo', handled: 5_000_000_000 }], 2000)
    assert.deepEqual(await store.find('a'), { hash: 'a', local: 'romeo', handled: 5_000_000_000 })
    assert.equal(await store.find('A'), undefined)
    assert.equal(await new ResumableStore(db, 'mantua.example').find('a'), undefined)
    assert.equal(await store.forgetBefore(2000, 10), 1)
    assert.equal(await store.find('b'), undefined)
    await store.forget('romeo')
    assert.equal(await store.find('a'), undefined)
  })

  test('a session comes back as it was saved, the last time', async () => {
    const store = new ResumableStore(await open(), 'verona.example')
    const stanzas: SavedStanza[] = [
      { stanza: '<message>ü😀</message>', handover: 'h1', sinceMs: 1_700_000_000_000, owed: null },
      own,
      { stanza: '<message>copy</message>', handover: 'h2', sinceMs: 5, owed: '<message/>' },
    ]
    await store.save([{ session: saved('a'), stanzas: [own, own, own, own] }], 1000)
    await store.save(
      [
        { session: saved('a', 'romeo', 7), stanzas },
        { session: saved('b'), stanzas: [] },
      ],
      2000,
    )
    assert.deepEqual(await store.page('', 10), [saved('a', 'romeo', 7), saved('b')])
    assert.deepEqual(await store.page('a', 10), [saved('b')])
    assert.deepEqual(await store.page('', 1), [saved('a', 'romeo', 7)])
    assert.deepEqual(await store.stanzas('a'), stanzas)
    // A count noted meanwhile takes nothing of it, and neither does time.
    await store.count([{ hash: 'a', local: 'romeo', handled: 8 }], 3000)
    assert.equal(await store.forgetBefore(10_000, 10), 0)
    assert.deepEqual(await store.page('', 1), [saved('a', 'romeo', 8)])
    await store.release(['a'])
    assert.deepEqual(await store.page('', 10), [saved('b')])
    assert.deepEqual(await store.stanzas('a'), [])
    assert.equal((await store.find('a'))?.handled, 8)
  })

  test('much of it is saved in pieces, in order', async () => {
    const store = new ResumableStore(await open(), 'verona.example')
    const stanzas = Array.from({ length: 1_000 }, (_, n) => ({
      ...own,
      stanza: `${n} ${'x'.repeat(n % 100 === 0 ? 200_000 : 10)}`,
    }))
    await store.save([{ session: saved('a'), stanzas }], 1000)
    assert.deepEqual(await store.stanzas('a'), stanzas)
  })

  test('many sessions with large presences are saved, however much of them must be escaped', async () => {
    const store = new ResumableStore(await open(), 'verona.example')
    const sessions = Array.from({ length: 50 }, (_, n) => ({
      session: { ...saved(`${n}`), state: JSON.stringify({ presence: '"'.repeat(250_000) }) },
      stanzas: [],
    }))
    await store.save(sessions, 1000)
    assert.equal((await store.page('', 100)).length, 50)
  })

  test('an account is forgotten with all that was saved of it, and no other', async () => {
    const store = new ResumableStore(await open(), 'verona.example')
    await store.save(
      [
        { session: saved('a'), stanzas: [own] },
        { session: saved('b', 'juliet'), stanzas: [own] },
      ],
      1000,
    )
    await store.forget('romeo')
    assert.deepEqual(await store.stanzas('a'), [])
    assert.deepEqual(await store.page('', 10), [saved('b', 'juliet')])
    assert.deepEqual(await store.stanzas('b'), [own])
  })
})
