import assert from 'node:assert/strict'
import { NS_MAM, stanzaIds } from '../support/archive.ts'
import {
  company,
  configuration,
  hearOfChange,
  jidsOf,
  listRequest,
  roomInfo,
  sees,
  unheard,
} from '../support/occupants.ts'
import {
  assigns,
  codesOf,
  configures,
  enters,
  freshRoom,
  grants,
  itemOf,
  join,
  MUC_USER,
  misses,
  notices,
  opens,
  says,
} from '../support/room.ts'
import { type Actor, drain, type Story, story } from '../support/story.ts'

const participant = { affiliation: 'none', role: 'participant' } as const
const gone = { affiliation: 'none', role: 'none', type: 'unavailable' } as const
const member = { affiliation: 'member', role: 'participant' } as const

async function hasFeature(actor: Actor, room: string, feature: string): Promise<boolean> {
  return (await roomInfo(actor, room)).features.includes(feature)
}

/** The rooms that the service lists. */
async function listed(s: Story, actor: Actor): Promise<string[]> {
  const ns = 'http://jabber.org/protocol/disco#items'
  const max = "<set xmlns='http://jabber.org/protocol/rsm'><max>1000</max></set>"
  const reply = await actor.asks`<iq type='get' to='conference.${s.domain}'><query xmlns='${ns}'>${max}</query></iq>`
  const items = reply.getChild('query', ns)!.getChildren('item')
  return items.map((entry) => entry.attrs['jid']!)
}

const whisper = (room: string, nick: string) =>
  `<message type='chat' to='${room}/${nick}'><body>Psst</body><x xmlns='${MUC_USER}'/></message>`
const invitation = (room: string, jid: string) =>
  `<message to='${room}'><x xmlns='${MUC_USER}'><invite to='${jid}'><reason>Come</reason></invite></x></message>`

story('moderatedroom: newcomers listen, members speak // XEP-0045 §5.1.2', async (s) => {
  const { room, juliet, romeo, all } = await company(s)
  const [tybalt, nurse] = [await s.login('tybalt/square'), await s.login('nurse/hall')]
  assert.equal(await hasFeature(tybalt, room, 'muc_unmoderated'), true)
  await grants(juliet, room, nurse.bare, 'member')
  await configures(juliet, room, { moderatedroom: true })
  await hearOfChange(all, room, 104)
  assert.equal(await hasFeature(tybalt, room, 'muc_moderated'), true)
  // Who had voice keeps it.
  await says(romeo, room, 'Ay me')
  assert.equal(itemOf((await enters(tybalt, room, 'Tybalt')).own).attrs['role'], 'visitor')
  await tybalt.isRefused('forbidden', 'auth')`<message type='groupchat' to='${room}'><body>Peace</body></message>`
  assert.equal(itemOf((await enters(nurse, room, 'Nurse')).own).attrs['role'], 'participant')
  await says(nurse, room, 'Anon')
})

story('membersonly: who is no member goes // XEP-0045 §10.2', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  await grants(juliet, room, romeo.bare, 'member')
  await notices(all, room, 'Romeo')
  await configures(juliet, room, { membersonly: true })
  await sees(mercutio, `${room}/Mercutio`, { ...gone, codes: [110, 322] })
  const heard = [await romeo.next(), await romeo.next()]
  assert.deepEqual(heard.map(codesOf).sort(), [[104], [322]])
  await juliet.receivesInAnyOrder([
    `<message type='groupchat' from='${room}'/>`,
    `<presence type='unavailable' from='${room}/Mercutio'/>`,
  ])
  await mercutio.isRefused('registration-required', 'auth')`${join(room, 'Mercutio')}`
  assert.equal(await hasFeature(romeo, room, 'muc_membersonly'), true)
  await configures(juliet, room, { membersonly: false })
  await hearOfChange([juliet, romeo], room, 104)
  await enters(mercutio, room, 'Mercutio')
})

story('whois: addresses are shown from now on, or no more // XEP-0045 §10.2.1, §7.2.3', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  await configures(juliet, room, { whois: 'anyone' })
  await hearOfChange(all, room, 172)
  assert.equal(await hasFeature(romeo, room, 'muc_nonanonymous'), true)
  romeo.send(`<presence to='${room}/Romeo'><show>away</show></presence>`)
  await sees(mercutio, `${room}/Romeo`, { ...participant, jid: romeo.jid })
  const tybalt = await s.login('tybalt/square')
  const entrance = await enters(tybalt, room, 'Tybalt')
  assert.deepEqual(codesOf(entrance.own), [100, 110, 170])
  assert.deepEqual(
    entrance.others.map((presence) => itemOf(presence).attrs['jid']),
    [juliet.jid, romeo.jid, mercutio.jid],
  )
  for (const actor of [...all, tybalt]) await drain(actor)
  await configures(juliet, room, { whois: 'moderators' })
  await hearOfChange([...all, tybalt], room, 173)
  tybalt.send(`<presence to='${room}/Tybalt'><show>away</show></presence>`)
  await sees(mercutio, `${room}/Tybalt`, participant)
  await sees(juliet, `${room}/Tybalt`, { ...participant, jid: tybalt.jid })
})

story('presencebroadcast: visitors come and go unseen // XEP-0045 §5.1, §10.1.3', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s, {
    moderatedroom: true,
    presencebroadcast: ['moderator', 'participant', 'visitor'],
  })
  await assigns(juliet, room, 'Romeo', 'participant')
  await notices(all, room, 'Romeo')
  await configures(juliet, room, { presencebroadcast: ['moderator', 'participant'] })
  for (const actor of all) await drain(actor)
  const tybalt = await s.login('tybalt/square')
  const entrance = await enters(tybalt, room, 'Tybalt')
  assert.deepEqual(
    entrance.others.map((presence) => presence.attrs['from']),
    [`${room}/Juliet`, `${room}/Romeo`],
  )
  for (const actor of [romeo, mercutio]) await actor.receivesNothing()
  // With voice he is seen.
  await assigns(juliet, room, 'Tybalt', 'participant')
  for (const actor of [romeo, mercutio]) await sees(actor, `${room}/Tybalt`, participant)
  // What is said is heard by all, seen or not.
  await says(romeo, room, 'Peace')
  await mercutio.receives`<message from='${room}/Romeo'><body>Peace</body></message>`
})

story('allowpm: who may write to occupants alone // XEP-0045 §7.5, §10.1.3', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s, { moderatedroom: true })
  await assigns(juliet, room, 'Romeo', 'participant')
  await notices(all, room, 'Romeo')
  const mayWrite: Record<string, readonly Actor[]> = {
    anyone: [juliet, romeo, mercutio],
    participants: [juliet, romeo],
    moderators: [juliet],
    none: [],
  }
  for (const [value, allowed] of Object.entries(mayWrite)) {
    await configures(juliet, room, { allowpm: value })
    for (const actor of all) await drain(actor)
    for (const actor of all) {
      if (!allowed.includes(actor)) await actor.isRefused('forbidden', 'auth')`${whisper(room, 'Romeo')}`
      else {
        actor.send(whisper(room, 'Romeo'))
        await romeo.receives`<message type='chat' to='${romeo.jid}'><body>Psst</body></message>`
      }
    }
  }
  await romeo.receivesNothing()
})

story('allowinvites: members invite to a members-only room, or only admins // XEP-0045 §9.5, §7.8.2', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  const paris = await s.online('paris/tomb')
  await opens(juliet, room, 'Juliet', { membersonly: true, allowinvites: false })
  await grants(juliet, room, romeo.bare, 'member')
  await enters(romeo, room, 'Romeo')
  await drain(juliet)
  await romeo.isRefused('forbidden', 'auth')`${invitation(room, paris.bare)}`
  await paris.receivesNothing()
  assert.deepEqual(await jidsOf(juliet, room, 'member'), [romeo.bare])
  await configures(juliet, room, { allowinvites: true })
  romeo.send(invitation(room, paris.bare))
  const invited = await paris.receives`<message from='${room}'/>`
  assert.equal(invited.getChild('x', MUC_USER)!.getChild('invite')!.getChildText('reason'), 'Come')
  assert.deepEqual(await jidsOf(juliet, room, 'member'), [paris.bare, romeo.bare])
  await enters(paris, room, 'Paris')
})

story('An invitation to an open room makes nobody a member // XEP-0045 §9.5', async (s) => {
  const { room, juliet } = await company(s)
  const paris = await s.online('paris/tomb')
  juliet.send(invitation(room, paris.bare))
  await paris.receives`<message from='${room}'/>`
  assert.deepEqual(await jidsOf(juliet, room, 'member'), [])
})

story('changesubject: participants change the subject // XEP-0045 §8.1', async (s) => {
  const { room, juliet, romeo, mercutio } = await company(s, { changesubject: true })
  assert.deepEqual((await roomInfo(romeo, room)).form['muc#roominfo_subjectmod'], ['1'])
  const change = (text: string) => `<message type='groupchat' to='${room}'><subject>${text}</subject></message>`
  romeo.send(change('Love'))
  for (const actor of [juliet, romeo, mercutio])
    await actor.receives`<message from='${room}/Romeo'><subject>Love</subject></message>`
  await configures(juliet, room, { changesubject: false })
  await hearOfChange([juliet, romeo, mercutio], room, 104)
  await romeo.isRefused('forbidden', 'auth')`${change('Death')}`
})

story('maxusers: a full room is full, but for admins and owners // XEP-0045 §7.2.9', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s, { maxusers: '3' })
  const [tybalt, nurse] = [await s.login('tybalt/square'), await s.login('nurse/hall')]
  await tybalt.isRefused('service-unavailable', 'wait')`${join(room, 'Tybalt')}`
  await grants(juliet, room, nurse.bare, 'admin')
  await enters(nurse, room, 'Nurse')
  await notices(all, room, 'Nurse')
  romeo.send(`<presence type='unavailable' to='${room}/Romeo'/>`)
  await misses([romeo, mercutio], room, 'Romeo')
  await tybalt.isRefused('service-unavailable', 'wait')`${join(room, 'Tybalt')}`
  mercutio.send(`<presence type='unavailable' to='${room}/Mercutio'/>`)
  await misses([mercutio], room, 'Mercutio')
  await enters(tybalt, room, 'Tybalt')
})

story('passwordprotectedroom and roomsecret: the word that opens the door // XEP-0045 §7.2.5', async (s) => {
  const { room, juliet, all } = await company(s)
  const tybalt = await s.login('tybalt/square')
  assert.equal(await hasFeature(tybalt, room, 'muc_unsecured'), true)
  await configures(juliet, room, { passwordprotectedroom: true, roomsecret: 'rose' })
  await hearOfChange(all, room, 104)
  assert.equal(await hasFeature(tybalt, room, 'muc_passwordprotected'), true)
  for (const inside of ['', '<password/>', '<password>Rose</password>'])
    await tybalt.isRefused('not-authorized', 'auth')`${join(room, 'Tybalt', { inside })}`
  await enters(tybalt, room, 'Tybalt', { inside: '<password>rose</password>' })
  await juliet.isRefused('not-acceptable', 'modify')`${configuration(room, { roomsecret: '' })}`
  await configures(juliet, room, { passwordprotectedroom: false })
  assert.equal(await hasFeature(tybalt, room, 'muc_unsecured'), true)
  await enters(await s.login('nurse/hall'), room, 'Nurse')
})

story('roomname, roomdesc and lang are told to whoever asks // XEP-0045 §6.4', async (s) => {
  const { room, juliet } = await company(s)
  const tybalt = await s.login('tybalt/square')
  await configures(juliet, room, { roomname: 'A Dark Cave', roomdesc: 'For witches', lang: 'en' })
  const { name, form } = await roomInfo(tybalt, room)
  assert.equal(name, 'A Dark Cave')
  assert.deepEqual(form['FORM_TYPE'], ['http://jabber.org/protocol/muc#roominfo'])
  assert.deepEqual(form['muc#roominfo_description'], ['For witches'])
  assert.deepEqual(form['muc#roominfo_lang'], ['en'])
  assert.deepEqual(form['muc#roominfo_occupants'], ['3'])
})

story('getmemberlist: members of which roles read the list of members // XEP-0045 §10.1.3', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s, { whois: 'anyone', membersonly: false })
  await grants(juliet, room, mercutio.bare, 'member')
  for (const actor of all)
    await sees(actor, `${room}/Mercutio`, { ...member, jid: mercutio.jid, codes: actor === mercutio ? [110] : [] })
  const list = listRequest(room, "affiliation='member'")
  await configures(juliet, room, { getmemberlist: ['moderator', 'participant'] })
  assert.deepEqual(await jidsOf(mercutio, room, 'member'), [mercutio.bare])
  // §5.2.1: without an affiliation nobody does, whatever the role.
  await romeo.isRefused('forbidden', 'auth')`${list}`
  await configures(juliet, room, { getmemberlist: ['moderator'] })
  for (const actor of [romeo, mercutio]) await actor.isRefused('forbidden', 'auth')`${list}`
  assert.deepEqual(await jidsOf(juliet, room, 'member'), [mercutio.bare])
})

story('publicroom: a hidden room is in no list // XEP-0045 §6.3, §4.2', async (s) => {
  const { room, juliet, romeo } = await company(s)
  const tybalt = await s.login('tybalt/square')
  assert.ok((await listed(s, tybalt)).includes(room))
  await configures(juliet, room, { publicroom: false })
  for (const actor of [tybalt, romeo]) assert.equal((await listed(s, actor)).includes(room), false)
  assert.equal(await hasFeature(romeo, room, 'muc_hidden'), true)
  await configures(juliet, room, { publicroom: true })
  assert.ok((await listed(s, tybalt)).includes(room))
})

story('persistentroom: the room outlasts its last occupant, or does not // XEP-0045 §4.2', async (s) => {
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  for (const persistentroom of [true, false]) {
    const room = freshRoom(s)
    await opens(juliet, room, 'Juliet', { persistentroom, roomname: 'Vault' })
    assert.equal(await hasFeature(romeo, room, persistentroom ? 'muc_persistent' : 'muc_temporary'), true)
    juliet.send(`<presence type='unavailable' to='${room}/Juliet'/>`)
    await misses([juliet], room, 'Juliet')
    // What goes to the room is looked at once it has dealt with her leaving.
    const condition = persistentroom ? 'not-acceptable' : 'item-not-found'
    await romeo.isRefused(condition)`<message type='groupchat' to='${room}'><body>Ay me</body></message>`
    assert.equal((await listed(s, romeo)).includes(room), persistentroom)
    const { own } = await enters(romeo, room, 'Romeo')
    assert.equal(codesOf(own).includes(201), !persistentroom)
    assert.equal(itemOf(own).attrs['affiliation'], persistentroom ? 'none' : 'owner')
  }
})

story('enablelogging: the archive keeps nothing of what is said // XEP-0045 §7.2.12, §10.2.1', async (s) => {
  const { room, juliet, romeo, all } = await company(s, { enablelogging: false })
  assert.deepEqual(stanzaIds(await says(romeo, room, 'Unkept')), {})
  await configures(juliet, room, { enablelogging: true })
  await juliet.receives`<message from='${room}/Romeo'/>`
  await hearOfChange([juliet, romeo], room, 170)
  const kept = stanzaIds(await says(romeo, room, 'Kept'))[room]
  for (const actor of all) await drain(actor)
  romeo.send(`<iq type='set' id='mam' to='${room}'><query xmlns='${NS_MAM}'/></iq>`)
  const [only, end] = [await romeo.next(), await romeo.next()]
  assert.equal(only.getChild('result', NS_MAM)?.attrs['id'], kept)
  assert.equal(end.attrs['id'], 'mam')
  await configures(juliet, room, { enablelogging: false })
  await hearOfChange(all, room, 171)
  const tybalt = await s.login('tybalt/square')
  assert.deepEqual(codesOf((await enters(tybalt, room, 'Tybalt')).own), [110])
})

story(
  'presencebroadcast: who is not shown is in no list of occupants either, but for moderators // XEP-0045 §6.5',
  async (s) => {
    const { room, juliet, romeo, mercutio } = await company(s, { moderatedroom: true })
    await juliet.asks`${configuration(room, { presencebroadcast: ['moderator'] })}`
    for (const actor of [juliet, romeo, mercutio]) await unheard(actor)
    const namesOf = async (actor: Actor) => {
      const reply =
        await actor.asks`<iq type='get' to='${room}'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`
      return reply
        .getChildElements()[0]!
        .getChildren('item')
        .map(({ attrs }) => attrs['jid']?.split('/')[1])
    }
    assert.deepEqual(await namesOf(juliet), ['Juliet', 'Mercutio', 'Romeo'])
    assert.deepEqual(await namesOf(romeo), ['Juliet', 'Romeo'])
    assert.deepEqual(await namesOf(mercutio), ['Juliet', 'Mercutio'])
  },
)
