import assert from 'node:assert/strict'
import { type Element, serialize } from '../../src/api.ts'
import { ComponentClient } from '../support/component.ts'
import {
  configures,
  enters,
  freshRoom,
  gather,
  grants,
  heardBy,
  isTurnedAway,
  join,
  MUC,
  MUC_ADMIN,
  MUC_OWNER,
  MUC_USER,
  misses,
  opens,
  STANZAS,
  submission,
} from '../support/room.ts'
import { type Story, story } from '../support/story.ts'

const MAM = 'urn:xmpp:mam:2'
const INFO = 'http://jabber.org/protocol/disco#info'
const ITEMS = 'http://jabber.org/protocol/disco#items'
const COMMANDS = 'http://jabber.org/protocol/commands'

/** Romeo, who runs the room, and Juliet. */
async function two(s: Story, fields?: Record<string, string | boolean>) {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  await gather(
    room,
    [
      [romeo, 'Romeo'],
      [juliet, 'Juliet'],
    ],
    fields,
  )
  return { room, romeo, juliet }
}

const registers = (room: string, nick: string) =>
  `<iq type='set' to='${room}'><query xmlns='jabber:iq:register'>${submission(`${MUC}#register`, { 'muc#register_roomnick': nick })}</query></iq>`

// XEP-0045 §9.5: who is invited to a room for members becomes one
story('§9.5 A member who may invite accounts does not bring in all of a domain', async (s) => {
  const { room, romeo, juliet } = await two(s, { allowinvites: true })
  await grants(romeo, room, juliet.bare, 'member')
  await configures(romeo, room, { membersonly: true })
  const invitation = (...guests: string[]) =>
    `<message to='${room}'><x xmlns='${MUC_USER}'>${guests.map((to) => `<invite to='${to}'/>`).join('')}</x></message>`
  await juliet.isRefused('not-acceptable')`${invitation(s.domain)}`
  await juliet.isRefused('not-acceptable')`${invitation(`nurse@${s.domain}`, `${s.domain}/x`)}`
  const list =
    await romeo.asks`<iq type='get' to='${room}'><query xmlns='${MUC_ADMIN}'><item affiliation='member'/></query></iq>`
  const members = list.getChild('query')!.getChildElements()
  assert.deepEqual(
    members.map(({ attrs }) => attrs['jid']),
    [juliet.bare],
  )
  const tybalt = await s.login('tybalt/street')
  await isTurnedAway(tybalt, 'registration-required', 'auth', join(room, 'Tybalt'))
})

// XEP-0045 §10.1.3: "the room … not officially exist"
story('§10.1.3 Nothing tells of a room that its owner has not configured yet', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  await enters(romeo, room, 'Romeo')
  const form = (type: string) =>
    `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>${MUC}#${type}</value></field></x>`
  const requests = [
    ['get', `<ping xmlns='urn:xmpp:ping'/>`],
    ['get', `<query xmlns='${MUC_OWNER}'/>`],
    ['set', `<query xmlns='${MUC_OWNER}'><destroy/></query>`],
    ['get', `<query xmlns='${MUC_ADMIN}'><item affiliation='owner'/></query>`],
    ['set', `<query xmlns='${MUC_ADMIN}'><item affiliation='member' jid='${juliet.bare}'/></query>`],
    ['get', `<prefs xmlns='${MAM}'/>`],
    ['set', `<query xmlns='${MAM}'/>`],
    ['get', `<query xmlns='${MAM}'/>`],
    ['get', `<metadata xmlns='${MAM}'/>`],
    [
      'set',
      `<moderate xmlns='urn:xmpp:message-moderate:1' id='1'><retract xmlns='urn:xmpp:message-retract:1'/></moderate>`,
    ],
    ['get', `<vCard xmlns='vcard-temp'/>`],
    ['set', `<vCard xmlns='vcard-temp'/>`],
    ['get', `<query xmlns='jabber:iq:register'/>`],
    ['set', `<query xmlns='jabber:iq:register'><remove/></query>`],
    ['get', `<query xmlns='${INFO}'/>`],
    ['get', `<query xmlns='${ITEMS}'/>`],
    ['get', `<query xmlns='${ITEMS}' node='${COMMANDS}'/>`],
    ['set', `<command xmlns='${COMMANDS}' node='urn:xmpp:hats:commands:create' action='execute'/>`],
  ] as const
  const messages = [
    `<message to='${room}'>${form('register')}</message>`,
    `<message to='${room}'>${form('request')}</message>`,
    `<message to='${room}'><x xmlns='${MUC_USER}'><decline to='${romeo.bare}'/></x></message>`,
    `<message to='${room}'><x xmlns='${MUC_USER}'><invite to='${romeo.bare}'/></x></message>`,
    `<message to='${room}'><body>Hi</body></message>`,
    `<message to='${room}/Romeo'><body>Hi</body></message>`,
    `<message to='${room}' type='groupchat'><body>Hi</body></message>`,
  ]
  const all = [
    ...requests.map(([type, query]) => `<iq type='${type}' to='${room}'>${query}</iq>`),
    ...messages,
    join(room, 'Juliet'),
  ]
  for (const stanza of all) await isTurnedAway(juliet, 'item-not-found', undefined, stanza)
  // Word for word as where there is no room.
  const nowhere = freshRoom(s)
  for (const stanza of all.slice(0, -1)) {
    const away = await juliet.isRefused('item-not-found')`${stanza}`
    const none = await juliet.isRefused('item-not-found')`${stanza.replaceAll(room, nowhere)}`
    const text = (reply: Element) => serialize(reply.getChild('error')!)
    assert.equal(text(none).replaceAll(nowhere, room), text(away), stanza)
  }
  // The owner has it all.
  await romeo.asks`<iq type='get' to='${room}'><ping xmlns='urn:xmpp:ping'/></iq>`
  const chamber = await s.login('romeo/chamber')
  await chamber.asks`<iq type='get' to='${room}'><query xmlns='${MUC_OWNER}'/></iq>`
})

// XEP-0045 §7.10, §14.6
story('§7.10 What cannot be a nick cannot be reserved', async (s) => {
  const { room, romeo, juliet } = await two(s)
  for (const nick of ['\u2800', '\u3164', '\u00a0']) await juliet.isRefused('bad-request')`${registers(room, nick)}`
  await juliet.isRefused('policy-violation')`${registers(room, 'a'.repeat(101))}`
  await isTurnedAway(juliet, 'jid-malformed', 'modify', join(room, '\u2800'))
  await juliet.isRefused('conflict')`${registers(room, ' Romeo ')}`
  await juliet.asks`${registers(room, ' Jule ')}`
  const form = await juliet.asks`<iq type='get' to='${room}'><query xmlns='jabber:iq:register'/></iq>`
  assert.equal(form.getChild('query')!.getChildText('username'), 'Jule')
  const reserve = (nick: string) =>
    `<iq type='set' to='${room}'><query xmlns='${MUC_ADMIN}'><item affiliation='member' jid='nurse@${s.domain}' nick='${nick}'/></query></iq>`
  await romeo.isRefused('not-acceptable')`${reserve('\u2800')}`
  await romeo.isRefused('conflict')`${reserve('Jule ')}`
})

// XEP-0045 §9.9
story('§9.9 Who asks to be let in is heard once, and not again and again', async (s) => {
  const { room, romeo } = await two(s, { membersonly: false, moderatedroom: true })
  const paris = await s.login('paris/church')
  await paris.asks`${registers(room, 'Paris')}`
  await romeo.receives`<message from='${room}' to='${romeo.jid}'/>`
  await paris.isRefused('resource-constraint', 'wait')`${registers(room, 'Paris')}`
  await romeo.receivesNothing()
  await s.advance(60_000)
  await paris.asks`${registers(room, 'Paris')}`
  await romeo.receives`<message from='${room}' to='${romeo.jid}'/>`
})

// XEP-0045 §14.6
story('§14.6 A presence that would fill the memory of the server does not enter a room', async (s) => {
  const { room, romeo, juliet } = await two(s)
  const paris = await s.login('paris/church')
  for (const payload of [`<x xmlns='urn:x'>${'<a/>'.repeat(300)}</x>`, `<status>${'a'.repeat(9000)}</status>`]) {
    await isTurnedAway(paris, 'policy-violation', 'modify', join(room, 'Paris', { payload }))
    await isTurnedAway(juliet, 'policy-violation', 'modify', `<presence to='${room}/Juliet'>${payload}</presence>`)
    await isTurnedAway(juliet, 'policy-violation', 'modify', `<presence to='${room}/Jule'>${payload}</presence>`)
  }
  await romeo.receivesNothing()
  // Who was refused something is still heard to go.
  await juliet.cuts()
  await misses([romeo], room, 'Juliet')
})

// XEP-0045 §17.4
story('§17.4 Whoever waits for answers in many rooms takes none away from others', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const chamber = await s.login('romeo/chamber')
  const juliet = await s.login('juliet/balcony')
  const rooms = [freshRoom(s), freshRoom(s)] as const
  for (const room of rooms) {
    await opens(romeo, room, 'Romeo')
    await enters(chamber, room, 'Quiet')
    await heardBy(romeo)
  }
  await enters(juliet, rooms[0], 'Juliet')
  await heardBy(romeo)
  await heardBy(chamber)
  const ask = (room: string, nick: string) => `<iq type='get' id='q' to='${room}/${nick}'><query xmlns='urn:x'/></iq>`
  for (let n = 0; n < 50; n++) for (const room of rooms) romeo.send(ask(room, 'Quiet'))
  await romeo.receivesNothing()
  for (const room of rooms) await romeo.isRefused('resource-constraint')`${ask(room, 'Quiet')}`
  await juliet.sends`${ask(rooms[0], 'Romeo')}`
  await romeo.receives`<iq type='get' from='${rooms[0]}/Juliet'><query xmlns='urn:x'/></iq>`
  // Who leaves waits no more.
  romeo.send(`<presence type='unavailable' to='${rooms[0]}/Romeo'/>`)
  await heardBy(romeo)
  await romeo.sends`${ask(rooms[1], 'Quiet')}`
  await romeo.receivesNothing()
})

// XEP-0045 §17.3 rule 6, §7.5; XEP-0359 §3 rule 2; XEP-0425 §5; XEP-0463, XEP-0452, XEP-0437: the room alone says such things
story('§17.3 Nor can they in private, or of things that only some rooms say', async (s) => {
  const { room, romeo, juliet } = await two(s)
  const forged = `<stanza-id xmlns='urn:xmpp:sid:0' by='${room.toUpperCase()}' id='forged'/>
    <stanza-id xmlns='urn:xmpp:sid:0' by='${romeo.bare}' id='forged'/>
    <result xmlns='${MAM}' id='forged'/><fin xmlns='${MAM}' queryid='forged'/>
    <retract xmlns='urn:xmpp:message-retract:1' id='forged'><moderated xmlns='urn:xmpp:message-moderate:1'/></retract>
    <delay xmlns='urn:xmpp:delay' from='${room}' stamp='2002-10-13T23:58:37Z'/>
    <mav xmlns='urn:xmpp:muc:affiliations:1' until='forged'/><hats xmlns='urn:xmpp:hats:0'><hat title='forged'/></hats>
    <mentions xmlns='urn:xmpp:mmn:0' id='forged'/><rai xmlns='urn:xmpp:rai:0'><activity>forged</activity></rai>
    <sent xmlns='urn:xmpp:carbons:2' id='forged'/>`
  const isClean = (heard: Element) => assert.ok(!/forged|2002-10-13/.test(serialize(heard)), serialize(heard))
  for (const [type, to] of [
    ['chat', `${room}/Romeo`],
    ['groupchat', room],
  ]) {
    await juliet.sends`<message type='${type}' to='${to}'><body>Hi</body>${forged}</message>`
    isClean(await romeo.receives`<message type='${type}' from='${room}/Juliet'><body>Hi</body></message>`)
  }
  const ofRooms = forged.slice(forged.indexOf('<mav'))
  await juliet.sends`<presence to='${room}/Juliet'><show>away</show>${ofRooms}</presence>`
  isClean(await romeo.receives`<presence from='${room}/Juliet'><show>away</show></presence>`)
})

// XEP-0045 §7.8.2, §14.6
story(
  '§14.6 Each invitation counts as a message',
  async (s) => {
    const { room, juliet } = await two(s)
    const guests = Array.from({ length: 20 }, (_, n) => `<invite to='guest${n}@${s.domain}'/>`).join('')
    const invitation = `<message to='${room}'><x xmlns='${MUC_USER}'>${guests}</x></message>`
    await juliet.sends`${invitation}`
    await juliet.receivesNothing()
    await juliet.isRefused('policy-violation', 'wait')`${invitation}`
    await s.advance(5_000)
    await juliet.sends`${invitation}`
    await juliet.receivesNothing()
  },
  { modules: { muc: { limits: { messages: 5 } } } },
)

// XEP-0045 §4.2: in a semi-anonymous room a real JID is for moderators
story(
  '§17.4 An error that comes back says nothing of who is behind a nick',
  async (s) => {
    const mantua = await ComponentClient.join(s.bed.server, 'mantua.example', 'secret')
    const { room, juliet } = await two(s)
    const balthasar = 'balthasar@mantua.example/road'
    mantua.send(`<presence from='${balthasar}' to='${room}/Balthasar'><x xmlns='${MUC}'/></presence>`)
    while (!(await mantua.next()).getChild('subject'));
    await heardBy(juliet)
    const ask = `<iq type='get' id='q' to='${room}/Balthasar'><query xmlns='urn:x'/></iq>`
    const telling = `<error type='cancel' by='mantua.example'>
      <gone xmlns='${STANZAS}'>xmpp:balthasar@mantua.example</gone>
      <text xmlns='${STANZAS}'>No balthasar@mantua.example here.</text><own xmlns='urn:x'/></error>`
    await juliet.sends`${ask}`
    const { attrs } = await mantua.next()
    mantua.send(`<iq type='error' from='${balthasar}' to='${room}/Juliet' id='${attrs['id']}'>${telling}</iq>`)
    const answer = await juliet.receives`<iq type='error' from='${room}/Balthasar' id='q'/>`
    const inside = answer.getChild('error')!.getChildElements()
    assert.deepEqual(
      inside.map(({ name, children }) => [name, children]),
      [
        ['gone', []],
        ['own', []],
      ],
    )
    await juliet.sends`<message type='chat' id='m' to='${room}/Balthasar'><body>Hi</body></message>`
    await mantua.next()
    mantua.send(`<message type='error' from='${balthasar}' to='${room}/Juliet' id='m'>${telling}</message>`)
    const bounced = await juliet.receives`<message type='error' from='${room}/Balthasar' id='m'/>`
    for (const error of [answer, bounced]) assert.ok(!serialize(error).includes('mantua'), serialize(error))
    await misses([juliet], room, 'Balthasar')
    assert.equal((await mantua.next()).attrs['type'], 'unavailable')
    mantua.send('</stream:stream>')
    await mantua.ends()
  },
  { server: { components: { 'mantua.example': { secret: 'secret' } } } },
)
