import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RoomStore } from '../../../../modules/muc/store.ts'
import type { Database } from '../../../../src/storage/database.ts'
import { type Dialect, eachNewDatabase } from '../../../support/databases.ts'
import { plansOf } from '../../../support/query-plans.ts'
import { CREATED_MS, createRoom, indexWith, JULIET, NURSE, ROMEO, SERVICE } from './rooms.ts'

const ROOM = 'muc_rooms:primary'
const LISTED = 'r:muc_rooms_listed'
const BY_JID = 'a:muc_affiliations_by_jid r:primary'
const KIND = 'muc_affiliations:muc_affiliations_by_kind'
const REGISTRATION = 'muc_registrations:primary'
/** Where room and address are both known, SQLite takes either of two indexes of these columns. */
const JOINED = { sqlite: 'g:muc_registrations_by_jid', mysql: 'g:primary' }
const both = (sqlite: string, mysql = sqlite) => ({
  sqlite: `${sqlite} ${JOINED.sqlite}`,
  mysql: `${mysql} ${JOINED.mysql}`,
})
const registration = { sqlite: 'muc_registrations:muc_registrations_by_jid', mysql: REGISTRATION }
const fields = ['name', 'description', 'address'] as const

type Plan = string | Record<Dialect, string>
/** What each method reads by; one plan for each of its statements. */
const methods: readonly (readonly [
  title: string,
  run: (store: RoomStore, id: number) => Promise<unknown>,
  plans: readonly Plan[],
])[] = [
  ['a room', (s) => s.load('room7'), ['muc_rooms:muc_rooms_by_address']],
  ['settings', (s, id) => s.saveSettings(id, {}, indexWith(), false), [ROOM]],
  ['the number of rooms of an account', (s) => s.countOf(JULIET), ['muc_rooms:muc_rooms_by_creator']],
  ['all rooms', (s) => s.locals('room7', 50), ['muc_rooms:muc_rooms_by_address']],
  ['temporary rooms', (s) => s.temporary(), ['muc_rooms:muc_rooms_by_persistence']],
  ['the first page', (s) => s.page({ limit: 50 }), [LISTED]],
  ['a page further on', (s) => s.page({ after: 'room7', limit: 50 }), [LISTED]],
  ['a page before', (s) => s.page({ before: 'room7', limit: 50 }), [LISTED]],
  [
    'a member’s page',
    (s) => s.page({ after: 'room7', limit: 50, visibleTo: NURSE }),
    [
      {
        sqlite: `${LISTED} sort ${BY_JID} sort sort`,
        mysql: `${LISTED} a:muc_affiliations_by_jid sort r:primary sort`,
      },
    ],
  ],
  ['counting', (s) => s.count(), [LISTED]],
  [
    'a member’s count',
    (s) => s.count({ visibleTo: NURSE }),
    [{ sqlite: `${LISTED} ${BY_JID}`, mysql: `${BY_JID} ${LISTED}` }],
  ],
  [
    'a search by address',
    (s) => s.search({ terms: ['7'], fields, sort: 'address', limit: 9, after: { local: 'room7', name: '' } }),
    [LISTED],
  ],
  [
    'a search by name',
    (s) => s.search({ terms: ['7'], fields, sort: 'name', limit: 9, after: { local: 'room7', name: 'Room 7' } }),
    ['r:muc_rooms_by_name'],
  ],
  ['summaries', (s) => s.summaries(['room7', 'room8']), [LISTED]],
  ['affiliations', (s, id) => s.affiliations(id, [NURSE, 'capulet.example']), [both('a:primary')]],
  ['members', (s, id) => s.list(id, 'member', { limit: 50 }), [both('a:muc_affiliations_by_kind')]],
  ['outcasts', (s, id) => s.list(id, 'outcast', { after: 'm', limit: 50 }), [both('a:muc_affiliations_by_kind')]],
  ['all affiliations', (s, id) => s.listAll(id, { after: 'm', limit: 50 }), [both('a:primary')]],
  ['counting affiliations', (s, id) => s.counts(id), [KIND]],
  [
    'changes',
    (s, id) => s.changedSince(id, CREATED_MS, { limit: 50 }),
    [
      {
        sqlite: 'muc_affiliations:muc_affiliations_by_version r:primary',
        mysql: 'r:primary sort muc_affiliations:muc_affiliations_by_version',
      },
    ],
  ],
  [
    'changing',
    (s, id) =>
      s.change(id, [
        { jid: 'user3@montague.example', affiliation: 'none' },
        { jid: 'user4@montague.example', affiliation: 'admin', nick: 'Four' },
        { jid: ROMEO, affiliation: 'admin' },
        { jid: JULIET, affiliation: 'owner' },
      ]),
    [ROOM, both('a:muc_affiliations_by_jid', 'a:primary'), registration, KIND, KIND, ROOM],
  ],
  ['the owner of a nickname', (s, id) => s.nickOwner(id, 'User 7'), ['muc_registrations:muc_registrations_by_nick']],
  ['a nickname', (s, id) => s.reserveNick(id, NURSE, 'N'), [ROOM, REGISTRATION, REGISTRATION]],
  ['rooms of an address', (s) => s.roomsOf(NURSE), [BY_JID]],
  ['hats', (s, id) => s.hats.list(id), ['muc_hats:primary']],
  ['hats of somebody', (s, id) => s.hats.of(id, [NURSE, JULIET]), ['w:primary h:primary']],
  [
    'hats that are worn',
    (s, id) => s.hats.worn(id, { after: { jid: NURSE, uri: 'urn:' }, limit: 9 }),
    ['w:primary h:primary'],
  ],
  ['a hat less', (s, id) => s.hats.revoke(id, JULIET, 'urn:0'), ['muc_hats_worn:primary']],
  [
    'no hat any more',
    (s, id) => s.hats.destroy(id, 'urn:4'),
    ['muc_hats:primary', 'muc_hats_worn:muc_hats_worn_by_uri'],
  ],
  ['a vCard', (s, id) => s.vcards.find(id), ['muc_vcards:primary']],
  [
    'forgetting',
    (s) => s.forget(NURSE),
    [
      't:muc_affiliations_by_jid r:primary',
      ROOM,
      'r:primary a:primary',
      { sqlite: 'muc_affiliations:muc_affiliations_by_jid', mysql: 'muc_affiliations:primary' },
      't:muc_registrations_by_jid r:primary',
      registration,
      't:muc_hats_worn_by_jid r:primary',
      { sqlite: 'muc_hats_worn:muc_hats_worn_by_jid', mysql: 'muc_hats_worn:primary' },
      'muc_rooms:muc_rooms_by_creator',
    ],
  ],
  [
    'destroying',
    (s, id) => s.destroy(id),
    [
      ROOM,
      'muc_affiliations:primary',
      { sqlite: 'muc_registrations:muc_registrations_by_nick', mysql: REGISTRATION },
      { sqlite: 'muc_hats_worn:muc_hats_worn_by_uri', mysql: 'muc_hats_worn:primary' },
      'muc_hats:primary',
      'muc_vcards:primary',
    ],
  ],
]

/** Enough for a planner to mistake one index for another: 1,000 rooms, one of them with most of all affiliations. */
async function fill(db: Database, analyze = true): Promise<{ store: RoomStore; id: number }> {
  const store = new RoomStore(db, SERVICE)
  const { id } = await createRoom(store, 'full')
  const people = Array.from({ length: 2000 }, (_, n) => `user${n}@montague.example`)
  await store.change(
    id,
    people.map((jid, n) => ({ jid, affiliation: n % 50 === 0 ? 'outcast' : 'member', nick: `User ${n}` })),
  )
  const [row] = await db.knex('muc_rooms')
  const locals = Array.from({ length: 1000 }, (_, n) => `room${n}`)
  for (let n = 0; n < locals.length; n += 250) {
    const rows = locals.slice(n, n + 250).map((local, m) => ({
      ...{ ...row, id: undefined, local, name: local, name_key: local, creator: m % 9 === 0 ? JULIET : ROMEO },
      ...{ listed: m % 5 === 0 ? 0 : 1, public: m % 5 === 0 ? 0 : 1, persistent: m % 7 === 0 ? 0 : 1 },
    }))
    await db.knex('muc_rooms').insert(rows)
  }
  for (let room = id + 1; room < id + 100; room++) {
    const version = room
    await db.knex('muc_affiliations').insert({ room, jid: NURSE, affiliation: 'member', version })
    await db.knex('muc_registrations').insert({ room, jid: NURSE, nick: 'Nurse' })
    for (const n of [0, 1, 2]) {
      await store.hats.save(room, { uri: `urn:${n}`, title: `${n}` })
      await store.hats.grant(room, NURSE, `urn:${n}`)
    }
  }
  await store.vcards.save(id, { vcard: '<vCard/>', hash: '' })
  for (let n = 0; n < people.length; n += 100) {
    const worn = people
      .slice(n, n + 100)
      .flatMap((jid) => [0, 1, 2, 3].map((m) => ({ room: id, jid, uri: `urn:${m}` })))
    await db.knex('muc_hats_worn').insert(worn)
  }
  for (const n of [0, 1, 2, 3, 4]) await store.hats.save(id, { uri: `urn:${n}`, title: `${n}` })
  await store.hats.grant(id, JULIET, 'urn:4')
  if (!analyze) return { store, id }
  // As an admin may do, or a database by itself.
  const tables = ['rooms', 'affiliations', 'registrations', 'hats', 'hats_worn', 'vcards'].map((name) => `muc_${name}`)
  await db.knex.raw(db.dialect === 'mysql' ? `analyze table ${tables.join(', ')}` : 'analyze')
  return { store, id }
}

eachNewDatabase((open, dialect) => {
  test('room store: every statement reads by its index; only what one address sees is sorted', async () => {
    const db = await open()
    const { store, id } = await fill(db)
    for (const [title, run, plans] of methods) {
      const expected = plans.map((plan) => (typeof plan === 'string' ? plan : plan[dialect]))
      assert.deepEqual(await plansOf(db, () => run(store, id), ['listed', 'hidden', 'changed']), expected, title)
    }
  })

  test('room store: a database without statistics reads lists by the same indexes', async () => {
    const db = await open()
    const { store, id } = await fill(db, false)
    const lists = methods.filter(([title]) =>
      /^(all|temporary) rooms|page|count|search|summaries|changes|rooms of/.test(title),
    )
    assert.equal(lists.length, 15)
    for (const [title, run, plans] of lists) {
      const expected = plans.map((plan) => (typeof plan === 'string' ? plan : plan[dialect]))
      assert.deepEqual(await plansOf(db, () => run(store, id), ['listed', 'hidden', 'changed']), expected, title)
    }
  })
})
