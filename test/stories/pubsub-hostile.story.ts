import assert from 'node:assert/strict'
import { itemPublishing } from '../../modules/pubsub/hooks.ts'
import { serialize } from '../../src/api.ts'
import { listens, publishes, request } from '../support/pep.ts'
import { DATA, dataItem, info, METADATA, png, publishing } from '../support/pictures.ts'
import { freshNode, NODE_CONFIG, OWNER, PUBSUB, requests, serviceOf, submission } from '../support/pubsub.ts'
import { type Actor, drain, type Story, story } from '../support/story.ts'

const configuring = (node: string, type: string) =>
  `<configure node='${node}'>${submission(NODE_CONFIG, {}, type)}</configure>`

/** Requests for an account's nodes, of which `mood` is one that is not open. */
const attempts = [
  ['get', PUBSUB, ''],
  ['get', PUBSUB, `<items node='mood'/>`],
  ['get', PUBSUB, `<items node='nothing'/>`],
  ['get', PUBSUB, `<options node='mood' jid='JID'/>`],
  ['get', PUBSUB, '<default/>'],
  ['get', PUBSUB, '<subscriptions/>'],
  ['get', PUBSUB, `<affiliations node='mood'/>`],
  ['get', PUBSUB, '<anything/>'],
  ['get', OWNER, '<default/>'],
  ['get', OWNER, `<configure node='mood'/>`],
  ['get', OWNER, `<subscriptions node='mood'/>`],
  ['get', OWNER, `<affiliations node='mood'/>`],
  ['set', PUBSUB, `<subscribe node='mood' jid='JID'/>`],
  ['set', PUBSUB, `<unsubscribe node='mood' jid='JID'/>`],
  ['set', PUBSUB, `<publish node='mood'><item><a xmlns='urn:example'/></item></publish>`],
  ['set', PUBSUB, `<publish node='storage:bookmarks'><item/></publish>`],
  ['set', PUBSUB, `<retract node='mood'><item id='a'/></retract>`],
  ['set', PUBSUB, '<create/>'],
  ['set', OWNER, `<delete node='mood'/>`],
  ['set', OWNER, `<purge node='mood'/>`],
  ['set', OWNER, configuring('mood', 'submit')],
  ['set', OWNER, configuring('mood', 'cancel')],
  ['set', OWNER, configuring('nothing', 'cancel')],
] as const

/** What comes back for requests to an account, with its name taken out. */
async function answers(stranger: Actor, s: Story, name: string): Promise<string[]> {
  const all: string[] = []
  for (const [type, xmlns, inside] of attempts) {
    const asked = request(type, inside.replace('JID', stranger.bare), `${name}@${s.domain}`, xmlns)
    stranger.send(asked.replace('<iq ', `<iq id='q' `))
    all.push(`${asked} → ${serialize(await stranger.next())}`.replaceAll(`${name}@`, 'somebody@'))
  }
  return all
}

// Known and unknown accounts are not told apart.
story('A stranger finds out by no request whether there is an account whose nodes are not open', async (s) => {
  const [juliet, tybalt] = [await s.online('juliet/balcony'), await s.login('tybalt/street')]
  await publishes(juliet, 'mood', 'a')
  assert.deepEqual(await answers(tybalt, s, 'juliet'), await answers(tybalt, s, 'nobody'))
})

story('An owner names an address once in a request', async (s) => {
  const [romeo, node] = [await s.login('romeo/orchard'), freshNode()]
  const { set, setOwned, getOwned } = requests(s)
  await romeo.asks`${set(`<create node='${node}'/>`)}`
  await romeo.asks`${set(`<subscribe node='${node}' jid='${romeo.bare}'/>`)}`
  const none = `<subscription jid='${romeo.bare}' subscription='none'/>`
  await romeo.isRefused('bad-request')`${setOwned(`<subscriptions node='${node}'>${none}${none}</subscriptions>`)}`
  const had = await romeo.asks`${getOwned(`<subscriptions node='${node}'/>`)}`
  assert.match(serialize(had), /subscription="subscribed"/)
})

story('Who comes and goes as fast as they can is given the newest items once', async (s) => {
  const romeo = await listens(s, 'romeo/orchard', 'mood')
  await publishes(romeo, 'mood', 'a')
  await drain(romeo)
  let statements = 0
  const listen = ({ sql }: { sql: string }) => {
    if (sql.includes('pubsub_items')) statements++
  }
  s.database.knex.on('query', listen)
  romeo.send(`<presence type='unavailable'/><presence/>`.repeat(100))
  await drain(romeo)
  s.database.knex.off('query', listen)
  // What is in memory while a client does not read is what one coming needs, not a hundred.

  assert.ok(statements > 0 && statements <= 2, String(statements))
})

story('Metadata of a picture are of a few forms: each is compared with the picture', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const face = png('a face')
  await romeo.asks`${publishing(DATA, dataItem(face))}`
  const item = (forms: number) =>
    `<item id='${face.id}'><metadata xmlns='${METADATA}'>${info(face).repeat(forms)}</metadata></item>`
  await romeo.isRefused('not-acceptable')`${publishing(METADATA, item(21))}`
  await romeo.asks`${publishing(METADATA, item(20))}`
})

// XEP-0060 §4.5
story('Who does not see the owner’s presence any more hears nothing of a node for those who do', async (s) => {
  const [juliet, tybalt] = [await s.online('juliet/balcony'), await s.online('tybalt/street')]
  await s.befriend(juliet, tybalt)
  const { set } = requests(s)
  const node = freshNode()
  const item = (id: string) => `<item id='${id}'><a xmlns='urn:example'/></item>`
  const config = submission(NODE_CONFIG, { access_model: 'presence', send_last_published_item: 'on_sub_and_presence' })
  await juliet.asks`${set(`<create node='${node}'/><configure>${config}</configure>`)}`
  await tybalt.asks`${set(`<subscribe node='${node}' jid='${tybalt.bare}'/>`)}`
  await juliet.asks`${set(`<publish node='${node}'>${item('a')}</publish>`)}`
  await tybalt.receives`<message from='${serviceOf(s)}'/>`
  await juliet.sends`<presence type='unsubscribed' to='${tybalt.bare}'/>`
  while ((await tybalt.next()).attrs['type'] !== 'unavailable');
  await drain(tybalt)
  await juliet.asks`${set(`<publish node='${node}'>${item('b')}</publish>`)}`
  await tybalt.sends`<presence to='${serviceOf(s)}'/>`
  await tybalt.receivesNothing()
})

story(
  'Of an account that is deleted nothing is left at other hosts, of what it has just asked for either',
  async (s) => {
    const service = 'pubsub.capulet.example'
    const [juliet, romeo] = [await s.login('juliet@capulet.example/balcony'), await s.login('romeo/orchard')]
    const node = freshNode()
    const asking = (actor: Actor, inside: string) =>
      actor.send(`<iq type='set' id='q' to='${service}'><pubsub xmlns='${PUBSUB}'>${inside}</pubsub></iq>`)
    asking(juliet, `<create node='${node}'/>`)
    await juliet.receives`<iq type='result'/>`
    const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const detach = s.bed.server.hosts.get('capulet.example')!.hooks.attach(itemPublishing, () => {
      begun.resolve()
      return ended.promise
    })
    asking(juliet, `<publish node='${node}'><item><a xmlns='urn:example'/></item></publish>`)
    await begun.promise
    asking(romeo, `<subscribe node='${node}' jid='${romeo.bare}'/>`)
    await drain(romeo)
    const deleted = s.host.deleteAccount('romeo')
    // As far as it comes while the node is busy.
    for (let i = 0; i < 20; i++) await s.database.knex.raw('select 1')
    ended.resolve()
    await deleted
    detach()
    assert.deepEqual(await s.database.knex('pubsub_subscriptions').where({ jid: romeo.bare }), [])
  },
  { hosts: ['localhost', 'capulet.example'] },
)
