import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOTIFY_FIELD } from '../../../../modules/muc/notify.ts'
import { RoomStore } from '../../../../modules/muc/store.ts'
import { eachNewDatabase } from '../../../support/databases.ts'
import { plansOf } from '../../../support/query-plans.ts'
import { CREATED_MS, createRoom, JULIET, NURSE, ROMEO, SERVICE } from './rooms.ts'

eachNewDatabase((open, dialect) => {
  test('members who are away: what they have chosen follows from what they have registered', async () => {
    const store = new RoomStore(await open(), SERVICE)
    const { id } = await createRoom(store, 'balcony')
    const member = (jid: string, choice?: string, nick?: string) => ({
      ...{ jid, affiliation: 'member' as const, registration: choice === undefined ? {} : { [NOTIFY_FIELD]: choice } },
      ...(nick !== undefined && { nick }),
    })
    await store.change(id, [
      member(JULIET, 'always', 'Juliet'),
      member(NURSE, 'never', 'Nurse'),
      member('paris@capulet.example', 'on-mention'),
      member('tybalt@capulet.example', 'sometimes', 'Tybalt'),
      member('peter@capulet.example'),
    ])
    const chosen = { [JULIET]: 'always', [NURSE]: 'never', 'paris@capulet.example': 'on-mention' }
    assert.deepEqual(Object.fromEntries(await store.away.choices(id)), chosen)
    assert.deepEqual(await store.away.nicked(id, 9), [JULIET, NURSE, 'tybalt@capulet.example'])
    assert.deepEqual(await store.away.nicked(id, 2), [JULIET, NURSE])
    assert.deepEqual((await store.away.nickOwners(id, ['Nurse', 'nurse', 'Juliet', 'Romeo'])).sort(), [JULIET, NURSE])
    assert.deepEqual(await store.away.nickOwners(id, []), [])
    // Another nick changes no choice; who is out has none.
    await store.reserveNick(id, JULIET, 'Capulet')
    await store.change(id, [{ jid: NURSE, affiliation: 'none' }, member('paris@capulet.example', 'always')])
    assert.deepEqual(Object.fromEntries(await store.away.choices(id)), {
      [JULIET]: 'always',
      'paris@capulet.example': 'always',
    })
    const other = await createRoom(store, 'tomb')
    assert.equal((await store.away.choices(other.id)).size, 0)
  })

  test('members who are away: thousands of choices are all read', async () => {
    const store = new RoomStore(await open(), SERVICE)
    const { id } = await createRoom(store, 'balcony')
    const jids = Array.from({ length: 2500 }, (_, n) => `user${n}@montague.example`)
    const registration = { [NOTIFY_FIELD]: 'always' }
    await store.change(
      id,
      jids.map((jid) => ({ jid, affiliation: 'member', registration })),
    )
    const choices = await store.away.choices(id)
    assert.equal(choices.size, 2500)
    assert.ok(jids.every((jid) => choices.get(jid) === 'always'))
  })

  test('members who are away: their rooms know when they were there, and when something was said', async () => {
    const store = new RoomStore(await open(), SERVICE)
    const balcony = await createRoom(store, 'balcony')
    const tomb = await createRoom(store, 'tomb', { isPublic: false })
    await createRoom(store, 'orchard')
    await createRoom(store, 'locked', { locked: true }, [JULIET])
    await createRoom(new RoomStore(await open(), 'other.example'), 'elsewhere', {}, [JULIET])
    await store.change(balcony.id, [{ jid: JULIET, affiliation: 'member' }])
    await store.change(tomb.id, [{ jid: JULIET, affiliation: 'admin' }])
    await store.away.seen([
      { room: balcony.id, jid: JULIET, ms: CREATED_MS + 5 },
      { room: balcony.id, jid: NURSE, ms: CREATED_MS + 5 },
    ])
    await store.touch(tomb.id, CREATED_MS + 9)
    assert.deepEqual(await store.away.belongings(JULIET), [
      { local: 'balcony', activeMs: CREATED_MS, seenMs: CREATED_MS + 5 },
      { local: 'tomb', activeMs: CREATED_MS + 9, seenMs: 0 },
    ])
    assert.deepEqual(await store.away.belongings(NURSE), [])
    // What a member becomes changes nothing about it; who is out is forgotten.
    await store.change(balcony.id, [{ jid: JULIET, affiliation: 'owner' }])
    await store.change(tomb.id, [{ jid: JULIET, affiliation: 'outcast' }])
    assert.deepEqual(await store.away.belongings(JULIET), [
      { local: 'balcony', activeMs: CREATED_MS, seenMs: CREATED_MS + 5 },
    ])
  })

  test('members who are away: every statement reads by its index', async () => {
    const db = await open()
    const store = new RoomStore(db, SERVICE)
    const { id } = await createRoom(store, 'full')
    const registration = (n: number) => (n % 3 === 0 ? { [NOTIFY_FIELD]: 'always' } : {})
    await store.change(
      id,
      Array.from({ length: 2000 }, (_, n) => ({
        ...{
          jid: `user${n}@montague.example`,
          affiliation: 'member',
          nick: `User ${n}`,
          registration: registration(n),
        },
      })) as never,
    )
    for (let n = 0; n < 50; n++) await createRoom(store, `room${n}`, {}, [ROMEO])
    if (dialect === 'mysql') await db.knex.raw('analyze table muc_rooms, muc_affiliations, muc_registrations')
    else await db.knex.raw('analyze')
    const byNotify = 'muc_registrations:muc_registrations_by_notify'
    assert.deepEqual(await plansOf(db, () => store.away.choices(id)), [byNotify])
    const byNick = 'muc_registrations:muc_registrations_by_nick'
    assert.deepEqual(await plansOf(db, () => store.away.nicked(id, 5)), [byNick])
    assert.deepEqual(await plansOf(db, () => store.away.nickOwners(id, ['User 1', 'User 2'])), [byNick])
    assert.deepEqual(await plansOf(db, () => store.away.belongings(ROMEO)), ['a:muc_affiliations_by_jid r:primary'])
    const [seen] = await plansOf(db, () => store.away.seen([{ room: id, jid: 'user7@montague.example', ms: 1 }]))
    assert.equal(seen, dialect === 'mysql' ? 'muc_affiliations:primary' : seen)
    assert.match(seen!, /^muc_affiliations:/)
  })
})
