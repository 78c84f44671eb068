import assert from 'node:assert/strict'
import {
  affiliates,
  hearsLast,
  idsAt,
  listens,
  mood,
  notification,
  publishes,
  request,
  told,
  wants,
} from '../support/pep.ts'
import { restartStory } from '../support/restart.ts'
import { type Actor, drain, type Story, story } from '../support/story.ts'
import { enables, resumes } from '../support/stream-management.ts'

/** Romeo and Juliet, contacts of each other, and nothing in their ears. */
async function lovers(s: Story) {
  const [romeo, juliet] = [await s.online('romeo/orchard'), await s.online('juliet/balcony')]
  await s.befriend(romeo, juliet)
  return { romeo, juliet }
}

const leaves = async (actor: Actor): Promise<void> => {
  await actor.sends`<presence type='unavailable'/>`
  await drain(actor)
}

// XEP-0163 §4.3.2, §4.3.4
story('Who comes hears the newest of every node they want to hear of, of theirs and of contacts’, once', async (s) => {
  const { romeo, juliet } = await lovers(s)
  for (const [actor, node, id] of [
    [romeo, 'mood', 'a'],
    [romeo, 'mood', 'b'],
    [romeo, 'tune', 'a'],
    [romeo, 'other', 'a'],
    [juliet, 'tune', 'c'],
  ] as const)
    await publishes(actor, node, id)
  await publishes(romeo, 'quiet', 'a', { send_last_published_item: 'on_sub' })
  await publishes(romeo, 'secret', 'a', { access_model: 'whitelist' })
  const all = ['mood', 'tune', 'quiet', 'secret']
  await leaves(juliet)
  await wants(juliet, all)
  await juliet.receives`<presence from='${romeo.jid}'/>`
  await hearsLast(juliet, [romeo.bare, 'mood', 'b'], [romeo.bare, 'tune', 'a'], [juliet.bare, 'tune', 'c'])
  // Later presence is nothing new, nor is a rise above nothing.
  for (const presence of ['<show>away</show>', '<priority>-1</priority>', '<priority>1</priority>']) {
    await juliet.sends`<presence>${presence}</presence>`
    await juliet.receives`<presence from='${juliet.jid}'/>`
  }
  await drain(romeo)
  await juliet.receivesNothing()
  // What it did not want to hear of before.
  await wants(juliet, ['tune', 'other'])
  await hearsLast(juliet, [romeo.bare, 'other', 'a'])
  // She comes again, and her client is known.
  await leaves(juliet)
  await juliet.sends`<presence/>`
  for (const from of [juliet.jid, romeo.jid]) await juliet.receives`<presence from='${from}'/>`
  await hearsLast(juliet, [romeo.bare, 'tune', 'a'], [romeo.bare, 'other', 'a'], [juliet.bare, 'tune', 'c'])
})

story('Who comes is given a newest item that is large, too', async (s) => {
  const romeo = await listens(s, 'romeo/orchard', 'mood')
  const item = `<item id='a'>${mood('x'.repeat(20_000))}</item>`
  await romeo.asks`${request('set', `<publish node='mood'>${item}</publish>`)}`
  await leaves(romeo)
  await romeo.sends`<presence/>`
  await romeo.receives`<presence from='${romeo.jid}'/>`
  await romeo.receives`${notification(romeo.bare, `<items node='mood'>${item}</items>`)}`
})

story('Who becomes a contact hears the newest then', async (s) => {
  const [romeo, juliet] = [await s.online('romeo/orchard'), await listens(s, 'juliet/balcony', 'mood', 'group')]
  await publishes(romeo, 'mood', 'a')
  await publishes(romeo, 'group', 'a', { access_model: 'roster', roster_groups_allowed: ['Loves'] })
  await juliet.asks`<iq type='get'><query xmlns='jabber:iq:roster'/></iq>`
  await juliet.sends`<presence type='subscribe' to='${romeo.bare}'/>`
  await romeo.receives`<presence type='subscribe'/>`
  await romeo.sends`<presence type='subscribed' to='${juliet.bare}'/>`
  const pushes = ["ask='subscribe'", "subscription='to'"].map(
    (what) =>
      `<iq type='set'><query xmlns='jabber:iq:roster' ver='*'><item jid='${romeo.bare}' ${what.startsWith('ask') ? "subscription='none' " : ''}${what}/></query></iq>`,
  )
  await juliet.receivesInAnyOrder([
    ...pushes,
    `<presence type='subscribed'/>`,
    `<presence from='${romeo.jid}'/>`,
    told(romeo.bare, 'mood', 'a'),
  ])
  await juliet.receivesNothing()
})

// XEP-0163 §4.3.4: it is the presence of whoever hears that counts.
story('The newest of contacts who are away is heard as their nodes, rosters and block lists allow', async (s) => {
  const { romeo, juliet } = await lovers(s)
  const benvolio = await s.online('benvolio/street')
  const mercutio = await s.online('mercutio/street')
  for (const contact of [benvolio, mercutio]) await s.befriend(contact, juliet)
  const loves = `<query xmlns='jabber:iq:roster'><item jid='${juliet.bare}'><group>Loves</group></item></query>`
  for (const [actor, jid] of [
    [romeo, juliet.bare],
    [benvolio, 'x@y'],
  ] as const) {
    if (jid !== 'x@y') await actor.asks`<iq type='set'>${loves}</iq>`
    await publishes(actor, 'presence', 'a')
    await publishes(actor, 'roster', 'a', { access_model: 'roster', roster_groups_allowed: ['Loves'] })
    await publishes(actor, 'member', 'a', { access_model: 'whitelist' })
    await publishes(actor, 'asked', 'a', { access_model: 'authorize' })
    await publishes(actor, 'outcast', 'a', { access_model: 'open' })
  }
  await affiliates(romeo, 'member', { [juliet.bare]: 'member' })
  await affiliates(romeo, 'outcast', { [juliet.bare]: 'outcast' })
  await publishes(mercutio, 'presence', 'a')
  await mercutio.asks`<iq type='set'><block xmlns='urn:xmpp:blocking'><item jid='${juliet.bare}'/></block></iq>`
  for (const actor of [romeo, benvolio, mercutio]) await actor.disconnects()
  const nodes = ['presence', 'roster', 'member', 'asked', 'outcast']
  const expected = [
    [romeo.bare, 'presence', 'a'],
    [romeo.bare, 'roster', 'a'],
    [romeo.bare, 'member', 'a'],
    [benvolio.bare, 'presence', 'a'],
    [benvolio.bare, 'outcast', 'a'],
  ] as const
  await leaves(juliet)
  await wants(juliet, nodes)
  await hearsLast(juliet, ...expected)
})

/** How many statements something costs, of those that it could be about. */
async function cost(s: Story, work: () => Promise<unknown>): Promise<number> {
  let statements = 0
  const listen = ({ sql }: { sql: string }): void => {
    if (/(pubsub|roster|blocking)_/.test(sql)) statements++
  }
  s.database.knex.on('query', listen)
  await work()
  s.database.knex.off('query', listen)
  return statements
}

story('Coming and publishing cost the same however many contacts there are', async (s) => {
  const juliet = await listens(s, 'juliet/balcony')
  await leaves(juliet)
  // Who wants to hear of nothing costs nothing.
  const plain = await cost(s, async () => {
    await juliet.sends`<presence/>`
    await drain(juliet)
  })
  assert.equal(plain, 0)
  await wants(juliet, ['mood'])
  await juliet.receivesNothing()
  const contacts: Actor[] = []
  const comes = async (): Promise<number> => {
    await leaves(juliet)
    const others = contacts.map(({ jid }) => `<presence from='${jid}'/>`)
    return await cost(s, async () => {
      juliet.send('<presence/>')
      await juliet.receivesInAnyOrder([`<presence from='${juliet.jid}'/>`, ...others])
      await hearsLast(juliet, ...contacts.map(({ bare }) => [bare, 'mood', 'a'] as const))
    })
  }
  const publishesOnce = async (): Promise<number> => {
    const queries = await cost(s, () => publishes(juliet, 'mood', 'a'))
    for (const actor of [juliet, ...contacts]) await actor.receives`${told(juliet.bare, 'mood', 'a')}`
    await juliet.asks`${request('set', `<retract node='mood'><item id='a'/></retract>`)}`
    for (const actor of [juliet, ...contacts]) await drain(actor)
    return queries
  }
  await publishesOnce()
  for (let n = 0; n < 6; n++) {
    const contact = await listens(s, `contact${n}/x`, 'mood')
    await s.befriend(juliet, contact)
    await publishes(contact, 'mood', 'a')
    for (const actor of [juliet, contact]) await drain(actor)
    contacts.push(contact)
  }
  assert.equal(await comes(), 1)
  for (const actor of contacts) await drain(actor)
  // One statement keeps the item and one removes what is too many, in one commit.
  const published = await publishesOnce()
  assert.equal(published, await publishesOnce())
  assert.ok(published <= 2, `${published} statements`)
  // Those who are away: their rosters are looked at, all together; their block lists are remembered for a while.
  for (const contact of contacts) await contact.disconnects()
  await leaves(juliet)
  const away = await cost(s, async () => {
    await juliet.sends`<presence/>`
    await juliet.receives`<presence from='${juliet.jid}'/>`
    await hearsLast(juliet, ...contacts.map(({ bare }) => [bare, 'mood', 'a'] as const))
  })
  assert.equal(away, 2)
})

restartStory('What was published, and who wants to hear of it, outlives the server', async (r) => {
  const before = await r.starts()
  const { romeo, juliet } = await lovers(before)
  await publishes(romeo, 'mood', 'a')
  await publishes(romeo, 'open', 'a', { access_model: 'open' })
  await juliet.asks`${request('set', `<subscribe node='open' jid='${juliet.bare}'/>`, romeo.bare)}`
  await juliet.receives`${told(romeo.bare, 'open', 'a')}`
  // Killed.
  const between = await r.starts()
  const balcony = await between.login('juliet/balcony')
  await wants(balcony, ['mood'])
  await hearsLast(balcony, [romeo.bare, 'mood', 'a'])
  assert.equal(await idsAt(balcony, 'mood', romeo.bare), 'a')
  await publishes(await between.login('romeo/orchard'), 'open', 'b')
  await balcony.receives`${told(romeo.bare, 'open', 'b')}`
  const token = await enables(balcony)
  // Stopped in order: her session goes on, and her client need not say again what it can do.
  await r.stops()
  const after = await r.starts()
  const resumed = await resumes(after, balcony, token, 0)
  await publishes(await after.login('romeo/orchard'), 'mood', 'b')
  await resumed.receives`${told(romeo.bare, 'mood', 'b')}`
  await resumed.receivesNothing()
})
