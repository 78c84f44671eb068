import assert from 'node:assert/strict'
import { AppServer, enable, withService } from '../support/app-server.ts'
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
    const isSaid = (el: { name: string; attrs: Record<string, string | undefined> }) =>
      el.name === 'message' && el.attrs['type'] === 'groupchat'
    assert.deepEqual((await heardBy(romeo)).filter(isSaid), [])
    await heardBy(nurse)
    await nurse.sends`<presence/>`
    assert.equal((await heardBy(nurse)).filter(isSaid).length, 1)
  },
  { modules: { muc: { away: { deliver: true } } } },
)
