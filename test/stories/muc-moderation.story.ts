import assert from 'node:assert/strict'
import type { Element } from '../../src/api.ts'
import { NS_MAM, stanzaIds } from '../support/archive.ts'
import { company, configuration, roomInfo } from '../support/occupants.ts'
import { assigns, enters, freshRoom, hear, notices, OCCUPANT_ID, occupantIdOf, opens, says } from '../support/room.ts'
import { type Actor, drain, story } from '../support/story.ts'

const NS_MODERATE = 'urn:xmpp:message-moderate:1'
const NS_RETRACT = 'urn:xmpp:message-retract:1'

const moderation = (room: string, id: string, reason?: string) =>
  `<iq type='set' to='${room}'><moderate xmlns='${NS_MODERATE}' id='${id}'><retract xmlns='${NS_RETRACT}'/>${reason === undefined ? '' : `<reason>${reason}</reason>`}</moderate></iq>`
const retraction = (room: string, id: string) =>
  `<message type='groupchat' to='${room}' id='undo'><retract xmlns='${NS_RETRACT}' id='${id}'/><fallback xmlns='urn:xmpp:fallback:0' for='${NS_RETRACT}'/><body>/me takes it back</body><store xmlns='urn:xmpp:hints'/></message>`

/** Somebody says something to all, which all hear; the id that the room gave it. */
async function spoken(actor: Actor, nick: string, room: string, all: readonly Actor[], body: string): Promise<string> {
  const id = stanzaIds(await says(actor, room, body))[room]
  assert.ok(id !== undefined, 'the room gave no id')
  await hear(
    all.filter((other) => other !== actor),
    room,
    nick,
    body,
  )
  return id
}

/** Hears all up to a stanza of this kind from an occupant. */
async function hears(actor: Actor, from: string, kind: 'message' | 'presence'): Promise<void> {
  for (let el = await actor.next(); el.name !== kind || el.attrs['from'] !== from; ) el = await actor.next()
}

/** What a room has kept: the messages with their ids in the archive. */
async function archiveOf(actor: Actor, room: string): Promise<{ id: string; message: Element }[]> {
  actor.send(`<iq type='set' id='mam' to='${room}'><query xmlns='${NS_MAM}'/></iq>`)
  const found: { id: string; message: Element }[] = []
  for (let el = await actor.next(); el.attrs['id'] !== 'mam'; el = await actor.next()) {
    const result = el.getChild('result', NS_MAM)
    if (result === undefined) continue
    assert.equal(el.attrs['from'], room)
    found.push({ id: result.attrs['id']!, message: result.getChild('forwarded')!.getChild('message')! })
  }
  return found
}

/** The kept message of an id. */
async function kept(actor: Actor, room: string, id: string): Promise<Element> {
  const found = (await archiveOf(actor, room)).find((one) => one.id === id)
  assert.ok(found !== undefined, `nothing kept under ${id}`)
  return found.message
}

story('A moderator takes back what somebody said, and all are told // XEP-0425 §3', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  const own = occupantIdOf(await says(juliet, room, 'Peace'))
  await hear([romeo, mercutio], room, 'Juliet', 'Peace')
  const id = await spoken(mercutio, 'Mercutio', room, all, 'A plague')
  await juliet.asks`${moderation(room, id, 'No curses')}`
  for (const actor of all) {
    const notice = await actor.receives`
      <message type='groupchat' from='${room}' to='${actor.jid}' id='*'>
        <retract xmlns='${NS_RETRACT}' id='${id}'>
          <moderated xmlns='${NS_MODERATE}' by='${room}/Juliet'><occupant-id xmlns='${OCCUPANT_ID}' id='${own}'/></moderated>
          <reason>No curses</reason>
        </retract>
      </message>`
    assert.ok(stanzaIds(notice)[room] !== undefined)
    await actor.receivesNothing()
  }
})

story('In the archive of the room is a tombstone, and the moderation // XEP-0425 §4, XEP-0424 §4', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  const said = await says(mercutio, room, 'A plague')
  const id = stanzaIds(said)[room]!
  await juliet.asks`${moderation(room, id, 'No curses')}`
  for (const actor of all) await drain(actor)
  const messages = await archiveOf(romeo, room)
  const stone = messages.find((one) => one.id === id)!.message
  assert.equal(stone.attrs['from'], `${room}/Mercutio`)
  assert.equal(stone.attrs['type'], 'groupchat')
  assert.equal(stone.getChild('body'), undefined)
  assert.equal(occupantIdOf(stone), occupantIdOf(said))
  const retracted = stone.getChild('retracted', NS_RETRACT)!
  assert.ok(retracted.attrs['stamp'] !== undefined)
  const moderated = retracted.getChild('moderated', NS_MODERATE)!
  assert.equal(moderated.attrs['by'], `${room}/Juliet`)
  assert.ok(moderated.getChild('occupant-id', OCCUPANT_ID) !== undefined)
  assert.equal(retracted.getChildText('reason'), 'No curses')
  const order = messages.filter((one) => one.message.getChild('retract', NS_RETRACT)?.attrs['id'] === id)
  assert.equal(order.length, 1)
  assert.equal(order[0]!.message.attrs['from'], room)
  assert.equal(order[0]!.message.attrs['id'], retracted.attrs['id'] ?? order[0]!.message.attrs['id'])
})

story('Who enters later does not hear what was taken back // XEP-0425 §5, XEP-0424 §5', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  const cursed = await spoken(mercutio, 'Mercutio', room, all, 'A plague')
  const regretted = await spoken(romeo, 'Romeo', room, all, 'Ay me')
  await spoken(juliet, 'Juliet', room, all, 'Good night')
  await juliet.asks`${moderation(room, cursed)}`
  for (const actor of all) await drain(actor)
  romeo.send(retraction(room, regretted))
  await romeo.receives`<message id='undo'/>`
  const tybalt = await s.login('tybalt/square')
  const { history } = await enters(tybalt, room, 'Tybalt')
  const bodies = history.map((message) => message.getChildText('body'))
  assert.equal(bodies.includes('A plague'), false)
  assert.equal(bodies.includes('Ay me'), false)
  assert.ok(bodies.includes('Good night'))
})

story('Only moderators moderate // XEP-0425 §3.2', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  const tybalt = await s.login('tybalt/square')
  const id = await spoken(mercutio, 'Mercutio', room, all, 'A plague')
  for (const actor of [romeo, tybalt]) await actor.isRefused('forbidden')`${moderation(room, id)}`
  for (const actor of all) await actor.receivesNothing()
  assert.equal((await kept(juliet, room, id)).getChildText('body'), 'A plague')
  // A moderator for now is a moderator.
  await assigns(juliet, room, 'Romeo', 'moderator')
  await notices(all, room, 'Romeo')
  await romeo.asks`${moderation(room, id)}`
  assert.equal((await kept(juliet, room, id)).getChild('body'), undefined)
})

story('What was never said cannot be moderated // XEP-0425 §3.2', async (s) => {
  const { room, juliet, mercutio, all } = await company(s)
  const id = await spoken(mercutio, 'Mercutio', room, all, 'A plague')
  for (const unknown of ['1', `${Number(id) + 1}`, 'no-number', ''])
    await juliet.isRefused('item-not-found', 'cancel')`${moderation(room, unknown)}`
  const other = freshRoom(s)
  await opens(juliet, other, 'Juliet')
  const elsewhere = await spoken(juliet, 'Juliet', other, [juliet], 'Good night')
  await juliet.isRefused('item-not-found', 'cancel')`${moderation(room, elsewhere)}`
  await juliet.isRefused(
    'bad-request',
    'modify',
  )`<iq type='set' to='${room}'><moderate xmlns='${NS_MODERATE}' id='${id}'/></iq>`
  assert.equal((await kept(mercutio, room, id)).getChildText('body'), 'A plague')
})

story('Whoever said something takes it back // XEP-0424 §3, §4', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  const said = await says(mercutio, room, 'A plague')
  const id = stanzaIds(said)[room]!
  for (const actor of [juliet, romeo]) await actor.receives`<message from='${room}/Mercutio'/>`
  mercutio.send(retraction(room, id))
  for (const actor of all)
    await actor.receives`<message type='groupchat' from='${room}/Mercutio' id='undo'><retract xmlns='${NS_RETRACT}' id='${id}'/></message>`
  const stone = await kept(romeo, room, id)
  assert.equal(stone.attrs['from'], `${room}/Mercutio`)
  assert.equal(stone.attrs['id'], said.attrs['id'])
  assert.equal(stone.getChild('body'), undefined)
  const retracted = stone.getChild('retracted', NS_RETRACT)!
  assert.equal(retracted.attrs['id'], 'undo')
  assert.equal(retracted.getChild('moderated'), undefined)
  assert.ok((await archiveOf(romeo, room)).some((one) => one.message.attrs['id'] === 'undo'))
})

story('Without an id of its own a retraction takes nothing back // XEP-0424 §4', async (s) => {
  const { room, juliet, romeo, all } = await company(s)
  const id = await spoken(romeo, 'Romeo', room, all, 'Ay me')
  await romeo.sends`${retraction(room, id).replace(" id='undo'", '')}`
  await romeo.receives`<message type='groupchat' from='${room}/Romeo'><body>/me takes it back</body></message>`
  for (const actor of all) await drain(actor)
  assert.equal((await kept(juliet, room, id)).getChildText('body'), 'Ay me')
})

story('The account counts, not the nick: of who takes back, and of whose it is // XEP-0424 §5', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  const id = await spoken(mercutio, 'Mercutio', room, all, 'A plague')
  // Not another’s words.
  romeo.send(retraction(room, id))
  await romeo.receives`<message from='${room}/Romeo' id='undo'/>`
  assert.equal((await kept(juliet, room, id)).getChildText('body'), 'A plague')
  // Not after taking the nick of who said it.
  mercutio.send(`<presence type='unavailable' to='${room}/Mercutio'/>`)
  await hears(romeo, `${room}/Mercutio`, 'presence')
  await drain(mercutio)
  romeo.send(`<presence to='${room}/Mercutio'/>`)
  await hears(romeo, `${room}/Mercutio`, 'presence')
  romeo.send(retraction(room, id))
  await hears(romeo, `${room}/Mercutio`, 'message')
  assert.equal((await kept(juliet, room, id)).getChildText('body'), 'A plague')
  // One’s own words under another nick.
  await enters(mercutio, room, 'Queen Mab')
  mercutio.send(retraction(room, id))
  await mercutio.receives`<message from='${room}/Queen Mab' id='undo'/>`
  assert.equal((await kept(juliet, room, id)).getChild('body'), undefined)
})

story(
  'Where nothing is kept nothing can be moderated; rooms say that they can // XEP-0425 §2, XEP-0424 §2',
  async (s) => {
    const { room, juliet, mercutio, all } = await company(s)
    const { features } = await roomInfo(mercutio, room)
    for (const feature of [NS_MODERATE, NS_RETRACT, `${NS_RETRACT}#tombstone`])
      assert.ok(features.includes(feature), `${feature} of ${features}`)
    await juliet.asks`${configuration(room, { enablelogging: false })}`
    for (const actor of all) await drain(actor)
    const said = await says(mercutio, room, 'A plague')
    assert.deepEqual(stanzaIds(said), {})
    await juliet.isRefused('item-not-found', 'cancel')`${moderation(room, said.attrs['id']!)}`
  },
)
