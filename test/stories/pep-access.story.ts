import assert from 'node:assert/strict'
import { serialize } from '../../src/api.ts'
import { affiliates, configures, INFO, ITEMS, idsAt, publishes, request } from '../support/pep.ts'
import {
  asks,
  type Fields,
  OWNER,
  PUBSUB,
  payloadOf,
  type Refusal,
  refuses,
  submission,
  valuesOf,
} from '../support/pubsub.ts'
import { type Actor, type Story, story } from '../support/story.ts'

const models = ['open', 'presence', 'roster', 'whitelist', 'authorize'] as const

/** Romeo, with a node of each model, and whoever has or has not to do with him. */
async function verona(s: Story) {
  const [romeo, juliet, benvolio, nurse] = [
    await s.online('romeo/orchard'),
    await s.online('juliet/balcony'),
    await s.online('benvolio/street'),
    await s.online('nurse/house'),
  ]
  for (const contact of [juliet, benvolio]) await s.befriend(romeo, contact)
  const loves = `<query xmlns='jabber:iq:roster'><item jid='${juliet.bare}'><group>Loves</group></item></query>`
  await romeo.asks`<iq type='set'>${loves}</iq>`
  for (const model of models) await publishes(romeo, model, 'a', optionsOf(model))
  return { romeo, juliet, benvolio, nurse }
}

const optionsOf = (model: string): Fields => ({
  access_model: model,
  ...(model === 'roster' && { roster_groups_allowed: ['Loves', 'Friends'] }),
})

const lists = async (actor: Actor, of: string): Promise<string[]> => {
  const answer = await actor.asks`<iq type='get' to='${of}'><query xmlns='${ITEMS}'/></iq>`
  const items = answer.getChild('query', ITEMS)!.getChildren('item')
  for (const { attrs } of items) assert.equal(attrs['jid']!.split('/')[0], of)
  return items.flatMap(({ attrs }) => attrs['node'] ?? []).sort()
}

// XEP-0163 §6.1, XEP-0060 §9
story('An account is found to be a service, and what clients look for there', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const answer = await romeo.asks`<iq type='get' to='${romeo.bare}'><query xmlns='${INFO}'/></iq>`
  const query = answer.getChild('query', INFO)!
  const identities = query.getChildren('identity').map(({ attrs }) => `${attrs['category']}/${attrs['type']}`)
  assert.deepEqual(identities.sort(), ['account/registered', 'pubsub/pep'])
  const features = query.getChildren('feature').map(({ attrs }) => attrs['var'])
  for (const name of [
    ...['access-open', 'access-presence', 'access-roster', 'access-whitelist', 'auto-create', 'auto-subscribe'],
    ...['config-node-max', 'filtered-notifications', 'last-published', 'multi-items', 'persistent-items'],
    ...['publish', 'publish-options', 'retract-items', 'retrieve-items', 'subscribe'],
  ])
    assert.ok(features.includes(`${PUBSUB}#${name}`), name)
})

// XEP-0163 §6.2
story('Who looks for nodes of an account finds those that are for them', async (s) => {
  const { romeo, juliet, benvolio, nurse } = await verona(s)
  assert.deepEqual(await lists(romeo, romeo.bare), [...models].sort())
  assert.deepEqual(await lists(juliet, romeo.bare), ['authorize', 'open', 'presence', 'roster'])
  assert.deepEqual(await lists(benvolio, romeo.bare), ['authorize', 'open', 'presence'])
  assert.deepEqual(await lists(nurse, romeo.bare), [])
  const info = await juliet.asks`<iq type='get' to='${romeo.bare}'><query xmlns='${INFO}' node='open'/></iq>`
  assert.equal(info.getChild('query', INFO)!.getChild('identity')!.attrs['type'], 'leaf')
  const items = await juliet.asks`<iq type='get' to='${romeo.bare}'><query xmlns='${ITEMS}' node='open'/></iq>`
  assert.equal(items.getChild('query', ITEMS)!.getChild('item')!.attrs['name'], 'a')
  for (const node of ['whitelist', 'none'])
    await juliet.isRefused(
      'item-not-found',
    )`<iq type='get' to='${romeo.bare}'><query xmlns='${INFO}' node='${node}'/></iq>`
})

// XEP-0060 §4.5, §6.1.3, §6.5.9
story('Who may read a node, and what the others are told', async (s) => {
  const { romeo, juliet, benvolio, nurse } = await verona(s)
  const [member, outcast] = [await s.online('mercutio/street'), await s.online('tybalt/tomb')]
  for (const contact of [member, outcast]) await s.befriend(romeo, contact)
  for (const model of models) await affiliates(romeo, model, { [member.bare]: 'member', [outcast.bare]: 'outcast' })
  const unseen: Refusal = ['service-unavailable', 'cancel']
  const table: Record<string, readonly [Actor, Partial<Record<(typeof models)[number], Refusal>>]> = {
    'another resource of his own': [await s.login('romeo/tomb'), {}],
    'a contact in the group': [
      juliet,
      {
        whitelist: ['not-allowed', 'cancel', 'closed-node'],
        authorize: ['not-authorized', 'auth', 'not-subscribed'],
      },
    ],
    'another contact': [
      benvolio,
      {
        roster: ['not-authorized', 'auth', 'not-in-roster-group'],
        whitelist: ['not-allowed', 'cancel', 'closed-node'],
        authorize: ['not-authorized', 'auth', 'not-subscribed'],
      },
    ],
    'a stranger': [nurse, { presence: unseen, roster: unseen, whitelist: unseen, authorize: unseen }],
    'a member': [member, {}],
    'an outcast': [outcast, Object.fromEntries(models.map((model) => [model, ['forbidden', 'auth']]))],
  }
  for (const [who, [actor, refusals]] of Object.entries(table))
    for (const model of models) {
      const refusal = refusals[model]
      const reading = request('get', `<items node='${model}'/>`, romeo.bare)
      const subscribing = request('set', `<subscribe node='${model}' jid='${actor.bare}'/>`, romeo.bare)
      if (refusal === undefined) assert.equal(await idsAt(actor, model, romeo.bare), 'a', `${who} at ${model}`)
      else await refuses(actor, reading, refusal)
      const mayAsk = model === 'authorize' && (who.endsWith('contact') || who.startsWith('a contact'))
      if (refusal !== undefined && !mayAsk && refusal !== unseen) await refuses(actor, subscribing, refusal)
    }
})

// XEP-0223 §5: what is for oneself alone is not even known to exist.
story('What is private is nobody else’s, and is not published where it would not be', async (s) => {
  const [romeo, juliet] = [await s.online('romeo/orchard'), await s.online('juliet/balcony')]
  await s.befriend(romeo, juliet)
  const secret: Fields = { persist_items: true, access_model: 'whitelist' }
  await publishes(romeo, 'secret', 'a', secret)
  await publishes(romeo, 'secret', 'b', secret)
  assert.equal(await idsAt(await s.login('romeo/tomb'), 'secret'), 'b')
  await refuses(juliet, request('get', `<items node='secret'/>`, romeo.bare), ['not-allowed', 'cancel', 'closed-node'])
  await publishes(romeo, 'known', 'a')
  const wrong = `<publish node='known'><item id='b'><x xmlns='urn:x'/></item></publish><publish-options>${submission(`${PUBSUB}#publish-options`, secret)}</publish-options>`
  await refuses(romeo, request('set', wrong), ['conflict', 'cancel', 'precondition-not-met'])
  assert.equal(await idsAt(juliet, 'known', romeo.bare), 'a')
  // XEP-0060 §8.2: made so, it is.
  await configures(romeo, 'known', secret)
  await romeo.asks`${request('set', wrong)}`
  await refuses(juliet, request('get', `<items node='known'/>`, romeo.bare), ['not-allowed', 'cancel', 'closed-node'])
})

story('A stranger cannot tell an account from one that is not there', async (s) => {
  const { romeo, nurse } = await verona(s)
  const away = 'paris@' + s.domain
  await s.createAccount('paris')
  for (const [type, inside, xmlns] of [
    ['get', `<items node='presence'/>`, PUBSUB],
    ['get', `<items node='none'/>`, PUBSUB],
    ['get', `<items/>`, PUBSUB],
    ['get', `<subscriptions/>`, PUBSUB],
    ['get', `<subscriptions node='none'/>`, PUBSUB],
    ['get', `<affiliations/>`, PUBSUB],
    ['get', `<default/>`, PUBSUB],
    ['get', `<options node='none' jid='${nurse.bare}'/>`, PUBSUB],
    ['get', `<nonsense/>`, PUBSUB],
    ['set', `<subscribe node='whitelist' jid='${nurse.bare}'/>`, PUBSUB],
    ['set', `<publish node='open'><item><x xmlns='urn:x'/></item></publish>`, PUBSUB],
    ['set', `<create node='mine'/>`, PUBSUB],
    ['get', `<default/>`, OWNER],
    ['get', `<configure node='open'/>`, OWNER],
    ['get', `<affiliations node='open'/>`, OWNER],
    ['set', `<delete node='open'/>`, OWNER],
  ] as const) {
    const answers = []
    for (const to of [`nobody@${s.domain}`, romeo.bare, away]) {
      const answer = await nurse.isRefused('service-unavailable')`${request(type, inside, to, xmlns)}`
      answers.push(serialize(answer).replace(/ (id|from)="[^"]*"/g, ''))
    }
    assert.deepEqual(new Set(answers).size, 1, `${type} ${inside}: ${answers.join('\n')}`)
  }
})

// XEP-0060 §6.1.1: open is open.
story('A stranger reads what is open, and subscribes to it, and sees that they have', async (s) => {
  const { romeo, nurse } = await verona(s)
  assert.equal(await idsAt(nurse, 'open', romeo.bare), 'a')
  const subscription = await asks(
    nurse,
    request('set', `<subscribe node='open' jid='${nurse.bare}'/>`, romeo.bare),
    'subscription',
  )
  assert.equal(subscription.attrs['subscription'], 'subscribed')
  const own = await asks(nurse, request('get', '<subscriptions/>', romeo.bare), 'subscriptions')
  assert.deepEqual(
    own.getChildElements().map(({ attrs }) => attrs['node']),
    ['open'],
  )
})

// XEP-0163 §5, XEP-0060 §7.1.4, §7.1.5
story('A node is made by the first item, as it is by default or as the publisher says', async (s) => {
  const romeo = await s.login('romeo/orchard')
  await publishes(romeo, 'plain', 'a')
  await publishes(romeo, 'plain', 'b')
  assert.equal(await idsAt(romeo, 'plain'), 'b')
  const plain = await configOf(romeo, 'plain')
  const expected = {
    access_model: ['presence'],
    publish_model: ['publishers'],
    max_items: ['1'],
    persist_items: ['1'],
    send_last_published_item: ['on_sub_and_presence'],
    deliver_notifications: ['1'],
    deliver_payloads: ['1'],
    notify_retract: ['1'],
  }
  for (const [name, values] of Object.entries(expected)) assert.deepEqual(plain[name], values, name)
  const many: Fields = { max_items: 'max', access_model: 'open', send_last_published_item: 'never' }
  for (const id of ['a', 'b', 'c']) await publishes(romeo, 'many', id, many)
  assert.equal(await idsAt(romeo, 'many'), 'a b c')
  const config = await configOf(romeo, 'many')
  assert.deepEqual([config['access_model'], config['send_last_published_item']], [['open'], ['never']])
  // Nothing is published, and no node made, that would not be as was asked for.
  const unknown = `<publish node='new'><item><x xmlns='urn:x'/></item></publish><publish-options>${submission(`${PUBSUB}#publish-options`, { whatever: '1' })}</publish-options>`
  await refuses(romeo, request('set', unknown), ['conflict', 'cancel', 'precondition-not-met'])
  await romeo.isRefused('item-not-found')`${request('get', `<items node='new'/>`)}`
})

async function configOf(actor: Actor, node: string): Promise<Record<string, string[]>> {
  const answer = await actor.asks`${request('get', `<configure node='${node}'/>`, '', OWNER)}`
  return valuesOf(payloadOf(answer, 'configure', OWNER).getChild('x', 'jabber:x:data')!)
}

story('Nothing is left of an account that is deleted, neither its nodes nor what it was elsewhere', async (s) => {
  const { romeo, juliet } = await verona(s)
  await publishes(juliet, 'hers', 'a', { access_model: 'whitelist' })
  await affiliates(juliet, 'hers', { [romeo.bare]: 'member' })
  await juliet.asks`${request('set', `<subscribe node='open' jid='${juliet.bare}'/>`, romeo.bare)}`
  const service = romeo.bare
  await s.host.deleteAccount('romeo')
  for (const [table, where] of [
    ['pubsub_nodes', { service }],
    ['pubsub_affiliations', { jid: service }],
    ['pubsub_subscriptions', { jid: juliet.bare }],
    ['pubsub_items', { publisher: service }],
  ] as const)
    assert.deepEqual(await s.database.knex(table).where(where), [], table)
})
