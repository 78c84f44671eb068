import assert from 'node:assert/strict'
import {
  affiliates,
  configures,
  creates,
  EVENT,
  idsOf,
  itemOf,
  itemsEvent,
  publication,
  publishes,
  requests,
  serviceOf,
  subscribes,
} from '../support/pubsub.ts'
import { restartStory } from '../support/restart.ts'
import { type Story, story } from '../support/story.ts'

async function weblog(s: Story, fields = {}) {
  const hamlet = await s.login('hamlet/elsinore')
  const node = await creates(s, hamlet, { send_last_published_item: 'never', ...fields })
  return { hamlet, node, ...requests(s) }
}

story('A bare address is notified wherever it takes messages, a full one there // RFC 6121 §8.5.2.1.1', async (s) => {
  const { hamlet, node } = await weblog(s)
  const barracks = await s.online('francisco/barracks')
  const gate = await s.online('francisco/gate', '<presence><priority>-1</priority></presence>')
  await barracks.next()
  await gate.next()
  const cellar = await s.login('francisco/cellar')
  await subscribes(s, barracks, node)
  await publishes(s, hamlet, node, 'a')
  await barracks.receives`${itemsEvent(s, node, 'a')}`
  for (const actor of [gate, cellar]) {
    await actor.receivesNothing()
    await subscribes(s, actor, node, actor.jid)
  }
  await publishes(s, hamlet, node, 'b')
  for (const actor of [barracks, gate, cellar]) {
    const message = await actor.receives`${itemsEvent(s, node, 'b')}`
    assert.equal(message.attrs['to'], actor.jid)
    await actor.receivesNothing()
  }
})

story('Only who is available is notified where the owner wants it so // XEP-0060 §12.6', async (s) => {
  const { hamlet, node } = await weblog(s, { presence_based_delivery: '1', notification_type: 'normal' })
  const francisco = await s.login('francisco/barracks')
  await subscribes(s, francisco, node)
  await publishes(s, hamlet, node, 'a')
  await francisco.sends`<presence/>`
  await francisco.receives`<presence from='${francisco.jid}'/>`
  await francisco.receivesNothing()
  await publishes(s, hamlet, node, 'b')
  await francisco.receives`<message from='${serviceOf(s)}'><event xmlns='${EVENT}'><items node='${node}'>${itemOf('b')}</items></event></message>`
})

story('Who shows up at the service gets the newest items once // XEP-0060 §6.1.7, §12.2', async (s) => {
  const { hamlet, node } = await weblog(s, { send_last_published_item: 'on_sub_and_presence' })
  const other = await creates(s, hamlet)
  const francisco = await s.online('francisco/barracks')
  const gate = await s.online('francisco/gate')
  await francisco.next()
  await gate.next()
  for (const name of [node, other]) await subscribes(s, francisco, name)
  const elsewhere = await creates(s, hamlet, { send_last_published_item: 'on_sub_and_presence' })
  await subscribes(s, gate, elsewhere, gate.jid)
  await publishes(s, hamlet, elsewhere, 'd')
  await gate.receives`${itemsEvent(s, elsewhere, 'd')}`
  await publishes(s, hamlet, node, 'a', 'b')
  await publishes(s, hamlet, other, 'c')
  for (const actor of [francisco, gate]) for (const _ of ['a', 'b', 'c']) await actor.next()
  const presence = (type = '') => `<presence to='${serviceOf(s)}' ${type}/>`
  francisco.send(presence())
  const message = await francisco.receives`${itemsEvent(s, node, 'b')}`
  assert.ok(message.getChild('delay', 'urn:xmpp:delay') !== undefined)
  // Presence that is told anew is not coming anew.
  francisco.send(presence())
  await idsOf(s, francisco, node)
  await francisco.receivesNothing()
  francisco.send(presence(`type='unavailable'`))
  francisco.send(presence())
  await francisco.receives`${itemsEvent(s, node, 'b')}`
  await gate.receivesNothing()
  const romeo = await s.online('romeo')
  romeo.send(presence())
  await idsOf(s, romeo, node)
  await romeo.receivesNothing()
  await francisco.receivesNothing()
})

story('What is published in a burst comes in its order, to all', async (s) => {
  const { hamlet, node, set } = await weblog(s, { max_items: 'max' })
  const actors = [await s.online('francisco/barracks'), await s.online('bernardo/gate')]
  for (const actor of actors) await subscribes(s, actor, node)
  const ids = Array.from({ length: 40 }, (_, n) => `${n}`)
  hamlet.send(ids.map((id) => set(publication(node, id)).replace('<iq', `<iq id='p${id}'`)).join(''))
  for (const actor of actors) for (const id of ids) await actor.receives`${itemsEvent(s, node, id)}`
  for (const id of ids) await hamlet.receives`<iq type='result' id='p${id}'/>`
  assert.equal(await idsOf(s, hamlet, node), ids.join(' '))
})

story('To publish costs the database the same, however many hear of it', async (s) => {
  const { hamlet, node } = await weblog(s)
  const cost = async () => {
    const before = s.database.queries
    await publishes(s, hamlet, node, 'a')
    return s.database.queries - before
  }
  await cost()
  const alone = await cost()
  for (const name of ['francisco', 'bernardo', 'horatio']) {
    const actor = await s.online(`${name}/gate`)
    await subscribes(s, actor, node)
  }
  assert.equal(await cost(), alone)
})

story(
  'People of another domain here are notified too',
  async (s) => {
    const { hamlet, node } = await weblog(s)
    const romeo = await s.online('romeo@capulet.example/orchard')
    await subscribes(s, romeo, node)
    await publishes(s, hamlet, node, 'a')
    await romeo.receives`${itemsEvent(s, node, 'a')}`
    await configures(s, hamlet, node, { notification_type: 'normal' })
    await publishes(s, hamlet, node, 'b')
    await romeo.receives`<message from='${serviceOf(s)}'><event xmlns='${EVENT}'><items node='${node}'>${itemOf('b')}</items></event></message>`
  },
  { hosts: ['localhost', 'capulet.example'] },
)

restartStory('Nodes, items, subscriptions and affiliations outlast the server', async (r) => {
  const before = await r.starts({}, 60_000)
  const { hamlet, node } = await weblog(before, { title: 'Musings', max_items: '2' })
  const francisco = await before.online('francisco/barracks')
  await subscribes(before, francisco, node)
  await affiliates(before, hamlet, node, [francisco, 'publisher'])
  await publishes(before, hamlet, node, 'a', 'b', 'c')
  // Killed.
  const after = await r.starts()
  const again = await after.online('francisco/barracks')
  const owner = await after.login('hamlet/elsinore')
  assert.equal(await idsOf(after, again, node), 'b c')
  await publishes(after, again, node, 'd')
  await again.receives`${itemsEvent(after, node, 'd')}`
  assert.equal(await idsOf(after, owner, node), 'c d')
  await configures(after, owner, node, { access_model: 'whitelist' })
  await publishes(after, owner, node, 'e')
  await again.receives`${itemsEvent(after, node, 'e')}`
})

restartStory('What is published is the newest, even when the clock was set back', async (r) => {
  const before = await r.starts()
  const { hamlet, node } = await weblog(before, { max_items: '1' })
  await publishes(before, hamlet, node, 'a')
  const after = await r.starts({}, 3_600_000)
  const again = await after.login('hamlet/elsinore')
  await publishes(after, again, node, 'b')
  assert.equal(await idsOf(after, again, node), 'b')
})
