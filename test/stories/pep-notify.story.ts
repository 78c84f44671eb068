import assert from 'node:assert/strict'
import {
  affiliates,
  configures,
  idsAt,
  listens,
  notification,
  publishes,
  request,
  told,
  wants,
} from '../support/pep.ts'
import { type Fields, OWNER, payloadOf } from '../support/pubsub.ts'
import { type Actor, drain, type Story, story } from '../support/story.ts'

const models: Readonly<Record<string, Fields>> = {
  open: { access_model: 'open' },
  presence: { access_model: 'presence' },
  roster: { access_model: 'roster', roster_groups_allowed: ['Loves'] },
  whitelist: { access_model: 'whitelist' },
  authorize: { access_model: 'authorize' },
}
const nodes = Object.keys(models)

const groups = (owner: Actor, contact: Actor, group: string): Promise<unknown> =>
  owner.asks`<iq type='set'><query xmlns='jabber:iq:roster'><item jid='${contact.bare}'><group>${group}</group></item></query></iq>`

/** Expects these nodes of one publisher to have told of an item, and no other. */
async function hears(actor: Actor, of: Actor, id: string, ...which: readonly string[]): Promise<void> {
  await actor.receivesInAnyOrder(which.map((node) => told(of.bare, node, id)))
  await actor.receivesNothing()
}

/** Somebody listening, as a contact of somebody. */
async function contact(s: Story, of: Actor, who: string, ...interests: readonly string[]): Promise<Actor> {
  const actor = await listens(s, who, ...interests)
  await s.befriend(of, actor)
  return actor
}

// XEP-0163 §4.1, §4.2, XEP-0060 §9.2
story(
  'What Romeo publishes reaches his own clients and contacts who want to hear of it, and nobody else',
  async (s) => {
    const romeo = await listens(s, 'romeo/orchard', 'mood')
    const [tomb, silent] = [await listens(s, 'romeo/tomb', 'mood', 'tune'), await s.login('romeo/mantua')]
    const juliet = await contact(s, romeo, 'juliet/balcony', 'mood')
    const benvolio = await contact(s, romeo, 'benvolio/street', 'tune')
    const mercutio = await contact(s, romeo, 'mercutio/street')
    const nurse = await listens(s, 'nurse/house', 'mood')
    // Somebody whose presence he sees, and who does not see his.
    const rosaline = await listens(s, 'rosaline/feast', 'mood')
    for (const actor of [romeo, tomb]) await drain(actor)
    await romeo.sends`<presence type='subscribe' to='${rosaline.bare}'/>`
    await rosaline.receives`<presence type='subscribe'/>`
    await rosaline.sends`<presence type='subscribed' to='${romeo.bare}'/>`
    for (const actor of [romeo, tomb]) while ((await actor.next()).attrs['from'] !== rosaline.jid);
    for (const actor of [rosaline, romeo, tomb]) await drain(actor)
    await publishes(romeo, 'mood', 'a')
    for (const actor of [romeo, tomb, juliet]) await hears(actor, romeo, 'a', 'mood')
    for (const actor of [silent, benvolio, mercutio, nurse, rosaline]) await actor.receivesNothing()
    // Who is not available hears nothing.
    await juliet.sends`<presence type='unavailable'/>`
    await drain(juliet)
    await drain(romeo)
    await publishes(romeo, 'mood', 'b')
    await hears(romeo, romeo, 'b', 'mood')
    await juliet.receivesNothing()
  },
)

// XEP-0163 §4.1
story('Who hears of a node is who may read it', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const people: Record<string, readonly [Actor, readonly string[]]> = {
    juliet: [await contact(s, romeo, 'juliet/balcony', ...nodes), ['open', 'presence', 'roster']],
    benvolio: [await contact(s, romeo, 'benvolio/street', ...nodes), ['open', 'presence']],
    member: [await contact(s, romeo, 'mercutio/street', ...nodes), nodes],
    outcast: [await contact(s, romeo, 'tybalt/tomb', ...nodes), []],
    stranger: [await listens(s, 'nurse/house', ...nodes), []],
  }
  await groups(romeo, people['juliet']![0], 'Loves')
  for (const [node, options] of Object.entries(models)) {
    await romeo.asks`${request('set', `<create node='${node}'/>`)}`
    await configures(romeo, node, options)
    const { member, outcast } = people
    await affiliates(romeo, node, { [member![0].bare]: 'member', [outcast![0].bare]: 'outcast' })
  }
  for (const node of nodes) await publishes(romeo, node, 'a')
  for (const [actor, which] of Object.values(people)) await hears(actor, romeo, 'a', ...which)
})

// XEP-0060 §7.2.2, §8.2, §8.4, §8.5
story('Contacts hear of everything that happens at a node', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await contact(s, romeo, 'juliet/balcony', 'mood')
  const happens = async (inside: string, event: string, xmlns?: string): Promise<void> => {
    await romeo.asks`${request('set', inside, '', xmlns)}`
    await juliet.receives`${notification(romeo.bare, event)}`
  }
  await publishes(romeo, 'mood', 'a', { max_items: '5', notify_config: '1' })
  await hears(juliet, romeo, 'a', 'mood')
  await happens(`<retract node='mood'><item id='a'/></retract>`, `<items node='mood'><retract id='a'/></items>`)
  await publishes(romeo, 'mood', 'b')
  await hears(juliet, romeo, 'b', 'mood')
  await happens(`<purge node='mood'/>`, `<purge node='mood'/>`, OWNER)
  await configures(romeo, 'mood', { title: 'Moods', deliver_payloads: false })
  await juliet.receives`${notification(romeo.bare, `<configuration node='mood'/>`)}`
  await happens(`<delete node='mood'/>`, `<delete node='mood'/>`, OWNER)
  await juliet.receivesNothing()
})

// XEP-0163 §4.2, §4.3.1
story('Who has subscribed hears without interest, and once with it; strangers of what is open', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await contact(s, romeo, 'juliet/balcony', 'open')
  const [nurse, mercutio] = [await s.online('nurse/house'), await s.online('mercutio/street')]
  await publishes(romeo, 'open', 'a', models['open'])
  await hears(juliet, romeo, 'a', 'open')
  for (const [actor, jid] of [
    [juliet, juliet.bare],
    [nurse, nurse.bare],
    [mercutio, mercutio.jid],
  ] as const) {
    await actor.asks`${request('set', `<subscribe node='open' jid='${jid}'/>`, romeo.bare)}`
    await hears(actor, romeo, 'a', 'open')
  }
  await publishes(romeo, 'open', 'b')
  for (const actor of [juliet, nurse, mercutio]) await hears(actor, romeo, 'b', 'open')
  // Errors end with the account, and change nothing.
  for (const actor of [juliet, nurse])
    await actor.sends`<message to='${romeo.bare}' type='error'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`
  for (const actor of [juliet, nurse, romeo]) await actor.receivesNothing()
  await nurse.disconnects()
  await publishes(romeo, 'open', 'c')
  await hears(juliet, romeo, 'c', 'open')
  await romeo.receivesNothing()
  await hears(await s.online('nurse/house'), romeo, '')
})

// XEP-0163 §4.3.1, XEP-0191 §3.3
for (const [title, blocker, blocked] of [
  ['Whom Romeo has blocked hears nothing of what he publishes', 'romeo', 'juliet'],
  ['Who has blocked Romeo hears nothing of what he publishes', 'juliet', 'romeo'],
] as const)
  story(title, async (s) => {
    const romeo = await s.online('romeo/orchard')
    const juliet = await contact(s, romeo, 'juliet/balcony', 'mood')
    const benvolio = await contact(s, romeo, 'benvolio/street', 'mood')
    await publishes(romeo, 'mood', 'a')
    await publishes(romeo, 'other', 'a')
    for (const actor of [juliet, benvolio]) await hears(actor, romeo, 'a', 'mood')
    // By interest in one node, by having subscribed to the other.
    await juliet.asks`${request('set', `<subscribe node='other' jid='${juliet.bare}'/>`, romeo.bare)}`
    await hears(juliet, romeo, 'a', 'other')
    const people = { romeo, juliet }
    const block = (what: string) =>
      people[blocker]
        .asks`<iq type='set'><${what} xmlns='urn:xmpp:blocking'><item jid='${people[blocked].bare}'/></${what}></iq>`
    await block('block')
    for (const actor of [juliet, romeo]) await drain(actor)
    for (const node of ['mood', 'other']) await publishes(romeo, node, 'b')
    await hears(benvolio, romeo, 'b', 'mood')
    for (const actor of [juliet, romeo]) await actor.receivesNothing()
    // Nor the newest when she comes again.
    await juliet.sends`<presence type='unavailable'/>`
    await drain(juliet)
    await wants(juliet, ['mood'])
    await drain(benvolio)
    await juliet.receivesNothing()
    await block('unblock')
    for (const actor of [juliet, romeo]) await drain(actor)
    for (const node of ['mood', 'other']) await publishes(romeo, node, 'c')
    await hears(juliet, romeo, 'c', 'mood', 'other')
  })

/** What a contact who has subscribed to two nodes can lose them by, and which of them. */
const losses: Readonly<
  Record<string, readonly [which: readonly string[], lose: (r: Actor, j: Actor) => Promise<unknown>]>
> = {
  'her subscription to his presence is cancelled': [
    ['presence', 'roster'],
    (romeo, juliet) => romeo.sends`<presence type='unsubscribed' to='${juliet.bare}'/>`,
  ],
  'she gives it up': [
    ['presence', 'roster'],
    (romeo, juliet) => juliet.sends`<presence type='unsubscribe' to='${romeo.bare}'/>`,
  ],
  'he removes her': [
    ['presence', 'roster'],
    (romeo, juliet) =>
      romeo.asks`<iq type='set'><query xmlns='jabber:iq:roster'><item jid='${juliet.bare}' subscription='remove'/></query></iq>`,
  ],
  'she is moved to another group': [['roster'], (romeo, juliet) => groups(romeo, juliet, 'Friends')],
  'she is made an outcast': [['roster'], (romeo, juliet) => affiliates(romeo, 'roster', { [juliet.bare]: 'outcast' })],
  'the node is closed': [['presence'], (romeo) => configures(romeo, 'presence', { access_model: 'whitelist' })],
}
// XEP-0163 §7
for (const [title, [which, lose]] of Object.entries(losses))
  story(`What Juliet may not see any more she hears no more of, subscribed or not: ${title}`, async (s) => {
    const both = ['presence', 'roster']
    const romeo = await s.online('romeo/orchard')
    const juliet = await contact(s, romeo, 'juliet/balcony')
    const chamber = await listens(s, 'juliet/chamber', ...both)
    await drain(romeo)
    await groups(romeo, juliet, 'Loves')
    for (const node of both) await publishes(romeo, node, 'a', models[node])
    await hears(chamber, romeo, 'a', ...both)
    for (const node of both)
      await juliet.asks`${request('set', `<subscribe node='${node}' jid='${juliet.jid}'/>`, romeo.bare)}`
    for (const actor of [juliet, chamber]) await drain(actor)
    await lose(romeo, juliet)
    const left = both.filter((node) => !which.includes(node))
    for (const node of which) await isOver(juliet, romeo, node)
    for (const actor of [romeo, juliet, chamber]) await drain(actor)
    for (const node of both) await publishes(romeo, node, 'b')
    for (const actor of [juliet, chamber]) await hears(actor, romeo, 'b', ...left)
    for (const node of both) {
      const owned = await romeo.asks`${request('get', `<subscriptions node='${node}'/>`, '', OWNER)}`
      const subscribers = payloadOf(owned, 'subscriptions', OWNER).getChildren('subscription')
      assert.equal(subscribers.length, left.includes(node) ? 1 : 0, node)
    }
  })

/** Hears all up to being told that a subscription is over (XEP-0060 §8.6). */
async function isOver(actor: Actor, by: Actor, node: string): Promise<void> {
  for (;;) {
    const el = await actor.next()
    const subscription = el.getChild('event', 'http://jabber.org/protocol/pubsub#event')?.getChild('subscription')
    if (subscription === undefined) continue
    assert.deepEqual([el.attrs['from'], subscription.attrs], [by.bare, { jid: actor.jid, node, subscription: 'none' }])
    return
  }
}

/** Hears all up to the next message. */
async function isTold(actor: Actor): Promise<boolean> {
  while ((await actor.next()).name !== 'message');
  return true
}

story(
  'Contacts on another host of the server are contacts like any other, whatever they are called',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    const other = await contact(s, romeo, 'romeo@capulet.example/balcony', 'mood')
    const juliet = await contact(s, romeo, 'juliet@capulet.example/balcony', 'mood')
    await publishes(romeo, 'mood', 'a')
    for (const actor of [other, juliet]) await hears(actor, romeo, 'a', 'mood')
    assert.equal(await idsAt(juliet, 'mood', romeo.bare), 'a')
    // What is changed at his host is known at theirs.
    await affiliates(romeo, 'mood', { [juliet.bare]: 'outcast' })
    for (const actor of [other, juliet]) {
      await actor.sends`<presence type='unavailable'/>`
      await drain(actor)
      await wants(actor, ['mood'])
    }
    assert.ok(await isTold(other))
    for (const actor of [other, juliet]) await drain(actor)
    await romeo.disconnects()
    for (const actor of [other, juliet]) await drain(actor)
    await publishes(await s.login('romeo/orchard'), 'mood', 'b')
    await hears(other, romeo, 'b', 'mood')
    await juliet.receivesNothing()
  },
  { hosts: ['localhost', 'capulet.example'] },
)
