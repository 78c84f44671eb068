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
  const hamlet = await s.login('hamlet/elsinore')
  const francisco = await s.online('francisco/barracks')
  const node = await creates(s, hamlet, { send_last_published_item: 'never', ...fields })
  return { hamlet, francisco, node, ...requests(s) }
}

async function listed(s: Story, actor: Actor, node: string): Promise<Record<string, string>> {
  const answer = await asks(actor, requests(s).getOwned(`<affiliations node='${node}'/>`), 'affiliations', OWNER)
  assert.equal(answer.attrs['node'], node)
  return Object.fromEntries(
    answer.getChildren('affiliation').map(({ attrs }) => [attrs['jid']!, attrs['affiliation']!]),
  )
}

const affiliation = (jid: string, value?: string) =>
  value === undefined ? `<affiliation jid='${jid}'/>` : `<affiliation jid='${jid}' affiliation='${value}'/>`

story('Owners see and change who is what at a node // XEP-0060 §8.9.1, §8.9.2, §8.9.3', async (s) => {
  const { hamlet, francisco, node, setOwned } = await weblog(s)
  const change = (...lines: readonly string[]) =>
    setOwned(`<affiliations node='${node}'>${lines.join('')}</affiliations>`)
  assert.deepEqual(await listed(s, hamlet, node), { [hamlet.bare]: 'owner' })
  const bard = 'bard@shakespeare.example'
  const result =
    await hamlet.asks`${change(affiliation(bard, 'publisher'), affiliation(francisco.bare, 'owner'), affiliation('ghost@x.example', 'outcast'))}`
  assert.equal(result.getChildElements().length, 0)
  const all = { [hamlet.bare]: 'owner', [bard]: 'publisher', [francisco.bare]: 'owner', 'ghost@x.example': 'outcast' }
  assert.deepEqual(await listed(s, francisco, node), all)
  // An owner who says nothing of it leaves it as it is (XEP-0060 §8.9.2.1). Affiliations are those of accounts.
  await francisco.asks`${change(affiliation(bard), affiliation(`${hamlet.bare}/x`, 'none'), affiliation('ghost@x.example', 'member'))}`
  assert.deepEqual(await listed(s, francisco, node), {
    [bard]: 'publisher',
    [francisco.bare]: 'owner',
    'ghost@x.example': 'member',
  })
  await refuses(hamlet, requests(s).getOwned(`<affiliations node='${node}'/>`), ['forbidden', 'auth'])
})

story('What cannot be changed is refused whole // XEP-0060 §8.9.1.3, §8.9.2.3, §8.9.2.4', async (s) => {
  const { hamlet, francisco, node, getOwned, setOwned } = await weblog(s)
  const change = (...lines: readonly string[]) =>
    setOwned(`<affiliations node='${node}'>${lines.join('')}</affiliations>`)
  const bard = 'bard@shakespeare.example'
  for (const [request, refusal] of [
    // XEP-0060 §8.9.2.4: somebody has to own it.
    [change(affiliation(hamlet.bare, 'none'), affiliation(bard, 'publisher')), ['not-acceptable', 'modify']],
    [change(affiliation(hamlet.bare, 'publisher')), ['not-acceptable', 'modify']],
    [change(affiliation(bard, 'king')), ['not-acceptable', 'modify']],
    [change(affiliation('@', 'member')), ['bad-request', 'modify', 'invalid-jid']],
    [change(`<affiliation affiliation='member'/>`), ['bad-request', 'modify', 'jid-required']],
    [change(affiliation(bard, 'member'), affiliation(bard, 'outcast')), ['bad-request', 'modify']],
    [change(affiliation(bard, 'member'), affiliation(`${bard}/x`, 'member')), ['bad-request', 'modify']],
    [getOwned(`<affiliations node='nowhere'/>`), ['item-not-found', 'cancel']],
    [change(affiliation(bard, 'member')).replace(node, 'nowhere'), ['item-not-found', 'cancel']],
    [getOwned(`<affiliations/>`), ['bad-request', 'modify', 'nodeid-required']],
  ] as const)
    await refuses(hamlet, request, refusal)
  // The owner is told how all are.
  const request = change(affiliation(hamlet.bare, 'none'), affiliation(bard, 'publisher'))
  const refused = payloadOf(await refuses(hamlet, request, ['not-acceptable', 'modify']), 'affiliations', OWNER)
  assert.deepEqual(
    refused.getChildren('affiliation').map(({ attrs: { jid, affiliation: value } }) => [jid, value]),
    [
      [hamlet.bare, 'owner'],
      [bard, 'none'],
    ],
  )
  for (const value of ['none', 'member', 'publisher']) {
    await affiliates(s, hamlet, node, [francisco, value])
    await refuses(francisco, getOwned(`<affiliations node='${node}'/>`), ['forbidden', 'auth'])
    await refuses(francisco, change(affiliation(francisco.bare, 'owner')), ['forbidden', 'auth'])
  }
  assert.deepEqual(await listed(s, hamlet, node), { [hamlet.bare]: 'owner', [francisco.bare]: 'publisher' })
})

story('An outcast is subscribed no more // XEP-0060 §4.1', async (s) => {
  const { hamlet, francisco, node } = await weblog(s)
  const { attrs } = await subscribes(s, francisco, node)
  await publishes(s, hamlet, node, 'a')
  await francisco.receives`${itemsEvent(s, node, 'a')}`
  await affiliates(s, hamlet, node, [francisco, 'outcast'])
  await francisco.receives`${notification(s, `<subscription node='${node}' jid='${attrs['jid']}' subscription='none'/>`)}`
  await publishes(s, hamlet, node, 'b')
  await francisco.receivesNothing()
})

story(
  'Who has asked to subscribe is let in as an owner or publisher, and refused as an outcast // XEP-0060 §8.7.4',
  async (s) => {
    const { hamlet, francisco, node } = await weblog(s, { access_model: 'authorize' })
    const told = (state: string) =>
      notification(s, `<subscription node='${node}' jid='${francisco.bare}' subid='*' subscription='${state}'/>`)
    for (const value of ['publisher', 'owner', 'member'] as const) {
      assert.equal((await subscribes(s, francisco, node)).attrs['subscription'], 'pending')
      await affiliates(s, hamlet, node, [francisco, value])
      await francisco.receives`${told('subscribed')}`
      await requestsEnd(s, francisco, node)
      await affiliates(s, hamlet, node, [francisco, 'none'])
    }
    await subscribes(s, francisco, node)
    await affiliates(s, hamlet, node, [francisco, 'outcast'])
    await francisco.receives`${notification(s, `<subscription node='${node}' jid='${francisco.bare}' subscription='none'/>`)}`
    await drain(hamlet)
  },
)

async function requestsEnd(s: Story, actor: Actor, node: string): Promise<void> {
  await actor.asks`${requests(s).set(`<unsubscribe node='${node}' jid='${actor.bare}'/>`)}`
}
