import assert from 'node:assert/strict'
import { company, configuration } from '../support/occupants.ts'
import { enters, freshRoom, leaves, opens, submission } from '../support/room.ts'
import { type Actor, drain, type Story, story } from '../support/story.ts'

const NS = 'urn:xmpp:mmn:0'
const register = (room: string, nick: string) =>
  `<iq type='set' to='${room}'><query xmlns='jabber:iq:register'>${submission('http://jabber.org/protocol/muc#register', { 'muc#register_roomnick': nick })}</query></iq>`
const reference = (uri: string) =>
  `<reference xmlns='urn:xmpp:reference:0' type='mention' begin='0' end='5' uri='${uri}'/>`
const mention = (room: string, uri: string) =>
  `<message type='groupchat' to='${room}' id='m1'><body>Romeo, wherefore?</body>${reference(uri)}</message>`

/** Juliet’s room that forwards mentions, with Romeo registered and online, but not there. */
async function romeoAway(s: Story): Promise<{ room: string; juliet: Actor; romeo: Actor }> {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.online('romeo/orchard')
  await opens(juliet, room, 'Juliet', { forwardmentions: true })
  await romeo.asks`${register(room, 'Romeo')}`
  await drain(romeo)
  return { room, juliet, romeo }
}

story('A member who is mentioned while away gets the message // XEP-0452 §3.2', async (s) => {
  const { room, juliet, romeo } = await romeoAway(s)
  for (const uri of [`xmpp:${romeo.bare}`, `xmpp:${room}/Romeo`]) {
    await juliet.sends`${mention(room, uri)}`
    const said = await juliet.receives`<message id='m1'/>`
    const message = await romeo.receives`<message from='${room}' to='${romeo.bare}'/>`
    const forwarded = message.getChild('mentions', NS)!.getChild('forwarded', 'urn:xmpp:forward:0')!
    assert.ok(forwarded.getChild('delay', 'urn:xmpp:delay'))
    const inner = forwarded.getChild('message')!
    assert.equal(inner.attrs['from'], `${room}/Juliet`)
    assert.equal(inner.attrs['to'], room)
    assert.equal(inner.attrs['id'], 'm1')
    assert.deepEqual(
      inner.getChildElements().map(({ name }) => name),
      said.getChildElements().map(({ name }) => name),
    )
    await romeo.receivesNothing()
  }
})

story('Who is there hears it there, who is not mentioned hears nothing // XEP-0452 §3.2', async (s) => {
  const { room, juliet, romeo } = await romeoAway(s)
  await juliet.sends`<message type='groupchat' to='${room}'><body>Romeo, wherefore?</body></message>`
  await juliet.sends`<message type='groupchat' to='${room}'><body>x</body>${reference(`xmpp:${room}/Tybalt`)}${reference('mailto:romeo')}${reference('xmpp:%')}</message>`
  await drain(juliet)
  await romeo.receivesNothing()
  await enters(romeo, room, 'Romeo')
  await juliet.sends`${mention(room, `xmpp:${romeo.bare}`)}`
  await romeo.receives`<message from='${room}/Juliet' id='m1'/>`
  await romeo.receivesNothing()
})

story('Only members with a nick of their own, and only where the room does so // XEP-0452 §2, §3.1', async (s) => {
  const { room, juliet, romeo } = await company(s)
  await leaves(romeo, room, 'Romeo')
  for (const isOn of [false, true]) {
    await juliet.asks`${configuration(room, { forwardmentions: isOn })}`
    await juliet.sends`${mention(room, `xmpp:${romeo.bare}`)}`
    await drain(juliet)
    await romeo.receivesNothing()
  }
  const form = await juliet.asks`<iq type='get' to='${room}'><query xmlns='http://jabber.org/protocol/muc#owner'/></iq>`
  assert.ok(String(form).includes('muc#roomconfig_forwardmentions'))
  await juliet.asks`${configuration(room, { forwardmentions: false })}`
  await romeo.sends`<presence/>`
  await romeo.asks`${register(room, 'Romeo')}`
  await drain(romeo)
  await juliet.sends`${mention(room, `xmpp:${romeo.bare}`)}`
  await drain(juliet)
  await romeo.receivesNothing()
})

story('Who has chosen to hear nothing gets no mentions // XEP-0452 §2, XEP-0492 §2.1', async (s) => {
  const { room, juliet, romeo } = await romeoAway(s)
  const choice = `<field var='{urn:xmpp:notification-settings:1}notify'><value>never</value></field></x>`
  await romeo.asks`${register(room, 'Romeo').replace('</x>', choice)}`
  await juliet.sends`${mention(room, `xmpp:${romeo.bare}`)}`
  await drain(juliet)
  await romeo.receivesNothing()
  await romeo.asks`${register(room, 'Romeo').replace('</x>', choice.replace('never', 'on-mention'))}`
  await juliet.sends`${mention(room, `xmpp:${romeo.bare}`)}`
  await romeo.receives`<message from='${room}'/>`
})
