import assert from 'node:assert/strict'
import { type Element, serialize } from '../../src/api.ts'
import {
  assigns,
  codesOf,
  DELAY,
  enters,
  freshRoom,
  gather,
  grants,
  isTurnedAway,
  MUC,
  MUC_ADMIN,
  MUC_OWNER,
  MUC_USER,
  notices,
  opens,
  x,
} from '../support/room.ts'
import { type Story, story } from '../support/story.ts'

const PING = 'urn:xmpp:ping'
const STANZA_ID = 'urn:xmpp:sid:0'

/** Romeo, the owner, and Juliet in a room; and Paris, who is not. */
async function company(s: Story, fields?: Record<string, string | boolean>) {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const paris = await s.login('paris/church')
  const room = freshRoom(s)
  await gather(
    room,
    [
      [romeo, 'Romeo'],
      [juliet, 'Juliet'],
    ],
    fields,
  )
  return { room, romeo, juliet, paris }
}

// XEP-0410 §3.1, §3.2
story('XEP-0410 Who pings their own nickname learns from the room whether they are in it', async (s) => {
  const { room, juliet, paris } = await company(s)
  const chamber = await s.login('juliet/chamber')
  const pong = await juliet.asks`<iq type='get' to='${room}/Juliet'><ping xmlns='${PING}'/></iq>`
  assert.equal(pong.attrs['from'], `${room}/Juliet`)
  assert.deepEqual(pong.children, [])
  await juliet.receivesNothing()
  const ping = (nick: string) => `<iq type='get' to='${room}/${nick}'><ping xmlns='${PING}'/></iq>`
  for (const actor of [chamber, paris])
    for (const nick of ['Juliet', 'Romeo', 'Nobody']) await isTurnedAway(actor, 'not-acceptable', 'cancel', ping(nick))
  // What `item-not-found` says: "the client is joined, but the occupant just changed their name".
  await isTurnedAway(juliet, 'item-not-found', 'cancel', ping('Nobody'))
  await isTurnedAway(
    juliet,
    'not-acceptable',
    'cancel',
    `<iq type='get' to='${freshRoom(s)}/Juliet'><ping xmlns='${PING}'/></iq>`,
  )
  await juliet.receivesNothing()
  await enters(chamber, room, 'Juliet')
  await chamber.asks`${ping('Juliet')}`
})

// XEP-0045 §17.4 rule 3
story(
  '§17.4 A request to an occupant reaches their client, and the answer comes back; addresses stay hidden',
  async (s) => {
    const { room, romeo, juliet } = await company(s)
    const payload = `<query xmlns='urn:example:x' a='b'><c/></query>`
    for (const type of ['get', 'set'])
      for (const answer of ['result', 'error']) {
        await juliet.sends`<iq type='${type}' id='q' to='${room}/Romeo'>${payload}</iq>`
        const asked =
          await romeo.receives`<iq type='${type}' id='*' from='${room}/Juliet' to='${romeo.jid}'>${payload}</iq>`
        assert.ok(!serialize(asked).includes(juliet.bare))
        const inside =
          answer === 'result'
            ? payload
            : `<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`
        await romeo.sends`<iq type='${answer}' id='${asked.attrs['id']}' to='${room}/Juliet'>${inside}</iq>`
        const answered =
          await juliet.receives`<iq type='${answer}' id='q' from='${room}/Romeo' to='${juliet.jid}'>${inside}</iq>`
        assert.ok(!serialize(answered).includes(romeo.bare))
      }
    // A ping of another's nickname is no self-ping.
    await juliet.sends`<iq type='get' id='q' to='${room}/Romeo'><ping xmlns='${PING}'/></iq>`
    await romeo.receives`<iq type='get' from='${room}/Juliet'><ping xmlns='${PING}'/></iq>`
  },
)

// XEP-0045 §17.4 rule 3; XEP-0054 §3.2: the vCard of a user is their server's to give
story('§17.4 The vCard of an occupant is that of the account', async (s) => {
  const { room, romeo, juliet } = await company(s)
  await romeo.asks`<iq type='set'><vCard xmlns='vcard-temp'><FN>Romeo Montague</FN></vCard></iq>`
  const card = await juliet.asks`<iq type='get' to='${room}/Romeo'><vCard xmlns='vcard-temp'/></iq>`
  assert.equal(card.attrs['from'], `${room}/Romeo`)
  assert.equal(card.getChild('vCard', 'vcard-temp')!.getChildText('FN'), 'Romeo Montague')
  assert.ok(!serialize(card).includes(romeo.bare))
  await romeo.receivesNothing()
})

// XEP-0045 §17.4
story('§17.4 Nobody answers in the name of who was asked', async (s) => {
  const { room, romeo, juliet, paris } = await company(s)
  romeo.send(`<iq type='get' id='v' to='${room}/Juliet'><query xmlns='jabber:iq:version'/></iq>`)
  const asked = await juliet.receives`<iq type='get' from='${room}/Romeo'/>`
  for (const to of [`${room}/Romeo`, `${room}/Juliet`])
    await paris.sends`<iq type='result' id='${asked.attrs['id']}' to='${to}'><query xmlns='jabber:iq:version'><name>Forged</name></query></iq>`
  await paris.receivesNothing()
  await romeo.receivesNothing()
  await juliet.sends`<iq type='result' id='${asked.attrs['id']}' to='${room}/Romeo'><query xmlns='jabber:iq:version'><name>Psi</name></query></iq>`
  await romeo.receives`<iq type='result' id='v' from='${room}/Juliet'><query xmlns='jabber:iq:version'><name>Psi</name></query></iq>`
})

story('§17.4 Requests to nobody, and answers to nothing', async (s) => {
  const { room, romeo, juliet, paris } = await company(s)
  const payload = `<query xmlns='urn:example:x'/>`
  await isTurnedAway(juliet, 'item-not-found', 'cancel', `<iq type='get' to='${room}/Nobody'>${payload}</iq>`)
  await isTurnedAway(paris, 'not-acceptable', undefined, `<iq type='get' to='${room}/Romeo'>${payload}</iq>`)
  for (const actor of [juliet, paris])
    for (const to of [room, `${room}/Romeo`, `${room}/Nobody`, `conference.${s.domain}`])
      for (const type of ['result', 'error']) await actor.sends`<iq type='${type}' id='none' to='${to}'>${payload}</iq>`
  for (const actor of [romeo, juliet, paris]) await actor.receivesNothing()
})

// XEP-0045 §17.3 rule 6; XEP-0359 §4: "MUST … remove"
story('§17.3 What only the room may say, occupants cannot make it seem to say', async (s) => {
  const { room, romeo, juliet, paris } = await company(s)
  const owner = x({ affiliation: 'owner', role: 'moderator', jid: romeo.jid }, 100, 110, 201, 307)
  const twice = `${owner}${owner}`
  await juliet.sends`<presence to='${room}/Juliet'>${twice}<show>away</show></presence>`
  const seen = await romeo.receives`<presence from='${room}/Juliet'>${x({ jid: juliet.jid })}</presence>`
  const own = await juliet.receives`<presence from='${room}/Juliet'/>`
  for (const presence of [seen, own]) assert.equal(presence.getChildren('x', MUC_USER).length, 1)
  assert.deepEqual(codesOf(own), [110])
  const ids = `<stanza-id xmlns='${STANZA_ID}' by='${room}' id='forged'/>`
  const delay = `<delay xmlns='${DELAY}' from='${room}' stamp='2002-10-13T23:58:37Z'/>`
  await juliet.sends`<message type='groupchat' to='${room}'><body>Hi</body>${twice}${ids}${delay}<x xmlns='${MUC}'/></message>`
  for (const actor of [romeo, juliet]) {
    const heard = await actor.receives`<message from='${room}/Juliet'><body>Hi</body></message>`
    assert.equal(heard.getChild('x', MUC_USER), undefined)
    assert.equal(heard.getChildren('delay', DELAY).length, 0, serialize(heard))
    const given = heard.getChildren('stanza-id', STANZA_ID)
    assert.equal(given.length, 1, serialize(heard))
    assert.notEqual(given[0]!.attrs['id'], 'forged')
  }
  await juliet.sends`<message type='chat' to='${room}/Romeo'><body>Hi</body>${twice}${ids}</message>`
  const whispered =
    await romeo.receives`<message from='${room}/Juliet'><body>Hi</body><x xmlns='${MUC_USER}'/></message>`
  assert.equal(whispered.getChildren('x', MUC_USER).length, 1)
  assert.ok(!serialize(whispered).includes('forged'))
  // Not even its owner speaks for the room.
  await romeo.sends`<message type='groupchat' to='${room}'><body>Long ago</body>${delay}</message>`
  for (const actor of [romeo, juliet]) {
    const heard = await actor.receives`<message from='${room}/Romeo'><body>Long ago</body></message>`
    assert.equal(heard.getChildren('delay', DELAY).length, 0, serialize(heard))
  }
  // On entering, changing the nickname and leaving, too.
  const { own: entered } = await enters(paris, room, 'Paris', { payload: owner })
  assert.deepEqual(codesOf(entered), [110, 170])
  await romeo.receives`<presence from='${room}/Paris'>${x({ jid: paris.jid })}</presence>`
  await paris.sends`<presence to='${room}/Count'>${owner}</presence>`
  await romeo.receives`<presence type='unavailable' from='${room}/Paris'>${x({ jid: paris.jid, nick: 'Count' }, 303)}</presence>`
  await romeo.receives`<presence from='${room}/Count'>${x({ jid: paris.jid })}</presence>`
  await paris.sends`<presence type='unavailable' to='${room}/Count'>${owner}</presence>`
  const left =
    await romeo.receives`<presence type='unavailable' from='${room}/Count'>${x({ role: 'none', jid: paris.jid })}</presence>`
  assert.equal(left.getChildren('x', MUC_USER).length, 1, serialize(left))
})

// XEP-0045 §9, §10, §14.4
story('§14.4 The lists and the configuration of a room are not for outsiders, nor mere participants', async (s) => {
  const { room, romeo, juliet, paris } = await company(s)
  await grants(romeo, room, `mercutio@${s.domain}`, 'member', { nick: 'Mercutio' })
  await grants(romeo, room, `tybalt@${s.domain}`, 'outcast')
  for (const actor of [paris, juliet]) {
    for (const affiliation of ['owner', 'admin', 'outcast'])
      await actor.isRefused(
        'forbidden',
        'auth',
      )`<iq type='get' to='${room}'><query xmlns='${MUC_ADMIN}'><item affiliation='${affiliation}'/></query></iq>`
    for (const role of ['moderator', 'participant', 'visitor'])
      await actor.isRefused(
        'forbidden',
        'auth',
      )`<iq type='get' to='${room}'><query xmlns='${MUC_ADMIN}'><item role='${role}'/></query></iq>`
    for (const item of [`affiliation='member' jid='${actor.bare}'`, `affiliation='owner' jid='${actor.bare}'`])
      await actor.isRefused(
        'forbidden',
        'auth',
      )`<iq type='set' to='${room}'><query xmlns='${MUC_ADMIN}'><item ${item}/></query></iq>`
    await actor.isRefused('forbidden', 'auth')`<iq type='get' to='${room}'><query xmlns='${MUC_OWNER}'/></iq>`
    await actor.isRefused(
      'forbidden',
      'auth',
    )`<iq type='set' to='${room}'><query xmlns='${MUC_OWNER}'><destroy/></query></iq>`
    await actor.isRefused(
      'forbidden',
      'auth',
    )`<iq type='set' to='${room}'><query xmlns='${MUC_OWNER}'><x xmlns='jabber:x:data' type='submit'/></query></iq>`
  }
  await paris.isRefused(
    'forbidden',
    'auth',
  )`<iq type='get' to='${room}'><query xmlns='${MUC_ADMIN}'><item affiliation='member'/></query></iq>`
  // Nor does the room tell them in any other way.
  for (const ns of ['http://jabber.org/protocol/disco#info', 'http://jabber.org/protocol/disco#items']) {
    const told = await paris.asks`<iq type='get' to='${room}'><query xmlns='${ns}'/></iq>`
    assert.ok(!/mercutio|tybalt|romeo@|juliet@/.test(serialize(told)), serialize(told))
  }
})

// XEP-0045 §5.1, §17.4: who has left has no role
story('§8 Who was a moderator and has left is none', async (s) => {
  const { room, romeo, juliet, paris } = await company(s)
  await assigns(romeo, room, 'Juliet', 'moderator')
  for (const actor of [romeo, juliet]) await notices([actor], room, 'Juliet')
  await enters(paris, room, 'Paris')
  await notices([romeo, juliet], room, 'Paris')
  await juliet.sends`<presence type='unavailable' to='${room}/Juliet'/>`
  await juliet.receives`<presence type='unavailable' from='${room}/Juliet'/>`
  await juliet.isRefused(
    'forbidden',
    'auth',
  )`<iq type='set' to='${room}'><query xmlns='${MUC_ADMIN}'><item nick='Paris' role='none'/></query></iq>`
  await paris.receives`<presence type='unavailable' from='${room}/Juliet'/>`
  await paris.receivesNothing()
})

// XEP-0045 §17.2 rule 4: what is broadcast is the same for all
story('§7.4 All hear the same in the same order', async (s) => {
  const { room, romeo, juliet, paris } = await company(s)
  await enters(paris, room, 'Paris')
  await notices([romeo, juliet], room, 'Paris')
  const present = [romeo, juliet, paris]
  for (let n = 0; n < 20; n++)
    for (const actor of present)
      await actor.sends`<message type='groupchat' to='${room}'><body>${actor.resource} ${n}</body></message>`
  const heard: string[][] = []
  for (const actor of present) {
    const all: Element[] = []
    while (all.length < 60) all.push(await actor.receives`<message type='groupchat' from='*'><body>*</body></message>`)
    heard.push(all.map((el) => `${el.getChildText('body')} ${el.getChild('stanza-id', STANZA_ID)!.attrs['id']}`))
  }
  assert.deepEqual(heard[1], heard[0])
  assert.deepEqual(heard[2], heard[0])
  for (const { resource } of present)
    assert.deepEqual(
      heard[0]!.filter((line) => line.startsWith(resource)).map((line) => line.split(' ')[1]),
      Array.from({ length: 20 }, (_, n) => `${n}`),
    )
})

// XEP-0045 §17.1
story('§17.1 A room is one by whatever way its address is written', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s, 'globe')
  await opens(romeo, room, 'Romeo')
  juliet.send(`<presence to='${room.toUpperCase()}/Juliet'><x xmlns='${MUC}'/></presence>`)
  await juliet.receives`<presence from='${room}/Romeo'/>`
  await juliet.receives`<presence from='${room}/Juliet'/>`
})
