import assert from 'node:assert/strict'
import { serialize } from '../../src/api.ts'
import {
  affiliates,
  asks,
  configures,
  creates,
  EVENT,
  FORMS,
  itemOf,
  itemsEvent,
  notification,
  publishes,
  refuses,
  requests,
  SUBSCRIBE_OPTIONS,
  submission,
  subscribes,
  valuesOf,
} from '../support/pubsub.ts'
import { type Actor, drain, type Story, story } from '../support/story.ts'

async function node(s: Story, fields = {}) {
  const hamlet = await s.online('hamlet/elsinore')
  const francisco = await s.online('francisco/barracks')
  const name = await creates(s, hamlet, fields)
  return { hamlet, francisco, node: name, ...requests(s) }
}

const subscribe = (node: string, jid: string) => `<subscribe node='${node}' jid='${jid}'/>`

story('Who subscribes is told so, once and again // XEP-0060 §6.1.1, §6.1.2, §6.1.6', async (s) => {
  const { hamlet, francisco, node: name } = await node(s)
  const { attrs } = await subscribes(s, francisco, name)
  const { subid, ...rest } = attrs
  assert.deepEqual({ ...rest }, { node: name, jid: francisco.bare, subscription: 'subscribed' })
  assert.ok(subid!.length >= 16)
  // There is one subscription of an address; asking again changes nothing.
  assert.deepEqual((await subscribes(s, francisco, name)).attrs, attrs)
  const full = await subscribes(s, francisco, name, francisco.jid)
  assert.equal(full.attrs['jid'], francisco.jid)
  assert.notEqual(full.attrs['subid'], subid)
  // Two addresses of one client are one client.
  await publishes(s, hamlet, name, 'a')
  await francisco.receives`${itemsEvent(s, name, 'a')}`
  await francisco.receivesNothing()
})

story('Who may not subscribe is told why // XEP-0060 §6.1.3', async (s) => {
  const { hamlet, francisco, node: name, set } = await node(s)
  const own = subscribe(name, francisco.bare)
  for (const [inside, refusal] of [
    // XEP-0060 §6.1.3.1
    [subscribe(name, hamlet.bare), ['bad-request', 'modify', 'invalid-jid']],
    [subscribe(name, '@'), ['bad-request', 'modify', 'invalid-jid']],
    [`<subscribe node='${name}'/>`, ['bad-request', 'modify', 'jid-required']],
    [`<subscribe jid='${francisco.bare}'/>`, ['bad-request', 'modify', 'nodeid-required']],
    // XEP-0060 §6.1.3.12
    [subscribe('nowhere', francisco.bare), ['item-not-found', 'cancel']],
  ] as const)
    await refuses(francisco, set(inside), refusal)
  for (const [model, refusal] of [
    // XEP-0060 §6.1.3.2, §6.1.3.3, §6.1.3.4
    ['presence', ['not-authorized', 'auth', 'presence-subscription-required']],
    ['roster', ['not-authorized', 'auth', 'presence-subscription-required']],
    ['whitelist', ['not-allowed', 'cancel', 'closed-node']],
  ] as const) {
    await configures(s, hamlet, name, { access_model: model })
    await refuses(francisco, set(own), refusal)
  }
  await configures(s, hamlet, name, { access_model: 'open' })
  for (const affiliation of ['outcast', 'publish-only']) {
    await affiliates(s, hamlet, name, [francisco, affiliation])
    // XEP-0060 §6.1.3.8
    await refuses(francisco, set(own), ['forbidden', 'auth'])
  }
})

story('Who sees the owner’s presence, or is in the right group, may subscribe // XEP-0060 §4.5', async (s) => {
  const { hamlet, francisco, node: name, set } = await node(s, { access_model: 'presence' })
  await s.befriend(hamlet, francisco)
  await subscribes(s, francisco, name)
  await configures(s, hamlet, name, { access_model: 'roster', roster_groups_allowed: ['friends', 'courtiers'] })
  // He is in none of the groups yet, and his subscription has ended.
  const over = notification(s, `<subscription node='${name}' jid='${francisco.bare}' subscription='none'/>`)
  await francisco.receives`${over}`
  // XEP-0060 §6.1.3.3
  await refuses(francisco, set(subscribe(name, francisco.bare)), ['not-authorized', 'auth', 'not-in-roster-group'])
  await hamlet.asks`<iq type='set'><query xmlns='jabber:iq:roster'><item jid='${francisco.bare}'><group>courtiers</group></item></query></iq>`
  await subscribes(s, francisco, name)
  await configures(s, hamlet, name, { roster_groups_allowed: ['friends'] })
  await francisco.receives`${over}`
  // Whose presence counts is a matter of who the owners are (XEP-0060 §4.5).
  const romeo = await s.login('romeo')
  await configures(s, hamlet, name, { access_model: 'presence' })
  await affiliates(s, hamlet, name, [romeo, 'owner'])
  await subscribes(s, francisco, name)
  await affiliates(s, romeo, name, [hamlet, 'none'])
  await francisco.receives`${over}`
})

story(
  'A node has so many subscriptions at most // XEP-0060 §6.1.3.9',
  async (s) => {
    const { hamlet, francisco, node: name, set, setOwned } = await node(s)
    await subscribes(s, hamlet, name)
    const { attrs } = await subscribes(s, francisco, name)
    const full: ['policy-violation', string, string] = ['policy-violation', 'modify', 'too-many-subscriptions']
    await refuses(francisco, set(subscribe(name, francisco.jid)), full)
    assert.deepEqual((await subscribes(s, francisco, name)).attrs, attrs)
    const other = `<subscription jid='nurse@${s.domain}' subscription='subscribed'/>`
    await refuses(hamlet, setOwned(`<subscriptions node='${name}'>${other}</subscriptions>`), full)
  },
  { modules: { pubsub: { limits: { maxSubscriptions: 2 } } } },
)

story('Who subscribes gets the newest item, with the time it was published // XEP-0060 §6.1.7', async (s) => {
  const { hamlet, francisco, node: name } = await node(s)
  await publishes(s, hamlet, name, 'a', 'b')
  await s.advance(60_000)
  await subscribes(s, francisco, name)
  const message = await francisco.receives`${itemsEvent(s, name, 'b')}`
  const delay = message.getChild('delay', 'urn:xmpp:delay')
  assert.ok(delay !== undefined, serialize(message))
  await subscribes(s, francisco, name)
  await configures(s, hamlet, name, { send_last_published_item: 'never' })
  await subscribes(s, francisco, name, francisco.jid)
  await francisco.receivesNothing()
})

story('Who unsubscribes hears no more // XEP-0060 §6.2', async (s) => {
  const { hamlet, francisco, node: name, set } = await node(s)
  const { attrs } = await subscribes(s, francisco, name)
  const full = await subscribes(s, francisco, name, francisco.jid)
  const unsubscribe = (jid: string, rest = '') => set(`<unsubscribe node='${name}' jid='${jid}' ${rest}/>`)
  const over = await asks(francisco, unsubscribe(francisco.bare), 'subscription')
  assert.deepEqual(over.attrs, { ...attrs, subscription: 'none' })
  await publishes(s, hamlet, name, 'a')
  await francisco.receives`${itemsEvent(s, name, 'a')}`
  for (const [request, refusal] of [
    // XEP-0060 §6.2.3.2 to §6.2.3.5
    [unsubscribe(francisco.bare), ['unexpected-request', 'wait', 'not-subscribed']],
    [unsubscribe(hamlet.bare), ['forbidden', 'auth']],
    [set(`<unsubscribe node='nowhere' jid='${francisco.bare}'/>`), ['item-not-found', 'cancel']],
    [unsubscribe(francisco.jid, `subid='${attrs['subid']}'`), ['not-acceptable', 'modify', 'invalid-subid']],
    [set(`<unsubscribe node='${name}'/>`), ['bad-request', 'modify', 'jid-required']],
    [set(`<unsubscribe jid='${francisco.jid}'/>`), ['bad-request', 'modify', 'nodeid-required']],
  ] as const)
    await refuses(francisco, request, refusal)
  await asks(francisco, unsubscribe(francisco.jid, `subid='${full.attrs['subid']}'`), 'subscription')
  await publishes(s, hamlet, name, 'b')
  await francisco.receivesNothing()
})

async function options(actor: Actor, request: string) {
  const element = await asks(actor, request, 'options')
  return { element, values: valuesOf(element.getChild('x', FORMS)!) }
}

story('A subscriber sees and changes the options of a subscription // XEP-0060 §6.3', async (s) => {
  const { hamlet, francisco, node: name, set, get } = await node(s)
  const { attrs } = await subscribes(s, francisco, name)
  const element = (rest: string) => `<options node='${name}' jid='${francisco.bare}'${rest}`
  const { element: before, values } = await options(francisco, get(element('/>')))
  assert.deepEqual([before.attrs['node'], before.attrs['jid']], [name, francisco.bare])
  assert.equal(before.getChild('x', FORMS)!.attrs['type'], 'form')
  assert.deepEqual([values['FORM_TYPE'], values['deliver']], [[SUBSCRIBE_OPTIONS], ['1']])
  assert.deepEqual(values['show-values']!.sort(), ['away', 'chat', 'dnd', 'online', 'xa'])
  const submit = (fields: Parameters<typeof submission>[1]) =>
    set(element(`>${submission(SUBSCRIBE_OPTIONS, fields)}</options>`))
  const result = await francisco.asks`${submit({ deliver: 'false' })}`
  assert.equal(result.getChildElements().length, 0)
  assert.deepEqual((await options(francisco, get(element(` subid='${attrs['subid']}'/>`)))).values['deliver'], ['0'])
  await publishes(s, hamlet, name, 'a')
  await francisco.receivesNothing()
  // Only while he is away.
  await francisco.asks`${submit({ deliver: '1', 'show-values': ['away', 'xa'] })}`
  await publishes(s, hamlet, name, 'b')
  await francisco.receivesNothing()
  await francisco.sends`<presence><show>away</show></presence>`
  await francisco.receives`<presence from='${francisco.jid}'/>`
  await publishes(s, hamlet, name, 'c')
  await francisco.receives`${itemsEvent(s, name, 'c')}`
})

story('Options that make no sense, or are not one’s own, are refused // XEP-0060 §6.3.4, §6.3.6.2', async (s) => {
  const { hamlet, francisco, node: name, set, get } = await node(s)
  await subscribes(s, francisco, name)
  const form = (fields: Parameters<typeof submission>[1]) => submission(SUBSCRIBE_OPTIONS, fields)
  const jid = `jid='${francisco.bare}'`
  const wrong: ['bad-request', string, string] = ['bad-request', 'modify', 'invalid-options']
  for (const [request, refusal] of [
    [get(`<options node='${name}' jid='${hamlet.bare}'/>`), ['forbidden', 'auth']],
    [get(`<options node='${name}' jid='${francisco.jid}'/>`), ['unexpected-request', 'wait', 'not-subscribed']],
    [get(`<options node='${name}'/>`), ['bad-request', 'modify', 'jid-required']],
    [get(`<options ${jid}/>`), ['bad-request', 'modify', 'nodeid-required']],
    [get(`<options node='${name}' ${jid} subid='x'/>`), ['not-acceptable', 'modify', 'invalid-subid']],
    [get(`<options node='nowhere' ${jid}/>`), ['item-not-found', 'cancel']],
    [set(`<options node='${name}' ${jid}/>`), wrong],
    [set(`<options node='${name}' ${jid}>${form({ deliver: 'perhaps' })}</options>`), wrong],
    [set(`<options node='${name}' ${jid}>${form({ 'show-values': ['asleep'] })}</options>`), wrong],
    [set(`<options node='${name}' ${jid}>${form({ colour: 'black' })}</options>`), wrong],
    [set(`<options node='${name}' jid='${hamlet.bare}'>${form({ deliver: '0' })}</options>`), ['forbidden', 'auth']],
    // XEP-0060 §6.3.7
    [set(`<subscribe node='${name}' ${jid}/><options ${jid}>${form({})}</options>`), ['bad-request', 'modify']],
    [set(`<subscribe node='${name}' ${jid}/><options node='${name}'>${form({})}</options>`), ['bad-request', 'modify']],
    [
      set(`<options>${form({})}</options><subscribe node='${name}' ${jid}/>`),
      ['bad-request', 'modify', 'nodeid-required'],
    ],
  ] as const)
    await refuses(francisco, request, refusal)
})

story('Somebody can subscribe with options // XEP-0060 §6.3.7', async (s) => {
  const { hamlet, francisco, node: name, set, get } = await node(s)
  await publishes(s, hamlet, name, 'z')
  const form = submission(SUBSCRIBE_OPTIONS, { deliver: '0' })
  const answer = await francisco.asks`${set(`${subscribe(name, francisco.bare)}<options>${form}</options>`)}`
  const pubsub = answer.getChild('pubsub')!
  assert.equal(pubsub.getChild('subscription')!.attrs['subscription'], 'subscribed')
  const told = pubsub.getChild('options')!.getChild('x', FORMS)!
  assert.deepEqual([told.attrs['type'], valuesOf(told)['deliver']], ['result', ['0']])
  await publishes(s, hamlet, name, 'a')
  await francisco.receivesNothing()
  const defaults = async (attributes: string) => {
    const element = await asks(francisco, get(`<default ${attributes}/>`), 'default')
    return valuesOf(element.getChild('x', FORMS)!)
  }
  // XEP-0060 §6.4
  assert.deepEqual((await defaults(`node='${name}'`))['deliver'], ['1'])
  assert.deepEqual((await defaults(''))['deliver'], ['1'])
})

story('Who is not there is notified by way of the server, as the type of the message allows', async (s) => {
  const { hamlet, francisco, node: name } = await node(s, { notification_type: 'normal' })
  await subscribes(s, francisco, name)
  await publishes(s, hamlet, name, 'a')
  await francisco.receives`<message from='pubsub.${s.domain}'><event xmlns='${EVENT}'><items node='${name}'>${itemOf('a')}</items></event></message>`
  await francisco.disconnects()
  await publishes(s, hamlet, name, 'b')
  await drain(hamlet)
  const again = await s.login('francisco/barracks')
  await again.sends`<presence/>`
  await again.receivesInAnyOrder([
    `<presence from='${again.jid}'/>`,
    `<message from='pubsub.${s.domain}'><event xmlns='${EVENT}'><items node='${name}'>${itemOf('b')}</items></event></message>`,
  ])
  // A headline waits for nobody (RFC 6121 §8.5.2.2.1).
  await configures(s, hamlet, name, { notification_type: 'headline' })
  await again.disconnects()
  await publishes(s, hamlet, name, 'c')
  await drain(hamlet)
  const last = await s.online('francisco/barracks')
  await last.receivesNothing()
})
