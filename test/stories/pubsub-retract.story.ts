import assert from 'node:assert/strict'
import {
  affiliates,
  configures,
  creates,
  idsOf,
  notification,
  publishes,
  type Refusal,
  refuses,
  requests,
  subscribes,
} from '../support/pubsub.ts'
import { type Story, story } from '../support/story.ts'

async function weblog(s: Story, ...ids: readonly string[]) {
  const hamlet = await s.login('hamlet/elsinore')
  const francisco = await s.online('francisco/barracks')
  const node = await creates(s, hamlet, { send_last_published_item: 'never' })
  await publishes(s, hamlet, node, ...ids)
  await subscribes(s, francisco, node)
  return { hamlet, francisco, node, ...requests(s) }
}

const retracted = (s: Story, node: string, ...ids: readonly string[]) =>
  notification(s, `<items node='${node}'>${ids.map((id) => `<retract id='${id}'/>`).join('')}</items>`)

story('An item is removed, and subscribers are told // XEP-0060 §7.2.1, §7.2.2', async (s) => {
  const { hamlet, francisco, node, set } = await weblog(s, 'a', 'b', 'c')
  const result = await hamlet.asks`${set(`<retract node='${node}'><item id='b'/></retract>`)}`
  assert.equal(result.getChildElements().length, 0)
  await francisco.receives`${retracted(s, node, 'b')}`
  assert.equal(await idsOf(s, francisco, node), 'a c')
  await configures(s, hamlet, node, { notify_retract: '0' })
  await hamlet.asks`${set(`<retract node='${node}'><item id='a'/></retract>`)}`
  await francisco.receivesNothing()
  // XEP-0060 §7.2.2.1
  for (const [id, notify] of [
    ['c', 'true'],
    ['d', '1'],
  ] as const) {
    await publishes(s, hamlet, node, 'd')
    await francisco.next()
    await hamlet.asks`${set(`<retract node='${node}' notify='${notify}'><item id='${id}'/></retract>`)}`
    await francisco.receives`${retracted(s, node, id)}`
  }
  assert.equal(await idsOf(s, francisco, node), '')
})

story('What cannot be removed stays, and nobody hears of it // XEP-0060 §7.2.3', async (s) => {
  const { hamlet, francisco, node, set } = await weblog(s, 'a')
  const one = `<item id='a'/>`
  const forbidden: Refusal = ['forbidden', 'auth']
  for (const [inside, refusal] of [
    // XEP-0060 §7.2.3.2 to §7.2.3.4
    [`<retract node='nowhere'>${one}</retract>`, ['item-not-found', 'cancel']],
    [`<retract node='${node}'><item id='x'/></retract>`, ['item-not-found', 'cancel']],
    [`<retract>${one}</retract>`, ['bad-request', 'modify', 'nodeid-required']],
    [`<retract node='${node}'/>`, ['bad-request', 'modify', 'item-required']],
    [`<retract node='${node}'><item/></retract>`, ['bad-request', 'modify', 'item-required']],
  ] as const)
    await refuses(hamlet, set(inside), refusal)
  // XEP-0060 §7.2.3.1
  const request = set(`<retract node='${node}' notify='1'>${one}</retract>`)
  for (const affiliation of ['none', 'member', 'publisher', 'publish-only']) {
    await affiliates(s, hamlet, node, [francisco, affiliation])
    await refuses(francisco, request, forbidden)
  }
  await affiliates(s, hamlet, node, [francisco, 'none'])
  await subscribes(s, francisco, node)
  await francisco.next()
  assert.equal(await idsOf(s, francisco, node), 'a')
  await francisco.receivesNothing()
  // XEP-0060 §7.2.3.5
  await configures(s, hamlet, node, { persist_items: '0' })
  await refuses(hamlet, set(`<retract node='${node}'>${one}</retract>`), [
    ...['feature-not-implemented', 'cancel'],
    ...['unsupported', 'persistent-items'],
  ] as unknown as Refusal)
})

story('Publishers remove what they have published themselves // XEP-0060 §4.1, §7.2', async (s) => {
  const { hamlet, francisco, node, set } = await weblog(s, 'a')
  await affiliates(s, hamlet, node, [francisco, 'publisher'])
  await publishes(s, francisco, node, 'b')
  await francisco.next()
  await francisco.asks`${set(`<retract node='${node}'><item id='b'/></retract>`)}`
  await francisco.receives`${retracted(s, node, 'b')}`
  await configures(s, hamlet, node, { publish_model: 'open' })
  const romeo = await s.login('romeo')
  await publishes(s, romeo, node, 'c')
  await refuses(francisco, set(`<retract node='${node}'><item id='c'/></retract>`), ['forbidden', 'auth'])
  await publishes(s, francisco, node, 'e')
  const both = `<retract node='${node}'><item id='e'/><item id='c'/></retract>`
  for (const actor of [francisco, romeo]) await refuses(actor, set(both), ['forbidden', 'auth'])
  await romeo.asks`${set(`<retract node='${node}'><item id='c'/></retract>`)}`
  // What an owner has published anew is the owner’s.
  await publishes(s, romeo, node, 'd')
  await publishes(s, hamlet, node, 'd')
  await refuses(romeo, set(`<retract node='${node}'><item id='d'/></retract>`), ['forbidden', 'auth'])
  assert.equal(await idsOf(s, hamlet, node), 'a e d')
})
