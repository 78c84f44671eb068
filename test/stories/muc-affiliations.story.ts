import assert from 'node:assert/strict'
import type { Element } from '../../src/api.ts'
import {
  change,
  changes,
  company,
  configuration,
  hearOfChange,
  item,
  jidsOf,
  listOf,
  listRequest,
  sees,
} from '../support/occupants.ts'
import {
  assigns,
  codesOf,
  configures,
  enters,
  freshRoom,
  gather,
  grants,
  itemOf,
  join,
  MUC,
  MUC_ADMIN,
  MUC_USER,
  notices,
  opens,
  submission,
} from '../support/room.ts'
import { type Actor, drain, story } from '../support/story.ts'

const MAV = 'urn:xmpp:muc:affiliations:1'
const RSM = 'http://jabber.org/protocol/rsm'
const affiliate = (jid: string, affiliation: string, reason?: string) =>
  item(`affiliation='${affiliation}' jid='${jid}'`, reason)
const follows = (since?: string) => ({
  inside: `<mav xmlns='${MAV}'${since === undefined ? '' : ` since='${since}'`}/>`,
})
const mavOf = (stanza: Element) => stanza.getChild('x', MUC_USER)?.getChild('mav', MAV)?.attrs
const itemsOf = (stanza: Element) =>
  stanza
    .getChild('x', MUC_USER)!
    .getChildren('item')
    .map(({ attrs }) => `${attrs['jid']} ${attrs['affiliation']}`)

/** Enters and hears what the affiliations are, or were since then, before anything else. */
async function entersFollowing(actor: Actor, room: string, nick: string, since?: string) {
  actor.send(join(room, nick, follows(since)))
  const messages: Element[] = []
  for (;;) {
    const stanza = await actor.next()
    if (stanza.name === 'message' && !stanza.getChild('subject')) messages.push(stanza)
    if (codesOf(stanza).includes(110)) return { messages, version: mavOf(stanza)!['until']! }
    assert.ok(stanza.name === 'message' || messages.length > 0 || since !== undefined, 'presence came first')
  }
}

/** Leaves, and hears so. */
async function leaves(actor: Actor, room: string, nick: string): Promise<void> {
  await drain(actor)
  actor.send(`<presence type='unavailable' to='${room}/${nick}'/>`)
  await actor.receives`<presence type='unavailable' from='${room}/${nick}'/>`
}

story('Whoever follows the affiliations gets all of them, then what changed // XEP-0463 §4.2.1', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  await opens(juliet, room, 'Juliet')
  await changes(juliet, room, affiliate('nurse@localhost', 'member'), affiliate('paris@localhost', 'outcast'))
  await leavesAndStays(s, room)
  await leaves(juliet, room, 'Juliet')
  const first = await entersFollowing(juliet, room, 'Juliet')
  assert.equal(first.messages.length, 1)
  assert.deepEqual(itemsOf(first.messages[0]!), [
    `${juliet.bare} owner`,
    'nurse@localhost member',
    'paris@localhost outcast',
    'peter@localhost owner',
  ])
  assert.deepEqual(mavOf(first.messages[0]!), { xmlns: MAV, until: first.version })

  await leaves(juliet, room, 'Juliet')
  const same = await entersFollowing(juliet, room, 'Juliet', first.version)
  assert.deepEqual([same.messages.length, same.version], [0, first.version])

  const peter = await s.login('peter/hall')
  await leaves(juliet, room, 'Juliet')
  await changes(peter, room, affiliate('nurse@localhost', 'none'), affiliate('tybalt@localhost', 'admin'))
  const later = await entersFollowing(juliet, room, 'Juliet', first.version)
  assert.equal(later.messages.length, 1)
  assert.deepEqual(itemsOf(later.messages[0]!), ['nurse@localhost none', 'tybalt@localhost admin'])
  assert.deepEqual(mavOf(later.messages[0]!), { xmlns: MAV, since: first.version, until: later.version })

  for (const unknown of ['9pacabr2q1', '0', `${first.version}x`, first.version.replace(/^./, '0')]) {
    await leaves(juliet, room, 'Juliet')
    const { messages, version } = await entersFollowing(juliet, room, 'Juliet', unknown)
    assert.deepEqual(mavOf(messages[0]!), { xmlns: MAV, until: version })
    assert.equal(itemsOf(messages[0]!).length, 4)
  }
})

/** Peter, an owner too, keeps the temporary room open. */
async function leavesAndStays(s: Parameters<Parameters<typeof story>[1]>[0], room: string): Promise<void> {
  const peter = await s.login('peter/kitchen')
  const juliet = await s.login('juliet/window')
  await grants(juliet, room, peter.bare, 'owner')
  await enters(peter, room, 'Peter')
}

story('Each change of affiliations leads from one version to the next // XEP-0463 §4.2.2', async (s) => {
  const { room, juliet, romeo } = await company(s)
  const phone = await s.login('juliet/phone')
  const { version } = await entersFollowing(phone, room, 'Jule')
  await phone.receives`<message type='groupchat'><subject/></message>`
  await drain(juliet)
  await changes(juliet, room, affiliate('nurse@localhost', 'member'))
  const absent = await phone.receives`<message from='${room}'/>`
  assert.equal(absent.attrs['type'], undefined)
  assert.deepEqual(itemsOf(absent), ['nurse@localhost member'])
  assert.equal(mavOf(absent)!['since'], version)
  // One that is present and one that is not: two steps.
  await changes(juliet, room, affiliate(romeo.bare, 'member'), affiliate('nurse@localhost', 'outcast'))
  const present = await phone.receives`<presence from='${room}/Romeo'/>`
  assert.equal(mavOf(present)!['since'], mavOf(absent)!['until'])
  const next = await phone.receives`<message from='${room}'/>`
  assert.deepEqual(itemsOf(next), ['nurse@localhost outcast'])
  assert.equal(mavOf(next)!['since'], mavOf(present)!['until'])
  // Even a nick alone is a step, so that none is missed.
  await changes(juliet, room, item(`affiliation='member' jid='${romeo.bare}' nick='Montague'`))
  const nick = await phone.receives`<message from='${room}'/>`
  assert.deepEqual(itemsOf(nick), [`${romeo.bare} member`])
  assert.equal(mavOf(nick)!['since'], mavOf(next)!['until'])
  // From a place between two versions nothing is missed either.
  await leaves(phone, room, 'Jule')
  const again = await entersFollowing(phone, room, 'Jule', mavOf(present)!['until'])
  assert.deepEqual(itemsOf(again.messages[0]!).sort(), ['nurse@localhost outcast', `${romeo.bare} member`])
  await juliet.receives`<presence from='${room}/Romeo'/>`
})

story('Whom the lists do not concern hears nothing of them // XEP-0463 §4.2.3', async (s) => {
  const { room, juliet } = await company(s)
  const tybalt = await s.login('tybalt/square')
  tybalt.send(join(room, 'Tybalt', follows()))
  const refusal = await tybalt.receives`<message type='error' from='${room}'/>`
  assert.equal(refusal.getChild('error')!.attrs['type'], 'auth')
  assert.ok(refusal.getChild('error')!.getChildElements()[0]!.is('forbidden'))
  await drain(tybalt)
  await changes(juliet, room, affiliate('nurse@localhost', 'member'))
  await tybalt.receivesNothing()
})

story('Members of a non-anonymous room follow, but for the bans // XEP-0463 §4.2.3', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  await opens(juliet, room, 'Juliet', { membersonly: true, whois: 'anyone' })
  await changes(juliet, room, affiliate(romeo.bare, 'member'), affiliate('paris@localhost', 'outcast'))
  const { messages } = await entersFollowing(romeo, room, 'Romeo')
  assert.deepEqual(itemsOf(messages[0]!), [`${juliet.bare} owner`, `${romeo.bare} member`])
  await drain(romeo)
  await changes(juliet, room, affiliate('nurse@localhost', 'member'))
  assert.deepEqual(itemsOf(await romeo.receives`<message from='${room}'/>`), ['nurse@localhost member'])
  await changes(juliet, room, affiliate('nurse@localhost', 'outcast'))
  assert.deepEqual(itemsOf(await romeo.receives`<message from='${room}'/>`), ['nurse@localhost none'])
  for (const which of ['owner', 'admin', 'member']) await listOf(romeo, room, `affiliation='${which}'`)
  await romeo.isRefused('forbidden', 'auth')`${listRequest(room, "affiliation='outcast'")}`
})

story('Owners say which members may read the list of members // XEP-0045 §7.11, §9.5', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  await opens(juliet, room, 'Juliet', { membersonly: true, whois: 'anyone' })
  await changes(juliet, room, affiliate(romeo.bare, 'member'))
  assert.deepEqual(await jidsOf(romeo, room, 'member'), [romeo.bare])
  await configures(juliet, room, { getmemberlist: ['moderator'] })
  await romeo.isRefused('forbidden', 'auth')`${listRequest(room, "affiliation='member'")}`
  await enters(romeo, room, 'Romeo')
  await romeo.isRefused('forbidden', 'auth')`${listRequest(room, "affiliation='member'")}`
  await assigns(juliet, room, 'Romeo', 'moderator')
  assert.deepEqual(await jidsOf(romeo, room, 'member'), [romeo.bare])
  await juliet.isRefused('not-acceptable')`${configuration(room, { getmemberlist: ['king'] })}`
})

story('A list of thousands comes whole, or in pages // XEP-0045 §9.5, XEP-0059 §2', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  await opens(juliet, room, 'Juliet')
  const guests = Array.from({ length: 2345 }, (_, i) => `guest-${String(i).padStart(4, '0')}@localhost`)
  for (const half of [guests.slice(0, 1500), guests.slice(1500)])
    await changes(juliet, room, ...half.map((jid) => affiliate(jid, 'member')))
  assert.deepEqual(await jidsOf(juliet, room, 'member'), guests)

  const page = async (inside: string) => {
    const query = `<query xmlns='${MUC_ADMIN}'><item affiliation='member'/><set xmlns='${RSM}'>${inside}</set></query>`
    const reply = await juliet.asks`<iq type='get' to='${room}'>${query}</iq>`
    const answer = reply.getChild('query', MUC_ADMIN)!
    const set = answer.getChild('set', RSM)!
    return {
      jids: answer.getChildren('item').map(({ attrs }) => attrs['jid']),
      ends: [set.getChildText('first'), set.getChildText('last'), set.getChildText('count')],
    }
  }
  const first = await page('<max>2</max>')
  assert.deepEqual(first, { jids: guests.slice(0, 2), ends: [guests[0], guests[1], '2345'] })
  assert.deepEqual((await page(`<max>3</max><after>${guests[2342]}</after>`)).jids, guests.slice(2343))
  assert.deepEqual(await page('<max>0</max>'), { jids: [], ends: [null, null, '2345'] })
  const request = (inside: string) =>
    `<iq type='get' to='${room}'><query xmlns='${MUC_ADMIN}'><item affiliation='member'/><set xmlns='${RSM}'>${inside}</set></query></iq>`
  await juliet.isRefused('bad-request')`${request('<max>many</max>')}`
  await juliet.isRefused('feature-not-implemented')`${request('<before/>')}`

  const phone = await s.login('juliet/phone')
  const { messages, version } = await entersFollowing(phone, room, 'Jule')
  assert.deepEqual(messages.flatMap(itemsOf).length, 2346)
  for (const [index, message] of messages.entries()) {
    const { since, until } = mavOf(message)!
    assert.equal(since, index === 0 ? undefined : mavOf(messages[index - 1]!)!['until'])
    if (index === messages.length - 1) assert.equal(until, version)
  }
})

story('Whoever is no member leaves a room that becomes one for members // XEP-0045 §10.2', async (s) => {
  const { room, juliet, romeo, mercutio } = await company(s)
  await grants(juliet, room, romeo.bare, 'member')
  await notices([juliet, romeo, mercutio], room, 'Romeo')
  await configures(juliet, room, { membersonly: true })
  const gone = { affiliation: 'none', role: 'none', type: 'unavailable' } as const
  await sees(mercutio, `${room}/Mercutio`, { ...gone, codes: [110, 322] })
  await sees(romeo, `${room}/Mercutio`, { ...gone, codes: [322] })
  await sees(juliet, `${room}/Mercutio`, { ...gone, codes: [322], jid: mercutio.jid })
  await mercutio.receivesNothing()
  await mercutio.isRefused('registration-required', 'auth')`${join(room, 'Mercutio')}`
})

story(
  'When all may speak nobody only listens, and when not all may, who has voice keeps it // XEP-0045 §5.1.3',
  async (s) => {
    const { room, juliet, romeo, mercutio, all } = await company(s, { moderatedroom: true })
    await configures(juliet, room, { moderatedroom: false })
    for (const nick of ['Romeo', 'Mercutio'])
      for (const actor of all)
        assert.equal(itemOf(await actor.receives`<presence from='${room}/${nick}'/>`).attrs['role'], 'participant')
    for (const actor of all) await drain(actor)
    await configures(juliet, room, { moderatedroom: true })
    await hearOfChange([mercutio], room, 104)
    await romeo.sends`<message type='groupchat' to='${room}'><body>She speaks</body></message>`
    await mercutio.receives`<message type='groupchat' from='${room}/Romeo'/>`
  },
)

story('Whose presence is not broadcast is seen by moderators only, and by all again // XEP-0045 §10.1.3', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s, { moderatedroom: true })
  await grants(juliet, room, mercutio.bare, 'member')
  await notices(all, room, 'Mercutio')
  await configures(juliet, room, { presencebroadcast: ['moderator', 'participant'] })
  const visitor = { affiliation: 'none', role: 'visitor' } as const
  await sees(mercutio, `${room}/Romeo`, { affiliation: 'none', role: 'none', type: 'unavailable' })
  for (const actor of all) await drain(actor)
  romeo.send(`<presence to='${room}/Romeo'><show>away</show></presence>`)
  await sees(juliet, `${room}/Romeo`, { ...visitor, jid: romeo.jid })
  await sees(romeo, `${room}/Romeo`, { ...visitor, codes: [110] })
  await mercutio.receivesNothing()
  // Who becomes a moderator sees who was there all along.
  await assigns(juliet, room, 'Mercutio', 'moderator')
  await sees(mercutio, `${room}/Mercutio`, { affiliation: 'member', role: 'moderator', codes: [110] })
  await sees(mercutio, `${room}/Romeo`, { ...visitor, jid: romeo.jid })
  await assigns(juliet, room, 'Mercutio', 'participant')
  await sees(mercutio, `${room}/Mercutio`, { affiliation: 'member', role: 'participant', codes: [110] })
  await sees(mercutio, `${room}/Romeo`, { affiliation: 'none', role: 'none', type: 'unavailable' })
  // With voice he is one of those who are seen.
  await assigns(juliet, room, 'Romeo', 'participant')
  await sees(mercutio, `${room}/Romeo`, { affiliation: 'none', role: 'participant' })
  await assigns(juliet, room, 'Romeo', 'visitor')
  await sees(mercutio, `${room}/Romeo`, { affiliation: 'none', role: 'none', type: 'unavailable' })
  await configures(juliet, room, { presencebroadcast: ['moderator', 'participant', 'visitor'] })
  await sees(mercutio, `${room}/Romeo`, visitor)
})

const request = (room: string, role: string) =>
  `<message to='${room}'>${submission(`${MUC}#request`, { 'muc#role': role })}</message>`

story('Voice is asked for by visitors, once, and of moderators // XEP-0045 §7.13', async (s) => {
  const { room, juliet, romeo, mercutio } = await company(s, { moderatedroom: true })
  const tybalt = await s.login('tybalt/square')
  await tybalt.isRefused('not-acceptable')`${request(room, 'participant')}`
  await romeo.isRefused('bad-request')`${request(room, 'moderator')}`
  await juliet.isRefused('not-allowed')`${request(room, 'participant')}`
  await tybalt.isRefused('item-not-found')`${request(freshRoom(s), 'participant')}`
  romeo.send(request(room, 'participant'))
  await juliet.receives`<message from='${room}'/>`
  await romeo.isRefused('resource-constraint', 'wait')`${request(room, 'participant')}`
  await s.advance(30_000)
  romeo.send(request(room, 'participant'))
  await juliet.receives`<message from='${room}'/>`
  const verdict = (jid: string, allow: string) =>
    `<message to='${room}'>${submission(`${MUC}#request`, { 'muc#role': 'participant', 'muc#jid': jid, 'muc#request_allow': allow })}</message>`
  await juliet.isRefused('item-not-found')`${verdict(tybalt.jid, '1')}`
  await juliet.isRefused('bad-request')`${verdict(romeo.jid, 'perhaps')}`
  // Whatever nick he has by now.
  romeo.send(`<presence to='${room}/Montague'/>`)
  await romeo.receives`<presence type='unavailable' from='${room}/Romeo'/>`
  await romeo.receives`<presence from='${room}/Montague'/>`
  juliet.send(verdict(romeo.jid, '1'))
  await sees(romeo, `${room}/Montague`, { affiliation: 'none', role: 'participant', codes: [110] })
  await leaves(juliet, room, 'Juliet')
  await drain(mercutio)
  await mercutio.isRefused('recipient-unavailable', 'wait')`${request(room, 'participant')}`
})

story('Roles and affiliations are changed together, by nick or by address, or not at all // XEP-0045 §9', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  const mixed = (last: string) =>
    change(room, item("nick='Romeo' affiliation='member'"), item(`jid='${mercutio.jid}' role='visitor'`), last)
  await juliet.isRefused('item-not-found')`${mixed(item("nick='Rosaline' role='none'"))}`
  await juliet.isRefused('not-acceptable')`${mixed(affiliate('localhost', 'owner'))}`
  for (const actor of all) await actor.receivesNothing()
  await juliet.asks`${mixed(affiliate('nurse@localhost', 'member'))}`
  await sees(romeo, `${room}/Romeo`, { affiliation: 'member', role: 'participant', codes: [110] })
  await sees(romeo, `${room}/Mercutio`, { affiliation: 'none', role: 'visitor' })
  assert.deepEqual(await jidsOf(juliet, room, 'member'), ['nurse@localhost', romeo.bare])
})

story(
  'A moderator kicks himself, and a moderator who is no admin kicks no moderator // XEP-0045 §8.2, §5.1.3',
  async (s) => {
    const { room, juliet, romeo, mercutio, all } = await company(s)
    for (const nick of ['Romeo', 'Mercutio']) {
      await assigns(juliet, room, nick, 'moderator')
      await notices(all, room, nick)
    }
    await romeo.isRefused('not-allowed', 'cancel')`${change(room, item("nick='Mercutio' role='none'"))}`
    await changes(romeo, room, item("nick='Romeo' role='none'"))
    await sees(romeo, `${room}/Romeo`, { affiliation: 'none', role: 'none', type: 'unavailable', codes: [110, 307] })
    await mercutio.receives`<presence type='unavailable' from='${room}/Romeo'/>`
  },
)

story('The last one kicked takes a temporary room along // XEP-0045 §4.2', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  await opens(juliet, room, 'Juliet')
  await changes(juliet, room, item("nick='Juliet' role='none'"))
  await juliet.receives`<presence type='unavailable' from='${room}/Juliet'/>`
  assert.ok(codesOf((await enters(juliet, room, 'Juliet')).own).includes(201))
})

story(
  'Who is no owner by the form is an admin, who is no admin nothing or a member // XEP-0045 §10.2, §10.7',
  async (s) => {
    const room = freshRoom(s)
    const juliet = await s.login('juliet/balcony')
    await opens(juliet, room, 'Juliet')
    await changes(juliet, room, affiliate('peter@localhost', 'owner'), affiliate('nurse@localhost', 'admin'))
    await configures(juliet, room, { roomowners: [juliet.bare] })
    assert.deepEqual(await jidsOf(juliet, room, 'admin'), ['nurse@localhost', 'peter@localhost'])
    await configures(juliet, room, { roomadmins: ['peter@localhost'] })
    assert.deepEqual(await jidsOf(juliet, room, 'admin'), ['peter@localhost'])
    assert.deepEqual(await jidsOf(juliet, room, 'member'), [])
    await configures(juliet, room, { membersonly: true })
    await configures(juliet, room, { roomadmins: [] })
    assert.deepEqual(await jidsOf(juliet, room, 'member'), ['peter@localhost'])
  },
)

story('An account that is deleted is nothing in any room // XEP-0045 §5.2', async (s) => {
  const { room, juliet, romeo } = await company(s)
  await changes(juliet, room, affiliate(romeo.bare, 'member'), affiliate('nurse@localhost', 'member'))
  await s.host.deleteAccount('romeo')
  assert.deepEqual(await jidsOf(juliet, room, 'member'), ['nurse@localhost'])
})

story('Changes are heard of in the order in which they were made // XEP-0045 §9', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  await gather(room, [
    [juliet, 'Juliet'],
    [romeo, 'Romeo'],
  ])
  const roles = ['visitor', 'participant', 'moderator', 'participant', 'visitor']
  for (const role of roles)
    juliet.send(change(room, item(`nick='Romeo' role='${role}'`)).replace('<iq ', `<iq id='${role}' `))
  for (const role of roles)
    assert.equal(itemOf(await romeo.receives`<presence from='${room}/Romeo'/>`).attrs['role'], role)
})

story(
  'Who is not in the room is told what they are there now, but not that they are banned // XEP-0045 §18.1',
  async (s) => {
    const { room, juliet } = await company(s)
    const [tybalt, paris] = [await s.online('tybalt/square'), await s.online('paris/church')]
    await grants(juliet, room, tybalt.bare, 'member', { reason: 'A good fence' })
    await tybalt.receives`<message from='${room}' to='${tybalt.bare}'><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='member' role='none' jid='${tybalt.bare}'><reason>A good fence</reason></item><status code='101'/></x></message>`
    await grants(juliet, room, paris.bare, 'outcast')
    await paris.receivesNothing()
  },
)
