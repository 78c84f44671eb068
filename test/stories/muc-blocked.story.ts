import assert from 'node:assert/strict'
import { ComponentClient } from '../support/component.ts'
import { freshRoom, gather, hear, heardBy, says } from '../support/room.ts'
import { type Actor, drain, story } from '../support/story.ts'

const NS = 'urn:xmpp:blocking'
const blocks = (actor: Actor, jid: string, deed = 'block') =>
  actor.asks`<iq type='set'><${deed} xmlns='${NS}'><item jid='${jid}'/></${deed}></iq>`

// Neither what is said goes past a block list, although it goes to many, nor presence.
story('Who blocks an occupant hears nothing of it, and all of the others // XEP-0191 §3.3', async (s) => {
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.online('romeo/orchard')
  const tybalt = await s.login('tybalt/street')
  const room = freshRoom(s)
  await gather(room, [
    [juliet, 'Juliet'],
    [romeo, 'Romeo'],
    [tybalt, 'Tybalt'],
  ])
  await blocks(romeo, `${room}/Tybalt`)
  await drain(romeo)
  await says(tybalt, room, 'Boy!')
  await tybalt.sends`<presence to='${room}/Tybalt'><show>dnd</show></presence>`
  await hear([juliet], room, 'Tybalt', 'Boy!')
  await drain(juliet)
  await says(juliet, room, 'Peace')
  await drain(juliet)
  const heard = (await heardBy(romeo)).map((el) => [el.name, el.attrs['from'], el.attrs['type']])
  assert.deepEqual(heard, [['message', `${room}/Juliet`, 'groupchat']])
  // And nobody takes it for gone.
  await drain(tybalt)
  await says(romeo, room, 'Here')
  await hear([juliet], room, 'Romeo', 'Here')
  await drain(tybalt)
  await blocks(romeo, `${room}/Tybalt`, 'unblock')
  await drain(romeo)
  await says(tybalt, room, 'Villain!')
  await romeo.receives`<message type='groupchat' from='${room}/Tybalt'><body>Villain!</body></message>`
})

const MANTUA = 'mantua.example'
story(
  'A room elsewhere hears no error of what somebody has blocked // XEP-0191 §3.3',
  async (s) => {
    const mantua = await ComponentClient.join(s.bed.server, MANTUA, 'secret')
    const romeo = await s.online('romeo/orchard')
    await blocks(romeo, `street@${MANTUA}/Tybalt`)
    const message = (nick: string) =>
      `<message type='groupchat' from='street@${MANTUA}/${nick}' to='${romeo.jid}'><body>Boy!</body></message>`
    mantua.send(message('Tybalt'))
    mantua.send(message('Benvolio'))
    await romeo.receives`<message type='groupchat' from='street@${MANTUA}/Benvolio'/>`
    await mantua.receivesNothing()
    mantua.send('</stream:stream>')
    await mantua.ends()
  },
  { server: { components: { [MANTUA]: { secret: 'secret' } } } },
)

story(
  'Whoever wants it has what is said in rooms in the own archive, too // XEP-0313 §6.1.2',
  async (s) => {
    const juliet = await s.login('juliet/balcony')
    const romeo = await s.online('romeo/orchard')
    const room = freshRoom(s)
    await gather(room, [
      [juliet, 'Juliet'],
      [romeo, 'Romeo'],
    ])
    await says(juliet, room, 'Good night')
    await hear([romeo], room, 'Juliet', 'Good night')
    await drain(romeo)
    romeo.send("<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>")
    const bodies: string[] = []
    for (;;) {
      const el = await romeo.next()
      if (el.attrs['id'] === 'q') break
      const kept = el.getChild('result', 'urn:xmpp:mam:2')?.getChild('forwarded', 'urn:xmpp:forward:0')
      bodies.push(kept?.getChild('message', 'jabber:client')?.getChildText('body') ?? '')
    }
    assert.ok(bodies.includes('Good night'), bodies.join())
  },
  { modules: { archive: { groupchat: true } } },
)
