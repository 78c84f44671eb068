import assert from 'node:assert/strict'
import { serialize } from '../../src/api.ts'
import {
  AUTHORIZATION,
  affiliates,
  creates,
  FORMS,
  itemsEvent,
  notification,
  publishes,
  refuses,
  requests,
  serviceOf,
  submission,
  subscribes,
  valuesOf,
} from '../support/pubsub.ts'
import { type Actor, type Story, story } from '../support/story.ts'

const COMMANDS = 'http://jabber.org/protocol/commands'
const GET_PENDING = 'http://jabber.org/protocol/pubsub#get-pending'

/** Francisco has asked to subscribe to Hamlet’s node, in which there is an item. */
async function asked(s: Story) {
  const hamlet = await s.online('hamlet/elsinore')
  const francisco = await s.online('francisco/barracks')
  const node = await creates(s, hamlet, { access_model: 'authorize' })
  await publishes(s, hamlet, node, 'a')
  const { attrs } = await subscribes(s, francisco, node)
  assert.deepEqual([attrs['node'], attrs['jid'], attrs['subscription']], [node, francisco.bare, 'pending'])
  return { hamlet, francisco, node, subid: attrs['subid']!, ...requests(s) }
}

/** The request as an owner sees it. */
async function hearsRequest(s: Story, owner: Actor) {
  const message = await owner.receives`<message from='${serviceOf(s)}'/>`
  const form = message.getChild('x', FORMS)
  assert.ok(form !== undefined, serialize(message))
  assert.equal(form.attrs['type'], 'form')
  return { id: message.attrs['id'], values: valuesOf(form) }
}

/** What an owner sends back. */
const answer = (s: Story, id: string | undefined, fields: Parameters<typeof submission>[1], type = 'submit') =>
  `<message to='${serviceOf(s)}' id='${id}'>${submission(AUTHORIZATION, fields, type)}</message>`

const state = (s: Story, node: string, jid: string, subscription: string) =>
  notification(
    s,
    `<subscription node='${node}' jid='${jid}' ${subscription === 'none' ? '' : `subid='*'`} subscription='${subscription}'/>`,
  )

story('Owners are asked whether somebody may subscribe, and say yes // XEP-0060 §6.1.4, §8.6', async (s) => {
  const { hamlet, francisco, node, subid } = await asked(s)
  const { id, values } = await hearsRequest(s, hamlet)
  assert.ok((id ?? '').length > 0)
  assert.deepEqual(values, {
    FORM_TYPE: [AUTHORIZATION],
    subid: [subid],
    node: [node],
    subscriber_jid: [francisco.bare],
    allow: [values['allow']![0]!],
  })
  assert.ok(['0', 'false'].includes(values['allow']![0]!))
  await publishes(s, hamlet, node, 'b')
  await francisco.receivesNothing()
  hamlet.send(answer(s, id, { subid, node, subscriber_jid: francisco.bare, allow: 'true' }))
  await francisco.receives`${state(s, node, francisco.bare, 'subscribed')}`
  await francisco.receives`${itemsEvent(s, node, 'b')}`
  await publishes(s, hamlet, node, 'c')
  await francisco.receives`${itemsEvent(s, node, 'c')}`
})

story('An owner says no, after which one may ask again // XEP-0060 §8.6, §6.1.3.7', async (s) => {
  const { hamlet, francisco, node, subid, set } = await asked(s)
  const { id } = await hearsRequest(s, hamlet)
  const again = set(`<subscribe node='${node}' jid='${francisco.bare}'/>`)
  // XEP-0060 §6.1.3.7
  await refuses(francisco, again, ['not-authorized', 'auth', 'pending-subscription'])
  hamlet.send(answer(s, id, { subid, node, subscriber_jid: francisco.bare, allow: '0' }))
  await francisco.receives`${state(s, node, francisco.bare, 'none')}`
  assert.equal((await subscribes(s, francisco, node)).attrs['subscription'], 'pending')
  await hearsRequest(s, hamlet)
})

story('What is no answer of an owner changes nothing // XEP-0060 §8.6', async (s) => {
  const { hamlet, francisco, node, subid, set } = await asked(s)
  const { id } = await hearsRequest(s, hamlet)
  const yes = { subid, node, subscriber_jid: francisco.bare, allow: '1' }
  // The request remains.
  hamlet.send(answer(s, id, {}, 'cancel'))
  for (const fields of [
    { ...yes, subid: 'x' },
    { ...yes, node: 'nowhere' },
    { ...yes, subscriber_jid: '@' },
    { ...yes, subscriber_jid: hamlet.bare },
  ])
    hamlet.send(answer(s, id, fields))
  francisco.send(answer(s, id, yes))
  await hamlet.receivesNothing()
  await refuses(francisco, set(`<subscribe node='${node}' jid='${francisco.bare}'/>`), [
    'not-authorized',
    'auth',
    'pending-subscription',
  ])
  await francisco.receivesNothing()
  hamlet.send(answer(s, id, yes))
  await francisco.receives`${state(s, node, francisco.bare, 'subscribed')}`
  await francisco.receives`${itemsEvent(s, node, 'a')}`
  // Once is enough.
  hamlet.send(answer(s, id, { ...yes, allow: '0' }))
  await publishes(s, hamlet, node, 'b')
  await francisco.receives`${itemsEvent(s, node, 'b')}`
})

story('Who is more than nobody need not ask, who withdraws is asked for no more // XEP-0060 §6.1.4', async (s) => {
  const { hamlet, francisco, node, set } = await asked(s)
  await hearsRequest(s, hamlet)
  await francisco.asks`${set(`<unsubscribe node='${node}' jid='${francisco.bare}'/>`)}`
  await affiliates(s, hamlet, node, [francisco, 'member'])
  assert.equal((await subscribes(s, francisco, node)).attrs['subscription'], 'subscribed')
  await francisco.receives`${itemsEvent(s, node, 'a')}`
  await hamlet.receivesNothing()
})

story('An owner who was away is asked on coming back, and all owners are asked // XEP-0060 §8.6', async (s) => {
  const hamlet = await s.online('hamlet/elsinore')
  const francisco = await s.online('francisco/barracks')
  const romeo = await s.login('romeo/orchard')
  const node = await creates(s, hamlet, { access_model: 'authorize' })
  await affiliates(s, hamlet, node, [romeo, 'owner'])
  await romeo.disconnects()
  await subscribes(s, francisco, node)
  await hearsRequest(s, hamlet)
  const again = await s.login('romeo/orchard')
  await again.sends`<presence/>`
  const both = [await again.next(), await again.next()]
  assert.ok(both.some((stanza) => stanza.getChild('x', FORMS) !== undefined))
})

story('An owner asks anew for all requests, node by node // XEP-0060 §8.7', async (s) => {
  const { hamlet, francisco, node, subid } = await asked(s)
  const { id } = await hearsRequest(s, hamlet)
  assert.ok(id)
  const other = await creates(s, hamlet, { access_model: 'authorize' })
  const romeo = await s.login('romeo')
  await subscribes(s, romeo, node)
  await hearsRequest(s, hamlet)
  const command = (rest: string, inside = '') =>
    `<iq type='set' to='${serviceOf(s)}'><command xmlns='${COMMANDS}' node='${GET_PENDING}' action='execute' ${rest}>${inside}</command></iq>`
  const began = (await hamlet.asks`${command('')}`).getChild('command', COMMANDS)!
  assert.equal(began.attrs['status'], 'executing')
  const form = began.getChild('x', FORMS)!
  const field = form.getChildren('field').find(({ attrs }) => attrs['var'] === 'pubsub#node')!
  assert.deepEqual(
    [field.attrs['type'], field.getChildren('option').map((option) => option.getChildText('value'))],
    ['list-single', [node]],
  )
  const submitted = (name: string) =>
    `<x xmlns='${FORMS}' type='submit'><field var='FORM_TYPE'><value>${AUTHORIZATION}</value></field><field var='pubsub#node'><value>${name}</value></field></x>`
  const session = `sessionid='${began.attrs['sessionid']}'`
  const result = await hamlet.asks`${command(session, submitted(node))}`
  assert.equal(result.getChild('command', COMMANDS)!.attrs['status'], 'completed')
  const asked_ = [await hearsRequest(s, hamlet), await hearsRequest(s, hamlet)]
  assert.deepEqual(asked_.map(({ values }) => values['subscriber_jid']![0]).sort(), [francisco.bare, romeo.bare])
  assert.ok(asked_.some(({ values }) => values['subid']![0] === subid))
  await hamlet.receivesNothing()
  // XEP-0060 §8.7.3.3
  await romeo.isRefused('forbidden', 'cancel')`${command('')}`
  assert.ok(other)
})

story('A service lists its commands to those who own a node // XEP-0050 §2.2', async (s) => {
  const hamlet = await s.login('hamlet/elsinore')
  await creates(s, hamlet, { access_model: 'authorize' })
  const result =
    await hamlet.asks`<iq type='get' to='${serviceOf(s)}'><query xmlns='http://jabber.org/protocol/disco#items' node='${COMMANDS}'/></iq>`
  const [item] = result.getChild('query')!.getChildren('item')
  assert.equal(item?.attrs['node'], GET_PENDING)
})
