import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RoomSearch, RoomSummary } from '../../../../modules/muc/records.ts'
import { isFound, searchTerms } from '../../../../modules/muc/search-text.ts'
import { RoomStore } from '../../../../modules/muc/store.ts'
import { eachDatabase } from '../../../support/databases.ts'
import { createRoom, indexWith, JULIET, NURSE, ROMEO, SERVICE } from './rooms.ts'

const locals = (rooms: readonly RoomSummary[]) => rooms.map(({ local }) => local)

eachDatabase((open) => {
  test('room lists: have public rooms of the service that are not locked, forwards and backwards', async () => {
    const db = await open()
    const store = new RoomStore(db, SERVICE)
    // By octets of UTF-8; by UTF-16 units the last two would change places.
    const rooms = ['a', 'b', 'c', 'é', '\uff5e', '\u{1f339}']
    for (const local of rooms.toReversed()) await createRoom(store, local)
    await createRoom(store, 'hidden', { isPublic: false })
    const { id } = await createRoom(store, 'locked', { locked: true })
    await createRoom(new RoomStore(db, 'other.example'), 'elsewhere')
    const page = async (part: object) => locals(await store.page({ limit: 2, ...part }))
    assert.deepEqual(await page({ limit: 9 }), rooms)
    assert.equal(await store.count(), 6)
    assert.deepEqual(await page({}), ['a', 'b'])
    assert.deepEqual(await page({ after: 'b' }), ['c', 'é'])
    assert.deepEqual(await page({ after: 'bb' }), ['c', 'é'])
    assert.deepEqual(await page({ after: '\u{1f339}' }), [])
    // XEP-0059 §2.5: the last page, and the one before an item.
    assert.deepEqual(await page({ before: '' }), ['\uff5e', '\u{1f339}'])
    assert.deepEqual(await page({ before: '\uff5e' }), ['c', 'é'])
    assert.deepEqual(await page({ before: 'a' }), [])
    assert.deepEqual(await page({ after: 'a', before: 'é', limit: 9 }), ['b', 'c'])
    assert.deepEqual(await page({ limit: 0 }), [])
    assert.deepEqual(await page({ after: `' or 1=1 --` }), ['a', 'b'])
    await store.saveSettings(id, {}, indexWith(), false)
    assert.deepEqual(await page({ after: 'c' }), ['locked', 'é'])
    await store.saveSettings(id, {}, indexWith({ isPublic: false }), false)
    assert.deepEqual(await page({ after: 'c' }), ['é', '\uff5e'])
  })

  test('room lists: show a member the rooms that are hidden from others', async () => {
    const db = await open()
    const store = new RoomStore(db, SERVICE)
    await createRoom(store, 'b', {}, [NURSE])
    await createRoom(store, 'd')
    const isPublic = false
    for (const local of ['a', 'e']) await createRoom(store, local, { isPublic }, [NURSE])
    await createRoom(store, 'c', { isPublic, locked: true }, [NURSE])
    await createRoom(new RoomStore(db, 'other.example'), 'x', { isPublic }, [NURSE])
    const banned = await createRoom(store, 'f', { isPublic })
    await store.change(banned.id, [{ jid: NURSE, affiliation: 'outcast' }])
    const page = async (part: object) => locals(await store.page({ limit: 9, visibleTo: NURSE, ...part }))
    assert.deepEqual(await page({}), ['a', 'b', 'd', 'e'])
    assert.deepEqual(await page({ limit: 2 }), ['a', 'b'])
    assert.deepEqual(await page({ limit: 2, after: 'b' }), ['d', 'e'])
    assert.deepEqual(await page({ limit: 3, before: '' }), ['b', 'd', 'e'])
    assert.deepEqual(await page({ limit: 1, before: 'b' }), ['a'])
    assert.deepEqual(await page({ visibleTo: JULIET }), ['b', 'd'])
    assert.deepEqual([await store.count(), await store.count({ visibleTo: NURSE })], [2, 4])
  })

  test('room lists: 10,000 rooms are read in pages', async () => {
    const db = await open()
    const store = new RoomStore(db, SERVICE)
    await createRoom(store, 'room')
    const [row] = await db.knex('muc_rooms')
    const names = Array.from({ length: 10_000 }, (_, n) => `r${String(n).padStart(5, '0')}`)
    for (let n = 0; n < names.length; n += 500)
      await db.knex('muc_rooms').insert(names.slice(n, n + 500).map((local) => ({ ...row, id: undefined, local })))
    await db.knex('muc_rooms').where({ local: 'room' }).delete()
    const found: string[] = []
    for (let page = await store.page({ limit: 900 }); page.length > 0; ) {
      found.push(...locals(page))
      page = await store.page({ after: found.at(-1)!, limit: 900 })
    }
    assert.deepEqual(found, names)
    assert.equal(await store.count(), 10_000)
    assert.equal((await store.page({ limit: 1e9 })).length, 1000)
    const search: RoomSearch = { terms: ['9998'], fields: ['address'], sort: 'address', limit: 9 }
    assert.deepEqual(locals(await store.search(search)), ['r09998'])
  })

  test('room search: finds parts of names, descriptions and addresses, whatever their case', async () => {
    // XEP-0433 §5.2
    const store = new RoomStore(await open(), SERVICE)
    await createRoom(store, 'orchard', { name: 'Zum ÄPFELN', description: 'Under the moon', lang: 'de' })
    await createRoom(store, 'balcony', { name: 'moonlight', description: '100% roses_' })
    await createRoom(store, 'tomb', { name: 'Moon', isPublic: false })
    const search = async (text: string, part: Partial<RoomSearch> = {}) => {
      const fields: RoomSearch['fields'] = ['name', 'description', 'address']
      const terms = searchTerms(text)
      const found = await store.search({ terms, fields, sort: 'address', limit: 9, ...part })
      // The same as what is decided without the database.
      const all = await store.page({ limit: 9 })
      const expected = all.filter((room) => isFound(room, { terms, fields: part.fields ?? fields }))
      assert.deepEqual(locals(found).sort(), locals(expected).sort())
      return locals(found)
    }
    assert.deepEqual(await search('MOON'), ['balcony', 'orchard'])
    assert.deepEqual(await search('moon', { fields: ['name'] }), ['balcony'])
    assert.deepEqual(await search('moon', { fields: ['address'] }), [])
    assert.deepEqual(await search('moon', { fields: [] }), [])
    assert.deepEqual(await search('CHARD', { fields: ['address'] }), ['orchard'])
    assert.deepEqual(await search('äpfel MOON'), ['orchard'])
    assert.deepEqual(await search('apfel'), [])
    assert.deepEqual(await search('0%'), ['balcony'])
    assert.deepEqual(await search('roses_'), ['balcony'])
    assert.deepEqual(await search('o_n'), [])
    assert.deepEqual(await search('%'), ['balcony'])
    assert.deepEqual(await search(`' or 1=1 --`), [])
    assert.deepEqual(await search(''), ['balcony', 'orchard'])
  })

  test('room search: is read in pages by address or by name', async () => {
    const store = new RoomStore(await open(), SERVICE)
    const long = 'b'.repeat(300)
    const names = { r1: 'beta', r2: 'Alpha', r3: 'BETA', r4: '', r5: `${long}1`, r6: `${long}0`, r7: 'ö'.repeat(300) }
    for (const [local, name] of Object.entries(names)) await createRoom(store, local, { name })
    const pages = async (sort: RoomSearch['sort'], limit: number) => {
      const found: RoomSummary[] = []
      for (;;) {
        const after = found.at(-1)
        const search: RoomSearch = { terms: ['r'], fields: ['address'], sort, limit, ...(after && { after }) }
        const page = await store.search(search)
        if (page.length === 0) return locals(found)
        found.push(...page)
      }
    }
    for (const limit of [1, 2, 3, 9]) {
      assert.deepEqual(await pages('address', limit), ['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7'])
      assert.deepEqual(await pages('name', limit), ['r4', 'r2', 'r5', 'r6', 'r1', 'r3', 'r7'])
    }
  })

  test('room summaries: are of public rooms only', async () => {
    const store = new RoomStore(await open(), SERVICE)
    const index = { name: 'B', description: 'd', lang: 'it', isOpen: false, isPersistent: false, isNonAnonymous: true }
    await createRoom(store, 'b', index)
    await createRoom(store, 'hidden', { isPublic: false }, [ROMEO])
    const [found, ...others] = await store.summaries(['hidden', 'b', 'unknown'])
    assert.deepEqual(found, { ...indexWith(index), local: 'b', activeMs: found!.activeMs })
    assert.deepEqual(others, [])
    assert.deepEqual(await store.summaries([]), [])
  })
})
