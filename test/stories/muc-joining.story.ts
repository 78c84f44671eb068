import assert from 'node:assert/strict'
import { serialize } from '../../src/api.ts'
import {
  arrives,
  codesOf,
  enters,
  freshRoom,
  gather,
  grants,
  hear,
  heardBy,
  isTurnedAway,
  itemOf,
  join,
  leaves,
  MUC,
  notices,
  opens,
  says,
  x,
} from '../support/room.ts'
import { story } from '../support/story.ts'

const froms = (stanzas: readonly { attrs: Record<string, string | undefined> }[]) =>
  stanzas.map(({ attrs }) => attrs['from'])

// XEP-0045 §7.1
story(
  '§7.1 Who enters hears of those present, of itself, the history, the subject, and only then what is new',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const mercutio = await s.login('mercutio/street')
    const juliet = await s.login('juliet/balcony')
    const room = freshRoom(s)
    await gather(room, [
      [romeo, 'Romeo'],
      [mercutio, 'Mercutio'],
    ])
    const spoken = ['1', '2', '3', '4', '5', '6']
    for (const body of spoken.slice(0, 2))
      await romeo.sends`<message type='groupchat' to='${room}'><body>${body}</body></message>`
    juliet.send(join(room, 'Juliet'))
    for (const body of spoken.slice(2))
      await romeo.sends`<message type='groupchat' to='${room}'><body>${body}</body></message>`
    const { others, own, history } = await arrives(juliet, room)
    assert.deepEqual(froms(others), [`${room}/Romeo`, `${room}/Mercutio`])
    assert.equal(own.attrs['from'], `${room}/Juliet`)
    const live = spoken.slice(history.length)
    assert.deepEqual(
      history.map((message) => message.getChildText('body')),
      spoken.slice(0, history.length),
    )
    for (const body of live) {
      const message =
        await juliet.receives`<message type='groupchat' from='${room}/Romeo'><body>${body}</body></message>`
      assert.equal(message.getChild('delay'), undefined)
    }
    await juliet.receivesNothing()
  },
)

// XEP-0045 §7.2.1, §17.1: "MUST NOT allow empty or invisible Room Nicknames"
story('§7.2.1 Without a nickname, or with one that cannot be seen, nobody enters', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const room = freshRoom(s)
  const refused = await isTurnedAway(
    romeo,
    'jid-malformed',
    'modify',
    `<presence to='${room}'><x xmlns='${MUC}'/></presence>`,
  )
  assert.equal(refused.attrs['from'], room)
  for (const nick of [' ', '   '])
    await romeo.isRefused('jid-malformed', 'modify')`<presence to='${room}/${nick}'><x xmlns='${MUC}'/></presence>`
  await romeo.isRefused(
    'item-not-found',
  )`<iq type='get' to='${room}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`
})

// XEP-0045 §7.2.1, §17.3 rule 3
story('§7.2.1 Who enters once more is told everything again', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  await gather(room, [
    [romeo, 'Romeo'],
    [juliet, 'Juliet'],
  ])
  await juliet.sends`<message type='groupchat' to='${room}'><body>Still there?</body></message>`
  for (const actor of [romeo, juliet]) await actor.receives`<message from='${room}/Juliet'/>`
  const again = await enters(juliet, room, 'Juliet')
  assert.deepEqual(froms(again.others), [`${room}/Romeo`])
  assert.deepEqual(codesOf(again.own), [110, 170])
  assert.equal(again.history.length, 1)
  assert.equal(again.subject.getChildText('subject'), '')
  // "MAY also send a presence update to the other participants"
  await heardBy(romeo)
  const changed = await enters(juliet, room, 'Juliet', { payload: '<show>away</show>' })
  assert.equal(changed.own.getChildText('show'), 'away')
  await romeo.receives`<presence from='${room}/Juliet'><show>away</show>${x({ jid: juliet.jid })}</presence>`
  await romeo.receivesNothing()
  await juliet.receivesNothing()
})

// XEP-0045 §17.3 rules 1, 2 and 5
story('§17.3 Presence of another type lets nobody in, nor out', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  for (const type of ['unavailable', 'error']) await juliet.sends`<presence type='${type}' to='${room}/Juliet'/>`
  await juliet.sends`<presence type='probe' to='${room}/Juliet'/>`
  const heard = await heardBy(juliet)
  assert.ok(heard.every(({ attrs }) => attrs['type'] === 'error' || attrs['type'] === 'unavailable'))
  await opens(romeo, room, 'Romeo')
  for (const type of ['unavailable', 'probe'])
    await juliet.sends`<presence type='${type}' to='${room}/Juliet'><x xmlns='${MUC}'/></presence>`
  await heardBy(juliet)
  const { others } = await enters(juliet, room, 'Juliet')
  assert.deepEqual(froms(others), [`${room}/Romeo`])
  await notices([romeo], room, 'Juliet')
  const failure = "<error type='cancel'><feature-not-implemented xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
  await juliet.sends`<presence type='error' to='${room}/Romeo'>${failure}</presence>`
  await juliet.sends`<presence type='probe' to='${room}/Juliet'/>`
  await heardBy(juliet)
  await says(juliet, room, 'Still here')
  await hear([romeo], room, 'Juliet', 'Still here')
})

// XEP-0045 §7.2.2, §5.1.2; XEP-0421 §3.1
story('§7.2.2 All hear who enters, with role, affiliation and all that its client says of itself', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const nurse = await s.login('nurse')
  const room = freshRoom(s)
  const opened = await opens(romeo, room, 'Romeo')
  assert.deepEqual({ ...itemOf(opened.own).attrs, jid: '' }, { affiliation: 'owner', role: 'moderator', jid: '' })
  await grants(romeo, room, nurse.bare, 'admin')
  await enters(nurse, room, 'Nurse')
  const caps = `<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:example' ver='v'/>`
  const payload = `<show>away</show><status>at home</status><priority>1</priority>${caps}`
  const { others, own } = await enters(juliet, room, 'Juliet', { payload })
  assert.deepEqual(
    others.map((el) => [el.attrs['from'], itemOf(el).attrs]),
    [
      [`${room}/Romeo`, { affiliation: 'owner', role: 'moderator' }],
      [`${room}/Nurse`, { affiliation: 'admin', role: 'moderator' }],
    ],
  )
  await notices([romeo], room, 'Nurse')
  const seen = await romeo.receives`<presence from='${room}/Juliet'>${payload}${x({ jid: juliet.jid })}</presence>`
  for (const presence of [seen, own])
    assert.deepEqual(
      presence.getChildElements().map(({ name }) => name),
      ['show', 'status', 'priority', 'c', 'x', 'occupant-id'],
    )
  assert.deepEqual(codesOf(own), [110, 170])
})

// XEP-0045 §7.2.3
story('§7.2.3 In a non-anonymous room everybody sees full addresses, and newcomers are warned', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const mercutio = await s.login('mercutio/street')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  await gather(
    room,
    [
      [romeo, 'Romeo'],
      [mercutio, 'Mercutio'],
    ],
    { whois: 'anyone' },
  )
  const { others, own } = await enters(juliet, room, 'Juliet')
  assert.deepEqual(
    others.map((el) => itemOf(el).attrs['jid']),
    [romeo.jid, mercutio.jid],
  )
  assert.equal(itemOf(own).attrs['jid'], juliet.jid)
  assert.deepEqual(codesOf(own), [100, 110, 170])
  for (const actor of [romeo, mercutio])
    await actor.receives`<presence from='${room}/Juliet'>${x({ jid: juliet.jid })}</presence>`
})

// XEP-0045 §7.2.4
story('§7.2.4 In a semi-anonymous room moderators alone see full addresses', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const mercutio = await s.login('mercutio/street')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  await gather(room, [
    [romeo, 'Romeo'],
    [mercutio, 'Mercutio'],
  ])
  const { others, own } = await enters(juliet, room, 'Juliet')
  assert.ok(others.every((el) => itemOf(el).attrs['jid'] === undefined))
  assert.ok(!codesOf(own).includes(100))
  await romeo.receives`<presence from='${room}/Juliet'>${x({ jid: juliet.jid })}</presence>`
  const seen = await mercutio.receives`<presence from='${room}/Juliet'>${x()}</presence>`
  assert.ok(!serialize(seen).includes(juliet.bare))
})

// XEP-0045 §7.2.11, §7.14, §17.2 rule 3
story('§7.2.11 A room that does not exist is created by who enters it', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  await romeo.isRefused('item-not-found', 'cancel')`<message type='groupchat' to='${room}'><body>Hi</body></message>`
  await romeo.isRefused('item-not-found', 'cancel')`<message type='chat' to='${room}/Juliet'><body>Hi</body></message>`
  const { others, own, history, subject } = await enters(romeo, room, 'Romeo')
  assert.deepEqual([others, history], [[], []])
  assert.equal(own.attrs['from'], `${room}/Romeo`)
  assert.equal(subject.getChildText('subject'), '')
  await leaves(romeo, room, 'Romeo')
  assert.ok(codesOf((await enters(juliet, room, 'Juliet')).own).includes(201))
})

// XEP-0045 §7.2.18
story('§7.2.18 Old clients enter, and create rooms that are open at once', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  await romeo.sends`<presence to='${room}/Romeo'/>`
  await arrives(romeo, room)
  await juliet.sends`<presence to='${room}/Juliet'/>`
  const { others } = await arrives(juliet, room)
  assert.deepEqual(froms(others), [`${room}/Romeo`])
  await notices([romeo], room, 'Juliet')
})
