import assert from 'node:assert/strict'
import type { Element } from '../../src/api.ts'
import { AppServer, enable, isDealtWith, withService } from '../support/app-server.ts'
import { ComponentClient } from '../support/component.ts'
import { configuration } from '../support/occupants.ts'
import { enters, freshRoom, heardBy, opens, says, submission } from '../support/room.ts'
import { type Actor, drain, story } from '../support/story.ts'
import { enables } from '../support/stream-management.ts'

const NOTIFY = '{urn:xmpp:notification-settings:1}notify'

/** Registers a nick, and what is to be heard while away; XEP-0045 §7.10, XEP-0492. */
async function registers(actor: Actor, room: string, nick: string, choice = 'always'): Promise<void> {
  const form = submission('http://jabber.org/protocol/muc#register', { 'muc#register_roomnick': nick })
  const more = `<field var='${NOTIFY}'><value>${choice}</value></field></x>`
  await actor.asks`<iq type='set' to='${room}'><query xmlns='jabber:iq:register'>${form.replace('</x>', more)}</query></iq>`
}

story(
  'What a phone in a room has not acknowledged when its connection is lost wakes it as it has chosen // XEP-0492 §2.1',
  async (s) => {
    for (const [choice, count] of [
      ['always', '2'],
      ['on-mention', '1'],
      ['never', undefined],
    ] as const) {
      const app = await AppServer.join(s)
      const room = freshRoom(s)
      const juliet = await s.login('juliet/balcony')
      const phone = await s.online('romeo/phone')
      await opens(juliet, room, 'Juliet')
      await registers(phone, room, 'Romeo', choice)
      await phone.asks`<iq type='set'>${enable()}</iq>`
      await enables(phone)
      await enters(phone, room, 'Romeo')
      await drain(juliet)
      await says(juliet, room, 'Good night')
      await says(juliet, room, 'Romeo: come')
      for (let n = 0; n < 2; n++) await phone.receives`<message type='groupchat' from='${room}/Juliet'/>`
      await phone.cuts()
      if (count === undefined) await app.hearsNothing(s, juliet)
      else assert.equal((await app.notified()).summary['message-count'], count, choice)
      app.leaves()
      await juliet.disconnects()
    }
  },
  withService,
)

story(
  'An app server that may be told who spoke is told who did in the room, of a forwarded mention too // XEP-0452 §3.2',
  async (s) => {
    const app = await AppServer.join(s)
    const room = freshRoom(s)
    const juliet = await s.login('juliet/balcony')
    const phone = await s.online('romeo/phone')
    await opens(juliet, room, 'Juliet')
    await juliet.asks`${configuration(room, { forwardmentions: true })}`
    await registers(phone, room, 'Romeo')
    await phone.asks`<iq type='set'>${enable()}</iq>`
    await phone.disconnects()
    await drain(juliet)
    await juliet.sends`<message type='groupchat' to='${room}'><body>Romeo?</body><reference xmlns='urn:xmpp:reference:0' type='mention' uri='xmpp:${phone.bare}'/></message>`
    const { summary } = await app.notified()
    assert.deepEqual([summary['last-message-sender'], summary['last-message-body']], [`${room}/Juliet`, 'Romeo?'])
    app.leaves()
  },
  { ...withService, modules: { push: { summary: { sender: true, body: true } } } },
)

story(
  'Who is in the room, though not available to others, does not find again what was said there; who is not available and not there does',
  async (s) => {
    const room = freshRoom(s)
    const juliet = await s.login('juliet/balcony')
    // Neither takes messages that go to the account.
    const romeo = await s.login('romeo/orchard')
    const nurse = await s.login('nurse/chamber')
    await nurse.sends`<presence><priority>-1</priority></presence>`
    await opens(juliet, room, 'Juliet')
    await registers(romeo, room, 'Romeo')
    await registers(nurse, room, 'Nurse')
    await enters(romeo, room, 'Romeo')
    await drain(juliet)
    await says(juliet, room, 'Good night')
    await romeo.receives`<message type='groupchat' from='${room}/Juliet'><body>Good night</body></message>`
    await drain(juliet)
    await romeo.sends`<presence/>`
    let seen: Element
    const isSaid = (el: { name: string; attrs: Record<string, string | undefined> }) =>
      el.name === 'message' && el.attrs['type'] === 'groupchat'
    await heardBy(nurse)
    await nurse.sends`<presence/>`
    do seen = await nurse.next()
    while (!isSaid(seen))
    assert.equal(seen.getChildText('body'), 'Good night')
    assert.deepEqual((await heardBy(romeo)).filter(isSaid), [])
  },
  { modules: { muc: { away: { deliver: true } } } },
)

const MANTUA = 'mantua.example'
story(
  'What is kept for members is not kept for somebody of the same name elsewhere, nor in a room with more reserved nicks than the admin says',
  async (s) => {
    const mantua = await ComponentClient.join(s.bed.server, MANTUA, 'secret')
    const rooms = [freshRoom(s), freshRoom(s)] as const
    await s.createAccount('romeo')
    const juliet = await s.login('juliet/balcony')
    const nurse = await s.online('nurse/chamber')
    for (const room of rooms) await opens(juliet, room, 'Juliet')
    const form = submission('http://jabber.org/protocol/muc#register', { 'muc#register_roomnick': 'Romeo' })
    mantua.send(
      `<iq type='set' id='r' from='romeo@${MANTUA}/road' to='${rooms[0]}'><query xmlns='jabber:iq:register'>${form}</query></iq>`,
    )
    await mantua.receives`<iq type='result' id='r'/>`
    await registers(await s.online('mercutio/street'), rooms[1], 'Mercutio')
    await registers(nurse, rooms[1], 'Nurse')
    await nurse.disconnects()
    await drain(juliet)
    for (const room of rooms) await says(juliet, room, 'Good night')
    await drain(juliet)
    for (const name of ['romeo/orchard', 'nurse/chamber'] as const) {
      const actor = await s.online(name)
      await isDealtWith(s, actor)
      await actor.receivesNothing()
    }
    mantua.send('</stream:stream>')
    await mantua.ends()
  },
  {
    server: { components: { [MANTUA]: { secret: 'secret' } } },
    modules: { muc: { away: { deliver: true, maxNicks: 1 } } },
  },
)
