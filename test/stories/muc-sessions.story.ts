import assert from 'node:assert/strict'
import type { Element } from '../../src/api.ts'
import {
  codesOf,
  enters,
  FORM,
  freshRoom,
  gather,
  hear,
  heardBy,
  isTurnedAway,
  itemOf,
  join,
  leaves,
  misses,
  notices,
  OCCUPANT_ID,
  occupantIdOf,
  opens,
  says,
} from '../support/room.ts'
import { type Actor, type Story, story } from '../support/story.ts'
import { enables, MAX, resumes } from '../support/stream-management.ts'

const INFO = 'http://jabber.org/protocol/disco#info'
const isGone = (el: Element) => el.name === 'presence' && el.attrs['type'] === 'unavailable'

/** Romeo, the owner, in a room with Juliet's two clients, which share a nickname. */
async function two(s: Story) {
  const romeo = await s.login('romeo/orchard')
  const balcony = await s.login('juliet/balcony')
  const chamber = await s.login('juliet/chamber')
  const room = freshRoom(s)
  await gather(room, [
    [romeo, 'Romeo'],
    [balcony, 'Juliet'],
  ])
  const entrance = await enters(chamber, room, 'Juliet')
  for (const actor of [romeo, balcony, chamber]) assert.ok(!(await heardBy(actor)).some(isGone))
  return { room, romeo, balcony, chamber, entrance }
}

// XEP-0045 §7.2.8: "MUST route in-room messages to all of the user's resources and allow all … to send messages"
story('§7.2.8 Two clients of one user share a nickname, and both take part', async (s) => {
  const { room, romeo, balcony, chamber, entrance } = await two(s)
  assert.ok(entrance.others.some((el) => el.attrs['from'] === `${room}/Romeo`))
  assert.equal(entrance.own.attrs['from'], `${room}/Juliet`)
  await says(balcony, room, 'From the balcony')
  await hear([romeo, chamber], room, 'Juliet', 'From the balcony')
  await says(chamber, room, 'From my chamber')
  await hear([romeo, balcony], room, 'Juliet', 'From my chamber')
  await romeo.sends`<message type='chat' to='${room}/Juliet'><body>Psst</body></message>`
  for (const actor of [balcony, chamber])
    await actor.receives`<message type='chat' from='${room}/Romeo' to='${actor.jid}'><body>Psst</body></message>`
  for (const actor of [romeo, balcony, chamber]) await actor.receivesNothing()
})

// XEP-0045 §7.2.8
story('§7.2.8 Two clients are one occupant to others, with one id', async (s) => {
  const { room, romeo } = await two(s)
  const paris = await s.login('paris')
  const { others } = await enters(paris, room, 'Paris')
  assert.deepEqual(
    others.map((el) => el.attrs['from']),
    [`${room}/Romeo`, `${room}/Juliet`],
  )
  const info = await romeo.asks`<iq type='get' to='${room}'><query xmlns='${INFO}'/></iq>`
  const fields = info.getChild('query', INFO)!.getChild('x', FORM)!.getChildren('field')
  const occupants = fields.find(({ attrs }) => attrs['var'] === 'muc#roominfo_occupants')
  assert.equal(occupants?.getChildText('value'), '3')
})

// XEP-0045 §7.2.8, §7.14
story('§7.14 Gone is an occupant when the last of its clients has gone', async (s) => {
  const { room, romeo, balcony, chamber } = await two(s)
  await leaves(chamber, room, 'Juliet')
  assert.ok(!(await heardBy(romeo)).some(isGone))
  assert.ok(!(await heardBy(balcony)).some(isGone))
  await isTurnedAway(
    chamber,
    'not-acceptable',
    undefined,
    `<message type='groupchat' to='${room}'><body>Hi</body></message>`,
  )
  await says(romeo, room, 'Who is there?')
  await hear([balcony], room, 'Romeo', 'Who is there?')
  await chamber.receivesNothing()
  await enters(chamber, room, 'Juliet')
  await heardBy(romeo)
  await balcony.cuts()
  assert.ok(!(await heardBy(romeo)).some(isGone))
  await chamber.disconnects()
  await misses([romeo], room, 'Juliet')
})

// XEP-0045 §7.6, §7.2.8
story('§7.6 A user may have two nicknames in a room, one each client', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const balcony = await s.login('juliet/balcony')
  const chamber = await s.login('juliet/chamber')
  const room = freshRoom(s)
  await gather(room, [
    [romeo, 'Romeo'],
    [balcony, 'Juliet'],
    [chamber, 'Capulet'],
  ])
  await says(chamber, room, 'It is me')
  await hear([romeo, balcony], room, 'Capulet', 'It is me')
  await romeo.sends`<message type='chat' to='${room}/Capulet'><body>Psst</body></message>`
  await chamber.receives`<message type='chat' from='${room}/Romeo'><body>Psst</body></message>`
  await balcony.receivesNothing()
  await leaves(balcony, room, 'Juliet')
  await misses([romeo, chamber], room, 'Juliet')
})

// XEP-0045 §7.14
story('§7.14 A client whose connection is cut leaves, and others hear it once', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  await gather(room, [
    [romeo, 'Romeo'],
    [juliet, 'Juliet'],
  ])
  await juliet.cuts()
  const gone = await romeo.receives`<presence type='unavailable' from='${room}/Juliet'/>`
  assert.deepEqual(codesOf(gone), [])
  assert.equal(itemOf(gone).attrs['role'], 'none')
  await romeo.receivesNothing()
  const again = await s.login('juliet/balcony')
  await enters(again, room, 'Juliet')
  await notices([romeo], room, 'Juliet')
})

// XEP-0045 §18.1.2: a client of this server that is gone has no session
story('§11.1 A client here that does not want something is not gone', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  await gather(room, [
    [romeo, 'Romeo'],
    [juliet, 'Juliet'],
  ])
  for (const condition of ['service-unavailable', 'jid-malformed'])
    await juliet.sends`<message type='error' to='${room}/Romeo'><error type='cancel'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`
  await juliet.receivesNothing()
  await romeo.receivesNothing()
})

// XEP-0045 §17.4: of several clients one that can answer
story('§17.4 Who is asked something answers with a client that is connected', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const balcony = await s.login('juliet/balcony')
  const chamber = await s.login('juliet/chamber')
  const room = freshRoom(s)
  await enables(balcony)
  await gather(room, [
    [romeo, 'Romeo'],
    [balcony, 'Juliet'],
  ])
  await enters(chamber, room, 'Juliet')
  await balcony.cuts()
  romeo.send(`<iq type='get' id='v' to='${room}/Juliet'><query xmlns='jabber:iq:version'/></iq>`)
  await chamber.receives`<iq type='get' from='${room}/Romeo'><query xmlns='jabber:iq:version'/></iq>`
})

// XEP-0198 §5; XEP-0045 §7.14: a connection that is lost is no session that has ended
story(
  '§7.14 Whose connection is lost for a while stays in the room, and leaves it when they do not come back',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.login('juliet/balcony')
    const room = freshRoom(s)
    const token = await enables(juliet)
    await gather(room, [
      [romeo, 'Romeo'],
      [juliet, 'Juliet'],
    ])
    await juliet.cuts()
    await romeo.receivesNothing()
    await says(romeo, room, 'Still there?')
    const again = await resumes(s, juliet, token, 0, 1)
    const heard = (await heardBy(again)).filter((el) => el.name === 'message')
    assert.deepEqual(
      heard.map((el) => [el.attrs['from'], el.getChildText('body')]),
      [
        [room, null],
        [`${room}/Romeo`, 'Still there?'],
      ],
    )
    await says(again, room, 'Still here')
    await hear([romeo], room, 'Juliet', 'Still here')
    await again.cuts()
    await romeo.receivesNothing()
    await s.advance(MAX + 1_000)
    await misses([romeo], room, 'Juliet')
    await romeo.receivesNothing()
  },
)

/** The id under which a room shows somebody, who enters and leaves. */
async function idIn(actor: Actor, room: string, nick: string): Promise<string> {
  const { own } = await enters(actor, room, nick)
  assert.equal(occupantIdOf(await leaves(actor, room, nick)), occupantIdOf(own))
  return occupantIdOf(own)
}

// XEP-0421 §4.1
story('XEP-0421 §4 A user has one id in a room, and others in other rooms; it tells nothing', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const chamber = await s.login('juliet/chamber')
  const [one, other] = [freshRoom(s), freshRoom(s)]
  const romeos = occupantIdOf((await opens(romeo, one, 'Romeo')).own)
  await opens(romeo, other, 'Romeo')
  const id = await idIn(juliet, one, 'Juliet')
  assert.equal(await idIn(juliet, one, 'JC'), id)
  assert.equal(await idIn(chamber, one, 'Juliet'), id)
  assert.notEqual(await idIn(juliet, other, 'Juliet'), id)
  assert.notEqual(romeos, id)
  assert.ok(id.length >= 20 && id.length <= 128, id)
  assert.ok(!id.includes('juliet'))
})

// XEP-0421 §4: "every message and every presence"; "MUST replace such element"
story('XEP-0421 §4 Every stanza carries the id, and nobody else’s', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const paris = await s.login('paris')
  const room = freshRoom(s)
  const romeos = occupantIdOf((await opens(romeo, room, 'Romeo')).own)
  const forged = `<occupant-id xmlns='${OCCUPANT_ID}' id='${romeos}'/>`
  const id = occupantIdOf((await enters(juliet, room, 'Juliet', { payload: forged })).own)
  await notices([romeo], room, 'Juliet')
  for (const stanza of [
    `<message type='groupchat' to='${room}'><body>Hi</body>${forged}${forged}</message>`,
    `<message type='chat' to='${room}/Romeo'><body>Hi</body>${forged}</message>`,
    `<message type='groupchat' to='${room}'><thread>t</thread>${forged}</message>`,
    `<presence to='${room}/Juliet'><show>away</show>${forged}</presence>`,
  ]) {
    await juliet.sends`${stanza}`
    assert.equal(occupantIdOf(await romeo.next()), id)
  }
  await juliet.sends`<presence to='${room}/JC'>${forged}</presence>`
  for (const actor of [romeo, romeo]) assert.equal(occupantIdOf(await actor.next()), id)
  await romeo.sends`<message type='groupchat' to='${room}'><subject>The moon</subject></message>`
  const { others, history, subject } = await enters(paris, room, 'Paris')
  assert.deepEqual(others.map(occupantIdOf), [romeos, id])
  assert.deepEqual(history.map(occupantIdOf), [id])
  assert.equal(occupantIdOf(subject), romeos)
  await juliet.isRefused('conflict')`${join(room, 'Romeo', { payload: forged })}`
})
