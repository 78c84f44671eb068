import assert from 'node:assert/strict'
import { AppServer, enable, withService } from '../support/app-server.ts'
import { configuration, valuesOf } from '../support/occupants.ts'
import { enters, FORM, freshRoom, grants, leaves, opens, says, submission } from '../support/room.ts'
import { type Actor, drain, type Story, story } from '../support/story.ts'

const REGISTER = 'http://jabber.org/protocol/muc#register'
const NOTIFY = '{urn:xmpp:notification-settings:1}notify'

/** Registers a nick, and what is to be heard while away; XEP-0045 §7.10. */
async function registers(actor: Actor, room: string, nick: string, choice?: string): Promise<void> {
  const lines = [`<field var='muc#register_roomnick'><value>${nick}</value></field>`]
  if (choice !== undefined) lines.push(`<field var='${NOTIFY}'><value>${choice}</value></field>`)
  const form = submission(REGISTER, {}).replace('</x>', `${lines.join('')}</x>`)
  await actor.asks`<iq type='set' to='${room}'><query xmlns='jabber:iq:register'>${form}</query></iq>`
}

/** Juliet in her room; Romeo, who has registered like this, and whose phone is away. */
async function romeoAway(s: Story, choice?: string) {
  const app = await AppServer.join(s)
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const phone = await s.online('romeo/phone')
  await opens(juliet, room, 'Juliet')
  await registers(phone, room, 'Romeo', choice)
  await phone.asks`<iq type='set'>${enable()}</iq>`
  await phone.disconnects()
  await drain(juliet)
  return { app, room, juliet, romeo: phone.bare }
}

const at = (s: Story, body: string, room: string) => ({ s, body, room })

/** Somebody says something, and it wakes the phone, or does not. */
async function wakes(app: AppServer, actor: Actor, isWoken: boolean, { s, body, room }: ReturnType<typeof at>) {
  await says(actor, room, body)
  if (isWoken) assert.equal((await app.notified()).from, `romeo@${s.domain}`, body)
  else await app.hearsNothing(s, actor)
  // So that the next wakes it at once, if at all.
  await s.advance(60_000)
}

story(
  'A member who is away is woken by what is said to it, unless it says otherwise // XEP-0357 §7, XEP-0492 §3',
  async (s) => {
    const { app, room, juliet } = await romeoAway(s)
    await wakes(app, juliet, false, at(s, 'Good night', room))
    await wakes(app, juliet, false, at(s, 'I love Romeo so', room))
    for (const body of ['Romeo, wherefore?', 'Romeo: come', '@Romeo come', 'Come, @Romeo!'])
      await wakes(app, juliet, true, at(s, body, room))
    await juliet.sends`<message type='groupchat' to='${room}'><body>Yes</body><reply xmlns='urn:xmpp:reply:0' to='${room}/Romeo' id='1'/></message>`
    await app.notified()
    await juliet.sends`<message type='groupchat' to='${room}'><subject>Romeo: x</subject></message>`
    await drain(juliet)
    await app.hearsNothing(s, juliet)
    app.leaves()
  },
  withService,
)

story(
  'A member who wants to hear everything is woken by everything but its own words // XEP-0492 §2.1',
  async (s) => {
    const { app, room, juliet, romeo } = await romeoAway(s, 'always')
    await wakes(app, juliet, true, at(s, 'Good night', room))
    const desk = await s.login('romeo/desk')
    await enters(desk, room, 'Romeo')
    await drain(juliet)
    // With one client it is there.
    await wakes(app, juliet, false, at(s, 'Good day', room))
    await desk.receives`<message/>`
    await says(desk, room, 'Good day')
    await leaves(desk, room, 'Romeo')
    await app.hearsNothing(s, desk)
    await drain(juliet)
    await wakes(app, juliet, true, at(s, 'Good night', room))
    // Who is no member any more is not told.
    await grants(juliet, room, romeo, 'none')
    await drain(juliet)
    await wakes(app, juliet, false, at(s, 'Romeo: come', room))
    app.leaves()
  },
  withService,
)

story(
  'A member who wants to hear nothing is not woken; a choice can be changed // XEP-0492 §2.1, XEP-0045 §7.10',
  async (s) => {
    const { app, room, juliet } = await romeoAway(s, 'never')
    await wakes(app, juliet, false, at(s, 'Romeo: come', room))
    const desk = await s.login('romeo/desk')
    const reply = await desk.asks`<iq type='get' to='${room}'><query xmlns='jabber:iq:register'/></iq>`
    const form = reply.getChild('query')!.getChild('x', FORM)!
    assert.deepEqual(valuesOf(form)[NOTIFY], ['never'])
    await registers(desk, room, 'Romeo', 'on-mention')
    await wakes(app, juliet, true, at(s, 'Romeo: come', room))
    await wakes(app, juliet, false, at(s, 'Good night', room))
    await registers(desk, room, 'Romeo', 'always')
    await wakes(app, juliet, true, at(s, 'Good night', room))
    app.leaves()
  },
  withService,
)

story(
  'Where mentions are forwarded they wake once // XEP-0452, XEP-0357 §7',
  async (s) => {
    const { app, room, juliet, romeo } = await romeoAway(s, 'always')
    await juliet.asks`${configuration(room, { forwardmentions: true })}`
    await drain(juliet)
    await juliet.sends`<message type='groupchat' to='${room}'><body>Romeo?</body><reference xmlns='urn:xmpp:reference:0' type='mention' uri='xmpp:${romeo}'/></message>`
    assert.equal((await app.notified()).summary['message-count'], '1')
    await s.advance(60_000)
    await drain(juliet)
    await app.hearsNothing(s, juliet)
    app.leaves()
  },
  withService,
)

const SM = 'urn:xmpp:sm:3'
story(
  'The choice counts, too, for a phone that is in the room and has lost its connection',
  async (s) => {
    for (const [choice, plain, named] of [
      [undefined, true, true],
      ['always', true, true],
      ['on-mention', false, true],
      ['never', false, false],
    ] as const) {
      const app = await AppServer.join(s)
      const room = freshRoom(s)
      const juliet = await s.login('juliet/balcony')
      const phone = await s.online('romeo/phone')
      await opens(juliet, room, 'Juliet')
      await registers(phone, room, 'Romeo', choice)
      await phone.asks`<iq type='set'>${enable()}</iq>`
      await phone.sends`<enable xmlns='${SM}' resume='true'/>`
      await phone.next()
      await enters(phone, room, 'Romeo')
      await drain(juliet)
      await phone.cuts()
      await s.advance(60_000)
      await drain(juliet)
      await wakes(app, juliet, plain, at(s, 'Good night', room))
      await wakes(app, juliet, named, at(s, 'Romeo: come', room))
      app.leaves()
      await juliet.disconnects()
    }
  },
  withService,
)

story(
  'A member with a reserved nick who is offline finds what was said, once and with its time, if the admin says so',
  async (s) => {
    const room = freshRoom(s)
    const juliet = await s.login('juliet/balcony')
    const romeo = await s.online('romeo/orchard')
    const nurse = await s.online('nurse/chamber')
    await opens(juliet, room, 'Juliet')
    await registers(romeo, room, 'Romeo')
    await registers(nurse, room, 'Nurse', 'never')
    await drain(juliet)
    for (const actor of [romeo, nurse]) await actor.disconnects()
    await says(juliet, room, 'Second')
    await juliet.sends`<message type='groupchat' to='${room}'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`
    await drain(juliet)
    const said = await says(juliet, room, 'Third, at last')
    await s.advance(60_000)
    const back = await s.online('romeo/orchard')
    for (const body of ['Second', 'Third, at last']) {
      const message =
        await back.receives`<message type='groupchat' from='${room}/Juliet' to='${back.bare}'><body>${body}</body></message>`
      assert.equal(message.getChildren('delay', 'urn:xmpp:delay').length, 1)
      if (body === 'Second') continue
      const id = (el: typeof said) => el.getChild('stanza-id', 'urn:xmpp:sid:0')?.attrs['id']
      assert.equal(id(message), id(said))
    }
    await back.receivesNothing()
    // Who is online finds what was said in the room’s archive.
    await says(juliet, room, 'Fourth')
    await back.receivesNothing()
    await back.disconnects()
    const again = await s.online('romeo/orchard')
    await again.receivesNothing()
    await (await s.online('nurse/chamber')).receivesNothing()
  },
  { modules: { muc: { away: { deliver: true } } } },
)
