import assert from 'node:assert/strict'
import { serialize } from '../../src/api.ts'
import { listOf } from '../support/occupants.ts'
import {
  codesOf,
  configures,
  enters,
  type Fields,
  FORM,
  freshRoom,
  grants,
  heardBy,
  join,
  MUC,
  MUC_USER,
  notices,
  opens,
  submission,
} from '../support/room.ts'
import { type Actor, type Story, story } from '../support/story.ts'

const REGISTER = 'jabber:iq:register'
const TYPE = `${MUC}#register`
const INFO = 'http://jabber.org/protocol/disco#info'

const register = (room: string, fields: Fields) =>
  `<iq type='set' to='${room}'><query xmlns='${REGISTER}'>${submission(TYPE, fields)}</query></iq>`
const nick = (text: string): Fields => ({ 'muc#register_roomnick': text })

/** Romeo, who owns a room, and Juliet, who does not. */
async function two(s: Story, fields: Fields = {}) {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  await opens(romeo, room, 'Romeo', fields)
  return { room, romeo, juliet }
}

/** Whether somebody has a place among the members. */
async function isMember(owner: Actor, room: string, jid: string): Promise<boolean> {
  const reply =
    await owner.asks`<iq type='get' to='${room}'><query xmlns='${MUC}#admin'><item affiliation='member'/></query></iq>`
  return reply
    .getChildElements()[0]!
    .getChildren('item')
    .some(({ attrs }) => attrs['jid'] === jid)
}

// XEP-0045 §7.10: "MAY immediately add the user to the member list", "MAY request that the submission be approved"
story('§7.10 The room says who registers: anyone, with or without approval, or nobody', async (s) => {
  const { room, romeo, juliet } = await two(s, { registration: 'open', membersonly: true })
  await juliet.asks`${register(room, nick('Juliet'))}`
  assert.equal(await isMember(romeo, room, juliet.bare), true)
  await juliet.asks`<iq type='set' to='${room}'><query xmlns='${REGISTER}'><remove/></query></iq>`
  assert.equal(await isMember(romeo, room, juliet.bare), false)
  await juliet.isRefused(
    'registration-required',
    'auth',
  )`<iq type='set' to='${room}'><query xmlns='${REGISTER}'><remove/></query></iq>`
  await configures(romeo, room, { registration: 'approval', membersonly: false })
  await heardBy(romeo)
  await juliet.asks`${register(room, nick('Juliet'))}`
  await romeo.receives`<message from='${room}'/>`
  assert.equal(await isMember(romeo, room, juliet.bare), false)
  await configures(romeo, room, { registration: 'closed' })
  for (const query of [register(room, nick('Juliet')), `<iq type='get' to='${room}'><query xmlns='${REGISTER}'/></iq>`])
    await juliet.isRefused('not-allowed', 'cancel')`${query}`
})

// XEP-0045 §9.9
story('§9.9 An admin approves or not; what makes no sense, and who was banned meanwhile, is refused', async (s) => {
  const { room, romeo, juliet } = await two(s, { registration: 'approval' })
  const decide = (more: Fields) =>
    `<message to='${room}'>${submission(TYPE, { ...nick('Juliet'), 'muc#jid': juliet.bare, ...more })}</message>`
  await romeo.sends`${decide({ 'muc#register_allow': false })}`
  await romeo.sends`${decide({})}`
  assert.equal(await isMember(romeo, room, juliet.bare), false)
  await romeo.isRefused('bad-request')`${decide({ 'muc#register_allow': 'perhaps' })}`
  await romeo.isRefused('bad-request')`${decide({ 'muc#register_allow': true, 'muc#jid': '@' })}`
  await romeo.isRefused('bad-request')`${decide({ 'muc#register_allow': true, ...nick('  ') })}`
  await juliet.isRefused('forbidden')`${decide({ 'muc#register_allow': true })}`
  await grants(romeo, room, juliet.bare, 'outcast')
  await romeo.isRefused('not-allowed')`${decide({ 'muc#register_allow': true })}`
  await grants(romeo, room, juliet.bare, 'none')
  await romeo.sends`${decide({ 'muc#register_allow': true })}`
  assert.equal(await isMember(romeo, room, juliet.bare), true)
})

// XEP-0045 §7.10; XEP-0077 §3.2
story('§7.10 Who runs the room and gives the nickname back runs it still', async (s) => {
  const { room, romeo } = await two(s)
  const remove = `<iq type='set' to='${room}'><query xmlns='${REGISTER}'><remove/></query></iq>`
  await romeo.asks`${register(room, nick('Montague'))}`
  await romeo.asks`${remove}`
  const owners = await listOf(romeo, room, "affiliation='owner'")
  assert.deepEqual(
    owners.map(({ jid, nick }) => [jid, nick]),
    [[romeo.bare, undefined]],
  )
})

// XEP-0045 §18.1: code 101 is for who does not know
story('§7.10 Who registers, or gives it up, is told so once, by the answer', async (s) => {
  const { room } = await two(s)
  const paris = await s.online('paris/church')
  await paris.asks`${register(room, nick('Paris'))}`
  await paris.receivesNothing()
  await paris.asks`<iq type='set' to='${room}'><query xmlns='${REGISTER}'><remove/></query></iq>`
  await paris.receivesNothing()
})

// XEP-0045 §9.9
story('§9.9 While an admin is in the room the others are not asked', async (s) => {
  const { room, romeo, juliet } = await two(s, { registration: 'approval' })
  const nurse = await s.online('nurse/chamber')
  await grants(romeo, room, nurse.bare, 'admin')
  await heardBy(nurse)
  await juliet.asks`${register(room, nick('Juliet'))}`
  await romeo.receives`<message from='${room}' to='${romeo.jid}'/>`
  await nurse.receivesNothing()
})

// XEP-0045 §9.9, §5.2.1: a form that nobody has asked for
story('§9.9 By approving an admin changes nothing of who runs the room', async (s) => {
  const { room, romeo, juliet } = await two(s, { registration: 'approval' })
  await romeo.asks`${register(room, nick('Romeo'))}`
  await grants(romeo, room, juliet.bare, 'admin')
  await heardBy(juliet)
  const decide = (jid: string) =>
    `<message to='${room}'>${submission(TYPE, { ...nick('Fool'), 'muc#jid': jid, 'muc#register_allow': true })}</message>`
  await juliet.isRefused('forbidden')`${decide(romeo.bare)}`
  await romeo.sends`${decide(juliet.bare)}`
  const nicks = await listOf(romeo, room, "affiliation='owner'")
  assert.deepEqual(
    nicks.map((one) => one['nick']),
    ['Romeo'],
  )
})

// XEP-0045 §9.9
story('§9.9 Admins who are not in the room are asked where they are', async (s) => {
  const { room, romeo, juliet } = await two(s, { registration: 'approval', persistentroom: true })
  await romeo.sends`<presence/>`
  await romeo.sends`<presence type='unavailable' to='${room}/Romeo'/>`
  await heardBy(romeo)
  await juliet.asks`${register(room, nick('Juliet'))}`
  const asked = await romeo.receives`<message from='${room}' to='${romeo.bare}'><body>*</body></message>`
  assert.ok(asked.getChild('x', FORM))
  await romeo.sends`<message to='${room}'>${submission(TYPE, { ...nick('Juliet'), 'muc#jid': juliet.bare, 'muc#register_allow': true })}</message>`
  assert.equal(await isMember(romeo, room, juliet.bare), true)
  await configures(romeo, room, { persistentroom: false })
})

// XEP-0045 §7.10; XEP-0004 §3.3
story('§7.10 Answers that cannot be are refused, others are there when one asks again', async (s) => {
  const { room, juliet } = await two(s)
  const { bare } = juliet
  for (const answers of [{ 'muc#register_first': 'x'.repeat(1025) }, { 'muc#register_first': ['Juliet', 'Capulet'] }])
    await juliet.isRefused('not-acceptable')`${register(room, { ...nick('Juliet'), ...answers })}`
  await juliet.asks`${register(room, { ...nick('Juliet'), 'muc#register_email': bare, 'muc#register_faqentry': ['What', 'is in a name?'] })}`
  const reply = await juliet.asks`<iq type='get' to='${room}'><query xmlns='${REGISTER}'/></iq>`
  const fields = reply.getChildElements()[0]!.getChild('x', FORM)!.getChildren('field')
  const values = (name: string) =>
    fields
      .find(({ attrs }) => attrs['var'] === name)!
      .getChildren('value')
      .map((value) => value.getText())
  assert.deepEqual(values('muc#register_roomnick'), ['Juliet'])
  assert.deepEqual(values('muc#register_email'), [bare])
  assert.deepEqual(values('muc#register_faqentry'), ['What', 'is in a name?'])
})

// XEP-0045 §7.6, §14.6, status code 210: "adding a space at the end"
story('§14.6 A nick does not differ from another by spaces around it', async (s) => {
  const { room, romeo, juliet } = await two(s)
  await juliet.isRefused('conflict', 'cancel')`${join(room, 'Romeo ')}`
  const { own } = await enters(juliet, room, 'Juliet ')
  assert.equal(own.attrs['from'], `${room}/Juliet`)
  assert.ok(codesOf(own).includes(210))
  await notices([romeo], room, 'Juliet')
  await juliet.isRefused('conflict', 'cancel')`<presence to='${room}/ Romeo'/>`
  await juliet.sends`<presence to='${room}/JC '/>`
  await romeo.receives`<presence type='unavailable' from='${room}/Juliet'/>`
  assert.deepEqual(codesOf(await romeo.receives`<presence from='${room}/JC'/>`), [])
  await juliet.receives`<presence type='unavailable' from='${room}/Juliet'/>`
  assert.deepEqual(codesOf(await juliet.receives`<presence from='${room}/JC'/>`), [110, 210])
  // With the space it is the same nick.
  await juliet.sends`<presence to='${room}/JC '><show>away</show></presence>`
  for (const actor of [romeo, juliet]) {
    const seen = await actor.receives`<presence from='${room}/JC'><show>away</show></presence>`
    assert.equal(seen.attrs['type'], undefined)
  }
})

// XEP-0045 §7.8.2
story('§7.8.2 Nobody declines what was not offered, and nobody invites whom an admin has banned', async (s) => {
  const { room, romeo } = await two(s, { membersonly: true })
  const paris = await s.online('paris/church')
  const decline = `<message to='${room}'><x xmlns='${MUC_USER}'><decline to='${romeo.bare}'/></x></message>`
  await paris.isRefused('item-not-found', 'cancel')`${decline}`
  const invite = `<message to='${room}'><x xmlns='${MUC_USER}'><invite to='${paris.bare}'/></x></message>`
  await romeo.sends`${invite}`
  await paris.receives`<message from='${room}'/>`
  await paris.sends`${decline}`
  const declined = await romeo.receives`<message from='${room}'/>`
  assert.equal(declined.getChild('x', MUC_USER)!.getChild('decline')!.attrs['from'], paris.bare)
  // Once is enough.
  await paris.isRefused('item-not-found', 'cancel')`${decline}`
  await grants(romeo, room, paris.bare, 'outcast')
  await romeo.isRefused('not-allowed', 'cancel')`${invite}`
  const many = `<invite to='${paris.bare}'/>`.repeat(21)
  await romeo.isRefused('policy-violation')`<message to='${room}'><x xmlns='${MUC_USER}'>${many}</x></message>`
  await paris.receivesNothing()
})

// XEP-0045 §6.4, §14.4
story('§6.4 A hidden room for members tells those outside what it is like, and nothing else', async (s) => {
  const { room, romeo, juliet } = await two(s, {
    membersonly: true,
    publicroom: false,
    roomname: 'Secret',
    roomdesc: 'Of lovers',
    'muc#roominfo_contactjid': ['nurse@capulet.example'],
  })
  await romeo.sends`<message type='groupchat' to='${room}'><subject>Elopement</subject></message>`
  await romeo.receives`<message from='${room}/Romeo'/>`
  const ask = async (actor: Actor) =>
    serialize(await actor.asks`<iq type='get' to='${room}'><query xmlns='${INFO}'/></iq>`)
  assert.ok(!/Secret|lovers|Elopement|occupants|nurse|x:data/.test(await ask(juliet)))
  const known = await ask(romeo)
  for (const text of ['Secret', 'lovers', 'Elopement', 'muc#roominfo_occupants', 'nurse'])
    assert.ok(known.includes(text), text)
  await configures(romeo, room, { publicroom: true })
  const listed = await ask(juliet)
  assert.ok(/Secret/.test(listed) && /lovers/.test(listed) && !/Elopement|occupants/.test(listed))
  await grants(romeo, room, juliet.bare, 'member')
  assert.ok(/Elopement/.test(await ask(juliet)))
})
