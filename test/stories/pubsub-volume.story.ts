import assert from 'node:assert/strict'
import { type Actor, type Story, story } from '../support/story.ts'

const NS = 'http://jabber.org/protocol/pubsub'
const limits = { modules: { pubsub: { limits: { maxBytes: 3000 } } } }

const publication = (node: string, id: string, size: number) =>
  `<pubsub xmlns='${NS}'><publish node='${node}'><item id='${id}'><x xmlns='urn:example'>${'x'.repeat(size)}</x></item></publish></pubsub>`

/** Publishes at the service or, without `to`, at the own account. */
const publishes = (actor: Actor, to: string, node: string, id: string, size: number) =>
  actor.asks`<iq type='set' ${to}>${publication(node, id, size)}</iq>`
const isTooMuch = (actor: Actor, to: string, node: string, id: string, size: number) =>
  actor.isRefused('resource-constraint')`<iq type='set' ${to}>${publication(node, id, size)}</iq>`

const places: readonly [string, (s: Story) => string][] = [
  ['its own nodes', () => ''],
  ['the service', (s) => `to='pubsub.${s.domain}'`],
]
for (const [where, toOf] of places)
  story(
    `An account keeps so much at ${where} and no more, until it has removed something`,
    async (s) => {
      const to = toOf(s)
      const hamlet = await s.online('hamlet/elsinore')
      const ofAll = (action: string) =>
        hamlet.asks`<iq type='set' ${to}><pubsub xmlns='${NS}#owner'>${action}</pubsub></iq>`
      const form = (value: string) =>
        `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>${NS}#node_config</value></field><field var='pubsub#max_items'><value>${value}</value></field></x>`
      for (const [node, count] of [
        ['one', '1'],
        ['many', '10'],
      ] as const)
        await hamlet.asks`<iq type='set' ${to}><pubsub xmlns='${NS}'><create node='${node}'/><configure>${form(count)}</configure></pubsub></iq>`
      await publishes(hamlet, to, 'many', 'a', 600)
      await publishes(hamlet, to, 'many', 'b', 600)
      // What takes the place of something else is counted once.
      for (let i = 0; i < 5; i++) await publishes(hamlet, to, 'one', `${i}`, 600)
      await isTooMuch(hamlet, to, 'many', 'c', 600)
      // A node is not made for what is refused.
      await isTooMuch(hamlet, to, 'new', 'c', 600)
      assert.equal((await s.database.knex('pubsub_nodes').where({ name: 'new' })).length, 0)
      // Somebody else has as much.
      const horatio = await s.online('horatio/elsinore')
      await publishes(horatio, to, 'his', 'a', 600)
      await ofAll(`<delete node='one'/>`)
      await publishes(hamlet, to, 'many', 'c', 600)
      await isTooMuch(hamlet, to, 'many', 'd', 600)
      // What is removed from among others is found out when it is counted again, which is not at each request.
      await hamlet.asks`<iq type='set' ${to}><pubsub xmlns='${NS}'><retract node='many'><item id='a'/></retract></pubsub></iq>`
      await s.advance(10_000)
      await publishes(hamlet, to, 'many', 'd', 600)
      await isTooMuch(hamlet, to, 'many', 'e', 600)
      await ofAll(`<purge node='many'/>`)
      await publishes(hamlet, to, 'many', 'e', 600)
    },
    limits,
  )

story(
  'What was published before the engine knew of it counts, in one query',
  async (s) => {
    const hamlet = await s.online('hamlet/elsinore')
    await publishes(hamlet, '', 'n', 'a', 2000)
    // The end of any account has it forget what it knows.
    await s.createAccount('yorick')
    await s.host.deleteAccount('yorick')
    await isTooMuch(hamlet, '', 'm', 'b', 1000)
    await publishes(hamlet, '', 'm', 'b', 100)
    const before = s.database.queries
    await publishes(hamlet, '', 'm', 'c', 100)
    const cost = s.database.queries - before
    await publishes(hamlet, '', 'm', 'd', 100)
    assert.equal(s.database.queries - before, 2 * cost)
  },
  limits,
)

story(
  'The bound can be off',
  async (s) => {
    const hamlet = await s.online('hamlet/elsinore')
    await publishes(hamlet, '', 'n', 'a', 200_000)
  },
  { modules: { pubsub: { limits: { maxBytes: 0 } } } },
)
