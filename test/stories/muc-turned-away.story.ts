import assert from 'node:assert/strict'
import { serialize } from '../../src/api.ts'
import {
  codesOf,
  configures,
  enters,
  freshRoom,
  grants,
  heardBy,
  isTurnedAway,
  join,
  leaves,
  MUC,
  MUC_USER,
  misses,
  notices,
  opens,
  x,
} from '../support/room.ts'
import { story } from '../support/story.ts'

// XEP-0045 §7.2.5
story('§7.2.5 A password-protected room opens to the password alone, and tells it nobody', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  await opens(romeo, room, 'Romeo', { passwordprotectedroom: true, roomsecret: 'open sesame' })
  for (const inside of ['', '<password/>', '<password>open</password>', '<password>Open Sesame</password>'])
    await isTurnedAway(juliet, 'not-authorized', 'auth', join(room, 'Juliet', { inside }))
  await romeo.receivesNothing()
  const { own } = await enters(juliet, room, 'Juliet', { inside: '<password>open sesame</password>' })
  const seen = await romeo.receives`<presence from='${room}/Juliet'>${x({ jid: juliet.jid })}</presence>`
  for (const presence of [own, seen]) {
    assert.ok(!serialize(presence).includes('sesame'))
    assert.equal(presence.getChild('x', MUC), undefined)
  }
})

// XEP-0045 §7.2.6, §5.1.2
story('§7.2.6 A members-only room lets in members alone', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  await opens(romeo, room, 'Romeo', { membersonly: true })
  await isTurnedAway(juliet, 'registration-required', 'auth', join(room, 'Juliet'))
  await romeo.receivesNothing()
  await grants(romeo, room, juliet.bare, 'member')
  await enters(juliet, room, 'Juliet')
  await romeo.receives`<presence from='${room}/Juliet'>${x({ affiliation: 'member', jid: juliet.jid })}</presence>`
})

// XEP-0045 §7.2.7
story('§7.2.7 Who is banned stays out, with whatever resource and password', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const tybalt = await s.login('tybalt/street')
  const room = freshRoom(s)
  await opens(romeo, room, 'Romeo', { passwordprotectedroom: true, roomsecret: 'open sesame' })
  await grants(romeo, room, tybalt.bare, 'outcast', { reason: 'Treason' })
  const inside = '<password>open sesame</password>'
  for (const actor of [tybalt, await s.login('tybalt/other')])
    await isTurnedAway(actor, 'forbidden', 'auth', join(room, 'Tybalt', { inside }))
  await romeo.receivesNothing()
  await grants(romeo, room, tybalt.bare, 'none')
  await enters(tybalt, room, 'Tybalt', { inside })
})

// XEP-0045 §7.2.8
story('§7.2.8 A nickname that another has is not given twice', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const paris = await s.login('paris')
  const room = freshRoom(s)
  await opens(romeo, room, 'Romeo')
  await isTurnedAway(juliet, 'conflict', 'cancel', join(room, 'Romeo'))
  // What Resourceprep and PRECIS alike make the same is the same.
  await enters(juliet, room, 'Zo\u00eb')
  await paris.isRefused('conflict', 'cancel')`${join(room, 'Zoe\u0308')}`
  await notices([romeo], room, 'Zo\u00eb')
  await romeo.receivesNothing()
})

// XEP-0045 §7.2.9
story('§7.2.9 A full room turns away all but its owners and admins', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const nurse = await s.login('nurse')
  const room = freshRoom(s)
  await opens(romeo, room, 'Romeo', { maxusers: '2' })
  await grants(romeo, room, nurse.bare, 'admin')
  const juliet = await s.login('juliet/balcony')
  await enters(juliet, room, 'Juliet')
  const paris = await s.login('paris')
  await isTurnedAway(paris, 'service-unavailable', 'wait', join(room, 'Paris'))
  await enters(nurse, room, 'Nurse')
  await leaves(nurse, room, 'Nurse')
  await isTurnedAway(paris, 'service-unavailable', 'wait', join(room, 'Paris'))
  await romeo.sends`<presence type='unavailable' to='${room}/Romeo'/>`
  await heardBy(romeo)
  await enters(paris, room, 'Paris')
  await enters(romeo, room, 'Romeo')
})

// XEP-0045 §7.2.10, §17.2 rule 3
story('§7.2.10 A room that is not configured yet is not there for others', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  const { own } = await enters(romeo, room, 'Romeo')
  assert.deepEqual(codesOf(own), [110, 170, 201])
  await isTurnedAway(juliet, 'item-not-found', 'cancel', join(room, 'Juliet'))
  for (const message of [
    `<message type='groupchat' to='${room}'><body>Hi</body></message>`,
    `<message type='chat' to='${room}/Romeo'><body>Hi</body></message>`,
    `<message to='${room}'><x xmlns='${MUC_USER}'><invite to='paris@${s.domain}'/></x></message>`,
  ])
    await juliet.isRefused('item-not-found', 'cancel')`${message}`
  await romeo.receivesNothing()
  await configures(romeo, room, {})
  await enters(juliet, room, 'Juliet')
})

// XEP-0045 §7.2.17
story('§7.2.17 Who was turned away is not in the room', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  await opens(romeo, room, 'Romeo')
  await isTurnedAway(juliet, 'conflict', 'cancel', join(room, 'Romeo'))
  await juliet.isRefused('not-acceptable')`<message type='groupchat' to='${room}'><body>Hi</body></message>`
  await romeo.sends`<message type='groupchat' to='${room}'><body>Alone?</body></message>`
  await romeo.receives`<message from='${room}/Romeo'/>`
  await juliet.receivesNothing()
  await enters(juliet, room, 'Juliet')
  await notices([romeo], room, 'Juliet')
  await juliet.cuts()
  await misses([romeo], room, 'Juliet')
})

// XEP-0045 §7.2.17, §10.1.1
story(
  '§7.2.17 Where rooms are not for everybody to create, nobody else does',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const room = freshRoom(s)
    await isTurnedAway(romeo, 'not-allowed', 'cancel', join(room, 'Romeo'))
    await romeo.isRefused('item-not-found')`<message type='groupchat' to='${room}'><body>Hi</body></message>`
  },
  { modules: { muc: { creation: 'admins' } } },
)
