import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type AffiliationChange,
  LastOwnerError,
  NickTakenError,
  type VersionedAffiliation,
} from '../../../../modules/muc/records.ts'
import { RoomStore } from '../../../../modules/muc/store.ts'
import type { Database } from '../../../../src/storage/database.ts'
import { eachDatabase } from '../../../support/databases.ts'
import { CREATED_MS, createRoom, JULIET, NURSE, ROMEO, SERVICE } from './rooms.ts'

const V = CREATED_MS

async function balcony(db: Database) {
  const store = new RoomStore(db, SERVICE)
  const { id } = await createRoom(store, 'balcony')
  const change = (...changes: AffiliationChange[]) => store.change(id, changes)
  const of = async (jid: string) => (await store.affiliations(id, [jid]))[0]
  return { store, id, change, of }
}

const person = (n: number) => `user${String(n).padStart(5, '0')}@montague.example`

eachDatabase((open) => {
  test('affiliations: are found by address and domain, and listed one kind at a time', async () => {
    const { store, id, change, of } = await balcony(await open())
    const registration = { 'muc#register_first': 'Angelica' }
    await change(
      { jid: JULIET, affiliation: 'admin', reason: 'A rose' },
      { jid: NURSE, affiliation: 'member', nick: 'Nurse', registration },
      { jid: 'capulet.example', affiliation: 'outcast' },
      { jid: 'Tybalt@capulet.example', affiliation: 'outcast' },
    )
    const nurse = { jid: NURSE, affiliation: 'member', nick: 'Nurse', registration }
    assert.deepEqual(await store.affiliations(id, [NURSE, 'capulet.example', 'paris@capulet.example', NURSE]), [
      { jid: 'capulet.example', affiliation: 'outcast' },
      nurse,
    ])
    assert.equal(await of('tybalt@capulet.example'), undefined)
    assert.deepEqual(await store.affiliations(id, []), [])
    const outcasts = await store.list(id, 'outcast', { limit: 9 })
    assert.deepEqual(
      outcasts.map(({ jid }) => jid),
      ['Tybalt@capulet.example', 'capulet.example'],
    )
    assert.deepEqual(await store.list(id, 'member', { limit: 9 }), [nurse])
    assert.deepEqual(await store.list(id, 'admin', { limit: 9 }), [
      { jid: JULIET, affiliation: 'admin', reason: 'A rose' },
    ])
    assert.deepEqual(
      (await store.listAll(id, { after: 'capulet.example', limit: 2 })).map(({ jid }) => jid),
      [JULIET, NURSE],
    )
    assert.deepEqual(await store.counts(id), { owner: 1, admin: 1, member: 1, none: 0, outcast: 2 })
  })

  test('affiliations: who is removed is in no list and in no look-up', async () => {
    const { store, id, change, of } = await balcony(await open())
    await change({ jid: NURSE, affiliation: 'member', nick: 'Nurse' }, { jid: JULIET, affiliation: 'owner' })
    await change({ jid: NURSE, affiliation: 'none', reason: 'Sleeps' })
    assert.equal(await of(NURSE), undefined)
    assert.deepEqual(await store.list(id, 'none', { limit: 9 }), [])
    assert.deepEqual(
      (await store.listAll(id, { limit: 9 })).map(({ jid }) => jid),
      [JULIET, ROMEO],
    )
    assert.deepEqual(await store.counts(id), { owner: 2, admin: 0, member: 0, none: 0, outcast: 0 })
    assert.deepEqual(await store.roomsOf(NURSE), [])
    assert.equal(await store.nickOwner(id, 'Nurse'), undefined)
  })

  test('affiliations: the last owner stays, unless told otherwise', async () => {
    // XEP-0045 §10.4
    const { store, id, change, of } = await balcony(await open())
    await assert.rejects(
      change({ jid: NURSE, affiliation: 'member' }, { jid: ROMEO, affiliation: 'admin' }),
      LastOwnerError,
    )
    assert.deepEqual([await of(ROMEO), await of(NURSE)], [{ jid: ROMEO, affiliation: 'owner' }, undefined])
    assert.equal((await store.load('balcony'))!.version, V)
    // One goes and another comes.
    await change({ jid: ROMEO, affiliation: 'none' }, { jid: JULIET, affiliation: 'owner' })
    await assert.rejects(change({ jid: JULIET, affiliation: 'none' }), LastOwnerError)
    await store.change(id, [{ jid: JULIET, affiliation: 'none' }], { keepOwner: false })
    assert.deepEqual(await store.listAll(id, { limit: 9 }), [])
    // Without an owner all other changes are still possible.
    await change({ jid: NURSE, affiliation: 'member' })
  })

  test('affiliations: what is so already is no change and no new version', async () => {
    const { store, id, change, of } = await balcony(await open())
    const nurse = { jid: NURSE, affiliation: 'member', reason: 'Hm', nick: 'Nurse', registration: { a: '1' } } as const
    assert.equal(await change(nurse), V + 1)
    for (const same of [nurse, { jid: NURSE, affiliation: 'member' }, { jid: JULIET, affiliation: 'none' }] as const)
      assert.equal(await change(same), V + 1)
    assert.equal(await store.change(id, []), V + 1)
    assert.deepEqual(await of(NURSE), nurse)
    assert.equal((await store.load('balcony'))!.version, V + 1)
    // Never there, not removed.
    assert.deepEqual(
      (await store.changedSince(id, V, { limit: 9 }))!.items.map(({ jid }) => jid),
      [NURSE],
    )
    const others = [{ reason: 'Oh' }, { nick: 'Angelica' }, { registration: { a: '2' } }]
    for (const [index, other] of others.entries()) {
      assert.equal(await change({ jid: NURSE, affiliation: 'member', ...other }), V + 2 + index)
      assert.deepEqual(await of(NURSE), { ...nurse, ...Object.assign({}, ...others.slice(0, index + 1)) })
    }
  })

  test('affiliations: nickname and registration stay with who stays, and go with who goes', async () => {
    const { store, id, change, of } = await balcony(await open())
    await change({ jid: NURSE, affiliation: 'member', nick: 'Nurse', registration: { a: '1' }, reason: 'Hm' })
    await change({ jid: NURSE, affiliation: 'admin' })
    assert.deepEqual(await of(NURSE), { jid: NURSE, affiliation: 'admin', nick: 'Nurse', registration: { a: '1' } })
    await change({ jid: NURSE, affiliation: 'outcast', nick: 'Nurse' })
    assert.deepEqual(await of(NURSE), { jid: NURSE, affiliation: 'outcast' })
    assert.equal(await store.nickOwner(id, 'Nurse'), undefined)
    await change({ jid: NURSE, affiliation: 'member' })
    assert.deepEqual(await of(NURSE), { jid: NURSE, affiliation: 'member' })
  })

  test('affiliations: a nickname is for one address of a room', async () => {
    // XEP-0045 §7.10
    const { store, id, change, of } = await balcony(await open())
    const other = await createRoom(store, 'other')
    await change({ jid: NURSE, affiliation: 'member', nick: 'Nurse' }, { jid: JULIET, affiliation: 'member' })
    await store.change(other.id, [{ jid: JULIET, affiliation: 'member', nick: 'Nurse' }])
    for (const attempt of [
      () => change({ jid: 'paris@x', affiliation: 'member' }, { jid: JULIET, affiliation: 'admin', nick: 'Nurse' }),
      () => store.reserveNick(id, JULIET, 'Nurse'),
    ])
      await assert.rejects(attempt, NickTakenError)
    assert.deepEqual(await of(JULIET), { jid: JULIET, affiliation: 'member' })
    assert.equal(await of('paris@x'), undefined)
    assert.equal(await store.nickOwner(id, 'Nurse'), NURSE)
    assert.equal(await store.nickOwner(id, 'nurse'), undefined)
    assert.equal(await store.nickOwner(other.id, 'Nurse'), JULIET)
    await store.reserveNick(id, JULIET, 'nurse')
    await store.reserveNick(id, NURSE, 'ñ'.repeat(511))
    await store.reserveNick(id, JULIET, 'Nurse')
    assert.deepEqual([await store.nickOwner(id, 'Nurse'), await store.nickOwner(id, 'nurse')], [JULIET, undefined])
    await store.reserveNick(id, JULIET, undefined)
    assert.deepEqual(await of(JULIET), { jid: JULIET, affiliation: 'member' })
    // They change names at once, and one who comes takes the name of one who goes.
    await change({ jid: NURSE, affiliation: 'member', nick: 'A' }, { jid: JULIET, affiliation: 'member', nick: 'B' })
    await change({ jid: NURSE, affiliation: 'member', nick: 'B' }, { jid: JULIET, affiliation: 'member', nick: 'A' })
    assert.equal(await store.nickOwner(id, 'B'), NURSE)
    await change({ jid: JULIET, affiliation: 'member', nick: 'B' }, { jid: NURSE, affiliation: 'none' })
    assert.equal(await store.nickOwner(id, 'B'), JULIET)
  })

  test('affiliations: a reserved nickname keeps the rest of a registration', async () => {
    const { store, id, change, of } = await balcony(await open())
    await change({ jid: NURSE, affiliation: 'member', registration: { a: '1' } })
    await store.reserveNick(id, NURSE, 'Nurse')
    assert.deepEqual(await of(NURSE), { jid: NURSE, affiliation: 'member', nick: 'Nurse', registration: { a: '1' } })
  })

  test('affiliations: an empty nickname sets the old one free and keeps the rest', async () => {
    const { store, id, change, of } = await balcony(await open())
    const registration = { a: '1' }
    await change({ jid: NURSE, affiliation: 'member', nick: 'Nurse', registration })
    assert.equal(await change({ jid: NURSE, affiliation: 'member', nick: '' }), V + 2)
    assert.deepEqual(await of(NURSE), { jid: NURSE, affiliation: 'member', registration })
    assert.equal(await store.nickOwner(id, 'Nurse'), undefined)
    // Two without one are in nobody's way, and nothing is set free twice.
    await change({ jid: JULIET, affiliation: 'member', nick: '', registration })
    assert.equal(await change({ jid: NURSE, affiliation: 'member', nick: '' }), V + 3)
  })

  test('affiliations: differences since a version tell of removals', async () => {
    // XEP-0463 §5.2.1
    const { store, id, change } = await balcony(await open())
    await change({ jid: NURSE, affiliation: 'member' }, { jid: JULIET, affiliation: 'admin', reason: 'A rose' })
    await change({ jid: NURSE, affiliation: 'none' })
    await change({ jid: 'x.example', affiliation: 'outcast' })
    const juliet = { jid: JULIET, affiliation: 'admin', reason: 'A rose', version: V + 1 }
    const nurse = { jid: NURSE, affiliation: 'none', version: V + 2 }
    const outcast = { jid: 'x.example', affiliation: 'outcast', version: V + 3 }
    const since = (version: number, limit = 9) => store.changedSince(id, version, { limit })
    assert.deepEqual(await since(V), { until: V + 3, items: [juliet, nurse, outcast] })
    assert.deepEqual(await since(V + 1), { until: V + 3, items: [nurse, outcast] })
    assert.deepEqual(await since(V + 3), { until: V + 3, items: [] })
    assert.deepEqual(await since(V, 1), { until: V + 3, items: [juliet] })
    assert.deepEqual(await store.changedSince(id, V, { after: juliet, limit: 1 } as never), {
      until: V + 3,
      items: [nurse],
    })
    // Versions that never were, of this room at least.
    for (const unknown of [V - 1, V + 4, V + 0.5, 0, -1, 1e300, Number.NaN])
      assert.equal(await since(unknown), undefined, `${unknown}`)
    await store.destroy(id)
    assert.equal(await since(V), undefined)
  })

  test('affiliations: removals are remembered up to a bound, and then all or none of a version', async () => {
    const db = await open()
    const { store, id } = await balcony(db)
    const everybody = Array.from({ length: 700 }, (_, n) => person(n))
    const turn = async (from: number, affiliation: 'member' | 'none') => {
      const changes = everybody.map((jid) => ({ jid: `${from}${jid}`, affiliation }))
      return await store.change(id, changes)
    }
    for (const n of [1, 2, 3]) await turn(n, 'member')
    const removed = [await turn(1, 'none'), await turn(2, 'none')]
    const known = async (version: number) => (await store.changedSince(id, version, { limit: 1 })) !== undefined
    assert.deepEqual([await known(V), await known(removed[0]!)], [true, true])
    const last = await turn(3, 'none')
    assert.deepEqual([await known(V), await known(removed[0]!), await known(removed[1]!)], [false, false, true])
    assert.equal((await db.knex('muc_affiliations').where({ room: id, affiliation: 'none' })).length, 700)
    assert.equal((await store.changedSince(id, removed[1]!, { limit: 1000 }))!.items.length, 700)
    assert.deepEqual(await store.changedSince(id, last, { limit: 9 }), { until: last, items: [] })
  })

  test('affiliations: 20,000 change in one version and are read in pages', async () => {
    const { store, id } = await balcony(await open())
    const everybody = Array.from({ length: 20_000 }, (_, n) => person(n))
    const version = await store.change(
      id,
      everybody.map((jid) => ({ jid, affiliation: 'member' })),
    )
    assert.equal(version, V + 1)
    assert.equal((await store.counts(id)).member, 20_000)
    const listed: string[] = []
    for (let more = true; more; ) {
      const after = listed.at(-1)
      const page = await store.list(id, 'member', { limit: 999, ...(after !== undefined && { after }) })
      listed.push(...page.map(({ jid }) => jid))
      more = page.length > 0
    }
    assert.deepEqual(listed, everybody)
    const changed: VersionedAffiliation[] = []
    for (let more = true; more; ) {
      const after = changed.at(-1)
      const page = await store.changedSince(id, V, { limit: 5000, ...(after !== undefined && { after }) })
      assert.ok(page!.items.length <= 1000)
      changed.push(...page!.items)
      more = page!.items.length > 0
    }
    assert.deepEqual(
      changed.map(({ jid }) => jid),
      everybody,
    )
    // A mistake in the last lot takes all back.
    const changes = everybody.map((jid): AffiliationChange => ({ jid, affiliation: 'outcast' }))
    await assert.rejects(store.change(id, [...changes, { jid: ROMEO, affiliation: 'outcast' }]), LastOwnerError)
    assert.equal((await store.counts(id)).member, 20_000)
  })

  test('affiliations: of several changes for one address the last counts', async () => {
    const { change, of } = await balcony(await open())
    await change({ jid: NURSE, affiliation: 'outcast' }, { jid: NURSE, affiliation: 'member' })
    assert.deepEqual(await of(NURSE), { jid: NURSE, affiliation: 'member' })
  })

  test('affiliations: changes of one room at the same time each get a version', async () => {
    const { store, id, change } = await balcony(await open())
    const people = Array.from({ length: 8 }, (_, n) => person(n))
    const versions = await Promise.all(people.map((jid) => change({ jid, affiliation: 'member' })))
    assert.deepEqual(
      versions.toSorted(),
      people.map((_, n) => V + 1 + n),
    )
    assert.equal((await store.load('balcony'))!.version, V + 8)
    // Of two owners that go at the same time one stays.
    await change({ jid: JULIET, affiliation: 'owner' })
    const results = await Promise.allSettled([ROMEO, JULIET].map((jid) => change({ jid, affiliation: 'none' })))
    assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
    assert.equal((await store.counts(id)).owner, 1)
  })

  test('affiliations: the rooms of an address are read in pages', async () => {
    const { store, id } = await balcony(await open())
    const second = await createRoom(store, 'a', {}, [ROMEO, NURSE])
    await createRoom(store, 'b', {}, [NURSE])
    const first = { id, local: 'balcony', affiliation: 'owner' }
    const other = { id: second.id, local: 'a', affiliation: 'owner' }
    assert.deepEqual(await store.roomsOf(ROMEO), [first, other])
    assert.deepEqual(await store.roomsOf(ROMEO, { limit: 1 }), [first])
    assert.deepEqual(await store.roomsOf(ROMEO, { after: id }), [other])
  })

  test('affiliations: take the longest address, and SQL is text to them', async () => {
    const { store, id, change, of } = await balcony(await open())
    const longest = `${'l'.repeat(1023)}@${'d'.repeat(1023)}`
    const hostile = `x' or 1=1 --@y?:z`
    for (const jid of [longest, hostile]) {
      await change({ jid, affiliation: 'member', nick: jid.slice(0, 1023), reason: hostile })
      assert.equal((await of(jid))?.reason, hostile)
    }
    assert.deepEqual(await store.list(id, 'member', { after: hostile, limit: 1 }), [])
    assert.equal(await store.nickOwner(id, hostile), hostile)
  })
})
