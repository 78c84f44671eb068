import assert from 'node:assert/strict'
import {
  affiliates,
  asks,
  configures,
  creates,
  idsOf,
  notification,
  OWNER,
  publication,
  publishes,
  type Refusal,
  refuses,
  requests,
  subscribes,
} from '../support/pubsub.ts'
import { type Story, story } from '../support/story.ts'

async function weblog(s: Story, fields = {}) {
  const hamlet = await s.login('hamlet/elsinore')
  const francisco = await s.online('francisco/barracks')
  const node = await creates(s, hamlet, { send_last_published_item: 'never', ...fields })
  await publishes(s, hamlet, node, 'a', 'b')
  return { hamlet, francisco, node, ...requests(s) }
}

const gone: Refusal = ['item-not-found', 'cancel']

story('A node is deleted with all that is there, and subscribers are told // XEP-0060 §8.4.1, §8.4.2', async (s) => {
  const { hamlet, francisco, node, get, set, setOwned } = await weblog(s)
  await subscribes(s, francisco, node)
  const result = await hamlet.asks`${setOwned(`<delete node='${node}'/>`)}`
  assert.equal(result.getChildElements().length, 0)
  await francisco.receives`${notification(s, `<delete node='${node}'/>`)}`
  await refuses(francisco, get(`<items node='${node}'/>`), gone)
  await refuses(hamlet, setOwned(`<delete node='${node}'/>`), gone)
  const mine = await asks(francisco, get('<subscriptions/>'), 'subscriptions')
  assert.deepEqual(mine.getChildren('subscription'), [])
  // Another of the name is another.
  const other = await s.login('romeo')
  await creates(s, other, {}, node)
  assert.equal(await idsOf(s, francisco, node), '')
  await refuses(hamlet, set(publication(node, 'c')), ['forbidden', 'auth'])
  await publishes(s, other, node, 'c')
  await francisco.receivesNothing()
})

story('Subscribers, and who wants to be one, hear where a node has moved // XEP-0060 §8.4.1, §8.4.2', async (s) => {
  const { hamlet, francisco, node, setOwned } = await weblog(s, { access_model: 'authorize' })
  const romeo = await s.online('romeo/orchard')
  await affiliates(s, hamlet, node, [francisco, 'member'])
  await subscribes(s, francisco, node)
  assert.equal((await subscribes(s, romeo, node)).attrs['subscription'], 'pending')
  const redirect = `<redirect uri='xmpp:hamlet@localhost?;node=blog'/>`
  await hamlet.asks`${setOwned(`<delete node='${node}'>${redirect}</delete>`)}`
  for (const actor of [francisco, romeo])
    await actor.receives`${notification(s, `<delete node='${node}'>${redirect}</delete>`)}`
})

story('Only owners delete and purge nodes // XEP-0060 §8.4.3, §8.5.3', async (s) => {
  const { hamlet, francisco, node, setOwned } = await weblog(s)
  for (const name of ['delete', 'purge']) {
    for (const affiliation of ['none', 'publisher', 'outcast']) {
      await affiliates(s, hamlet, node, [francisco, affiliation])
      await refuses(francisco, setOwned(`<${name} node='${node}'/>`), ['forbidden', 'auth'])
    }
    await refuses(hamlet, setOwned(`<${name} node='nowhere'/>`), gone)
    await refuses(hamlet, setOwned(`<${name}/>`), ['bad-request', 'modify', 'nodeid-required'])
  }
  assert.equal(await idsOf(s, hamlet, node), 'a b')
  await configures(s, hamlet, node, { persist_items: '0' })
  // XEP-0060 §8.5.3.3
  await refuses(hamlet, setOwned(`<purge node='${node}'/>`), [
    'feature-not-implemented',
    'cancel',
    'unsupported',
    'persistent-items',
  ])
})

story('All items of a node are purged, of which subscribers hear once // XEP-0060 §8.5.1, §8.5.2', async (s) => {
  const { hamlet, francisco, node, setOwned } = await weblog(s)
  await subscribes(s, francisco, node)
  const result = await hamlet.asks`${setOwned(`<purge node='${node}'/>`)}`
  assert.equal(result.getChildElements().length, 0)
  await francisco.receives`${notification(s, `<purge node='${node}'/>`)}`
  assert.equal(await idsOf(s, francisco, node), '')
  await configures(s, hamlet, node, { notify_retract: '0', notify_delete: '0' })
  await hamlet.asks`${setOwned(`<purge node='${node}'/>`)}`
  await hamlet.asks`${setOwned(`<delete node='${node}'/>`)}`
  await francisco.receivesNothing()
})

story(
  'Who deletes the account leaves neither subscriptions nor affiliations, wherever the service is',
  async (s) => {
    const { hamlet, francisco, node, getOwned } = await weblog(s)
    const romeo = await s.online('romeo/orchard')
    const tybalt = await s.online('tybalt@capulet.example/square')
    await affiliates(s, hamlet, node, [romeo, 'publisher'], [tybalt, 'publisher'], [francisco, 'owner'])
    for (const actor of [romeo, tybalt]) await subscribes(s, actor, node)
    await s.host.deleteAccount('romeo')
    await s.bed.server.hosts.get('capulet.example')!.deleteAccount('tybalt')
    const list = async (name: string) => {
      const answer = await asks(francisco, getOwned(`<${name}s node='${node}'/>`), `${name}s`, OWNER)
      return answer.getChildren(name).map(({ attrs }) => attrs['jid'])
    }
    assert.deepEqual([await list('subscription'), await list('affiliation')], [[], [francisco.bare, hamlet.bare]])
    // Somebody else of the name is somebody else.
    const other = await s.host.accounts.create('romeo', 'wherefore art thou').then(() => s.login('romeo/square'))
    await refuses(other, requests(s).set(publication(node, 'c')), ['forbidden', 'auth'])
  },
  { hosts: ['localhost', 'capulet.example'] },
)
