import assert from 'node:assert/strict'
import {
  affiliates,
  asks,
  creates,
  itemsEvent,
  notification,
  OWNER,
  payloadOf,
  publishes,
  refuses,
  requests,
  subscribes,
} from '../support/pubsub.ts'
import { type Actor, drain, type Story, story } from '../support/story.ts'

async function weblog(s: Story, fields = {}) {
  const hamlet = await s.online('hamlet/elsinore')
  const francisco = await s.online('francisco/barracks')
  const node = await creates(s, hamlet, { send_last_published_item: 'never', ...fields })
  return { hamlet, francisco, node, ...requests(s) }
}

async function listed(s: Story, actor: Actor, node: string) {
  const answer = await asks(actor, requests(s).getOwned(`<subscriptions node='${node}'/>`), 'subscriptions', OWNER)
  assert.equal(answer.attrs['node'], node)
  const all = answer.getChildren('subscription').map(({ attrs }) => {
    assert.ok(attrs['subid']!.length > 0)
    return [attrs['jid']!, attrs['subscription']!] as const
  })
  return Object.fromEntries(all)
}

const subscription = (jid: string, state?: string, subid?: string) =>
  `<subscription jid='${jid}' ${state === undefined ? '' : `subscription='${state}'`} ${subid === undefined ? '' : `subid='${subid}'`}/>`

story('Owners see who has subscribed, and subscribe and unsubscribe others // XEP-0060 §8.8.1 to §8.8.4', async (s) => {
  const { hamlet, francisco, node, setOwned } = await weblog(s)
  const change = (...lines: readonly string[]) =>
    setOwned(`<subscriptions node='${node}'>${lines.join('')}</subscriptions>`)
  assert.deepEqual(await listed(s, hamlet, node), {})
  await subscribes(s, francisco, node, francisco.jid)
  const romeo = await s.online('romeo/orchard')
  const result = await hamlet.asks`${change(subscription(romeo.bare, 'subscribed'), subscription(francisco.jid))}`
  assert.equal(result.getChildElements().length, 0)
  await romeo.receives`${notification(s, `<subscription node='${node}' jid='${romeo.bare}' subid='*' subscription='subscribed'/>`)}`
  assert.deepEqual(await listed(s, hamlet, node), { [francisco.jid]: 'subscribed', [romeo.bare]: 'subscribed' })
  await publishes(s, hamlet, node, 'a')
  for (const actor of [francisco, romeo]) await actor.receives`${itemsEvent(s, node, 'a')}`
  await hamlet.asks`${change(subscription(francisco.jid, 'none'), subscription('nobody@x.example', 'none'))}`
  await francisco.receives`${notification(s, `<subscription node='${node}' jid='${francisco.jid}' subscription='none'/>`)}`
  await publishes(s, hamlet, node, 'b')
  await romeo.receives`${itemsEvent(s, node, 'b')}`
  await francisco.receivesNothing()
  assert.deepEqual(await listed(s, hamlet, node), { [romeo.bare]: 'subscribed' })
})

story('Who has only asked is not among the subscribers // XEP-0060 §8.8.1.2', async (s) => {
  const { hamlet, francisco, node, setOwned } = await weblog(s, { access_model: 'authorize' })
  await subscribes(s, francisco, node)
  await drain(hamlet)
  assert.deepEqual(await listed(s, hamlet, node), {})
  // This is an answer, too.
  await hamlet.asks`${setOwned(`<subscriptions node='${node}'>${subscription(francisco.bare, 'subscribed')}</subscriptions>`)}`
  await francisco.receives`${notification(s, `<subscription node='${node}' jid='${francisco.bare}' subid='*' subscription='subscribed'/>`)}`
  assert.deepEqual(await listed(s, hamlet, node), { [francisco.bare]: 'subscribed' })
})

story('What cannot be changed is refused whole // XEP-0060 §8.8.1.3, §8.8.2.3, §8.8.2.4', async (s) => {
  const { hamlet, francisco, node, getOwned, setOwned } = await weblog(s)
  const change = (...lines: readonly string[]) =>
    setOwned(`<subscriptions node='${node}'>${lines.join('')}</subscriptions>`)
  const { attrs } = await subscribes(s, francisco, node)
  const other = subscription('bard@shakespeare.example', 'subscribed')
  for (const [request, refusal] of [
    [change(other, subscription(francisco.bare, 'perhaps')), ['not-acceptable', 'modify']],
    [change(other, subscription(francisco.bare, 'none', 'x')), ['not-acceptable', 'modify', 'invalid-subid']],
    [change(other, subscription('@', 'subscribed')), ['bad-request', 'modify', 'invalid-jid']],
    [change(`<subscription subscription='subscribed'/>`), ['bad-request', 'modify', 'jid-required']],
    [getOwned(`<subscriptions node='nowhere'/>`), ['item-not-found', 'cancel']],
    [change(other).replace(node, 'nowhere'), ['item-not-found', 'cancel']],
    [getOwned(`<subscriptions/>`), ['bad-request', 'modify', 'nodeid-required']],
  ] as const)
    await refuses(hamlet, request, refusal)
  for (const affiliation of ['none', 'publisher', 'member']) {
    await affiliates(s, hamlet, node, [francisco, affiliation])
    await refuses(francisco, getOwned(`<subscriptions node='${node}'/>`), ['forbidden', 'auth'])
    await refuses(francisco, change(other), ['forbidden', 'auth'])
  }
  // Nobody is subscribed who may not read, and the owner is told how all are.
  const romeo = await s.login('romeo')
  await affiliates(s, hamlet, node, [romeo, 'outcast'])
  const request = change(subscription(romeo.bare, 'subscribed'), subscription(francisco.bare, 'none'))
  const refused = payloadOf(await refuses(hamlet, request, ['not-acceptable', 'modify']), 'subscriptions', OWNER)
  assert.deepEqual(
    refused.getChildren('subscription').map(({ attrs: { jid, subscription: state } }) => [jid, state]),
    [
      [romeo.bare, 'none'],
      [francisco.bare, 'subscribed'],
    ],
  )
  assert.deepEqual(await listed(s, hamlet, node), { [francisco.bare]: 'subscribed' })
  await hamlet.asks`${change(subscription(francisco.bare, 'none', attrs['subid']))}`
  assert.deepEqual(await listed(s, hamlet, node), {})
})

story('Owners hear who comes and goes, where they want it so // XEP-0060 §12.14', async (s) => {
  const { hamlet, francisco, node, set } = await weblog(s, { notify_sub: '1' })
  const told = (state: string) =>
    notification(s, `<subscription node='${node}' jid='${francisco.bare}' subid='*' subscription='${state}'/>`)
  await subscribes(s, francisco, node)
  await hamlet.receives`${told('subscribed')}`
  await francisco.asks`${set(`<unsubscribe node='${node}' jid='${francisco.bare}'/>`)}`
  await hamlet.receives`${told('none')}`
  await francisco.receivesNothing()
})
