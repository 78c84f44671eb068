import assert from 'node:assert/strict'
import {
  assigns,
  codesOf,
  configures,
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
  misses,
  notices,
  opens,
  says,
  x,
} from '../support/room.ts'
import { type Actor, type Story, story } from '../support/story.ts'

const INFO = 'http://jabber.org/protocol/disco#info'

/** Romeo, the owner, Juliet and Mercutio in a room; and Paris, who is not. */
async function company(s: Story, fields?: Record<string, string | boolean>) {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const mercutio = await s.login('mercutio/street')
  const paris = await s.login('paris/church')
  const room = freshRoom(s)
  const cast: [Actor, string][] = [
    [romeo, 'Romeo'],
    [juliet, 'Juliet'],
    [mercutio, 'Mercutio'],
  ]
  await gather(room, cast, fields)
  return { room, romeo, juliet, mercutio, paris, present: [romeo, juliet, mercutio] }
}

// XEP-0045 §7.6
story('§7.6 A change of nickname: gone as the old, and there as the new', async (s) => {
  const { room, romeo, juliet, mercutio } = await company(s)
  await juliet.sends`<presence to='${room}/JC'><show>dnd</show></presence>`
  const mine = await juliet.receives`<presence type='unavailable' from='${room}/Juliet'/>`
  assert.deepEqual(codesOf(mine), [110, 303])
  assert.deepEqual([itemOf(mine).attrs['nick'], itemOf(mine).attrs['role']], ['JC', 'participant'])
  const own = await juliet.receives`<presence from='${room}/JC'><show>dnd</show></presence>`
  assert.deepEqual(codesOf(own), [110])
  const { jid } = juliet
  await romeo.receives`<presence type='unavailable' from='${room}/Juliet'>${x({ jid, nick: 'JC' }, 303)}</presence>`
  await romeo.receives`<presence from='${room}/JC'><show>dnd</show>${x({ jid })}</presence>`
  await mercutio.receives`<presence type='unavailable' from='${room}/Juliet'>${x({ nick: 'JC' }, 303)}</presence>`
  await mercutio.receives`<presence from='${room}/JC'><show>dnd</show>${x()}</presence>`
  await says(juliet, room, 'Call me JC')
  await hear([romeo, mercutio], room, 'JC', 'Call me JC')
  await isTurnedAway(
    romeo,
    'item-not-found',
    'cancel',
    `<message type='chat' to='${room}/Juliet'><body>Hi</body></message>`,
  )
  // A join under another nickname is a change of it, too.
  await juliet.sends`${join(room, 'Juliet')}`
  await misses([romeo, mercutio], room, 'JC')
  await notices([romeo, mercutio], room, 'Juliet')
})

// XEP-0045 §7.6: who is in has been let in
story('§7.6 Who changes the nickname is not asked for the password again, and keeps voice and place', async (s) => {
  const { room, romeo, juliet } = await company(s, { moderatedroom: true, maxusers: '3' })
  await assigns(romeo, room, 'Juliet', 'participant')
  await configures(romeo, room, { passwordprotectedroom: true, roomsecret: 'sesame' })
  await heardBy(juliet)
  await juliet.sends`<presence to='${room}/JC'/>`
  await juliet.receives`<presence type='unavailable' from='${room}/Juliet'/>`
  const own = await juliet.receives`<presence from='${room}/JC'/>`
  assert.equal(itemOf(own).attrs['role'], 'participant')
  await says(juliet, room, 'Call me JC')
})

// XEP-0045 §7.6
story('§7.6 A nickname that another has is not taken from them', async (s) => {
  const { room, romeo, juliet, mercutio, present } = await company(s)
  await isTurnedAway(juliet, 'conflict', 'cancel', `<presence to='${room}/Romeo'/>`)
  await juliet.isRefused('jid-malformed', 'modify')`<presence to='${room}/ '/>`
  for (const actor of present) await actor.receivesNothing()
  await says(juliet, room, 'Still me')
  await hear([romeo, mercutio], room, 'Juliet', 'Still me')
})

// XEP-0045 §7.7
story('§7.7 All hear when somebody is away, and back', async (s) => {
  const { room, romeo, juliet, mercutio } = await company(s)
  for (const inside of ['<show>xa</show><status>gone where the goblins go</status>', '']) {
    await juliet.sends`<presence to='${room}/Juliet'>${inside}</presence>`
    const own = await juliet.receives`<presence from='${room}/Juliet'>${inside}</presence>`
    assert.deepEqual(codesOf(own), [110])
    await romeo.receives`<presence from='${room}/Juliet'>${inside}${x({ jid: juliet.jid })}</presence>`
    const seen = await mercutio.receives`<presence from='${room}/Juliet'>${inside}${x()}</presence>`
    assert.equal(seen.getChild('show') !== undefined, inside !== '')
  }
  for (const actor of [romeo, juliet, mercutio]) await actor.receivesNothing()
})

// XEP-0045 §7.13, §8.6
story('§7.13 A visitor asks for voice, and the moderators decide', async (s) => {
  const { room, romeo, juliet, mercutio, paris } = await company(s, { moderatedroom: true })
  await grants(romeo, room, mercutio.bare, 'member')
  for (const actor of [romeo, juliet, mercutio]) await heardBy(actor)
  const ask = `<message to='${room}'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#request</value></field><field var='muc#role' type='list-single' label='Requested role'><value>participant</value></field></x></message>`
  await paris.isRefused('not-acceptable')`${ask}`
  await juliet.sends`${ask}`
  const request = await romeo.receives`<message from='${room}'/>`
  const fields = request.getChild('x', 'jabber:x:data')!.getChildren('field')
  const values = Object.fromEntries(fields.map((field) => [field.attrs['var'], field.getChildText('value')]))
  assert.equal(values['FORM_TYPE'], 'http://jabber.org/protocol/muc#request')
  assert.deepEqual(
    [values['muc#role'], values['muc#jid'], values['muc#roomnick']],
    ['participant', juliet.jid, 'Juliet'],
  )
  assert.ok(['0', 'false'].includes(values['muc#request_allow']!))
  for (const actor of [juliet, mercutio, paris]) await actor.receivesNothing()
})

// XEP-0045 §7.14
story('§7.14 Who leaves is gone for all, with role none, and may say why', async (s) => {
  const { room, romeo, juliet, mercutio } = await company(s)
  await juliet.sends`<presence type='unavailable' to='${room}/Juliet'><status>Parting is such sweet sorrow</status></presence>`
  const status = '<status>Parting is such sweet sorrow</status>'
  const own = await juliet.receives`<presence type='unavailable' from='${room}/Juliet'>${status}</presence>`
  assert.deepEqual(codesOf(own), [110])
  assert.equal(itemOf(own).attrs['role'], 'none')
  const gone = (item: object) =>
    `<presence type='unavailable' from='${room}/Juliet'>${status}${x({ role: 'none', ...item })}</presence>`
  await romeo.receives`${gone({ jid: juliet.jid })}`
  await mercutio.receives`${gone({})}`
  await says(romeo, room, 'She is gone')
  await hear([mercutio], room, 'Romeo', 'She is gone')
  // XEP-0045 §17.3 rule 5: "MUST silently ignore"
  await juliet.sends`<presence type='unavailable' to='${room}/Juliet'/>`
  for (const actor of [romeo, juliet, mercutio]) await actor.receivesNothing()
})

// XEP-0045 §7.14; RFC 6121 §4.6.3
story('§7.14 Who goes offline, in order or not, leaves all rooms', async (s) => {
  const { room, romeo, juliet, mercutio, paris } = await company(s)
  await enters(paris, room, 'Paris')
  for (const actor of [romeo, juliet, mercutio]) await notices([actor], room, 'Paris')
  await juliet.sends`<presence/>`
  await juliet.sends`<presence type='unavailable'><status>Good night</status></presence>`
  for (const actor of [romeo, mercutio])
    await actor.receives`<presence type='unavailable' from='${room}/Juliet'><status>Good night</status></presence>`
  await paris.disconnects()
  await misses([mercutio], room, 'Paris')
  await mercutio.cuts()
  const heard = (await heardBy(romeo)).map((el) => [el.attrs['type'], el.attrs['from'], codesOf(el)])
  assert.deepEqual(heard, [
    ['unavailable', `${room}/Paris`, []],
    ['unavailable', `${room}/Mercutio`, []],
  ])
})

// XEP-0045 §7.14: "If the room is not persistent and this occupant is the last to exit …"
story('§7.14 With its last occupant a temporary room ends', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  for (const [isPersistent, goes] of [
    [false, (room: string) => leaves(romeo, room, 'Romeo')],
    [true, (room: string) => leaves(romeo, room, 'Romeo')],
    [false, () => romeo.cuts()],
  ] as const) {
    const room = freshRoom(s)
    await opens(romeo, room, 'Romeo', { persistentroom: isPersistent })
    await goes(room)
    const info = `<iq type='get' to='${room}'><query xmlns='${INFO}'/></iq>`
    if (isPersistent) await juliet.asks`${info}`
    else await juliet.isRefused('item-not-found')`${info}`
  }
})
