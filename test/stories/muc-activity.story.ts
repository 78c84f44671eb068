import assert from 'node:assert/strict'
import { isDealtWith } from '../support/app-server.ts'
import { company } from '../support/occupants.ts'
import { enters, freshRoom, grants, leaves, MUC_OWNER, opens, says } from '../support/room.ts'
import { type Actor, drain, type Story, story } from '../support/story.ts'

const NS = 'urn:xmpp:rai:0'

const watch = (s: Story) => `<presence to='conference.${s.domain}'><rai xmlns='${NS}'/></presence>`

/** Expects the next stanza to tell of activity in these rooms, and in no others. */
async function hearsOf(actor: Actor, s: Story, ...rooms: string[]): Promise<void> {
  const message = await actor.receives`<message from='conference.${s.domain}' to='${actor.jid}'/>`
  const told = message.getChild('rai', NS)!.getChildren('activity')
  assert.deepEqual(
    told.map((one) => one.getText()),
    rooms,
  )
}

/** Juliet’s room, of which Romeo is a member who has been there and gone. */
async function romeoAway(s: Story) {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  await opens(juliet, room, 'Juliet', { persistentroom: true })
  await grants(juliet, room, romeo.bare, 'member')
  await s.advance(1000)
  await enters(romeo, room, 'Romeo')
  await leaves(romeo, room, 'Romeo')
  await drain(juliet)
  await s.advance(1000)
  return { room, juliet, romeo }
}

story('A member hears once that something was said in a room it is not in // XEP-0437 §3.1, §4', async (s) => {
  const { room, juliet, romeo } = await romeoAway(s)
  await romeo.sends`${watch(s)}`
  await romeo.receivesNothing()
  await juliet.sends`<message type='groupchat' to='${room}'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`
  await drain(juliet)
  await romeo.receivesNothing()
  await says(juliet, room, 'Romeo?')
  await hearsOf(romeo, s, room)
  await says(juliet, room, 'Art thou there?')
  await romeo.receivesNothing()
  // What is said while one is there is heard there; of what comes after one hears again.
  await enters(romeo, room, 'Romeo')
  await drain(juliet)
  await says(juliet, room, 'Good night')
  await romeo.receives`<message from='${room}/Juliet'/>`
  await leaves(romeo, room, 'Romeo')
  await drain(juliet)
  await says(juliet, room, 'Parting is such sweet sorrow')
  await hearsOf(romeo, s, room)
})

story('Whoever begins to watch hears at once of all that was missed // XEP-0437 §4', async (s) => {
  const { room, juliet, romeo } = await romeoAway(s)
  const quiet = freshRoom(s)
  await opens(juliet, quiet, 'Juliet')
  await grants(juliet, quiet, romeo.bare, 'member')
  await enters(romeo, quiet, 'Romeo')
  await s.advance(1000)
  await leaves(romeo, quiet, 'Romeo')
  await drain(juliet)
  await says(juliet, room, 'Romeo?')
  await romeo.sends`${watch(s)}`
  await hearsOf(romeo, s, room)
  // It is on disk when the last has left, and known to whoever comes again.
  await leaves(juliet, room, 'Juliet')
  await romeo.sends`${watch(s)}`
  await hearsOf(romeo, s, room)
  await says(juliet, quiet, 'Romeo?')
  await hearsOf(romeo, s, quiet)
})

story('Nobody hears of rooms that are not theirs, or not any more // XEP-0437 §4, §6', async (s) => {
  const { room, juliet, romeo } = await romeoAway(s)
  const tybalt = await s.login('tybalt/square')
  for (const actor of [romeo, tybalt]) await actor.sends`${watch(s)}`
  await grants(juliet, room, romeo.bare, 'none')
  await drain(romeo)
  await says(juliet, room, 'Romeo?')
  for (const actor of [romeo, tybalt]) await actor.receivesNothing()
  await grants(juliet, room, tybalt.bare, 'member')
  await drain(tybalt)
  await says(juliet, room, 'Tybalt?')
  await hearsOf(tybalt, s, room)
})

story('Whoever watches no more hears nothing, nor whoever is there with this client // XEP-0437 §3.2', async (s) => {
  const { room, juliet, romeo } = await romeoAway(s)
  await romeo.sends`${watch(s)}`
  await romeo.receivesNothing()
  const phone = await s.login('romeo/phone')
  await phone.sends`${watch(s)}`
  await enters(phone, room, 'Romeo')
  await drain(juliet)
  await romeo.sends`<presence type='unavailable' to='conference.${s.domain}'/>`
  await drain(romeo)
  await says(juliet, room, 'Romeo?')
  await romeo.receivesNothing()
  await phone.receives`<message from='${room}/Juliet'/>`
  await phone.receivesNothing()
})

story('A client that is gone, and a room that is gone, leave nothing behind', async (s) => {
  const { room, juliet, romeo } = await romeoAway(s)
  await romeo.sends`${watch(s)}`
  await romeo.receivesNothing()
  await romeo.cuts()
  await says(juliet, room, 'Romeo?')
  const back = await s.login('romeo/orchard')
  await back.sends`${watch(s)}`
  await hearsOf(back, s, room)
  await juliet.asks`<iq type='set' to='${room}'><query xmlns='${MUC_OWNER}'><destroy/></query></iq>`
  await drain(juliet)
  await opens(juliet, room, 'Juliet')
  await says(juliet, room, 'Romeo?')
  await back.receivesNothing()
})

story('A service says that it tells of activity; others’ rooms do not', async (s) => {
  const { juliet } = await company(s)
  const reply =
    await juliet.asks`<iq type='get' to='conference.${s.domain}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`
  const features = reply.getChildElements()[0]!.getChildren('feature')
  assert.ok(features.some((feature) => feature.attrs['var'] === NS))
})

story('Of a room in which one is with another client nothing is missed // XEP-0437 §4', async (s) => {
  const { room, juliet } = await romeoAway(s)
  const desk = await s.login('romeo/desk')
  const phone = await s.login('romeo/phone')
  await enters(desk, room, 'Romeo')
  await drain(juliet)
  await s.advance(1000)
  await says(juliet, room, 'Romeo?')
  await phone.sends`${watch(s)}`
  await isDealtWith(s, phone)
  await phone.receivesNothing()
})

story('What was said last before a room was left is missed, too, though it was just said // XEP-0437 §4', async (s) => {
  const { room, juliet, romeo } = await romeoAway(s)
  await says(juliet, room, 'Romeo?')
  await s.advance(1000)
  await enters(romeo, room, 'Romeo')
  await leaves(romeo, room, 'Romeo')
  await drain(juliet)
  await s.advance(1000)
  await says(juliet, room, 'Gone again')
  await leaves(juliet, room, 'Juliet')
  // Nobody is there: the room is not in memory.
  await romeo.sends`${watch(s)}`
  await hearsOf(romeo, s, room)
})
