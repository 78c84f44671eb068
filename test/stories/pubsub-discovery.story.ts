import assert from 'node:assert/strict'
import { serialize } from '../../src/api.ts'
import {
  affiliates,
  asks,
  configures,
  creates,
  freshNode,
  PUBSUB,
  publishes,
  RSM,
  refuses,
  requests,
  serviceOf,
  set,
  subscribes,
  valuesOf,
} from '../support/pubsub.ts'
import { type Actor, type Story, story } from '../support/story.ts'

const INFO = 'http://jabber.org/protocol/disco#info'
const ITEMS = 'http://jabber.org/protocol/disco#items'

async function discovers(s: Story, actor: Actor, xmlns: string, node?: string, inside = '') {
  const attribute = node === undefined ? '' : `node='${node}'`
  const result =
    await actor.asks`<iq type='get' to='${serviceOf(s)}'><query xmlns='${xmlns}' ${attribute}>${inside}</query></iq>`
  const query = result.getChild('query', xmlns)!
  assert.equal(query.attrs['node'], node)
  return query
}

const attributesOf = (
  el: { getChildren(name: string): { attrs: Record<string, string | undefined> }[] },
  name: string,
) =>
  el
    .getChildren(name)
    .map(({ attrs }) => Object.fromEntries(Object.entries(attrs).filter(([, value]) => value !== undefined)))

story(
  'The server lists its publish-subscribe service, which says what it is and can do // XEP-0060 §5.1',
  async (s) => {
    const romeo = await s.login('romeo')
    const items = await romeo.asks`<iq type='get' to='${s.domain}'><query xmlns='${ITEMS}'/></iq>`
    assert.ok(
      items
        .getChild('query', ITEMS)!
        .getChildren('item')
        .some(({ attrs }) => attrs['jid'] === serviceOf(s)),
    )
    const info = await discovers(s, romeo, INFO)
    const [identity] = info.getChildren('identity')
    assert.deepEqual([identity!.attrs['category'], identity!.attrs['type']], ['pubsub', 'service'])
    const features = info.getChildren('feature').map(({ attrs }) => attrs['var']!)
    // XEP-0060 §11: all that is recommended, but for what only accounts have.
    const recommended = [
      ...['config-node', 'create-and-configure', 'create-nodes', 'delete-items', 'delete-nodes', 'instant-nodes'],
      ...['item-ids', 'last-published', 'member-affiliation', 'meta-data', 'outcast-affiliation', 'persistent-items'],
      ...['publish', 'publisher-affiliation', 'retrieve-affiliations', 'retrieve-default', 'retrieve-items'],
      ...[
        'retrieve-subscriptions',
        'subscribe',
        'multi-items',
        'publish-options',
        'purge-nodes',
        'manage-subscriptions',
      ],
      ...['modify-affiliations', 'subscription-options', 'get-pending', 'rsm', 'access-open', 'auto-create'],
    ]
    for (const feature of [INFO, ITEMS, PUBSUB, RSM, ...recommended.map((name) => `${PUBSUB}#${name}`)])
      assert.ok(features.includes(feature), feature)
    assert.equal(new Set(features).size, features.length)
  },
)

story('A service lists its nodes to those who may know of them, in pages when asked // XEP-0060 §5.2', async (s) => {
  const hamlet = await s.login('hamlet/elsinore')
  const romeo = await s.login('romeo')
  const prefix = freshNode('list')
  const names = ['a', 'b', 'c', 'd'].map((end) => `${prefix}-${end}`)
  for (const name of names) await creates(s, hamlet, { title: `The ${name}` }, name)
  await configures(s, hamlet, names[1]!, { access_model: 'whitelist' })
  const found = async (actor: Actor) =>
    attributesOf(await discovers(s, actor, ITEMS), 'item').filter(({ node }) => node!.startsWith(prefix))
  const item = (node: string) => ({ jid: serviceOf(s), node, name: `The ${node}` })
  assert.deepEqual(await found(hamlet), names.map(item))
  assert.deepEqual(await found(romeo), [names[0]!, names[2]!, names[3]!].map(item))
  // XEP-0059 §2.1
  const page = await discovers(s, hamlet, ITEMS, undefined, set(`<max>2</max><after>${names[1]}</after>`))
  assert.deepEqual(attributesOf(page, 'item'), [names[2]!, names[3]!].map(item))
  const before = await discovers(s, hamlet, ITEMS, undefined, set(`<max>2</max><before>${names[3]}</before>`))
  assert.deepEqual(attributesOf(before, 'item'), [names[1]!, names[2]!].map(item))
  // What somebody does not find is neither named nor counted.
  const other = await discovers(s, romeo, ITEMS, undefined, set(`<max>2</max><before>${names[3]}</before>`))
  assert.deepEqual(attributesOf(other, 'item'), [names[0]!, names[2]!].map(item))
  const { children } = other.getChild('set', RSM)!
  assert.deepEqual(children.map(String), [`<first>${names[0]}</first>`, `<last>${names[2]}</last>`])
  const rsm = page.getChild('set', RSM)!
  assert.deepEqual([rsm.getChildText('first'), rsm.getChildText('last')], [names[2], names[3]])
  assert.ok(Number(rsm.getChildText('count')) >= 4)
})

story('A node says what it is and what its owner has set // XEP-0060 §5.3, §5.4', async (s) => {
  const hamlet = await s.login('hamlet/elsinore')
  const romeo = await s.login('romeo')
  const node = await creates(s, hamlet, {
    ...{ title: 'Princely Musings', description: 'A weblog', language: 'en', type: 'urn:example:e2ee:bundle' },
    ...{ contact: ['bard@shakespeare.example'], max_items: '12' },
  })
  await subscribes(s, romeo, node)
  await affiliates(s, hamlet, node, [romeo, 'publisher'])
  const info = await discovers(s, romeo, INFO, node)
  assert.deepEqual(attributesOf(info, 'identity'), [{ category: 'pubsub', type: 'leaf', name: 'Princely Musings' }])
  assert.ok(info.getChildren('feature').some(({ attrs }) => attrs['var'] === PUBSUB))
  const form = info.getChild('x', 'jabber:x:data')!
  assert.equal(form.attrs['type'], 'result')
  const { creation_date, ...values } = valuesOf(form)
  assert.deepEqual(values, {
    FORM_TYPE: [`${PUBSUB}#meta-data`],
    ...{ title: ['Princely Musings'], description: ['A weblog'], language: ['en'], type: ['urn:example:e2ee:bundle'] },
    ...{ contact: ['bard@shakespeare.example'], creator: [hamlet.bare], owner: [hamlet.bare] },
    ...{
      publisher: [hamlet.bare, romeo.bare],
      access_model: ['open'],
      publish_model: ['publishers'],
      max_items: ['12'],
    },
    num_subscribers: ['1'],
  })
  assert.match(creation_date![0]!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
})

story('Who may not know of a node does not find it // XEP-0060 §5.3, §14.3', async (s) => {
  const hamlet = await s.login('hamlet/elsinore')
  const romeo = await s.login('romeo')
  const node = await creates(s, hamlet, { access_model: 'whitelist' })
  const request = (xmlns: string, name: string) =>
    `<iq type='get' to='${serviceOf(s)}'><query xmlns='${xmlns}' node='${name}'/></iq>`
  for (const name of [node, 'nowhere']) await refuses(romeo, request(INFO, name), ['item-not-found', 'cancel'])
  await refuses(romeo, request(ITEMS, 'nowhere'), ['item-not-found', 'cancel'])
  await affiliates(s, hamlet, node, [romeo, 'member'])
  await discovers(s, romeo, INFO, node)
})

story('A node lists its items by their ids, oldest first, in pages when asked // XEP-0060 §5.5', async (s) => {
  const hamlet = await s.login('hamlet/elsinore')
  const node = await creates(s, hamlet)
  assert.deepEqual(attributesOf(await discovers(s, hamlet, ITEMS, node), 'item'), [])
  await publishes(s, hamlet, node, 'c', 'a', 'b')
  const item = (name: string) => ({ jid: serviceOf(s), name })
  assert.deepEqual(attributesOf(await discovers(s, hamlet, ITEMS, node), 'item'), ['c', 'a', 'b'].map(item))
  const page = await discovers(s, hamlet, ITEMS, node, set('<max>1</max><after>c</after>'))
  assert.deepEqual(attributesOf(page, 'item'), [item('a')])
  assert.equal(
    serialize(page.getChild('set', RSM)!),
    `<set xmlns="${RSM}"><first index="1">a</first><last>a</last><count>3</count></set>`,
  )
  await configures(s, hamlet, node, { access_model: 'whitelist' })
  const romeo = await s.login('romeo')
  const request = `<iq type='get' to='${serviceOf(s)}'><query xmlns='${ITEMS}' node='${node}'/></iq>`
  await refuses(romeo, request, ['not-allowed', 'cancel', 'closed-node'])
})

story(
  'Somebody can ask for the own subscriptions and affiliations, of all nodes or one // XEP-0060 §5.6, §5.7',
  async (s) => {
    const hamlet = await s.login('hamlet/elsinore')
    const romeo = await s.login('romeo/orchard')
    const { get } = requests(s)
    const subscriptions = async (attributes = '') =>
      attributesOf(await asks(romeo, get(`<subscriptions ${attributes}/>`), 'subscriptions'), 'subscription')
    const affiliations = async (attributes = '') =>
      attributesOf(await asks(romeo, get(`<affiliations ${attributes}/>`), 'affiliations'), 'affiliation')
    assert.deepEqual([await subscriptions(), await affiliations()], [[], []])
    const one = await creates(s, hamlet)
    const other = await creates(s, hamlet, { access_model: 'authorize' })
    const mine = await creates(s, romeo)
    const jids = [romeo.bare, romeo.jid]
    const had = [
      { node: one, jid: jids[0], subscription: 'subscribed', subid: (await subscribes(s, romeo, one)).attrs['subid'] },
      {
        node: one,
        jid: jids[1],
        subscription: 'subscribed',
        subid: (await subscribes(s, romeo, one, romeo.jid)).attrs['subid'],
      },
      { node: other, jid: jids[0], subscription: 'pending', subid: (await subscribes(s, romeo, other)).attrs['subid'] },
    ]
    await subscribes(s, hamlet, one)
    await affiliates(s, hamlet, one, [romeo, 'publish-only'])
    assert.deepEqual(await affiliations(), [
      { node: one, affiliation: 'publish-only' },
      { node: mine, affiliation: 'owner' },
    ])
    assert.deepEqual(await affiliations(`node='${mine}'`), [{ node: mine, affiliation: 'owner' }])
    assert.deepEqual(await affiliations(`node='nowhere'`), [])
    // Who may not read any more has no subscription any more either.
    assert.deepEqual(await subscriptions(), [had[2]])
    await affiliates(s, hamlet, one, [romeo, 'none'])
    const again = await subscribes(s, romeo, one)
    assert.notEqual(again.attrs['subid'], had[0]!.subid)
    assert.deepEqual(await subscriptions(`node='${one}'`), [{ ...had[0], subid: again.attrs['subid'] }])
  },
)

story('What a service does not know it does not do // XEP-0060 §11', async (s) => {
  const romeo = await s.login('romeo')
  const to = serviceOf(s)
  const { get, set } = requests(s)
  await refuses(romeo, get(''), ['bad-request', 'modify'])
  await refuses(romeo, set(`<dance node='x'/>`), ['feature-not-implemented', 'cancel', 'unsupported', 'dance'])
  await refuses(romeo, `<iq type='get' to='${to}'><query xmlns='urn:example:nothing'/></iq>`, [
    'service-unavailable',
    'cancel',
  ])
  await refuses(romeo, `<iq type='get' to='x@${to}'><query xmlns='${INFO}'/></iq>`, ['item-not-found', 'cancel'])
  await refuses(romeo, `<message to='${to}' id='m1'><body>Hi</body></message>`, ['service-unavailable', 'cancel'])
  await romeo.sends`<presence to='${to}'/>`
  await romeo.receivesNothing()
})
