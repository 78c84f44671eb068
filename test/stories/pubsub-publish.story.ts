import assert from 'node:assert/strict'
import {
  affiliates,
  asks,
  configures,
  creates,
  entry,
  freshNode,
  idsOf,
  itemOf,
  itemsEvent,
  OWNER,
  PUBLISH_OPTIONS,
  publication,
  publishes,
  type Refusal,
  refuses,
  requests,
  submission,
  subscribes,
  valuesOf,
} from '../support/pubsub.ts'
import { type Actor, type Story, story } from '../support/story.ts'

/** Hamlet has a node to which Francisco has subscribed. */
async function weblog(s: Story, fields = {}) {
  const hamlet = await s.login('hamlet/elsinore')
  const francisco = await s.online('francisco/barracks')
  const node = await creates(s, hamlet, fields)
  await subscribes(s, francisco, node)
  return { hamlet, francisco, node, ...requests(s) }
}

story('What is published reaches subscribers and can be read afterwards // XEP-0060 §7.1.1, §7.1.2', async (s) => {
  const { hamlet, francisco, node, set, get } = await weblog(s)
  const result = await asks(hamlet, set(publication(node, 'bnd81g')), 'publish')
  assert.deepEqual([result.attrs['node'], result.getChild('item')?.attrs['id']], [node, 'bnd81g'])
  const message = await francisco.receives`${itemsEvent(s, node, 'bnd81g')}`
  // XEP-0060 §7.1.2: for tracking.
  assert.ok((message.attrs['id'] ?? '').length > 0)
  // An id of the service's choosing.
  const { attrs } = (
    await asks(hamlet, set(`<publish node='${node}'><item>${entry()}</item></publish>`), 'publish')
  ).getChild('item')!
  assert.ok(attrs['id']!.length >= 16)
  await francisco.receives`<message><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='${node}'><item id='${attrs['id']}'>${entry()}</item></items></event></message>`
  const items = await asks(francisco, get(`<items node='${node}'/>`), 'items')
  assert.deepEqual(
    items
      .getChildren('item')
      .map((item) => [item.attrs['id'], item.getChild('entry', 'urn:example:atom')?.getChildText('title')]),
    [
      ['bnd81g', 'bnd81g'],
      [attrs['id'], 'Soliloquy'],
    ],
  )
})

story('An item of the same id takes the place of the old one and is the newest // XEP-0060 §7.1.2', async (s) => {
  const { hamlet, francisco, node, set } = await weblog(s)
  for (const id of ['a', 'b', 'a']) {
    await publishes(s, hamlet, node, id)
    await francisco.receives`${itemsEvent(s, node, id)}`
  }
  assert.equal(await idsOf(s, francisco, node), 'b a')
  // Several at once come in their order.
  await hamlet.asks`${set(`<publish node='${node}'>${itemOf('c')}${itemOf('b')}</publish>`)}`
  await francisco.receives`${itemsEvent(s, node, 'c', 'b')}`
  assert.equal(await idsOf(s, francisco, node), 'a c b')
})

story('Notifications are without the payload where the owner wants it so // XEP-0060 §7.1.2.2', async (s) => {
  const { hamlet, francisco, node, set, get } = await weblog(s, { deliver_payloads: '0' })
  await publishes(s, hamlet, node, 'a')
  await francisco.receives`<message type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='${node}'><item id='a'/></items></event></message>`
  // An item may be without a payload there.
  await hamlet.asks`${set(`<publish node='${node}'><item id='b'/></publish>`)}`
  await francisco.receives`<message type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='${node}'><item id='b'/></items></event></message>`
  const items = await asks(francisco, get(`<items node='${node}'><item id='a'/></items>`), 'items')
  assert.ok(items.getChild('item')?.getChild('entry', 'urn:example:atom') !== undefined)
})

story('Nobody is notified where the owner wants it so', async (s) => {
  const { hamlet, francisco, node } = await weblog(s, { deliver_notifications: '0' })
  await publishes(s, hamlet, node, 'a')
  await francisco.receivesNothing()
  assert.equal(await idsOf(s, francisco, node), 'a')
})

story(
  'The service says who has published, where the owner wants it so, and believes nobody else // XEP-0060 §7.1.2.3',
  async (s) => {
    const { hamlet, francisco, node, get, set } = await weblog(s, { itemreply: 'publisher' })
    await affiliates(s, hamlet, node, [francisco, 'publisher'])
    const forged = `<item id='a' publisher='nurse@${s.domain}'>${entry('a')}</item>`
    await hamlet.asks`${set(`<publish node='${node}'>${forged}</publish>`)}`
    const told = `<items node='${node}'>${itemOf('a', `publisher='${hamlet.bare}'`)}</items>`
    await francisco.receives`<message type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'>${told}</event></message>`
    const items = await asks(francisco, get(`<items node='${node}'/>`), 'items')
    assert.equal(items.getChild('item')?.attrs['publisher'], hamlet.bare)
    await configures(s, hamlet, node, { itemreply: 'owner' })
    const silent = await asks(francisco, get(`<items node='${node}'/>`), 'items')
    assert.equal(silent.getChild('item')?.attrs['publisher'], undefined)
  },
)

story('The oldest items go when a node is full // XEP-0060 §7.1.2.5', async (s) => {
  const { hamlet, francisco, node } = await weblog(s, { max_items: '2' })
  await publishes(s, hamlet, node, 'a', 'b', 'c')
  for (const id of ['a', 'b', 'c']) await francisco.receives`${itemsEvent(s, node, id)}`
  assert.equal(await idsOf(s, francisco, node), 'b c')
  await publishes(s, hamlet, node, 'b')
  await francisco.receives`${itemsEvent(s, node, 'b')}`
  assert.equal(await idsOf(s, francisco, node), 'c b')
  await configures(s, hamlet, node, { max_items: 'max' })
  await publishes(s, hamlet, node, ...Array.from({ length: 25 }, (_, n) => `${n}`))
  assert.equal((await idsOf(s, hamlet, node)).split(' ').length, 27)
})

story('Who may publish depends on affiliation and on the node // XEP-0060 §7.1.3.1, §4.1', async (s) => {
  const { hamlet, francisco, node, set } = await weblog(s)
  const romeo = await s.login('romeo')
  const refused: Refusal = ['forbidden', 'auth']
  const tries = async (actor: Actor, isAllowed: boolean) => {
    if (isAllowed) await publishes(s, actor, node, 'x')
    else await refuses(actor, set(publication(node, 'x')), refused)
  }
  for (const [affiliation, isAllowed] of [
    ['none', false],
    ['member', false],
    ['publisher', true],
    ['publish-only', true],
    ['owner', true],
    ['outcast', false],
  ] as const) {
    await affiliates(s, hamlet, node, [romeo, affiliation])
    await tries(romeo, isAllowed)
  }
  await tries(francisco, false)
  await configures(s, hamlet, node, { publish_model: 'subscribers' })
  await tries(francisco, true)
  await affiliates(s, hamlet, node, [romeo, 'none'])
  await tries(romeo, false)
  await configures(s, hamlet, node, { publish_model: 'open' })
  await tries(romeo, true)
  await affiliates(s, hamlet, node, [romeo, 'outcast'])
  await tries(romeo, false)
})

story('What cannot be published is refused, and nobody hears of it // XEP-0060 §7.1.3', async (s) => {
  const { hamlet, francisco, node, set } = await weblog(s, { max_payload_size: '100' })
  const publish = (inside: string) => `<publish node='${node}'>${inside}</publish>`
  for (const [inside, refusal] of [
    [`<publish>${itemOf('a')}</publish>`, ['bad-request', 'modify', 'nodeid-required']],
    // XEP-0060 §7.1.3.5
    [publish(`<item id='a'>${entry('x'.repeat(100))}</item>`), ['not-acceptable', 'modify', 'payload-too-big']],
    // XEP-0060 §7.1.3.6
    [publish(`<item id='a'>${entry()}${entry()}</item>`), ['bad-request', 'modify', 'invalid-payload']],
    [publish(`<item id='a'><entry/></item>`), ['bad-request', 'modify', 'invalid-payload']],
    // XEP-0060 §7.1.3.7
    [publish(''), ['bad-request', 'modify', 'item-required']],
    [publish(`<item id='a'/>`), ['bad-request', 'modify', 'payload-required']],
    [publish(`<item id='${'ö'.repeat(512)}'>${entry()}</item>`), ['not-acceptable', 'modify']],
    [publish(`${itemOf('b')}<item id='a'/>`), ['bad-request', 'modify', 'payload-required']],
  ] as const)
    await refuses(hamlet, set(inside), refusal)
  await francisco.receivesNothing()
  assert.equal(await idsOf(s, francisco, node), '')
})

story(
  'A node that keeps nothing tells of items, or only that something has happened // XEP-0060 §4.3, §7.1.3.7',
  async (s) => {
    const { hamlet, francisco, node, set, get } = await weblog(s, { persist_items: '0' })
    await publishes(s, hamlet, node, 'a')
    await francisco.receives`${itemsEvent(s, node, 'a')}`
    const nothing: Refusal = ['feature-not-implemented', 'cancel', 'unsupported', 'persistent-items']
    await refuses(francisco, get(`<items node='${node}'/>`), nothing)
    await configures(s, hamlet, node, { deliver_payloads: '0' })
    await refuses(hamlet, set(publication(node, 'a')), ['bad-request', 'modify', 'item-forbidden'])
    await hamlet.asks`${set(`<publish node='${node}'/>`)}`
    await francisco.receives`<message type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='${node}'/></event></message>`
  },
)

story('Publishing creates the node that is not there yet // XEP-0060 §7.1.4', async (s) => {
  const hamlet = await s.login('hamlet/elsinore')
  const romeo = await s.login('romeo')
  const node = freshNode()
  const { set, getOwned } = requests(s)
  // What is refused makes no node.
  await refuses(hamlet, set(`<publish node='${node}'><item id='a'/></publish>`), [
    'bad-request',
    'modify',
    'payload-required',
  ])
  await refuses(hamlet, getOwned(`<configure node='${node}'/>`), ['item-not-found', 'cancel'])
  await publishes(s, hamlet, node, 'a')
  assert.equal(await idsOf(s, romeo, node), 'a')
  await refuses(romeo, set(publication(node, 'b')), ['forbidden', 'auth'])
})

story('Options are preconditions, or what a new node is set to // XEP-0060 §7.1.5', async (s) => {
  const hamlet = await s.login('hamlet/elsinore')
  const node = freshNode()
  const { set, getOwned } = requests(s)
  const publish = (fields: Parameters<typeof submission>[1], id = 'a') =>
    set(`${publication(node, id)}<publish-options>${submission(PUBLISH_OPTIONS, fields)}</publish-options>`)
  // XEP-0060 §7.1.5: unknown fields.
  const unmet: Refusal = ['conflict', 'cancel', 'precondition-not-met']
  await refuses(hamlet, publish({ access_model: 'whitelist', favourite_colour: 'black' }), unmet)
  await refuses(hamlet, getOwned(`<configure node='${node}'/>`), ['item-not-found', 'cancel'])
  const options = {
    access_model: 'whitelist',
    persist_items: 'true',
    max_items: 'max',
    send_last_published_item: 'never',
  }
  await hamlet.asks`${publish(options)}`
  const form = (await asks(hamlet, getOwned(`<configure node='${node}'/>`), 'configure', OWNER)).getChild('x')!
  const { access_model, max_items, send_last_published_item } = valuesOf(form)
  assert.deepEqual([access_model, max_items, send_last_published_item], [['whitelist'], ['max'], ['never']])
  await hamlet.asks`${publish(options, 'b')}`
  await hamlet.asks`${publish({ persist_items: '1' }, 'c')}`
  for (const fields of [
    { access_model: 'open' },
    { access_model: 'whitelist', max_items: '5' },
    { persist_items: '0' },
  ])
    await refuses(hamlet, publish(fields, 'd'), unmet)
  assert.equal(await idsOf(s, hamlet, node), 'a b c')
  await refuses(hamlet, set(`${publication(node, 'e')}<publish-options/>`), ['bad-request', 'modify'])
})
