import assert from 'node:assert/strict'
import { serialize } from '../../src/api.ts'
import { asksArchive } from '../support/archive.ts'
import { INFO, idsAt, listens, notification, request } from '../support/pep.ts'
import { asks, type Fields, OWNER, PUBLISH_OPTIONS, refuses, submission, valuesOf } from '../support/pubsub.ts'
import { type Actor, story } from '../support/story.ts'

const NODE = 'urn:xmpp:mds:displayed:0'

const displayed = (id: string, by = 'juliet@localhost'): string =>
  `<displayed xmlns='${NODE}'><stanza-id xmlns='urn:xmpp:sid:0' by='${by}' id='${id}'/></displayed>`
const heard = (actor: Actor, chat: string, id: string): string =>
  notification(actor.bare, `<items node='${NODE}'><item id='${chat}'>${displayed(id)}</item></items>`)

const options: Fields = {
  persist_items: 'true',
  max_items: 'max',
  send_last_published_item: 'never',
  access_model: 'whitelist',
}
const flags = (actor: Actor, chat: string, id: string) =>
  actor.asks`${request(
    'set',
    `<publish node='${NODE}'><item id='${chat}'>${displayed(id)}</item></publish><publish-options>${submission(PUBLISH_OPTIONS, options)}</publish-options>`,
  )}`

/** A marker for whoever has written, along with what is for one's own devices. */
const marker = (to: string, more: string, type = 'chat'): string =>
  `<message to='${to}' type='${type}' id='m'><displayed xmlns='urn:xmpp:chat-markers:0' id='m1'/>${more}</message>`

// XEP-0490 §4.1–§4.4, XEP-0223
story('What one device has shown, the others learn: at once, and all of it when they come', async (s) => {
  const phone = await listens(s, 'juliet/phone', NODE)
  const desk = await s.login('juliet/desk')
  const romeo = await listens(s, 'romeo/orchard', NODE)
  await s.befriend(romeo, phone)
  for (const [chat, id] of [
    [romeo.bare, '1'],
    ['room@rooms.localhost', '2'],
    ['room@rooms.localhost/nurse', '3'],
    [romeo.bare, '4'],
  ] as const) {
    await flags(desk, chat, id)
    await phone.receives`${heard(phone, chat, id)}`
  }
  const again = await listens(s, 'juliet/tablet', NODE)
  assert.equal(await idsAt(again, NODE), `room@rooms.localhost room@rooms.localhost/nurse ${romeo.bare}`)
  await refuses(romeo, request('get', `<items node='${NODE}'/>`, phone.bare), ['not-allowed', 'cancel', 'closed-node'])
  await romeo.receives`<presence from='${again.jid}'/>`
  await romeo.receivesNothing()
})

// XEP-0490 §4.5.2
story('An account says that a marker is enough', async (s) => {
  const juliet = await s.login('juliet')
  const answer = await juliet.asks`<iq type='get' to='${juliet.bare}'><query xmlns='${INFO}'/></iq>`
  const names = answer
    .getChild('query', INFO)!
    .getChildren('feature')
    .map(({ attrs }) => attrs['var'])
  assert.ok(names.includes('urn:xmpp:mds:server-assist:0'))
})

// XEP-0490 §4.5.3, §5.2, §7
story('A marker also tells one’s own devices, and nobody else sees, copies or keeps that', async (s) => {
  const phone = await listens(s, 'juliet/phone', NODE)
  const desk = await s.online('juliet/desk')
  await phone.receives`<presence from='${desk.jid}'/>`
  for (const actor of [phone, desk]) await actor.asks`<iq type='set'><enable xmlns='urn:xmpp:carbons:2'/></iq>`
  const romeo = await s.online('romeo/orchard')
  await desk.receives`<presence from='${phone.jid}'/>`
  await desk.sends`${marker(romeo.bare, `${displayed('7')}<body>seen</body>`)}`
  const clean = await romeo.receives`<message from='${desk.jid}'/>`
  assert.equal(clean.getChild('displayed', NODE), undefined)
  assert.ok(clean.getChild('displayed', 'urn:xmpp:chat-markers:0'))
  const both = await phone.receivesInAnyOrder([
    heard(phone, romeo.bare, '7'),
    `<message from='${phone.bare}' type='chat'/>`,
  ])
  const copied = both.find(({ attrs }) => attrs['type'] === 'chat')!
  assert.ok(!serialize(copied).includes(NODE))
  for (const actor of [phone, romeo]) {
    const { messages } = await asksArchive(actor)
    assert.equal(messages.length, 1)
    assert.ok(!serialize(messages[0]!).includes(NODE))
  }
  // XEP-0490 §4.2: nobody but her devices, even if no client has said so.
  const form = await asks(phone, request('get', `<configure node='${NODE}'/>`, '', OWNER), 'configure', OWNER)
  assert.deepEqual(valuesOf(form.getChild('x', 'jabber:x:data')!)['access_model'], ['whitelist'])
  // The address is the chat, whatever it is.
  await desk.sends`${marker(romeo.jid, displayed('8'))}`
  await romeo.receives`<message><displayed xmlns='urn:xmpp:chat-markers:0' id='m1'/></message>`
  await phone.receivesInAnyOrder([heard(phone, romeo.jid, '8'), `<message from='${phone.bare}' type='chat'/>`])
  assert.equal(await idsAt(phone, NODE), `${romeo.bare} ${romeo.jid}`)
  await refuses(romeo, request('get', `<items node='${NODE}'/>`, phone.bare), ['service-unavailable', 'cancel'])
})

story(
  'What is displayed is not kept where that cannot be, and the message goes its way',
  async (s) => {
    const desk = await s.online('juliet/desk')
    const romeo = await s.online('romeo/orchard')
    const tooLarge = displayed('x'.repeat(2000))
    await desk.sends`${marker(romeo.bare, tooLarge)}`
    await romeo.receives`<message><displayed xmlns='urn:xmpp:chat-markers:0' id='m1'/></message>`
    // Without an addressee there is no chat; an error tells of no display.
    await desk.sends`<message type='chat' id='s'><body>to myself</body>${displayed('1')}</message>`
    const own = await desk.receives`<message from='${desk.jid}'><body>to myself</body></message>`
    assert.ok(!serialize(own).includes(NODE))
    await desk.sends`<message to='${romeo.jid}' type='error' id='e'>${displayed('2')}<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`
    const error = await romeo.receives`<message type='error' from='${desk.jid}'/>`
    assert.ok(!serialize(error).includes(NODE))
    await desk.isRefused('item-not-found')`${request('get', `<items node='${NODE}'/>`)}`
  },
  { modules: { pubsub: { limits: { maxPayload: 1024 } } } },
)
