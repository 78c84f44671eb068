import assert from 'node:assert/strict'
import { serialize } from '../../src/api.ts'
import {
  affiliates,
  asks,
  configures,
  creates,
  entry,
  idsOf,
  itemOf,
  itemsEvent,
  PUBSUB,
  set as page,
  publishes,
  type Refusal,
  RSM,
  refuses,
  requests,
  subscribes,
} from '../support/pubsub.ts'
import { type Actor, type Story, story } from '../support/story.ts'

async function weblog(s: Story, fields = {}, ...ids: readonly string[]) {
  const hamlet = await s.online('hamlet/elsinore')
  const francisco = await s.online('francisco/barracks')
  const node = await creates(s, hamlet, fields)
  await publishes(s, hamlet, node, ...ids)
  return { hamlet, francisco, node, ...requests(s) }
}

story('Items are returned all, the newest, or by their ids // XEP-0060 §6.5.2 to §6.5.8', async (s) => {
  const { francisco, node, get } = await weblog(s, {}, 'd', 'a', 'c', 'b')
  for (const [attributes, ids] of [
    ['', 'd a c b'],
    [`max_items='2'`, 'c b'],
    [`max_items='9'`, 'd a c b'],
  ] as const)
    assert.equal(await idsOf(s, francisco, node, attributes), ids)
  const some = await asks(
    francisco,
    get(`<items node='${node}'><item id='b'/><item id='x'/><item id='d'/></items>`),
    'items',
  )
  assert.equal(
    serialize(some),
    `<items node="${node}"><item id="b">${entry('b')}</item><item id="d">${entry('d')}</item></items>`.replaceAll(
      "'",
      '"',
    ),
  )
  // XEP-0060 §6.5.9.12
  const none = await asks(francisco, get(`<items node='${node}'><item id='x'/></items>`), 'items')
  assert.equal(serialize(none), `<items node="${node}"/>`)
})

story('Items come in pages where that is asked for // XEP-0060 §6.5.4, XEP-0059 §2', async (s) => {
  const { francisco, node, get } = await weblog(s, {}, 'd', 'a', 'e', 'c', 'b')
  const ask = async (inside: string) => {
    const answer = await francisco.asks`${get(`<items node='${node}'/>${page(inside)}`)}`
    const pubsub = answer.getChild('pubsub', PUBSUB)!
    const ids = pubsub
      .getChild('items')!
      .getChildren('item')
      .map(({ attrs }) => attrs['id'])
    const set = pubsub.getChild('set', RSM)!
    const [first, last] = [set.getChild('first'), set.getChild('last')]
    assert.deepEqual(
      [first?.getText(), last?.getText()],
      ids.length === 0 ? [undefined, undefined] : [ids[0], ids.at(-1)],
    )
    return [ids.join(''), first?.attrs['index'], set.getChildText('count')]
  }
  for (const [inside, expected] of [
    ['<max>2</max>', ['da', '0', '5']],
    ['<max>2</max><after>a</after>', ['ec', '2', '5']],
    ['<max>2</max><after>c</after>', ['b', '4', '5']],
    ['<max>2</max><after>b</after>', ['', undefined, '5']],
    ['<max>2</max><before/>', ['cb', '3', '5']],
    ['<max>2</max><before>c</before>', ['ae', '1', '5']],
    ['<max>2</max><index>3</index>', ['cb', '3', '5']],
    ['<max>0</max>', ['', undefined, '5']],
    ['', ['daecb', '0', '5']],
  ] as const)
    assert.deepEqual(await ask(inside), expected, inside)
  for (const [inside, refusal] of [
    ['<after>x</after>', ['item-not-found', 'cancel']],
    [`<before>' or 1=1</before>`, ['item-not-found', 'cancel']],
    ['<max>many</max>', ['bad-request', 'modify']],
    ['<after>a</after><before>b</before>', ['bad-request', 'modify']],
  ] as const)
    await refuses(francisco, get(`<items node='${node}'/>${page(inside)}`), refusal)
})

story('A long page is one page // XEP-0060 §6.5.4', async (s) => {
  const { hamlet, francisco, node, set, get } = await weblog(s, { max_items: 'max' })
  const ids = Array.from({ length: 220 }, (_, n) => `${n}`)
  for (let n = 0; n < ids.length; n += 100)
    await hamlet.asks`${set(
      `<publish node='${node}'>${ids
        .slice(n, n + 100)
        .map((id) => itemOf(id))
        .join('')}</publish>`,
    )}`
  for (const [inside, first, length] of [
    ['<max>210</max><before/>', 10, 210],
    ['<max>210</max>', 0, 210],
    ['<max>150</max><before>219</before>', 69, 150],
    ['<max>500</max><index>15</index>', 15, 205],
  ] as const) {
    const answer = await francisco.asks`${get(`<items node='${node}'/>${page(inside)}`)}`
    const pubsub = answer.getChild('pubsub', PUBSUB)!
    const found = pubsub
      .getChild('items')!
      .getChildren('item')
      .map(({ attrs }) => attrs['id'])
    assert.deepEqual(found, ids.slice(first, first + length), inside)
    assert.equal(pubsub.getChild('set', RSM)!.getChild('first')!.attrs['index'], `${first}`, inside)
  }
  assert.equal(await idsOf(s, francisco, node), ids.join(' '))
  // More than a request may publish.
  const many = ids
    .slice(0, 101)
    .map((id) => itemOf(id))
    .join('')
  await refuses(hamlet, set(`<publish node='${node}'>${many}</publish>`), [
    'not-allowed',
    'cancel',
    'max-items-exceeded',
  ])
})

story('An answer that would be too long ends early and says so // XEP-0060 §6.5.4', async (s) => {
  const { hamlet, francisco, node, set, get } = await weblog(s, { max_items: '30' })
  const long = entry('x'.repeat(200_000))
  for (let n = 0; n < 30; n++)
    await hamlet.asks`${set(`<publish node='${node}'><item id='${n}'>${long}</item></publish>`)}`
  const read = async (inside = '') => {
    const answer = await francisco.asks`${get(`<items node='${node}'/>${inside}`)}`
    const pubsub = answer.getChild('pubsub', PUBSUB)!
    assert.ok(serialize(answer).length < 5_000_000)
    return {
      ids: pubsub
        .getChild('items')!
        .getChildren('item')
        .map(({ attrs }) => Number(attrs['id'])),
      set: pubsub.getChild('set', RSM),
    }
  }
  // The newest, unless pages are asked for.
  const newest = await read()
  assert.deepEqual([newest.ids.at(-1), newest.set!.getChildText('count')], [29, '30'])
  assert.ok(newest.ids.length < 30)
  const seen: number[] = []
  for (let after = ''; ; after = page(`<after>${seen.at(-1)}</after>`)) {
    const { ids } = await read(after === '' ? page('') : after)
    if (ids.length === 0) break
    seen.push(...ids)
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 30 }, (_, n) => n),
  )
})

story('Who may not read is told why, whatever is asked for // XEP-0060 §6.5.1, §6.5.9', async (s) => {
  const { hamlet, francisco, node, get } = await weblog(s, {}, 'a')
  const requested = [get(`<items node='${node}'/>`), get(`<items node='${node}'><item id='a'/></items>`)]
  const reads = async (actor: Actor, refusal?: Refusal) => {
    if (refusal === undefined) assert.equal(await idsOf(s, actor, node), 'a')
    else for (const request of requested) await refuses(actor, request, refusal)
  }
  await reads(francisco)
  const forbidden: Refusal = ['forbidden', 'auth']
  const unseen: Refusal = ['not-authorized', 'auth', 'presence-subscription-required']
  const closed: Refusal = ['not-allowed', 'cancel', 'closed-node']
  for (const [model, affiliation, refusal] of [
    ['open', 'outcast', forbidden],
    ['open', 'publish-only', forbidden],
    ['open', 'none', undefined],
    ['presence', 'none', unseen],
    ['presence', 'publisher', undefined],
    ['roster', 'none', unseen],
    ['whitelist', 'none', closed],
    ['whitelist', 'member', undefined],
    ['whitelist', 'publisher', undefined],
    ['whitelist', 'publish-only', forbidden],
    ['authorize', 'none', ['not-authorized', 'auth', 'not-subscribed']],
    ['authorize', 'member', undefined],
    ['authorize', 'owner', undefined],
  ] as const) {
    await configures(s, hamlet, node, { access_model: model })
    await affiliates(s, hamlet, node, [francisco, affiliation])
    await reads(francisco, refusal)
    await reads(hamlet)
  }
  // XEP-0060 §6.5.9.3: a request to subscribe is no subscription.
  await affiliates(s, hamlet, node, [francisco, 'none'])
  assert.equal((await subscribes(s, francisco, node)).attrs['subscription'], 'pending')
  await reads(francisco, ['not-authorized', 'auth', 'not-subscribed'])
})

story(
  'Who sees the owner’s presence reads what is for those, and who is in the right group // XEP-0060 §6.5.1',
  async (s) => {
    const { hamlet, francisco, node, get } = await weblog(s, { access_model: 'presence' }, 'a')
    await s.befriend(hamlet, francisco)
    assert.equal(await idsOf(s, francisco, node), 'a')
    await configures(s, hamlet, node, { access_model: 'roster', roster_groups_allowed: ['friends'] })
    // XEP-0060 §6.5.9.7
    await refuses(francisco, get(`<items node='${node}'/>`), ['not-authorized', 'auth', 'not-in-roster-group'])
    await hamlet.asks`<iq type='set'><query xmlns='jabber:iq:roster'><item jid='${francisco.bare}'><group>friends</group></item></query></iq>`
    assert.equal(await idsOf(s, francisco, node), 'a')
  },
)

story('Requests for items that make no sense are refused // XEP-0060 §6.5.9', async (s) => {
  const { francisco, node, get } = await weblog(s, {}, 'a')
  for (const [inside, refusal] of [
    [`<items/>`, ['bad-request', 'modify', 'nodeid-required']],
    [`<items node='nowhere'/>`, ['item-not-found', 'cancel']],
    [`<items node='${node}' subid='x'/>`, ['not-acceptable', 'modify', 'invalid-subid']],
    [`<items node='${node}' max_items='many'/>`, ['bad-request', 'modify']],
    [`<items node='${node}' max_items='-1'/>`, ['bad-request', 'modify']],
  ] as const)
    await refuses(francisco, get(inside), refusal)
  await subscribes(s, francisco, node)
  await francisco.receives`${itemsEvent(s, node, 'a')}`
  const { attrs } = await subscribes(s, francisco, node)
  assert.equal(await idsOf(s, francisco, node, `subid='${attrs['subid']}'`), 'a')
})

story('Items go when their time is over', async (s) => {
  const { hamlet, francisco, node } = await weblog(s, { item_expire: '3600' }, 'a')
  await s.advance(1_800_000)
  await publishes(s, hamlet, node, 'b')
  await s.advance(1_800_001)
  assert.equal(await idsOf(s, francisco, node), 'b')
  await s.advance(1_800_000)
  await subscribes(s, francisco, node)
  await francisco.receivesNothing()
  assert.equal(await idsOf(s, francisco, node), '')
})
