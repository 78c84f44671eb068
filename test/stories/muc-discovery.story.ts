import assert from 'node:assert/strict'
import type { Element } from '../../src/api.ts'
import { configures, enters, FORM, freshRoom, gather, grants, MUC, MUC_ADMIN, notices, opens } from '../support/room.ts'
import { type Actor, story } from '../support/story.ts'

const INFO = 'http://jabber.org/protocol/disco#info'
const ITEMS = 'http://jabber.org/protocol/disco#items'
const RSM = 'http://jabber.org/protocol/rsm'

const infoOf = async (actor: Actor, to: string) =>
  (await actor.asks`<iq type='get' to='${to}'><query xmlns='${INFO}'/></iq>`).getChild('query', INFO)!
const itemsOf = async (actor: Actor, to: string, inside = '') =>
  (await actor.asks`<iq type='get' to='${to}'><query xmlns='${ITEMS}'>${inside}</query></iq>`).getChild('query', ITEMS)!
const features = (query: Element) => query.getChildren('feature').map((feature) => feature.attrs['var']!)
const identities = (query: Element) =>
  query.getChildren('identity').map(({ attrs }) => `${attrs['category']}/${attrs['type']}`)
const addresses = (query: Element) => query.getChildren('item').map((item) => item.attrs['jid']!)

/** The values of a form's fields. */
function fieldsOf(query: Element): Record<string, string> {
  const fields = query.getChild('x', FORM)?.getChildren('field') ?? []
  return Object.fromEntries(fields.map((field) => [field.attrs['var']!, field.getChildText('value') ?? '']))
}

/** That of some features these are there, and their opposites are not. */
function has(query: Element, ...wanted: string[]): void {
  const pairs = [
    ['muc_public', 'muc_hidden'],
    ['muc_open', 'muc_membersonly'],
    ['muc_persistent', 'muc_temporary'],
    ['muc_moderated', 'muc_unmoderated'],
    ['muc_nonanonymous', 'muc_semianonymous'],
    ['muc_passwordprotected', 'muc_unsecured'],
  ]
  const found = features(query).filter((feature) => pairs.flat().includes(feature))
  assert.deepEqual(found.sort(), wanted.sort())
}

// XEP-0045 §6.1
story('§6.1 The server lists the service of its rooms', async (s) => {
  const juliet = await s.login('juliet')
  const items = (await itemsOf(juliet, s.domain)).getChildren('item')
  const item = items.find(({ attrs }) => attrs['jid'] === `conference.${s.domain}`)
  assert.ok(item?.attrs['name'], 'the service is listed, with a name')
})

// XEP-0045 §6.2, §7.4; XEP-0421 §4: "If occupant identifiers are force enabled for all rooms … on the MUC service"
story('§6.2 The service says what it is and what it can do', async (s) => {
  const juliet = await s.login('juliet')
  const info = await infoOf(juliet, `conference.${s.domain}`)
  assert.deepEqual(identities(info), ['conference/text'])
  assert.ok(info.getChild('identity')!.attrs['name'])
  for (const feature of [INFO, ITEMS, MUC, `${MUC}#stable_id`, RSM, 'urn:xmpp:occupant-id:0'])
    assert.ok(features(info).includes(feature), feature)
})

// XEP-0045 §6.3
story('§6.3 The service lists its public rooms by name, and hides the others', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const [open, nameless, hidden, locked] = ['open', 'nameless', 'hidden', 'locked'].map((name) => freshRoom(s, name))
  await opens(romeo, open!, 'Romeo', { roomname: 'A Public Place' })
  await opens(romeo, nameless!, 'Romeo')
  await opens(romeo, hidden!, 'Romeo', { publicroom: false, roomname: 'The Orchard' })
  await enters(romeo, locked!, 'Romeo')
  const listed = await itemsOf(juliet, `conference.${s.domain}`)
  assert.ok(addresses(listed).includes(nameless!))
  assert.ok(!addresses(listed).includes(hidden!), 'a hidden room is listed')
  assert.ok(!addresses(listed).includes(locked!), 'a locked room is listed')
  const item = listed.getChildren('item').find(({ attrs }) => attrs['jid'] === open)
  assert.equal(item?.attrs['name'], 'A Public Place')
  await configures(romeo, open!, { publicroom: false })
  await configures(romeo, hidden!, { publicroom: true })
  const now = addresses(await itemsOf(juliet, `conference.${s.domain}`))
  assert.ok(now.includes(hidden!) && !now.includes(open!))
})

// XEP-0045 §6.3; XEP-0059 §2.1–§2.7
story(
  '§6.3 The list of rooms comes in pages',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const service = `conference.${s.domain}`
    const rooms = ['a', 'b', 'c', 'd', 'e'].map((local) => `${local}@${service}`)
    for (const room of rooms) await opens(romeo, room, 'Romeo')
    const page = async (set: string) => {
      const query = await itemsOf(romeo, service, `<set xmlns='${RSM}'>${set}</set>`)
      const rsm = query.getChild('set', RSM)!
      assert.equal(rsm.getChildText('count'), '5')
      return { jids: addresses(query), first: rsm.getChildText('first'), last: rsm.getChildText('last') }
    }
    const one = await page('<max>2</max>')
    assert.deepEqual(one.jids, rooms.slice(0, 2))
    const two = await page(`<max>2</max><after>${one.last}</after>`)
    assert.deepEqual(two.jids, rooms.slice(2, 4))
    const three = await page(`<max>2</max><after>${two.last}</after>`)
    assert.deepEqual(three.jids, rooms.slice(4))
    const end = await page(`<max>2</max><after>${three.last}</after>`)
    assert.deepEqual([end.jids, end.first, end.last], [[], null, null])
    assert.deepEqual((await page(`<max>2</max><before>${two.first}</before>`)).jids, rooms.slice(0, 2))
    assert.deepEqual((await page('<max>2</max><before/>')).jids, rooms.slice(3))
    assert.deepEqual((await page('<max>0</max>')).jids, [])
    await romeo.isRefused(
      'bad-request',
    )`<iq type='get' to='${service}'><query xmlns='${ITEMS}'><set xmlns='${RSM}'><max>two</max></set></query></iq>`
  },
  { hosts: ['pages.example'] },
)

// XEP-0045 §6.4
story('§6.4 A room says what it is', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  await opens(romeo, room, 'Romeo', { roomname: 'Verona', roomdesc: 'A public place', lang: 'it' })
  const before = await infoOf(juliet, room)
  assert.deepEqual(identities(before), ['conference/text'])
  assert.equal(before.getChild('identity')!.attrs['name'], 'Verona')
  for (const feature of [
    INFO,
    ITEMS,
    MUC,
    `${MUC}#stable_id`,
    `${MUC}#self-ping-optimization`,
    'urn:xmpp:occupant-id:0',
  ])
    assert.ok(features(before).includes(feature), feature)
  has(before, 'muc_public', 'muc_open', 'muc_temporary', 'muc_unmoderated', 'muc_semianonymous', 'muc_unsecured')
  await configures(romeo, room, {
    publicroom: false,
    membersonly: true,
    persistentroom: true,
    moderatedroom: true,
    whois: 'anyone',
    passwordprotectedroom: true,
    roomsecret: 'open sesame',
  })
  const after = await infoOf(juliet, room)
  has(
    after,
    'muc_hidden',
    'muc_membersonly',
    'muc_persistent',
    'muc_moderated',
    'muc_nonanonymous',
    'muc_passwordprotected',
  )
  assert.ok(!after.toString().includes('open sesame'))
  await configures(romeo, room, { persistentroom: false })
})

// XEP-0045 §6.4, §16.5.4
story('§6.4 A room tells more in its form', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  await opens(romeo, room, 'Romeo', { roomdesc: 'A public place', lang: 'it', changesubject: true })
  await romeo.sends`<message type='groupchat' to='${room}'><subject>Civil brawls</subject></message>`
  await romeo.receives`<message from='${room}/Romeo'><subject>Civil brawls</subject></message>`
  const one = fieldsOf(await infoOf(juliet, room))
  assert.equal(one['FORM_TYPE'], `${MUC}#roominfo`)
  assert.equal(one['muc#roominfo_description'], 'A public place')
  assert.equal(one['muc#roominfo_lang'], 'it')
  assert.equal(one['muc#roominfo_occupants'], '1')
  assert.equal(one['muc#roominfo_subject'], 'Civil brawls')
  await enters(juliet, room, 'Juliet')
  assert.equal(fieldsOf(await infoOf(juliet, room))['muc#roominfo_occupants'], '2')
})

// XEP-0045 §6.4; §7.2.10: before it is configured a room does not officially exist
story('§6.4 Of a room that does not exist, or is locked, nothing is said', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  for (const ns of [INFO, ITEMS])
    await juliet.isRefused('item-not-found', 'cancel')`<iq type='get' to='${room}'><query xmlns='${ns}'/></iq>`
  await enters(romeo, room, 'Romeo')
  for (const ns of [INFO, ITEMS])
    await juliet.isRefused('item-not-found', 'cancel')`<iq type='get' to='${room}'><query xmlns='${ns}'/></iq>`
})

// XEP-0030 §3: an unknown node; XEP-0045 §18.1.1: no namespace is discarded
story('§6.4 Nodes that nobody knows are not found, and all kinds of traffic are allowed', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const room = freshRoom(s)
  await opens(romeo, room, 'Romeo')
  for (const to of [room, `conference.${s.domain}`])
    for (const ns of [INFO, ITEMS])
      await romeo.isRefused('item-not-found', 'cancel')`<iq type='get' to='${to}'><query xmlns='${ns}' node='n'/></iq>`
  await romeo.isRefused(
    'service-unavailable',
    'cancel',
  )`<iq type='get' to='${room}'><query xmlns='${INFO}' node='${MUC}#traffic'/></iq>`
})

// XEP-0045 §6.5
story('§6.5 Who is in a room is not for those outside', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const paris = await s.login('paris')
  for (const fields of [{}, { membersonly: true, publicroom: false }]) {
    const room = freshRoom(s)
    await opens(romeo, room, 'Romeo', fields)
    await grants(romeo, room, juliet.bare, 'member')
    await enters(juliet, room, 'Juliet')
    await notices([romeo], room, 'Juliet')
    assert.deepEqual((await itemsOf(paris, room)).children, [])
  }
})

// XEP-0045 §6.6
story('§6.6 Who is not in the room cannot ask about its occupants; who is reaches their clients', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const paris = await s.login('paris')
  const room = freshRoom(s)
  await gather(room, [
    [romeo, 'Romeo'],
    [juliet, 'Juliet'],
  ])
  for (const nick of ['Romeo', 'Nobody'])
    for (const ns of [INFO, ITEMS])
      await paris.isRefused('bad-request')`<iq type='get' to='${room}/${nick}'><query xmlns='${ns}'/></iq>`
  await juliet.sends`<iq type='get' id='who' to='${room}/Romeo'><query xmlns='${INFO}'/></iq>`
  const asked = await romeo.receives`<iq type='get' from='${room}/Juliet' id='*'><query xmlns='${INFO}'/></iq>`
  await romeo.sends`<iq type='result' id='${asked.attrs['id']}' to='${room}/Juliet'><query xmlns='${INFO}'><feature var='${MUC}'/></query></iq>`
  await juliet.receives`<iq type='result' id='who' from='${room}/Romeo'><query xmlns='${INFO}'><feature var='${MUC}'/></query></iq>`
})

// XEP-0045 §6.7
story('§6.7 Whether a contact’s client knows rooms, and in which it is, it says itself', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  for (const [ns, node] of [
    [INFO, ''],
    [ITEMS, `node='${MUC}#rooms'`],
  ]) {
    await juliet.sends`<iq type='get' id='q' to='${romeo.jid}'><query xmlns='${ns}' ${node}/></iq>`
    await romeo.receives`<iq type='get' id='q' from='${juliet.jid}'><query xmlns='${ns}' ${node}/></iq>`
    await romeo.sends`<iq type='result' id='q' to='${juliet.jid}'><query xmlns='${ns}' ${node}/></iq>`
    await juliet.receives`<iq type='result' id='q' from='${romeo.jid}'/>`
  }
})

// RFC 6120 §8.4
story('§6 What the service and its rooms do not understand they refuse', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const room = freshRoom(s)
  await opens(romeo, room, 'Romeo')
  for (const type of ['get', 'set'])
    for (const to of [room, `conference.${s.domain}`])
      await romeo.isRefused('service-unavailable')`<iq type='${type}' to='${to}'><query xmlns='urn:example:x'/></iq>`
  await romeo.isRefused(
    'item-not-found',
  )`<iq type='get' to='${freshRoom(s)}'><query xmlns='${MUC_ADMIN}'><item affiliation='member'/></query></iq>`
  await romeo.receivesNothing()
})
