import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RoomGoneError, type SubjectRecord } from '../../../../modules/muc/records.ts'
import { RoomStore } from '../../../../modules/muc/store.ts'
import { isUniqueViolation } from '../../../../src/storage/database.ts'
import { eachDatabase } from '../../../support/databases.ts'
import { CREATED_MS, createRoom, indexWith, JULIET, NURSE, ROMEO, SERVICE } from './rooms.ts'

const OTHER = 'rooms.montague.example'
const HAT = { uri: 'urn:hat:host', title: 'Host' }

eachDatabase((open) => {
  test('room store: a room comes back as it was created', async () => {
    const store = new RoomStore(await open(), SERVICE)
    const settings = { name: 'Bälkony 🌹', password: "o'", maxUsers: 5, list: [1, null] }
    const created = await createRoom(store, 'balcony', { settings, locked: true, secret: 'xyz' }, [
      ROMEO,
      JULIET,
      ROMEO,
    ])
    assert.deepEqual(await store.load('balcony'), created)
    const { id: _, ...rest } = created
    assert.deepEqual(rest, {
      ...{ local: 'balcony', settings, subject: undefined, createdMs: CREATED_MS, creator: ROMEO },
      ...{ locked: true, version: CREATED_MS, secret: 'xyz' },
    })
    const owner = (jid: string) => ({ jid, affiliation: 'owner' })
    assert.deepEqual(await store.list(created.id, 'owner', { limit: 9 }), [owner(JULIET), owner(ROMEO)])
  })

  test('room store: an address is one room of one service, octet by octet', async () => {
    const db = await open()
    const store = new RoomStore(db, SERVICE)
    await createRoom(store, 'bob')
    await assert.rejects(createRoom(store, 'bob', {}, [JULIET]), (error) => isUniqueViolation(error))
    const longest = 'ö'.repeat(511) + 'x'
    for (const local of ['böb', 'bob\u0301', longest]) await createRoom(store, local)
    const there = await createRoom(new RoomStore(db, OTHER), 'bob', { secret: 'other' })
    assert.equal((await store.load('bob'))!.secret, 's')
    assert.equal((await new RoomStore(db, OTHER).load('bob'))!.id, there.id)
    assert.equal((await store.load(longest))!.local, longest)
    assert.equal(await store.load('BOB'), undefined)
    assert.equal(await store.load('bob '), undefined)
  })

  test('room store: settings, subject and time are saved; a room that is gone says so', async () => {
    const store = new RoomStore(await open(), SERVICE)
    const { id } = await createRoom(store, 'balcony', { locked: true })
    await store.saveSettings(id, { moderated: true }, indexWith({ name: 'The Balcony', lang: 'en' }), false)
    const subject: SubjectRecord = { text: 'Night', nick: 'Romeo', occupantId: 'o1', ms: 5, stanza: '<message/>' }
    await store.saveSubject(id, subject)
    await store.touch(id, CREATED_MS + 7)
    const saved = (await store.load('balcony'))!
    assert.deepEqual([saved.settings, saved.locked, saved.subject], [{ moderated: true }, false, subject])
    const [summary] = await store.summaries(['balcony'])
    assert.deepEqual(summary, {
      ...indexWith({ name: 'The Balcony', lang: 'en' }),
      ...{ local: 'balcony', activeMs: CREATED_MS + 7 },
    })
    await store.saveSubject(id, undefined)
    assert.equal((await store.load('balcony'))!.subject, undefined)
    await store.destroy(id)
    for (const attempt of [
      () => store.saveSettings(id, {}, indexWith(), false),
      () => store.saveSubject(id, subject),
      () => store.touch(id, 1),
      () => store.change(id, [{ jid: NURSE, affiliation: 'member' }]),
      () => store.reserveNick(id, NURSE, 'Nurse'),
    ])
      await assert.rejects(attempt, RoomGoneError)
  })

  test('room store: a room is destroyed with all that hangs on it, and nothing else', async () => {
    const db = await open()
    const store = new RoomStore(db, SERVICE)
    const full = async (local: string) => {
      const { id } = await createRoom(store, local)
      await store.change(id, [{ jid: NURSE, affiliation: 'member', nick: 'Nurse', registration: { a: 'b' } }])
      await store.hats.save(id, HAT)
      await store.hats.grant(id, NURSE, HAT.uri)
      await store.vcards.save(id, { vcard: '<vCard/>', hash: 'abc' })
      return id
    }
    const [gone, stays] = [await full('gone'), await full('stays')]
    const rowsOf = async (id: number) => {
      const counts = []
      for (const table of ['affiliations', 'registrations', 'hats', 'hats_worn', 'vcards'])
        counts.push((await db.knex(`muc_${table}`).where({ room: id })).length)
      return counts
    }
    await store.destroy(gone)
    assert.deepEqual(
      [await rowsOf(gone), await rowsOf(stays)],
      [
        [0, 0, 0, 0, 0],
        [2, 1, 1, 1, 1],
      ],
    )
    assert.deepEqual([await store.load('gone'), (await store.load('stays'))?.id], [undefined, stays])
    assert.notEqual((await createRoom(store, 'gone')).id, gone)
  })

  test('room store: a room that is condemned is in no list, and ends with the server', async () => {
    const store = new RoomStore(await open(), SERVICE)
    const { id } = await createRoom(store, 'tomb')
    await createRoom(store, 'balcony')
    await store.condemn(id)
    assert.equal((await store.load('tomb'))!.locked, true)
    assert.deepEqual(
      (await store.page({ limit: 9, visibleTo: ROMEO })).map(({ local }) => local),
      ['balcony'],
    )
    assert.deepEqual(await store.temporary(), ['tomb'])
    await store.destroy(id)
    await assert.rejects(() => store.condemn(id), RoomGoneError)
  })

  test('room store: counts by creator, lists temporary rooms and all rooms', async () => {
    const db = await open()
    const store = new RoomStore(db, SERVICE)
    await createRoom(store, 'a', { isPersistent: false })
    await createRoom(store, 'c', { isPersistent: false, isPublic: false, creator: JULIET })
    await createRoom(store, 'b')
    await createRoom(new RoomStore(db, OTHER), 'elsewhere', { isPersistent: false })
    assert.deepEqual([await store.countOf(ROMEO), await store.countOf(JULIET), await store.countOf(NURSE)], [2, 1, 0])
    assert.deepEqual(await store.temporary(), ['a', 'c'])
    assert.deepEqual(await store.locals('', 2), ['a', 'b'])
    assert.deepEqual(await store.locals('b', 2), ['c'])
  })

  test('room store: an account that is deleted is forgotten in all rooms of the service, and there only', async () => {
    const db = await open()
    const store = new RoomStore(db, SERVICE)
    const own = await createRoom(store, 'own', {}, [NURSE])
    const theirs = await createRoom(store, 'theirs')
    const left = await createRoom(store, 'left', { creator: NURSE })
    const elsewhere = await createRoom(new RoomStore(db, OTHER), 'elsewhere', { creator: NURSE }, [NURSE])
    await store.change(theirs.id, [{ jid: NURSE, affiliation: 'member', nick: 'Nurse' }])
    await store.change(left.id, [{ jid: NURSE, affiliation: 'member' }])
    await store.change(left.id, [{ jid: NURSE, affiliation: 'none' }])
    await store.hats.save(theirs.id, HAT)
    await store.hats.grant(theirs.id, NURSE, HAT.uri)
    assert.deepEqual(await store.forget(NURSE), [
      { id: own.id, local: 'own', affiliation: 'owner', version: CREATED_MS + 1 },
      { id: theirs.id, local: 'theirs', affiliation: 'member', version: CREATED_MS + 2 },
      { id: left.id, local: 'left', affiliation: 'none', version: CREATED_MS + 3 },
    ])
    assert.deepEqual(await store.roomsOf(NURSE), [])
    assert.deepEqual(await store.affiliations(theirs.id, [NURSE, ROMEO]), [{ jid: ROMEO, affiliation: 'owner' }])
    assert.equal(await store.nickOwner(theirs.id, 'Nurse'), undefined)
    assert.deepEqual(await store.hats.of(theirs.id, [NURSE]), [])
    assert.equal(await store.countOf(NURSE), 0)
    assert.equal((await store.load('left'))!.creator, '')
    // Nothing tells of it but a new version, from which on there are differences again.
    assert.equal(await store.changedSince(theirs.id, CREATED_MS + 1, { limit: 9 }), undefined)
    assert.deepEqual(await store.changedSince(theirs.id, CREATED_MS + 2, { limit: 9 }), {
      until: CREATED_MS + 2,
      items: [],
    })
    const other = new RoomStore(db, OTHER)
    assert.deepEqual(await other.roomsOf(NURSE), [{ id: elsewhere.id, local: 'elsewhere', affiliation: 'owner' }])
    assert.equal(await other.countOf(NURSE), 1)
    // A room without an owner can still be given one.
    await store.change(own.id, [{ jid: JULIET, affiliation: 'owner' }])
    assert.deepEqual(await store.forget(NURSE), [])
  })

  test('room store: an account is forgotten in more rooms than one statement takes', async () => {
    const store = new RoomStore(await open(), SERVICE)
    for (let n = 0; n < 510; n++) await createRoom(store, `r${n}`, {}, [NURSE])
    assert.equal((await store.forget(NURSE)).length, 510)
    assert.deepEqual(await store.roomsOf(NURSE), [])
  })

  test('room store: hats are created, changed, worn and destroyed', async () => {
    const store = new RoomStore(await open(), SERVICE)
    const { id } = await createRoom(store, 'balcony')
    const other = await createRoom(store, 'other')
    const scribe = { uri: 'urn:hat:Scribe', title: 'Scribe', hue: '327.255249' }
    const { hats } = store
    for (const room of [id, other.id]) for (const hat of [scribe, HAT]) await hats.save(room, hat)
    await hats.save(id, { ...HAT, title: 'Gastgeberin', hue: '1' })
    const host = { ...HAT, title: 'Gastgeberin', hue: '1' }
    assert.deepEqual(await hats.list(id), [scribe, host])
    for (const [jid, uri] of [
      [NURSE, HAT.uri],
      [NURSE, scribe.uri],
      [JULIET, HAT.uri],
      [JULIET, HAT.uri],
    ] as const)
      await hats.grant(id, jid, uri)
    await hats.grant(other.id, NURSE, HAT.uri)
    const worn = [
      { jid: JULIET, ...host },
      { jid: NURSE, ...scribe },
      { jid: NURSE, ...host },
    ]
    assert.deepEqual(await hats.worn(id, { limit: 9 }), worn)
    assert.deepEqual(await hats.worn(id, { after: worn[1]!, limit: 1 }), [worn[2]])
    assert.deepEqual(await hats.of(id, [NURSE, ROMEO]), worn.slice(1))
    await hats.revoke(id, NURSE, scribe.uri)
    assert.deepEqual(await hats.of(id, [NURSE]), worn.slice(2))
    // XEP-0317 §4.3: destroyed, it is taken from all who wear it.
    await hats.destroy(id, HAT.uri)
    assert.deepEqual([await hats.list(id), await hats.worn(id, { limit: 9 })], [[scribe], []])
    await hats.save(id, HAT)
    assert.deepEqual(await hats.worn(id, { limit: 9 }), [])
    assert.deepEqual(await hats.of(other.id, [NURSE]), [{ jid: NURSE, ...HAT }])
  })

  test('room store: hats take the longest URI on the longest address', async () => {
    const store = new RoomStore(await open(), SERVICE)
    const { id } = await createRoom(store, 'balcony')
    const jid = `${'l'.repeat(1023)}@${'d'.repeat(1023)}`
    const hat = { uri: `urn:${'u'.repeat(508)}`, title: 'Long' }
    await store.hats.save(id, hat)
    await store.hats.grant(id, jid, hat.uri)
    assert.deepEqual(await store.hats.of(id, [jid]), [{ jid, ...hat }])
  })

  test('room store: the vCard of a room is set, replaced and removed', async () => {
    const store = new RoomStore(await open(), SERVICE)
    const { id } = await createRoom(store, 'balcony')
    assert.deepEqual([await store.vcards.find(id), await store.vcards.hash(id)], [undefined, ''])
    await store.vcards.save(id, { vcard: '<vCard>ä</vCard>', hash: 'a'.repeat(40) })
    const long = { vcard: `<vCard>${'ö'.repeat(200_000)}</vCard>`, hash: 'b'.repeat(40) }
    await store.vcards.save(id, long)
    assert.deepEqual([await store.vcards.find(id), await store.vcards.hash(id)], [long, long.hash])
    await store.vcards.save(id, undefined)
    assert.equal(await store.vcards.find(id), undefined)
  })
})
