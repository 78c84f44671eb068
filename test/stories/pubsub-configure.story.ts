import assert from 'node:assert/strict'
import {
  affiliates,
  asks,
  configures,
  creates,
  EVENT,
  FORMS,
  idsOf,
  itemsEvent,
  NODE_CONFIG,
  notification,
  OWNER,
  publishes,
  refuses,
  requests,
  serviceOf,
  submission,
  subscribes,
  valuesOf,
} from '../support/pubsub.ts'
import { type Actor, type Story, story } from '../support/story.ts'

async function weblog(s: Story, fields = {}) {
  const hamlet = await s.login('hamlet/elsinore')
  const francisco = await s.online('francisco/barracks')
  const node = await creates(s, hamlet, fields)
  return { hamlet, francisco, node, ...requests(s) }
}

const settingsOf = async (s: Story, actor: Actor, node: string) => {
  const configure = await asks(actor, requests(s).getOwned(`<configure node='${node}'/>`), 'configure', OWNER)
  assert.equal(configure.attrs['node'], node)
  return configure.getChild('x', FORMS)!
}

story('An owner sees how a node is set and changes some of it // XEP-0060 §8.2.1, §8.2.2, §8.2.4', async (s) => {
  const { hamlet, node, setOwned } = await weblog(s, { title: 'Musings' })
  const form = await settingsOf(s, hamlet, node)
  assert.equal(form.attrs['type'], 'form')
  const before = valuesOf(form)
  // XEP-0060 §16.4.4; what the design of the service says is so by default.
  const {
    FORM_TYPE,
    title,
    access_model,
    publish_model,
    max_items,
    persist_items,
    deliver_payloads,
    notification_type,
  } = before
  assert.deepEqual(
    { FORM_TYPE, title, access_model, publish_model, max_items, persist_items, deliver_payloads, notification_type },
    {
      ...{ FORM_TYPE: [NODE_CONFIG], title: ['Musings'], access_model: ['open'], publish_model: ['publishers'] },
      ...{ max_items: ['20'], persist_items: ['1'], deliver_payloads: ['1'], notification_type: ['headline'] },
    },
  )
  const models = form.getChildren('field').find(({ attrs }) => attrs['var'] === 'pubsub#access_model')!
  assert.deepEqual(
    models
      .getChildren('option')
      .map((option) => option.getChildText('value'))
      .sort(),
    ['authorize', 'open', 'presence', 'roster', 'whitelist'],
  )
  await configures(s, hamlet, node, { access_model: 'roster', roster_groups_allowed: ['friends', 'servants'] })
  const after = { ...before, access_model: ['roster'], roster_groups_allowed: ['friends', 'servants'] }
  assert.deepEqual(valuesOf(await settingsOf(s, hamlet, node)), after)
  // XEP-0060 §8.2.4
  await hamlet.asks`${setOwned(`<configure node='${node}'><x xmlns='${FORMS}' type='cancel'/></configure>`)}`
  assert.deepEqual(valuesOf(await settingsOf(s, hamlet, node)), after)
  // The form can be sent back as it is.
  const { FORM_TYPE: _, ...values } = { FORM_TYPE, ...after }
  await configures(s, hamlet, node, values)
  assert.deepEqual(valuesOf(await settingsOf(s, hamlet, node)), after)
})

story('What a node cannot be set to is refused whole // XEP-0060 §8.2.3, §8.2.5.2', async (s) => {
  const { hamlet, francisco, node, getOwned, setOwned } = await weblog(s, { notify_config: '1' })
  await subscribes(s, francisco, node)
  const before = valuesOf(await settingsOf(s, hamlet, node))
  const configure = (fields: Parameters<typeof submission>[1]) =>
    setOwned(`<configure node='${node}'>${submission(NODE_CONFIG, fields)}</configure>`)
  for (const fields of [
    { title: 'New', notify_sub: 'perhaps' },
    { title: 'New', publish_model: 'nobody' },
    { title: 'New', max_items: '10001' },
    { title: 'New', max_items: ['1', '2'] },
    { title: 'New', send_last_published_item: '' },
    { title: 'x'.repeat(1001) },
    { title: 'New', contact: ['nurse@'] },
  ])
    await refuses(hamlet, configure(fields), ['not-acceptable', 'modify'])
  for (const [request, refusal] of [
    [configure({ access_model: 'friends' }), ['not-acceptable', 'modify', 'unsupported-access-model']],
    [configure({ node_type: 'collection' }), ['feature-not-implemented', 'cancel', 'unsupported', 'collections']],
    [setOwned(`<configure node='${node}'/>`), ['bad-request', 'modify']],
    // XEP-0060 §8.2.3.3, §8.2.3.5
    [getOwned(`<configure/>`), ['bad-request', 'modify', 'nodeid-required']],
    [getOwned(`<configure node='nowhere'/>`), ['item-not-found', 'cancel']],
    [configure({}).replace(node, 'nowhere'), ['item-not-found', 'cancel']],
  ] as const)
    await refuses(hamlet, request, refusal)
  // XEP-0060 §8.2.3.2
  for (const affiliation of ['none', 'publisher', 'member']) {
    await affiliates(s, hamlet, node, [francisco, affiliation])
    await refuses(francisco, getOwned(`<configure node='${node}'/>`), ['forbidden', 'auth'])
    await refuses(francisco, configure({ title: 'Mine' }), ['forbidden', 'auth'])
  }
  assert.deepEqual(valuesOf(await settingsOf(s, hamlet, node)), before)
  await francisco.receivesNothing()
})

story('Subscribers hear of another configuration, where the owner wants it so // XEP-0060 §8.2.5.3', async (s) => {
  const { hamlet, francisco, node } = await weblog(s, { notify_config: '1' })
  await subscribes(s, francisco, node)
  await configures(s, hamlet, node, { title: 'Musings' })
  const message = await francisco.receives`<message from='${serviceOf(s)}'/>`
  const configuration = message.getChild('event', EVENT)!.getChild('configuration')!
  assert.equal(configuration.attrs['node'], node)
  const form = configuration.getChild('x', FORMS)!
  assert.deepEqual([form.attrs['type'], valuesOf(form)['title']], ['result', ['Musings']])
  await configures(s, hamlet, node, { deliver_payloads: '0' })
  await francisco.receives`${notification(s, `<configuration node='${node}'/>`)}`
  await configures(s, hamlet, node, { notify_config: '0' })
  await configures(s, hamlet, node, { title: 'Other' })
  await francisco.receivesNothing()
})

story('What a smaller node cannot hold goes at once', async (s) => {
  const { hamlet, node, getOwned } = await weblog(s)
  await publishes(s, hamlet, node, 'a', 'b', 'c', 'd')
  await configures(s, hamlet, node, { max_items: '2' })
  assert.equal(await idsOf(s, hamlet, node), 'c d')
  await configures(s, hamlet, node, { persist_items: '0' })
  await configures(s, hamlet, node, { persist_items: '1' })
  assert.equal(await idsOf(s, hamlet, node), '')
  await publishes(s, hamlet, node, 'e')
  await configures(s, hamlet, node, { max_items: '0' })
  await publishes(s, hamlet, node, 'f')
  assert.equal(await idsOf(s, hamlet, node), '')
  await hamlet.asks`${getOwned(`<configure node='${node}'/>`)}`
})

story('Who may not subscribe any more is subscribed no more, and told so // XEP-0060 §4.5, §12.14', async (s) => {
  const { hamlet, francisco, node } = await weblog(s)
  const romeo = await s.online('romeo/orchard')
  for (const actor of [francisco, romeo]) await subscribes(s, actor, node)
  await affiliates(s, hamlet, node, [romeo, 'member'])
  await configures(s, hamlet, node, { access_model: 'whitelist' })
  await francisco.receives`${notification(s, `<subscription node='${node}' jid='${francisco.bare}' subscription='none'/>`)}`
  await publishes(s, hamlet, node, 'a')
  await romeo.receives`${itemsEvent(s, node, 'a')}`
  await francisco.receivesNothing()
})

story('A service says how its nodes are by default // XEP-0060 §8.3', async (s) => {
  const { francisco, getOwned } = await weblog(s)
  for (const inside of ['<default/>', `<default type='leaf'/>`]) {
    const form = (await asks(francisco, getOwned(inside), 'default', OWNER)).getChild('x', FORMS)!
    const { FORM_TYPE, access_model } = valuesOf(form)
    assert.deepEqual([form.attrs['type'], FORM_TYPE, access_model], ['form', [NODE_CONFIG], ['open']])
  }
  await refuses(francisco, getOwned(`<default type='collection'/>`), [
    'feature-not-implemented',
    'cancel',
    'unsupported',
    'collections',
  ])
})
