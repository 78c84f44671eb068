import assert from 'node:assert/strict'
import { PubsubStore } from '../../modules/pubsub/store.ts'
import { type Element, serialize } from '../../src/api.ts'
import { configures, INFO, listens, notification, request, wants } from '../support/pep.ts'
import { asks, type Fields, OWNER, PUBLISH_OPTIONS, refuses, submission, valuesOf } from '../support/pubsub.ts'
import { restartStory } from '../support/restart.ts'
import { type Actor, drain, type Story, story } from '../support/story.ts'

const NODE = 'urn:xmpp:bookmarks:1'
const OLD = 'storage:bookmarks'

/** What Gajim (nbxmpp) sends along with a bookmark, and in other spellings Conversations and Dino. */
const options: Fields = {
  notify_delete: 'true',
  notify_retract: 'true',
  persist_items: 'true',
  max_items: 'max',
  access_model: 'whitelist',
  send_last_published_item: 'never',
}

const optionsOf = (fields: Fields): string =>
  `<publish-options>${submission(PUBLISH_OPTIONS, fields)}</publish-options>`
const item = (room: string, conference: string): string => `<item id='${room}'>${conference}</item>`
const conference = (attrs = '', inside = ''): string => `<conference xmlns='${NODE}' ${attrs}>${inside}</conference>`
const storage = (inside: string): string => `<storage xmlns='${OLD}'>${inside}</storage>`

const bookmarks = (actor: Actor, room: string, payload: string, more = optionsOf(options)) =>
  actor.asks`${request('set', `<publish node='${NODE}'>${item(room, payload)}</publish>${more}`)}`
const removes = (actor: Actor, room: string) =>
  actor.asks`${request('set', `<retract node='${NODE}' notify='true'><item id='${room}'/></retract>`)}`
const storesPrivately = (actor: Actor, inside: string) =>
  actor.asks`<iq type='set'><query xmlns='jabber:iq:private'>${storage(inside)}</query></iq>`
const storesAtNode = (actor: Actor, inside: string) =>
  actor.asks`${request('set', `<publish node='${OLD}'><item id='current'>${storage(inside)}</item></publish>${optionsOf({ persist_items: 'true', access_model: 'whitelist' })}`)}`

/** What one hears of the newer form, and of the older one. */
const heard = (actor: Actor, room: string, payload: string): string =>
  notification(actor.bare, `<items node='${NODE}'>${item(room, payload)}</items>`)
const heardGone = (actor: Actor, room: string): string =>
  notification(actor.bare, `<items node='${NODE}'><retract id='${room}'/></items>`)
const heardOld = (actor: Actor, inside: string): string =>
  notification(actor.bare, `<items node='${OLD}'><item id='current'>${storage(inside)}</item></items>`)

/** Texts of all three forms: the items by id, the element at the older node, and that of private XML. */
async function formsOf(actor: Actor): Promise<{ items: Record<string, string>; old: string; stored: string }> {
  const items = await asks(actor, request('get', `<items node='${NODE}'/>`), 'items')
  const old = await asks(actor, request('get', `<items node='${OLD}' max_items='1'/>`), 'items')
  return {
    items: Object.fromEntries(
      items.getChildren('item').map((one) => [one.attrs['id']!, serialize(one.getChildElements()[0]!)]),
    ),
    old: serialize(old.getChild('item')!.getChild('storage', OLD)!),
    stored: serialize(await storedBy(actor)),
  }
}

async function storedBy(actor: Actor): Promise<Element> {
  const answer =
    await actor.asks`<iq type='get'><query xmlns='jabber:iq:private'><storage xmlns='${OLD}'/></query></iq>`
  return answer.getChild('query', 'jabber:iq:private')!.getChild('storage', OLD)!
}

const text = (xmlText: string): string => xmlText.replaceAll("'", '"').replaceAll(' >', '>').replaceAll(/ {2,}/g, ' ')

/** Somebody with three devices: one that hears of the newer form, one of the older, and one that asks only. */
async function juliet(s: Story) {
  return {
    modern: await listens(s, 'juliet/balcony', NODE),
    older: await listens(s, 'juliet/chamber', OLD),
    oldest: await s.login('juliet/tomb'),
  }
}

// XEP-0402 §6, XEP-0411 §2
story('An account says that its bookmarks are the same in all forms', async (s) => {
  const romeo = await s.login('romeo')
  const answer = await romeo.asks`<iq type='get' to='${romeo.bare}'><query xmlns='${INFO}'/></iq>`
  const features = answer.getChild('query', INFO)!.getChildren('feature')
  const names = features.map(({ attrs }) => attrs['var'])
  for (const name of [`${NODE}#compat`, `${NODE}#compat-pep`, 'urn:xmpp:bookmarks-conversion:0'])
    assert.ok(names.includes(name), name)
})

// XEP-0402 §4, XEP-0223
story('A bookmark made on one device is on all, and nobody else sees it', async (s) => {
  const { modern, oldest } = await juliet(s)
  const romeo = await listens(s, 'romeo/orchard', NODE, OLD)
  await s.befriend(romeo, modern)
  const theplay = conference("name='The Play' autojoin='true'", '<nick>JC</nick>')
  await bookmarks(oldest, 'theplay@rooms.localhost', theplay)
  await modern.receives`${heard(modern, 'theplay@rooms.localhost', theplay)}`
  await bookmarks(oldest, 'orchard@rooms.localhost', conference())
  await modern.receives`${heard(modern, 'orchard@rooms.localhost', conference())}`
  assert.deepEqual(Object.keys((await formsOf(oldest)).items), ['theplay@rooms.localhost', 'orchard@rooms.localhost'])
  await removes(oldest, 'theplay@rooms.localhost')
  await modern.receives`${heardGone(modern, 'theplay@rooms.localhost')}`
  for (const node of [NODE, OLD])
    await refuses(romeo, request('get', `<items node='${node}'/>`, modern.bare), [
      'not-allowed',
      'cancel',
      'closed-node',
    ])
  await romeo.receivesNothing()
  await modern.receivesNothing()
})

story('Bookmarks are for oneself alone even if the client forgets to say so', async (s) => {
  const { oldest } = await juliet(s)
  await bookmarks(oldest, 'orchard@rooms.localhost', conference(), '')
  await bookmarks(oldest, 'theplay@rooms.localhost', conference(), '')
  await formsOf(oldest)
  for (const [node, count] of [
    [NODE, '2'],
    [OLD, '1'],
  ]) {
    const form = (
      await asks(oldest, request('get', `<configure node='${node}'/>`, '', OWNER), 'configure', OWNER)
    ).getChild('x')!
    const { access_model, persist_items, max_items } = valuesOf(form)
    assert.deepEqual([access_model, persist_items], [['whitelist'], ['1']])
    assert.deepEqual(max_items, [count === '2' ? 'max' : '1'])
  }
})

// XEP-0411 §5
story('Where bookmarks are copied to, nobody else looks', async (s) => {
  const { oldest, modern } = await juliet(s)
  const romeo = await s.online('romeo/orchard')
  await s.befriend(romeo, modern)
  await bookmarks(oldest, 'orchard@rooms.localhost', conference('', '<password>x</password>'))
  for (const node of [NODE, OLD]) {
    await configures(oldest, node, { access_model: 'open' })
    await formsOf(oldest)
    await refuses(romeo, request('get', `<items node='${node}'/>`, oldest.bare), [
      'not-allowed',
      'cancel',
      'closed-node',
    ])
  }
})

// XEP-0402 §3
story('What is no bookmark is refused, and nothing is changed by it', async (s) => {
  const { oldest, older } = await juliet(s)
  for (const [room, payload] of [
    ['rooms.localhost', conference()],
    ['orchard@rooms.localhost/romeo', conference()],
    ['orchard@@rooms.localhost', conference()],
    ['', conference()],
    ['orchard@rooms.localhost', `<conference xmlns='${OLD}'/>`],
    ['orchard@rooms.localhost', `<url xmlns='${NODE}'/>`],
    ['orchard@rooms.localhost', conference(`name='${'x'.repeat(9000)}'`)],
  ] as const)
    await oldest.isRefused(
      'not-acceptable',
    )`${request('set', `<publish node='${NODE}'>${item(room, payload)}</publish>`)}`
  for (const payload of [conference(), `<storage xmlns='${NODE}'/>`])
    await oldest.isRefused(
      'not-acceptable',
    )`${request('set', `<publish node='${OLD}'>${item('current', payload)}</publish>`)}`
  await refuses(oldest, request('get', `<items node='${NODE}'/>`), ['item-not-found', 'cancel'])
  assert.equal(serialize(await storedBy(oldest)), `<storage xmlns="${OLD}"/>`)
  await older.receivesNothing()
})

// XEP-0402 §5.3.1, XEP-0048 §2.1, XEP-0411 §3
story('What is bookmarked the new way, older clients read and hear of in theirs', async (s) => {
  const { older, oldest, modern } = await juliet(s)
  const state = "<state xmlns='urn:example:state' minimized='true'/>"
  const orchard = conference(
    "name='The Orchard' autojoin='1'",
    `<nick>JC</nick><password>x&amp;y</password><extensions>${state}</extensions>`,
  )
  const copy = `<conference name='The Orchard' autojoin='1' jid='orchard@rooms.localhost'><nick>JC</nick><password>x&amp;y</password><extensions>${state}</extensions></conference>`
  await bookmarks(oldest, 'orchard@rooms.localhost', orchard)
  await older.receives`${heardOld(older, copy)}`
  const play = "<conference jid='theplay@rooms.localhost'/>"
  await bookmarks(oldest, 'theplay@rooms.localhost', conference())
  await older.receives`${heardOld(older, copy + play)}`
  const { old, stored } = await formsOf(oldest)
  assert.equal(old, text(storage(copy + play)))
  assert.equal(stored, old)
  // One that was there keeps its place.
  await bookmarks(oldest, 'orchard@rooms.localhost', conference("autojoin='true'"))
  const shorter = "<conference autojoin='true' jid='orchard@rooms.localhost'/>"
  await older.receives`${heardOld(older, shorter + play)}`
  await removes(oldest, 'orchard@rooms.localhost')
  await older.receives`${heardOld(older, play)}`
  assert.equal((await formsOf(oldest)).stored, text(storage(play)))
  await drain(modern)
  // The whole node, too.
  await oldest.asks`${request('set', `<delete node='${NODE}'/>`, '', OWNER)}`
  await older.receives`${heardOld(older, '')}`
})

// XEP-0402 §5.3.2, XEP-0411 §3
for (const [way, stores] of [
  ['private XML (XEP-0049)', storesPrivately],
  ['the node of XEP-0048', storesAtNode],
] as const)
  story(`What is stored as one element in ${way} is told bookmark by bookmark, and only what is another`, async (s) => {
    const { modern, older, oldest } = await juliet(s)
    const state = "<state xmlns='urn:example:state'/>"
    const [orchard, play] = ['orchard@rooms.localhost', 'theplay@rooms.localhost']
    await bookmarks(oldest, orchard, conference("name='Orchard' autojoin='1'", `<extensions>${state}</extensions>`))
    await bookmarks(oldest, play, conference('', '<nick>JC</nick><password>x</password>'))
    await formsOf(oldest)
    for (const actor of [modern, older]) await drain(actor)
    // One is as it was, in other words; one is another; one is new; two name no room, and a link is none.
    const written = [
      "<url name='Works' url='https://example.org/'/>",
      `<conference jid='Theplay@rooms.localhost' autojoin='false'><nick>Juliet</nick><print xmlns='urn:example:gajim'>all</print></conference>`,
      `<conference jid='${orchard}' name='Orchard' autojoin='true'/>`,
      "<conference name='nowhere'/>",
      "<conference jid='rooms.localhost/x'><nick>x</nick></conference>",
      `<conference jid='new@rooms.localhost' name='New'><minimize>true</minimize></conference>`,
    ]
    await stores(oldest, written.join(''))
    const changed = conference(
      "autojoin='false'",
      "<nick>Juliet</nick><extensions><print xmlns='urn:example:gajim'>all</print></extensions>",
    ).replace("autojoin='false'", '')
    await modern.receives`${heard(modern, play, changed)}`
    const added = conference("name='New'", `<extensions><minimize xmlns='${OLD}'>true</minimize></extensions>`)
    await modern.receives`${heard(modern, 'new@rooms.localhost', added)}`
    await modern.receivesNothing()
    const copy = [
      written[0],
      `<conference jid='${play}'><nick>Juliet</nick><extensions><print xmlns='urn:example:gajim'>all</print></extensions></conference>`,
      `<conference name='Orchard' autojoin='1' jid='${orchard}'><extensions>${state}</extensions></conference>`,
      written[3],
      written[4],
      `<conference name='New' jid='new@rooms.localhost'><minimize>true</minimize></conference>`,
    ]
    await older.receives`${heardOld(older, copy.join(''))}`
    await older.receivesNothing()
    const before = await formsOf(oldest)
    assert.equal(before.old, text(storage(copy.join(''))))
    assert.equal(before.stored, before.old)
    assert.deepEqual(Object.keys(before.items), [orchard, play, 'new@rooms.localhost'])
    // Written back as it was read, it changes nothing.
    await stores(oldest, copy.join(''))
    await modern.receivesNothing()
    assert.deepEqual(await formsOf(oldest), before)
    // Left out is removed; what only this form holds goes with it.
    await drain(older)
    await stores(oldest, copy[1]!)
    await modern.receivesInAnyOrder([heardGone(modern, orchard), heardGone(modern, 'new@rooms.localhost')])
    await older.receives`${heardOld(older, copy[1]!)}`
    await stores(oldest, '')
    await modern.receives`${heardGone(modern, play)}`
    await older.receives`${heardOld(older, '')}`
    for (const actor of [modern, older]) await actor.receivesNothing()
    assert.equal((await formsOf(oldest)).stored, `<storage xmlns="${OLD}"/>`)
  })

story('Of all that is written at the same time, in all forms, nothing is out of step in the end', async (s) => {
  const { modern, older, oldest } = await juliet(s)
  const rooms = [0, 1, 2, 3, 4, 5].map((n) => `room${n}@rooms.localhost`)
  const all = rooms.map((jid) => `<conference jid='${jid}'/>`).join('')
  for (let round = 0; round < 3; round++)
    await Promise.all([
      ...rooms.map((room) => bookmarks(modern, room, conference(`name='${round}'`))),
      storesPrivately(oldest, all),
      storesAtNode(older, `${all}<url url='urn:${round}'/>`),
      removes(oldest, rooms[0]!).catch(() => {}),
    ])
  const { items, old, stored } = await formsOf(oldest)
  for (const actor of [modern, older, oldest]) await drain(actor)
  assert.equal(old, stored)
  for (const [room, payload] of Object.entries(items)) {
    const name = /name="(\d)"/.exec(payload)?.[0] ?? ''
    assert.ok(
      old.includes(name === '' ? `<conference jid="${room}"/>` : `<conference ${name} jid="${room}"/>`),
      `${room}: ${payload}\n${old}`,
    )
  }
  assert.equal(old.match(/<conference/g)?.length, Object.keys(items).length)
  for (const actor of [modern, older, oldest]) await actor.receivesNothing()
})

story('A node that a client has made too small holds what is stored the older way', async (s) => {
  const romeo = await s.login('romeo')
  await bookmarks(romeo, 'first@rooms.localhost', conference(), optionsOf({ ...options, max_items: '1' }))
  const all = ['first', 'second', 'third'].map((local) => `<conference jid='${local}@rooms.localhost'/>`)
  await storesPrivately(romeo, all.join(''))
  const { items, stored } = await formsOf(romeo)
  assert.equal(Object.keys(items).length, 3)
  assert.equal(stored, text(storage(all.join(''))))
})

/** Stores an element as it was before the module answered for it. */
async function storedBefore(s: Story, who: string, inside: string): Promise<void> {
  const account = await s.createAccount(who)
  await s.database
    .knex('private_storage_elements')
    .insert({ account, xmlns: OLD, name: 'storage', element: text(storage(inside)) })
}

const fromBefore = [
  "<conference jid='orchard@rooms.localhost' name='Orchard'><nick>JC</nick></conference>",
  "<url url='https://example.org/'/>",
  "<conference jid='@'/>",
].join('')

story('What was stored before is taken over by whoever reads, writes or listens first', async (s) => {
  const firsts: Record<string, (actor: Actor) => Promise<unknown>> = {
    gregory: (actor) => asks(actor, request('get', `<items node='${NODE}'/>`), 'items'),
    sampson: (actor) => asks(actor, request('get', `<items node='${OLD}'/>`), 'items'),
    abram: (actor) => storedBy(actor),
    peter: (actor) => bookmarks(actor, 'new@rooms.localhost', conference()),
    // XEP-0411 §4
    tybalt: async (actor) => {
      await wants(actor, [OLD])
      await actor.receives`${heardOld(actor, fromBefore.replace("jid='orchard@rooms.localhost' name='Orchard'", "name='Orchard' jid='orchard@rooms.localhost'"))}`
    },
  }
  for (const [who, first] of Object.entries(firsts)) {
    await storedBefore(s, who, fromBefore)
    const actor = await s.login(who)
    await first(actor)
    const { items, old, stored } = await formsOf(actor)
    assert.equal(items['orchard@rooms.localhost'], text(conference("name='Orchard'", '<nick>JC</nick>')))
    assert.equal(Object.keys(items).length, who === 'peter' ? 2 : 1)
    assert.equal(old, stored)
    for (const part of ['https://example.org/', 'jid="@"', 'Orchard']) assert.ok(old.includes(part), part)
    assert.deepEqual(await s.database.knex('private_storage_elements').where({ account: actor.bare }), [])
  }
})

story('A bookmark that is removed first of all does not come back from before', async (s) => {
  await storedBefore(s, 'gregory', fromBefore)
  const store = new PubsubStore(s.database)
  const account = await s.createAccount('gregory')
  const { id } = await store.create({
    service: account,
    node: NODE,
    config: {},
    creator: account,
    createdMs: 1,
    owners: [account],
  })
  await store.publish(
    id,
    [{ id: 'orchard@rooms.localhost', payload: text(conference()), publisher: account, ms: 1, seq: 1 }],
    0,
  )
  const gregory = await s.login('gregory')
  await removes(gregory, 'orchard@rooms.localhost')
  const { items, old } = await formsOf(gregory)
  assert.deepEqual(items, {})
  assert.ok(old.includes('https://example.org/') && !old.includes('orchard'), old)
})

story('What a server that was killed left out of step is in step at the first look', async (s) => {
  const store = new PubsubStore(s.database)
  const account = await s.createAccount('gregory')
  for (const [node, item, payload] of [
    [NODE, 'orchard@rooms.localhost', conference("name='Orchard'")],
    [
      OLD,
      'current',
      storage("<conference jid='orchard@rooms.localhost' name='Old'/><conference jid='hall@rooms.localhost'/>"),
    ],
  ] as const) {
    const { id } = await store.create({
      service: account,
      node,
      config: {},
      creator: account,
      createdMs: 1,
      owners: [account],
    })
    await store.publish(id, [{ id: item, payload: text(payload), publisher: account, ms: 1, seq: 1 }], 0)
  }
  const gregory = await s.login('gregory')
  const { items, old, stored } = await formsOf(gregory)
  assert.deepEqual(Object.keys(items), ['orchard@rooms.localhost', 'hall@rooms.localhost'])
  assert.equal(
    old,
    text(storage("<conference name='Orchard' jid='orchard@rooms.localhost'/><conference jid='hall@rooms.localhost'/>")),
  )
  assert.equal(stored, old)
})

story('An account that is deleted leaves no bookmarks to the next of its name', async (s) => {
  const romeo = await s.login('romeo')
  await storesPrivately(romeo, fromBefore)
  await s.host.deleteAccount('romeo')
  await s.host.accounts.create('romeo', 'wherefore art thou')
  const next = await s.connects()
  await next.logsIn('romeo', s.domain, 'wherefore art thou')
  assert.equal(serialize(await storedBy(next)), `<storage xmlns="${OLD}"/>`)
  assert.deepEqual(await s.database.knex('pubsub_nodes').where({ service: `romeo@${s.domain}` }), [])
})

story('A bookmark costs the same however many there are', async (s) => {
  const romeo = await s.login('romeo')
  const cost = async (work: () => Promise<unknown>): Promise<number> => {
    await formsOf(romeo)
    const before = s.database.queries
    await work()
    await formsOf(romeo)
    return s.database.queries - before
  }
  await bookmarks(romeo, 'first@rooms.localhost', conference())
  const first = await cost(() => bookmarks(romeo, 'second@rooms.localhost', conference()))
  const many = Array.from({ length: 30 }, (_, n) => `<conference jid='room${n}@rooms.localhost'/>`).join('')
  await storesPrivately(romeo, many)
  assert.equal(await cost(() => bookmarks(romeo, 'third@rooms.localhost', conference())), first)
  // Two reads and a commit make the copy; the rest is the publication, and what is read of the three forms here.
  assert.ok(first <= 14, `${first} statements`)
})

story(
  'Older clients see the newest of many, and what they do not see they do not remove',
  async (s) => {
    const romeo = await s.login('romeo')
    for (let n = 0; n < 5; n++) await bookmarks(romeo, `room${n}@rooms.localhost`, conference())
    const { old, stored } = await formsOf(romeo)
    assert.deepEqual(old.match(/room\d/g), ['room2', 'room3', 'room4'])
    assert.equal(stored, old)
    await storesPrivately(
      romeo,
      "<conference jid='room4@rooms.localhost'/><conference jid='room0@rooms.localhost' name='0'/>",
    )
    assert.deepEqual(
      Object.keys((await formsOf(romeo)).items),
      ['room1', 'room4', 'room0'].map((n) => `${n}@rooms.localhost`),
    )
  },
  { modules: { bookmarks: { maxShown: 3 } } },
)

restartStory(
  'What was removed stays removed, however far the older forms had followed when the server was killed',
  async (r) => {
    const first = await r.starts()
    await first.createAccount('romeo')
    const romeo = await first.login('romeo')
    for (const room of ['a', 'b']) await bookmarks(romeo, `${room}@rooms.localhost`, conference())
    assert.match((await formsOf(romeo)).old, /a@.*b@/)
    // As a crash leaves it right after the answer to the retraction.
    await first.database.knex('pubsub_items').where({ id: 'a@rooms.localhost' }).delete()
    const second = await r.starts()
    const { items, old, stored } = await formsOf(await second.login('romeo'))
    assert.deepEqual(Object.keys(items), ['b@rooms.localhost'])
    assert.doesNotMatch(old + stored, /a@/)
  },
)
