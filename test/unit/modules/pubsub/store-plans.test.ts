import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PubsubStore } from '../../../../modules/pubsub/store.ts'
import type { Database } from '../../../../src/storage/database.ts'
import { type Dialect, eachNewDatabase } from '../../../support/databases.ts'
import { plansOf } from '../../../support/query-plans.ts'
import { CREATED_MS, createNode, HAMLET, item, OPHELIA, SERVICE } from './nodes.ts'

const NODE = 'pubsub_nodes:primary'
const NAMED = 'pubsub_nodes:pubsub_nodes_by_name'
const BY_SEQ = 'pubsub_items:pubsub_items_by_seq'
const ITEM = 'pubsub_items:primary'
const AFFILIATION = 'pubsub_affiliations:primary'
const SUBSCRIPTION = 'pubsub_subscriptions:primary'

type Plan = string | Record<Dialect, string>
/** Both indexes begin with the node. */
const OF_NODE: Plan = { sqlite: BY_SEQ, mysql: ITEM }
const REMOVAL: readonly Plan[] = [NODE, AFFILIATION, SUBSCRIPTION, OF_NODE]
/** Only the page is sorted, which is `n` to SQLite. */
const LISTED: Plan = { sqlite: `${NAMED} ${NAMED} ${NAMED} scan:n sort`, mysql: `sort ${NAMED} ${NAMED} ${NAMED}` }
const PAGE: Plan = {
  sqlite: `${BY_SEQ} ${BY_SEQ} ${BY_SEQ} i:primary sort`,
  mysql: `sort i:primary ${BY_SEQ} ${BY_SEQ} ${BY_SEQ}`,
}
const ANCHORED: Plan = {
  sqlite: `${BY_SEQ} ${BY_SEQ} ${ITEM} ${ITEM} ${BY_SEQ} ${ITEM} i:primary sort`,
  mysql: `sort i:primary ${BY_SEQ} ${ITEM} ${ITEM} ${BY_SEQ} ${ITEM} ${BY_SEQ}`,
}

/** MySQL reads the end of an index before it plans. */
const LOADED: Plan = {
  sqlite: `n:pubsub_nodes_by_name ${BY_SEQ} n:pubsub_nodes_by_name a:primary n:pubsub_nodes_by_name s:primary`,
  mysql: 'n:pubsub_nodes_by_name n:pubsub_nodes_by_name a:primary n:pubsub_nodes_by_name s:primary',
}

/** What each method reads by; one plan for each of its statements. */
const methods: readonly (readonly [
  title: string,
  run: (store: PubsubStore, id: number) => Promise<unknown>,
  plans: readonly Plan[],
])[] = [
  ['a node', (s) => s.load(SERVICE, 'n7'), [LOADED]],
  ['settings', (s, id) => s.saveConfig(id, {}), [NODE]],
  ['nodes', (s) => s.nodes(SERVICE, { limit: 50 }), [LISTED]],
  ['nodes further on', (s) => s.nodes(SERVICE, { after: 'n7', limit: 50 }), [LISTED]],
  ['the last nodes', (s) => s.nodes(SERVICE, { before: '', limit: 50 }), [LISTED]],
  ['what somebody made', (s) => s.countCreated(SERVICE, OPHELIA), ['pubsub_nodes:pubsub_nodes_by_creator']],
  [
    'how much somebody keeps',
    (s) => s.volumes(SERVICE, OPHELIA),
    [
      {
        sqlite: 'n:pubsub_nodes_by_creator i:pubsub_items_by_seq',
        mysql: 'n:pubsub_nodes_by_creator sort i:pubsub_items_by_seq',
      },
    ],
  ],
  [
    'publishing',
    (s, id) => s.publish(id, [item('i5', 3000), item('new', 3001)], 1900),
    [{ sqlite: `${BY_SEQ} ${BY_SEQ}`, mysql: `i:primary ${BY_SEQ}` }],
  ],
  ['items', (s, id) => s.items(id, ['i1', 'i2', 'x']), ['i:primary']],
  ['the first page', (s, id) => s.page(id, { limit: 50 }), [PAGE]],
  ['a page further on', (s, id) => s.page(id, { after: 'i500', limit: 50 }), [ANCHORED]],
  ['a page before', (s, id) => s.page(id, { before: 'i500', limit: 50 }), [ANCHORED]],
  ['the newest', (s, id) => s.newest(id, 1), ['i:pubsub_items_by_seq']],
  ['retracting', (s, id) => s.retract(id, ['new', 'x']), [ITEM, ITEM]],
  [
    'last items',
    (s) => s.lastItems([HAMLET, OPHELIA, 'user7@x'], ['tune', 'mood'], HAMLET),
    [
      {
        sqlite: `n:pubsub_nodes_by_name i:pubsub_items_by_seq ${BY_SEQ} a:primary`,
        mysql: `n:pubsub_nodes_by_name i:pubsub_items_by_seq ${BY_SEQ} a:primary`,
      },
    ],
  ],
  [
    'affiliations',
    (s, id) =>
      s.affiliate(
        id,
        new Map([
          ['user1@x', 'none'],
          ['user2@x', 'owner'],
        ]),
      ),
    [AFFILIATION],
  ],
  [
    'affiliations of somebody',
    (s) => s.affiliationsOf(SERVICE, OPHELIA),
    [{ sqlite: 'a:pubsub_affiliations_by_jid n:primary sort', mysql: 'a:pubsub_affiliations_by_jid sort n:primary' }],
  ],
  [
    'subscriptions of somebody',
    (s) => s.subscriptionsOf(SERVICE, OPHELIA),
    [{ sqlite: 's:pubsub_subscriptions_by_jid n:primary sort', mysql: 's:pubsub_subscriptions_by_jid sort n:primary' }],
  ],
  [
    'requests to subscribe',
    (s) => s.pendingOf(SERVICE, OPHELIA),
    [
      {
        sqlite: 'a:pubsub_affiliations_by_jid n:primary s:primary sort',
        mysql: 'a:pubsub_affiliations_by_jid sort n:primary s:primary',
      },
    ],
  ],
  ['removing subscriptions', (s, id) => s.removeSubscriptions(id, ['s1', 's2']), [SUBSCRIPTION]],
  [
    'less that is old',
    (s, id) => s.expire(id, CREATED_MS + 200_000),
    [{ sqlite: `${BY_SEQ} ${BY_SEQ} ${BY_SEQ}`, mysql: BY_SEQ }, BY_SEQ],
  ],
  ['no items left', (s, id) => s.purge(id), [OF_NODE]],
  ['a node less', (s, id) => s.remove(id), REMOVAL],
  ['a service less', (s) => s.forgetService('user7@x'), [NAMED, ...REMOVAL, ...REMOVAL, ...REMOVAL, NAMED]],
  [
    'somebody less',
    (s) => s.forgetJid(OPHELIA),
    ['t:pubsub_affiliations_by_jid', 't:pubsub_subscriptions_by_jid', 'pubsub_nodes:pubsub_nodes_by_creator'],
  ],
]

/** Enough for a planner to mistake one index for another: one node has most of all items and people. */
async function fill(db: Database): Promise<{ store: PubsubStore; id: number }> {
  const store = new PubsubStore(db)
  const { id } = await createNode(store, 'full')
  await store.publish(
    id,
    Array.from({ length: 2000 }, (_, n) => item(`i${n}`, n)),
    0,
  )
  await store.affiliate(id, new Map(Array.from({ length: 1000 }, (_, n) => [`user${n}@x`, 'member'])))
  const subscriber = (node: number, n: number, jid = `user${n}@x`) => ({
    ...{ node, subid: `s${n}`, jid, resource: '', state: 'subscribed', options: '{}' },
  })
  const insert = async (table: string, rows: readonly object[]) => {
    for (let start = 0; start < rows.length; start += 250) await db.knex(table).insert(rows.slice(start, start + 250))
  }
  await insert(
    'pubsub_subscriptions',
    Array.from({ length: 1000 }, (_, n) => subscriber(id, n)),
  )
  const node = (service: string, name: string, creator: string) => ({
    service,
    name,
    creator,
    config: '{}',
    created_ms: 1,
  })
  const own = Array.from({ length: 300 }, (_, n) =>
    ['tune', 'mood', 'bookmarks'].map((name) => node(`user${n}@x`, name, `user${n}@x`)),
  )
  const made = Array.from({ length: 1000 }, (_, n) => node(SERVICE, `n${n}`, n % 20 === 0 ? OPHELIA : HAMLET))
  await insert('pubsub_nodes', [...own.flat(), ...made])
  const ids: number[] = await db.knex('pubsub_nodes').whereNot({ id }).pluck('id')
  const several = ids.flatMap((number) =>
    [1, 2].map((seq) => ({ node: number, id: `${seq}`, seq, publisher: HAMLET, published_ms: seq, payload: '' })),
  )
  await insert('pubsub_items', several)
  const some = ids.slice(0, 100)
  await insert(
    'pubsub_affiliations',
    some.map((number) => ({ node: number, jid: OPHELIA, affiliation: 'member' })),
  )
  await insert(
    'pubsub_subscriptions',
    some.map((number) => subscriber(number, 1, OPHELIA)),
  )
  return { store, id }
}

eachNewDatabase((open, dialect) => {
  test('pubsub store: every statement reads by its index, whether the database has statistics or not', async () => {
    const db = await open()
    const { store, id } = await fill(db)
    const check = async ([title, run, plans]: (typeof methods)[number]) => {
      const expected = plans.map((plan) => (typeof plan === 'string' ? plan : plan[dialect]))
      assert.deepEqual(await plansOf(db, () => run(store, id), ['facts', 'keyed']), expected, title)
    }
    for (const method of methods) if (!/less|left/.test(method[0])) await check(method)
    // As an admin may do, or a database by itself.
    const tables = ['nodes', 'affiliations', 'subscriptions', 'items'].map((name) => `pubsub_${name}`)
    await db.knex.raw(db.dialect === 'mysql' ? `analyze table ${tables.join(', ')}` : 'analyze')
    for (const method of methods) await check(method)
  })
})
