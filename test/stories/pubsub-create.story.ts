import assert from 'node:assert/strict'
import {
  asks,
  creates,
  freshNode,
  NODE_CONFIG,
  OWNER,
  publishes,
  refuses,
  requests,
  submission,
  valuesOf,
} from '../support/pubsub.ts'
import { story } from '../support/story.ts'

story('A node is created, with the defaults, and is its creator’s // XEP-0060 §8.1.1, §8.1.2', async (s) => {
  const hamlet = await s.login('hamlet/elsinore')
  const { set, getOwned } = requests(s)
  const node = freshNode()
  const result = await hamlet.asks`${set(`<create node='${node}'/>`)}`
  assert.equal(result.getChildElements().length, 0)
  const affiliations = await asks(hamlet, getOwned(`<affiliations node='${node}'/>`), 'affiliations', OWNER)
  assert.deepEqual(
    affiliations.getChildren('affiliation').map(({ attrs }) => [attrs['jid'], attrs['affiliation']]),
    [[hamlet.bare, 'owner']],
  )
  const form = (await asks(hamlet, getOwned(`<configure node='${node}'/>`), 'configure', OWNER)).getChild('x')!
  const standard = (await asks(hamlet, getOwned('<default/>'), 'default', OWNER)).getChild('x')!
  assert.deepEqual(valuesOf(form), valuesOf(standard))
})

story('A node without a name gets one // XEP-0060 §8.1.1', async (s) => {
  const hamlet = await s.login('hamlet/elsinore')
  const names = new Set<string>()
  for (const create of ['<create/>', `<create node=''/>`]) {
    const name = (await asks(hamlet, requests(s).set(create), 'create')).attrs['node']!
    assert.ok(name.length >= 16)
    names.add(name)
    await publishes(s, hamlet, name, 'a')
  }
  assert.equal(names.size, 2)
})

story('A node can be configured as it is created // XEP-0060 §8.1.3', async (s) => {
  const hamlet = await s.login('hamlet/elsinore')
  const fields = {
    ...{ title: 'Princely Musings (Atom)', deliver_notifications: '1', deliver_payloads: '1', persist_items: '1' },
    ...{ max_items: '10', item_expire: '604800', access_model: 'whitelist', publish_model: 'subscribers' },
    ...{ send_last_published_item: 'never', presence_based_delivery: 'false', notification_type: 'normal' },
    ...{ notify_config: 'true', notify_delete: '0', notify_retract: '0', notify_sub: '1', max_payload_size: '1028' },
    ...{ type: 'urn:example:e2ee:bundle', itemreply: 'publisher', node_type: 'leaf' },
  }
  // A field that is not known here is left alone, as in other forms (XEP-0004 §3.2).
  const node = await creates(s, hamlet, { ...fields, body_xslt: 'http://xslt.example/atom', purge_offline: '0' })
  const form = (await asks(hamlet, requests(s).getOwned(`<configure node='${node}'/>`), 'configure', OWNER)).getChild(
    'x',
  )!
  const values = valuesOf(form)
  const { node_type: _, ...told } = fields
  for (const [name, value] of Object.entries(told))
    assert.deepEqual(values[name], [value.replace('true', '1').replace('false', '0')], name)
})

story('What cannot be created is refused, and is not there // XEP-0060 §8.1', async (s) => {
  const hamlet = await s.login('hamlet/elsinore')
  const romeo = await s.login('romeo')
  const { set, getOwned } = requests(s)
  const taken = await creates(s, hamlet)
  const create = `<create node='fresh'/>`
  const form = (fields: Parameters<typeof submission>[1]) => submission(NODE_CONFIG, fields)
  for (const [inside, refusal] of [
    [`<create node='${taken}'/>`, ['conflict', 'cancel']],
    // XEP-0060 §8.1.2
    [
      `${create}<configure>${form({ access_model: 'friends' })}</configure>`,
      ['not-acceptable', 'modify', 'unsupported-access-model'],
    ],
    // XEP-0060 §8.1.3
    [`<configure>${form({})}</configure>${create}`, ['bad-request', 'modify']],
    [`${create}<configure node='fresh'>${form({})}</configure>`, ['bad-request', 'modify']],
    // XEP-0248 §5.1
    [
      `${create}<configure>${form({ node_type: 'collection' })}</configure>`,
      ['feature-not-implemented', 'cancel', 'unsupported', 'collections'],
    ],
    [`${create}<configure>${form({ max_items: 'many' })}</configure>`, ['not-acceptable', 'modify']],
    [`${create}<configure>${form({ max_items: '-1' })}</configure>`, ['not-acceptable', 'modify']],
    [`${create}<configure>${form({ max_items: '10001' })}</configure>`, ['not-acceptable', 'modify']],
    [`${create}<configure>${form({ persist_items: 'perhaps' })}</configure>`, ['not-acceptable', 'modify']],
    [`${create}<configure>${form({ title: ['a', 'b'] })}</configure>`, ['not-acceptable', 'modify']],
    [`${create}<configure>${form({ contact: ['@'] })}</configure>`, ['not-acceptable', 'modify']],
    [`<create node='${'ö'.repeat(512)}'/>`, ['not-acceptable', 'modify']],
  ] as const)
    await refuses(romeo, set(inside), refusal)
  await refuses(hamlet, getOwned(`<configure node='fresh'/>`), ['item-not-found', 'cancel'])
})

story(
  'Who may create nodes, and how many, the admin says // XEP-0060 §8.1.1',
  async (s) => {
    const hamlet = await s.login('hamlet@localhost/elsinore')
    const fool = await s.login('fool@capulet.example/street')
    const create = (name: string, to = 'pubsub.localhost') =>
      `<iq type='set' to='${to}'><pubsub xmlns='http://jabber.org/protocol/pubsub'><create node='${name}'/></pubsub></iq>`
    const [one, two, three] = [freshNode(), freshNode(), freshNode()]
    await hamlet.asks`${create(one)}`
    await fool.asks`${create(two)}`
    await hamlet.asks`${create(two, 'pubsub.capulet.example')}`
    await refuses(hamlet, create(three), ['conflict', 'cancel', 'max-nodes-exceeded'])
    await hamlet.asks`<iq type='set' to='pubsub.localhost'><pubsub xmlns='${OWNER}'><delete node='${one}'/></pubsub></iq>`
    await hamlet.asks`${create(three)}`
  },
  { hosts: ['localhost', 'capulet.example'], modules: { pubsub: { limits: { maxNodes: 1 } } } },
)

story(
  'Only admins create nodes when the admin says so // XEP-0060 §8.1.1',
  async (s) => {
    const hamlet = await s.login('hamlet/elsinore')
    const { set } = requests(s)
    await refuses(hamlet, set(`<create node='x'/>`), ['forbidden', 'auth'])
    await refuses(hamlet, set(`<create/>`), ['forbidden', 'auth'])
    // XEP-0060 §7.1.3.3
    await refuses(hamlet, set(`<publish node='x'><item id='a'><a xmlns='urn:a'/></item></publish>`), [
      'item-not-found',
      'cancel',
    ])
  },
  { modules: { pubsub: { creators: 'admins' } } },
)
