import assert from 'node:assert/strict'
import { type Element, serialize } from '../../src/api.ts'
import {
  DELAY,
  enters,
  freshRoom,
  gather,
  grants,
  heardBy,
  isTurnedAway,
  join,
  MUC_USER,
  notices,
  opens,
  x,
} from '../support/room.ts'
import { type Actor, type Story, story } from '../support/story.ts'

/** Romeo, the owner, and Juliet in a room; and Mercutio, who is online. */
async function company(s: Story, fields?: Record<string, string | boolean>) {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  const mercutio = await s.online('mercutio/street')
  const room = freshRoom(s)
  await opens(romeo, room, 'Romeo', fields)
  if (fields?.['membersonly']) {
    await grants(romeo, room, juliet.bare, 'member')
    // XEP-0045 §9.5
    await isInvited(juliet, room)
  }
  // XEP-0045 §9.3: new members of a room for members are invited.
  await heardBy(juliet)
  const inside = fields?.['roomsecret'] === undefined ? '' : `<password>${fields['roomsecret']}</password>`
  await enters(juliet, room, 'Juliet', { inside })
  await heardBy(romeo)
  return { room, romeo, juliet, mercutio }
}

const invitation = (room: string, to: string, inside = '') =>
  `<message to='${room}'><x xmlns='${MUC_USER}'><invite to='${to}'>${inside}</invite></x></message>`

/** The invitation that somebody hears from a room; its inviter. */
async function isInvited(actor: Actor, room: string, inside = '', beside = ''): Promise<Element> {
  const heard =
    await actor.receives`<message from='${room}'><x xmlns='${MUC_USER}'><invite from='*'>${inside}</invite>${beside}</x></message>`
  assert.ok([undefined, 'normal'].includes(heard.attrs['type']), serialize(heard))
  const invite = heard.getChild('x', MUC_USER)!.getChild('invite')!
  assert.equal(invite.attrs['to'], undefined)
  return invite
}

// XEP-0045 §7.8.1; XEP-0249 §2
story('§7.8.1 A direct invitation reaches the contact as it is', async (s) => {
  const { room, juliet, mercutio } = await company(s)
  for (const more of [`reason='Come'`, `password='p' continue='true' thread='t' reason='Come'`]) {
    const x = `<x xmlns='jabber:x:conference' jid='${room}' ${more}/>`
    await juliet.sends`<message to='${mercutio.bare}' id='i'>${x}</message>`
    await mercutio.receives`<message from='${juliet.jid}' id='i'>${x}</message>`
  }
})

// XEP-0045 §7.8.2
story('§7.8.2 An occupant invites somebody through the room', async (s) => {
  const { room, romeo, juliet, mercutio } = await company(s)
  for (const to of [mercutio.bare, mercutio.jid]) {
    await juliet.sends`${invitation(room, to, '<reason>Hey</reason>')}`
    const { attrs } = await isInvited(mercutio, room, '<reason>Hey</reason>')
    assert.ok([juliet.bare, juliet.jid, `${room}/Juliet`].includes(attrs['from']!), attrs['from'])
    await juliet.sends`${invitation(room, to)}`
    await isInvited(mercutio, room)
  }
  for (const actor of [romeo, juliet, mercutio]) await actor.receivesNothing()
  await enters(mercutio, room, 'Mercutio')
})

// XEP-0045 §7.8.2: "the room SHOULD add the password"
story('§7.8.2 Who is invited is told the password', async (s) => {
  const { room, juliet, mercutio } = await company(s, { passwordprotectedroom: true, roomsecret: 'sesame' })
  await juliet.sends`${invitation(room, mercutio.bare)}`
  await isInvited(mercutio, room, '', '<password>sesame</password>')
  await enters(mercutio, room, 'Mercutio', { inside: '<password>sesame</password>' })
})

// XEP-0045 §7.8.2, §9.3: "if a member without privileges … attempts to invite another user"
story('§7.8.2 Into a members-only room admins invite, and members where the room lets them', async (s) => {
  const { room, romeo, juliet, mercutio } = await company(s, { membersonly: true, allowinvites: false })
  await isTurnedAway(juliet, 'forbidden', 'auth', invitation(room, mercutio.bare))
  await mercutio.receivesNothing()
  await isTurnedAway(mercutio, 'registration-required', 'auth', join(room, 'Mercutio'))
  await romeo.sends`${invitation(room, mercutio.bare)}`
  await isInvited(mercutio, room)
  await enters(mercutio, room, 'Mercutio')
  await romeo.receives`<presence from='${room}/Mercutio'>${x({ affiliation: 'member', jid: mercutio.jid })}</presence>`
  const open = await company(s, { membersonly: true, allowinvites: true })
  await open.juliet.sends`${invitation(open.room, open.mercutio.bare)}`
  await isInvited(open.mercutio, open.room)
  await enters(open.mercutio, open.room, 'Mercutio')
})

// XEP-0045 §7.8.2, §17.2 rule 2
story('§7.8.2 Who is not there invites nobody, and nobody is invited to nowhere', async (s) => {
  const { room, romeo, juliet, mercutio } = await company(s)
  await isTurnedAway(mercutio, 'not-acceptable', undefined, invitation(room, romeo.bare))
  await isTurnedAway(juliet, 'jid-malformed', 'modify', invitation(room, '@'))
  await juliet.isRefused('bad-request', 'modify')`<message to='${room}'><x xmlns='${MUC_USER}'><invite/></x></message>`
  await juliet.isRefused('item-not-found', 'cancel')`${invitation(freshRoom(s), mercutio.bare)}`
  for (const actor of [romeo, juliet, mercutio]) await actor.receivesNothing()
})

// The server does not tell unknown accounts from known ones.
story('§7.8.2 An invitation tells nobody whether an account exists', async (s) => {
  const { room, juliet } = await company(s)
  await s.createAccount('benvolio')
  for (const local of ['benvolio', 'nobody']) {
    await juliet.sends`${invitation(room, `${local}@${s.domain}`)}`
    await juliet.receivesNothing()
  }
})

// XEP-0045 §7.8.2: "The room itself MUST then add a 'from' address"; §17.3 rule 6
story('§7.8.2 An invitation says what the room says: no forged inviter, no codes, no body', async (s) => {
  const { room, romeo, juliet, mercutio } = await company(s)
  await juliet.sends`<message to='${room}'><body>Call me</body><x xmlns='${MUC_USER}'><invite to='${mercutio.bare}' from='${romeo.bare}'><reason>Hey</reason></invite><item affiliation='owner' role='moderator'/><status code='101'/><password>forged</password></x></message>`
  const { attrs } = await isInvited(mercutio, room, '<reason>Hey</reason>')
  assert.ok([juliet.bare, juliet.jid, `${room}/Juliet`].includes(attrs['from']!), attrs['from'])
})

// XEP-0045 §7.8.2
story('§7.8.2 Who declines an invitation lets the inviter know', async (s) => {
  const { room, romeo, juliet, mercutio } = await company(s)
  await juliet.sends`${invitation(room, mercutio.bare)}`
  const inviter = (await isInvited(mercutio, room)).attrs['from']!
  await mercutio.sends`<message to='${room}'><x xmlns='${MUC_USER}'><decline to='${inviter}' from='${romeo.bare}'><reason>Too busy</reason></decline><status code='301'/></x></message>`
  const heard =
    await juliet.receives`<message from='${room}'><x xmlns='${MUC_USER}'><decline from='*'><reason>Too busy</reason></decline></x></message>`
  const from = heard.getChild('x', MUC_USER)!.getChild('decline')!.attrs['from']!
  assert.ok([mercutio.bare, mercutio.jid].includes(from), from)
  for (const actor of [romeo, juliet, mercutio]) await actor.receivesNothing()
})

// XEP-0045 §7.9
story('§7.9 A talk between two becomes one of three in a room', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  const mercutio = await s.online('mercutio/street')
  const room = freshRoom(s)
  await opens(romeo, room, 'Romeo', { whois: 'anyone' })
  const stamps = ['2004-09-29T01:54:37Z', '2004-09-29T01:55:21Z']
  for (const [n, stamp] of stamps.entries()) {
    const inside = `<thread>t</thread><body>${n}</body><delay xmlns='${DELAY}' from='${romeo.jid}' stamp='${stamp}'/>`
    await romeo.sends`<message type='groupchat' to='${room}'>${inside}</message>`
    await romeo.receives`<message type='groupchat' from='${room}/Romeo'>${inside}</message>`
  }
  const inside = `<reason>Both of you</reason><continue thread='t'/>`
  await romeo.sends`<message to='${room}'><x xmlns='${MUC_USER}'><invite to='${juliet.jid}'>${inside}</invite><invite to='${mercutio.bare}'>${inside}</invite></x></message>`
  for (const actor of [juliet, mercutio]) await isInvited(actor, room, inside)
  const { history } = await enters(juliet, room, 'Juliet')
  // "The service SHOULD NOT add its own delay elements"
  assert.deepEqual(
    history.map((el) => el.getChildren('delay', DELAY).map(({ attrs }) => attrs['stamp'])),
    stamps.map((stamp) => [stamp]),
  )
  assert.deepEqual(
    history.map((el) => [el.getChildText('thread'), el.getChildText('body')]),
    [
      ['t', '0'],
      ['t', '1'],
    ],
  )
})

// XEP-0045 §7.9 is for owners; XEP-0203 §4
story('§7.9 What others say that they said long ago is history of when the room heard it', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const paris = await s.login('paris')
  const room = freshRoom(s)
  await gather(room, [
    [romeo, 'Romeo'],
    [juliet, 'Juliet'],
  ])
  await juliet.sends`<message type='groupchat' to='${room}'><body>Hi</body><delay xmlns='${DELAY}' from='${room}' stamp='2004-09-29T01:54:37Z'/></message>`
  const live = await romeo.receives`<message from='${room}/Juliet'><body>Hi</body></message>`
  assert.ok(!serialize(live).includes('2004'))
  const { history } = await enters(paris, room, 'Paris')
  await notices([romeo], room, 'Paris')
  const own = history[0]!.getChildren('delay', DELAY).filter(({ attrs }) => attrs['from'] === room)
  assert.equal(own.length, 1)
  assert.equal(own[0]!.attrs['stamp']!.slice(0, 16), new Date(s.bed.clock.now()).toISOString().slice(0, 16))
})
