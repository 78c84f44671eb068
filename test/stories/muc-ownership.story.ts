import assert from 'node:assert/strict'
import {
  allSee,
  change,
  changes,
  company,
  item,
  jidsOf,
  listOf,
  listRequest,
  roomInfo,
  sees,
  unheard,
} from '../support/occupants.ts'
import { codesOf, enters, freshRoom, grants, join, MUC, MUC_OWNER, MUC_USER, notices, opens } from '../support/room.ts'
import { type Actor, drain, story } from '../support/story.ts'

const affiliate = (jid: string, affiliation: string, reason?: string) =>
  item(`affiliation='${affiliation}' jid='${jid}'`, reason)
const owner = { affiliation: 'owner', role: 'moderator' } as const
const admin = { affiliation: 'admin', role: 'moderator' } as const
const gone = { affiliation: 'none', role: 'none', type: 'unavailable', codes: [110] } as const
const destruction = (room: string, inside = '', attributes = '') =>
  `<iq type='set' to='${room}'><query xmlns='${MUC_OWNER}'><destroy${attributes}>${inside}</destroy></query></iq>`

/** Gives Romeo an affiliation, which all see. */
async function makes(room: string, juliet: Actor, romeo: Actor, all: readonly Actor[], affiliation: string) {
  await grants(juliet, room, romeo.bare, affiliation)
  await notices(all, room, 'Romeo')
}

story('An owner makes an owner, by a full address too // XEP-0045 §10.3', async (s) => {
  const { room, juliet, romeo, mercutio } = await company(s)
  await juliet.sends`<iq type='set' id='owner' to='${room}'><query xmlns='${MUC}#admin'>${affiliate(romeo.jid, 'owner', 'Love')}</query></iq>`
  await juliet.receives`<iq type='result' id='owner' from='${room}'/>`
  await sees(juliet, `${room}/Romeo`, { ...owner, jid: romeo.jid, reason: 'Love' })
  await sees(romeo, `${room}/Romeo`, { ...owner, codes: [110], reason: 'Love' })
  await sees(mercutio, `${room}/Romeo`, { ...owner, reason: 'Love' })
  assert.deepEqual(await jidsOf(romeo, room, 'owner'), [juliet.bare, romeo.bare])
})

story('An owner unmakes an owner // XEP-0045 §10.4', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  await makes(room, juliet, romeo, all, 'owner')
  await changes(romeo, room, affiliate(juliet.bare, 'admin', 'Sleep'))
  await sees(mercutio, `${room}/Juliet`, { ...admin, reason: 'Sleep' })
  await juliet.isRefused('forbidden', 'auth')`${change(room, affiliate(juliet.bare, 'owner'))}`
  assert.deepEqual(await jidsOf(romeo, room, 'owner'), [romeo.bare])
})

story('The last owner stays one; the last but one need not // XEP-0045 §10.4', async (s) => {
  const { room, juliet, romeo, all } = await company(s)
  for (const affiliation of ['admin', 'member', 'none'])
    await juliet.isRefused('conflict', 'cancel')`${change(room, affiliate(juliet.bare, affiliation))}`
  for (const actor of all) await actor.receivesNothing()
  await makes(room, juliet, romeo, all, 'owner')
  await juliet.isRefused(
    'conflict',
    'cancel',
  )`${change(room, affiliate(juliet.bare, 'none'), affiliate(romeo.bare, 'none'))}`
  await changes(juliet, room, affiliate(juliet.bare, 'none'))
  await sees(romeo, `${room}/Juliet`, { affiliation: 'none', role: 'participant', jid: juliet.jid })
  await romeo.isRefused('conflict', 'cancel')`${change(room, affiliate(romeo.bare, 'none'))}`
})

story('The last owner hands a room over in one request // XEP-0045 §10.5', async (s) => {
  const { room, juliet, romeo } = await company(s)
  await changes(juliet, room, affiliate(juliet.bare, 'none'), affiliate(romeo.bare, 'owner'))
  assert.deepEqual(await jidsOf(romeo, room, 'owner'), [romeo.bare])
})

story('Only owners read and change the list of owners // XEP-0045 §10.3, §10.4, §10.5', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  const tybalt = await s.login('tybalt/square')
  await makes(room, juliet, romeo, all, 'admin')
  for (const actor of [romeo, mercutio, tybalt]) {
    await actor.isRefused('forbidden', 'auth')`${listRequest(room, "affiliation='owner'")}`
    await actor.isRefused('forbidden', 'auth')`${change(room, affiliate(actor.bare, 'owner'))}`
    for (const affiliation of ['admin', 'member', 'none'])
      await actor.isRefused('forbidden', 'auth')`${change(room, affiliate(juliet.bare, affiliation))}`
  }
  for (const actor of all) await actor.receivesNothing()
  const [entry] = await listOf(juliet, room, "affiliation='owner'")
  const { nick: _nick, ...rest } = entry!
  assert.deepEqual(rest, { affiliation: 'owner', jid: juliet.bare })
})

story('An owner makes an admin // XEP-0045 §10.6', async (s) => {
  const { room, juliet, romeo, mercutio } = await company(s)
  await juliet.sends`<iq type='set' id='admin' to='${room}'><query xmlns='${MUC}#admin'>${affiliate(romeo.bare, 'admin', 'Trust')}</query></iq>`
  await juliet.receives`<iq type='result' id='admin' from='${room}'/>`
  await sees(juliet, `${room}/Romeo`, { ...admin, jid: romeo.jid, reason: 'Trust' })
  await sees(romeo, `${room}/Romeo`, { ...admin, codes: [110], reason: 'Trust' })
  await sees(mercutio, `${room}/Romeo`, { ...admin, reason: 'Trust' })
})

story('An owner unmakes an admin // XEP-0045 §10.7', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  await makes(room, juliet, romeo, all, 'admin')
  await changes(juliet, room, affiliate(romeo.bare, 'none', 'Haste'))
  const shown = { affiliation: 'none', role: 'participant', reason: 'Haste' }
  await sees(juliet, `${room}/Romeo`, { ...shown, jid: romeo.jid })
  await sees(romeo, `${room}/Romeo`, { ...shown, codes: [110] })
  await sees(mercutio, `${room}/Romeo`, shown)
  await romeo.isRefused('forbidden', 'auth')`${change(room, affiliate(mercutio.bare, 'outcast'))}`
})

story('An admin unmade in a moderated room has no voice by that // XEP-0045 §5.1.2, §10.7', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s, { moderatedroom: true })
  await makes(room, juliet, romeo, all, 'admin')
  await changes(juliet, room, affiliate(romeo.bare, 'none'))
  await sees(mercutio, `${room}/Romeo`, { affiliation: 'none', role: 'visitor' })
})

story('Who loses a place in a members-only room with admin status leaves it // XEP-0045 §10.7, §9.4', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  await opens(juliet, room, 'Juliet', { membersonly: true })
  await grants(juliet, room, romeo.bare, 'admin')
  await enters(romeo, room, 'Romeo')
  await notices([juliet], room, 'Romeo')
  await changes(juliet, room, affiliate(romeo.bare, 'none'))
  await sees(romeo, `${room}/Romeo`, { ...gone, codes: [110, 321] })
  await sees(juliet, `${room}/Romeo`, { ...gone, codes: [321], jid: romeo.jid })
})

story('Only owners read and change the list of admins, and send what changes // XEP-0045 §10.8', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  const tybalt = await s.login('tybalt/square')
  await changes(juliet, room, affiliate(romeo.bare, 'admin'), affiliate('nurse@localhost', 'admin'))
  await allSee([mercutio], `${room}/Romeo`, admin)
  await notices([juliet, romeo], room, 'Romeo')
  assert.deepEqual(await jidsOf(juliet, room, 'admin'), ['nurse@localhost', romeo.bare])
  for (const actor of [romeo, mercutio, tybalt]) {
    await actor.isRefused('forbidden', 'auth')`${listRequest(room, "affiliation='admin'")}`
    await actor.isRefused('forbidden', 'auth')`${change(room, affiliate('peter@localhost', 'admin'))}`
    await actor.isRefused('forbidden', 'auth')`${change(room, affiliate('nurse@localhost', 'none'))}`
  }
  await changes(juliet, room, affiliate('nurse@localhost', 'none'), affiliate('peter@localhost', 'admin'))
  assert.deepEqual(await jidsOf(juliet, room, 'admin'), ['peter@localhost', romeo.bare])
  for (const actor of all) await actor.receivesNothing()
})

story('The owner of a room destroys it, and says where to go // XEP-0045 §10.9', async (s) => {
  const { room, juliet, romeo, mercutio } = await company(s, { persistentroom: true })
  const venue = freshRoom(s, 'tomb')
  const inside = '<password>rose</password><reason>Macbeth doth come.</reason>'
  await juliet.sends`<iq type='set' id='begone' to='${room}'><query xmlns='${MUC_OWNER}'><destroy jid='${venue}'>${inside}</destroy></query></iq>`
  for (const [actor, nick] of [
    [romeo, 'Romeo'],
    [mercutio, 'Mercutio'],
    [juliet, 'Juliet'],
  ] as const) {
    // One presence each: nobody hears of the others.
    const presence = await sees(actor, `${room}/${nick}`, gone)
    const destroy = presence.getChild('x', MUC_USER)!.getChild('destroy')!
    assert.equal(destroy.attrs['jid'], venue)
    assert.equal(destroy.getChildText('password'), 'rose')
    assert.equal(destroy.getChildText('reason'), 'Macbeth doth come.')
  }
  await juliet.receives`<iq type='result' id='begone' from='${room}' to='${juliet.jid}'/>`
  for (const actor of [juliet, romeo, mercutio]) await actor.receivesNothing()
  await romeo.isRefused('item-not-found', 'cancel')`<message type='groupchat' to='${room}'><body>Hm</body></message>`
  // The name is free again, and nothing is left of the room.
  assert.ok(codesOf((await enters(romeo, room, 'Romeo')).own).includes(201))
  assert.deepEqual(await jidsOf(romeo, room, 'owner'), [romeo.bare])
})

story('A room is destroyed without a word too // XEP-0045 §10.9', async (s) => {
  const { room, juliet, romeo } = await company(s)
  await juliet.asks`${destruction(room)}`
  const presence = await sees(romeo, `${room}/Romeo`, gone)
  const destroy = presence.getChild('x', MUC_USER)!.getChild('destroy')!
  assert.equal(destroy.attrs['jid'], undefined)
  assert.deepEqual(destroy.children, [])
})

story('An owner who is not in the room destroys it // XEP-0045 §10.9', async (s) => {
  const { room, juliet, romeo } = await company(s, { persistentroom: true })
  const phone = await s.login('juliet/phone')
  await juliet.cuts()
  await romeo.receives`<presence from='${room}/Juliet' type='unavailable'/>`
  await phone.asks`${destruction(room, '<reason>Over</reason>')}`
  await sees(romeo, `${room}/Romeo`, gone)
  await phone.isRefused('item-not-found', 'cancel')`${destruction(room)}`
})

story('Nobody but owners destroys a room // XEP-0045 §10.9', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  const tybalt = await s.login('tybalt/square')
  await makes(room, juliet, romeo, all, 'admin')
  for (const actor of [romeo, mercutio, tybalt]) await actor.isRefused('forbidden', 'auth')`${destruction(room)}`
  await juliet.isRefused('jid-malformed', 'modify')`${destruction(room, '', " jid='@'")}`
  for (const actor of all) await actor.receivesNothing()
  await roomInfo(tybalt, room)
})

story(
  'Who runs the server owns every room // XEP-0045 §9, §10',
  async (s) => {
    const room = freshRoom(s)
    const romeo = await s.login('romeo/orchard')
    const prince = await s.online('escalus/court')
    await opens(romeo, room, 'Romeo', { membersonly: true })
    const { own } = await enters(prince, room, 'Prince')
    assert.equal(own.getChild('x')!.getChild('item')!.attrs['affiliation'], 'owner')
    await drain(romeo)
    await romeo.isRefused('not-allowed', 'cancel')`${change(room, item("nick='Prince' role='visitor'"))}`
    // Nothing of that changes, and whoever is there is not told what was done behind its back.
    await grants(romeo, room, prince.bare, 'owner')
    assert.deepEqual(await unheard(prince), [])
    await grants(prince, room, prince.bare, 'none')
    assert.deepEqual(await jidsOf(prince, room, 'owner'), [romeo.bare])
    await prince.asks`${destruction(room)}`
    await romeo.isRefused('item-not-found', 'cancel')`${destruction(room)}`
    assert.ok(codesOf(await sees(romeo, `${room}/Romeo`, gone)).includes(110))
  },
  { server: { admins: ['escalus@localhost'] } },
)

story(
  'A room is made by whoever the service lets // XEP-0045 §10.1.1',
  async (s) => {
    const juliet = await s.login('juliet/balcony')
    const room = freshRoom(s)
    const refusal = await juliet.isRefused('not-allowed', 'cancel')`${join(room, 'Juliet')}`
    assert.equal(refusal.attrs['from'], `${room}/Juliet`)
    assert.equal(refusal.getChild('error')!.attrs['by'], room)
  },
  { modules: { muc: { creation: 'admins' } } },
)
