import assert from 'node:assert/strict'
import { serialize } from '../../src/api.ts'
import { enters, freshRoom, gather, hear, heardBy, isTurnedAway, itemOf, MUC_USER, says } from '../support/room.ts'
import { type Actor, type Story, story } from '../support/story.ts'

/** Romeo, the owner, Juliet and Mercutio in a room; and Paris, who is not. */
async function company(s: Story, fields?: Record<string, string | boolean>) {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const mercutio = await s.login('mercutio/street')
  const paris = await s.login('paris/church')
  const room = freshRoom(s)
  const cast: [Actor, string][] = [
    [romeo, 'Romeo'],
    [juliet, 'Juliet'],
    [mercutio, 'Mercutio'],
  ]
  await gather(room, cast, fields)
  return { room, romeo, juliet, mercutio, paris, present: [romeo, juliet, mercutio] }
}

// XEP-0045 §7.3, §8.1
story('§7.3 Moderators set the subject, and all hear it', async (s) => {
  const { room, romeo, juliet, present, paris } = await company(s)
  await romeo.sends`<message type='groupchat' id='moon' to='${room}'><subject>The moon</subject><x xmlns='urn:example:x'/></message>`
  for (const actor of present) {
    const heard =
      await actor.receives`<message type='groupchat' id='moon' from='${room}/Romeo'><subject>The moon</subject><x xmlns='urn:example:x'/></message>`
    assert.equal(heard.getChild('body'), undefined)
    assert.equal(heard.getChild('delay'), undefined)
  }
  const subject = `<message type='groupchat' to='${room}'><subject>The sun</subject></message>`
  await isTurnedAway(juliet, 'forbidden', 'auth', subject)
  await isTurnedAway(paris, 'not-acceptable', undefined, subject)
  for (const actor of present) await actor.receivesNothing()
  assert.equal((await enters(paris, room, 'Paris')).subject.getChildText('subject'), 'The moon')
})

// XEP-0045 §7.3, §8.1: muc#roomconfig_changesubject
story('§7.3 Where it is allowed, occupants set the subject; an empty one takes it away', async (s) => {
  const { room, juliet, present, paris } = await company(s, { changesubject: true })
  for (const subject of ['<subject>The sun</subject>', '<subject/>']) {
    await juliet.sends`<message type='groupchat' to='${room}'>${subject}</message>`
    for (const actor of present) {
      const heard = await actor.receives`<message type='groupchat' from='${room}/Juliet'>${subject}</message>`
      assert.equal(heard.getChildText('subject'), subject === '<subject/>' ? '' : 'The sun')
    }
  }
  assert.equal((await enters(paris, room, 'Paris')).subject.getChildText('subject'), '')
})

// XEP-0045 §8.1: "a <subject/> and a <thread/> is a legitimate message, but it SHALL NOT be interpreted as a subject change"
story('§7.3 A message with a body or a thread is no change of subject', async (s) => {
  const { room, juliet, present, paris } = await company(s)
  for (const inside of [
    '<subject>The sun</subject><body>It is the east</body>',
    '<subject>The sun</subject><thread>t</thread>',
  ]) {
    await juliet.sends`<message type='groupchat' to='${room}'>${inside}</message>`
    for (const actor of present)
      await actor.receives`<message type='groupchat' from='${room}/Juliet'>${inside}</message>`
  }
  assert.equal((await enters(paris, room, 'Paris')).subject.getChildText('subject'), '')
})

// XEP-0045 §7.4; §17.2 rule 4
story('§7.4 What one says all hear: under its nickname, with its id and all that is in it', async (s) => {
  const { room, juliet, present } = await company(s)
  const inside = `<body>It is the east</body><html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p>It is the east</p></body></html><origin-id xmlns='urn:xmpp:sid:0' id='o'/>`
  await juliet.sends`<message type='groupchat' id='m1' to='${room}' xml:lang='en'>${inside}</message>`
  for (const actor of present) {
    const heard =
      await actor.receives`<message type='groupchat' id='m1' from='${room}/Juliet' to='${actor.jid}' xml:lang='en'>${inside}</message>`
    assert.ok(!serialize(heard).includes(juliet.bare) || actor === juliet)
  }
  await juliet.sends`<message type='groupchat' to='${room}'><body>No id</body></message>`
  const ids = new Set<string | undefined>()
  for (const actor of present)
    ids.add((await actor.receives`<message from='${room}/Juliet'><body>No id</body></message>`).attrs['id'])
  assert.equal(ids.size, 1, 'all hear the same id, or none')
  for (const actor of present) await actor.receivesNothing()
})

// XEP-0045 §7.4
story('§7.4 Visitors of a moderated room cannot speak to all, nor can who is not there', async (s) => {
  const { room, romeo, juliet, paris, present } = await company(s, { moderatedroom: true })
  assert.equal(itemOf((await enters(juliet, room, 'Juliet')).own).attrs['role'], 'visitor')
  for (const actor of present) await heardBy(actor)
  const message = `<message type='groupchat' to='${room}'><body>May I?</body></message>`
  await isTurnedAway(juliet, 'forbidden', 'auth', message)
  await isTurnedAway(paris, 'not-acceptable', undefined, message)
  for (const actor of present) await actor.receivesNothing()
  await says(romeo, room, 'You may not')
  await hear(present.slice(1), room, 'Romeo', 'You may not')
  await paris.receivesNothing()
})

// XEP-0045 §17.2 rule 1
story('§7.4 A message to the room that is not for all is refused; an error comes to no answer', async (s) => {
  const { room, juliet, present } = await company(s)
  for (const type of ['chat', 'normal', 'headline'])
    await juliet.isRefused('bad-request')`<message type='${type}' to='${room}'><body>Hi</body></message>`
  await juliet.sends`<message type='error' to='${room}'><body>Hi</body><error type='cancel'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`
  for (const actor of present) await actor.receivesNothing()
})

// XEP-0045 §7.5; XEP-0421 §4
story('§7.5 A private message reaches one occupant, from the other’s nickname', async (s) => {
  const { room, romeo, juliet, mercutio } = await company(s)
  for (const marker of ['', `<x xmlns='${MUC_USER}'/>`]) {
    for (const type of ['chat', 'normal'] as const) {
      await juliet.sends`<message type='${type}' id='pm' to='${room}/Mercutio'><body>Psst</body><thread>t</thread>${marker}</message>`
      const heard =
        await mercutio.receives`<message id='pm' from='${room}/Juliet' to='${mercutio.jid}'><body>Psst</body><thread>t</thread><x xmlns='${MUC_USER}'/></message>`
      assert.equal(heard.attrs['type'] ?? 'normal', type)
      assert.equal(heard.getChildren('x', MUC_USER).length, 1)
      assert.equal(heard.getChildren('occupant-id').length, 1)
      assert.ok(!serialize(heard).includes(juliet.bare))
    }
  }
  for (const actor of [romeo, juliet, mercutio]) await actor.receivesNothing()
})

// XEP-0045 §7.5
story('§7.5 Private messages that are not private, to nobody or from outside are refused', async (s) => {
  const { room, juliet, mercutio, paris, present } = await company(s)
  await isTurnedAway(
    juliet,
    'bad-request',
    'modify',
    `<message type='groupchat' to='${room}/Mercutio'><body>Hi</body></message>`,
  )
  await isTurnedAway(
    juliet,
    'item-not-found',
    'cancel',
    `<message type='chat' to='${room}/Tybalt'><body>Hi</body></message>`,
  )
  for (const nick of ['Mercutio', 'Tybalt'])
    await isTurnedAway(
      paris,
      'not-acceptable',
      undefined,
      `<message type='chat' to='${room}/${nick}'><body>Hi</body></message>`,
    )
  for (const actor of present) await actor.receivesNothing()
  // What the client of who was written to says to it goes back the same way.
  await juliet.sends`<message type='chat' id='pm' to='${room}/Mercutio'><body>Hi</body></message>`
  await mercutio.receives`<message from='${room}/Juliet'/>`
  await mercutio.sends`<message type='error' id='pm' to='${room}/Juliet'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`
  const error = await juliet.receives`<message type='error' id='pm' from='${room}/Mercutio'/>`
  assert.ok(!serialize(error).includes(mercutio.bare))
  await mercutio.receivesNothing()
})

// RFC 6120 §10.1: in order, also what no archive keeps behind what it keeps.
story('§7.4 What one says next does not overtake what one said before', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  await gather(room, [
    [romeo, 'Romeo'],
    [juliet, 'Juliet'],
  ])
  for (let n = 0; n < 5; n++) {
    romeo.send(`<message type='groupchat' to='${room}'><body>${n}</body></message>`)
    romeo.send(
      `<message type='groupchat' to='${room}'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
    )
  }
  for (let n = 0; n < 5; n++) {
    await juliet.receives`<message type='groupchat' from='${room}/Romeo'><body>${String(n)}</body></message>`
    const next = await juliet.receives`<message type='groupchat' from='${room}/Romeo'/>`
    assert.ok(next.getChild('composing', 'http://jabber.org/protocol/chatstates'), String(next))
  }
})
