import assert from 'node:assert/strict'
import {
  allSee,
  change,
  changes,
  company,
  item,
  listOf,
  listRequest,
  sees,
  unheard,
  valuesOf,
} from '../support/occupants.ts'
import { assigns, enters, FORM, freshRoom, grants, MUC, notices, says, submission } from '../support/room.ts'
import { type Actor, drain, story } from '../support/story.ts'

const subject = (room: string, text: string, id = 'topic') =>
  `<message type='groupchat' to='${room}' id='${id}'><subject>${text}</subject></message>`

const gone = { affiliation: 'none', role: 'none', type: 'unavailable' } as const
const visitor = { affiliation: 'none', role: 'visitor' } as const
const participant = { affiliation: 'none', role: 'participant' } as const

/** An affiliation and then a role for an occupant; all that they cause is heard. */
async function raises(room: string, by: Actor, all: readonly Actor[], who: readonly [Actor, string], role: string) {
  const [actor, nick] = who
  await grants(by, room, actor.bare, 'member')
  await notices(all, room, nick)
  await assigns(by, room, nick, role)
  await notices(all, room, nick)
}

story('A moderator changes the subject for all who are there and all who will come // XEP-0045 §8.1', async (s) => {
  const { room, juliet, all } = await company(s)
  juliet.send(subject(room, 'Banishment'))
  for (const actor of all)
    await actor.receives`<message type='groupchat' from='${room}/Juliet' id='topic'><subject>Banishment</subject></message>`
  const tybalt = await s.login('tybalt/square')
  const entrance = await enters(tybalt, room, 'Tybalt')
  assert.equal(entrance.subject.getChildText('subject'), 'Banishment')
  assert.equal(entrance.subject.attrs['from'], `${room}/Juliet`)
})

story('A participant changes no subject unless the room says so // XEP-0045 §8.1', async (s) => {
  const { room, juliet, romeo } = await company(s)
  const refusal = await romeo.isRefused('forbidden', 'auth')`${subject(room, 'Balconies')}`
  assert.equal(refusal.getChild('error')!.attrs['by'], room)
  await juliet.receivesNothing()
  const tybalt = await s.login('tybalt/square')
  assert.equal((await enters(tybalt, room, 'Tybalt')).subject.getChildText('subject'), '')
})

story('A moderator takes the subject away with an empty one // XEP-0045 §8.1', async (s) => {
  const { room, juliet, all } = await company(s)
  for (const [text, id] of [
    ['Banishment', 'a'],
    ['', 'b'],
  ] as const) {
    juliet.send(subject(room, text, id))
    for (const actor of all) {
      const message =
        await actor.receives`<message type='groupchat' from='${room}/Juliet' id='${id}'><subject/></message>`
      assert.equal(message.getChildText('subject'), text)
    }
  }
  const tybalt = await s.login('tybalt/square')
  assert.equal((await enters(tybalt, room, 'Tybalt')).subject.getChildText('subject'), '')
})

story('A message with a body and a subject is a message // XEP-0045 §8.1', async (s) => {
  const { room, romeo, juliet } = await company(s)
  await romeo.sends`<message type='groupchat' to='${room}'><subject>Balconies</subject><body>What light</body></message>`
  await juliet.receives`<message from='${room}/Romeo'><subject>Balconies</subject><body>What light</body></message>`
  const tybalt = await s.login('tybalt/square')
  assert.equal((await enters(tybalt, room, 'Tybalt')).subject.getChildText('subject'), '')
})

story('A moderator kicks an occupant: first he hears it, then she, then the others // XEP-0045 §8.2', async (s) => {
  const { room, juliet, romeo, mercutio } = await company(s)
  const kick = { ...gone, actor: 'Juliet', reason: 'Avaunt!' }
  await juliet.sends`<iq type='set' id='kick' to='${room}'><query xmlns='${MUC}#admin'>${item("nick='Romeo' role='none'", 'Avaunt!')}</query></iq>`
  await sees(romeo, `${room}/Romeo`, { ...kick, codes: [110, 307] })
  await juliet.receives`<iq type='result' id='kick' from='${room}' to='${juliet.jid}'/>`
  await sees(juliet, `${room}/Romeo`, { ...kick, codes: [307], jid: romeo.jid })
  await sees(mercutio, `${room}/Romeo`, { ...kick, codes: [307] })
  await romeo.isRefused('not-acceptable')`<message type='groupchat' to='${room}'><body>Hm</body></message>`
  // A kick is no ban.
  await enters(romeo, room, 'Romeo')
  await notices([juliet, mercutio], room, 'Romeo')
})

story('All clients of somebody kicked go // XEP-0045 §8.2', async (s) => {
  const { room, juliet, romeo, mercutio } = await company(s)
  const phone = await s.login('romeo/phone')
  await enters(phone, room, 'Romeo')
  for (const actor of [juliet, romeo, mercutio]) await drain(actor)
  await changes(juliet, room, item("nick='Romeo' role='none'"))
  for (const actor of [romeo, phone]) await sees(actor, `${room}/Romeo`, { ...gone, codes: [110, 307] })
  await sees(mercutio, `${room}/Romeo`, { ...gone, codes: [307] })
  await mercutio.receivesNothing()
})

story('Nobody kicks somebody of a higher affiliation // XEP-0045 §8.2', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  await raises(room, juliet, all, [romeo, 'Romeo'], 'moderator')
  await assigns(juliet, room, 'Mercutio', 'moderator')
  await notices(all, room, 'Mercutio')
  const kick = (nick: string) => change(room, item(`nick='${nick}' role='none'`))
  await romeo.isRefused('not-allowed', 'cancel')`${kick('Juliet')}`
  await mercutio.isRefused('not-allowed', 'cancel')`${kick('Romeo')}`
  await grants(juliet, room, mercutio.bare, 'admin')
  await notices(all, room, 'Mercutio')
  await romeo.isRefused('not-allowed', 'cancel')`${kick('Mercutio')}`
  await mercutio.isRefused('not-allowed', 'cancel')`${kick('Juliet')}`
  for (const actor of all) await actor.receivesNothing()
})

story('Only moderators kick, and only whom there is // XEP-0045 §8', async (s) => {
  const { room, juliet, romeo, all } = await company(s)
  const tybalt = await s.login('tybalt/square')
  const kick = (nick: string) => change(room, item(`nick='${nick}' role='none'`))
  await romeo.isRefused('forbidden', 'auth')`${kick('Mercutio')}`
  await tybalt.isRefused('forbidden', 'auth')`${kick('Mercutio')}`
  await juliet.isRefused('item-not-found')`${kick('Rosaline')}`
  await juliet.isRefused('item-not-found')`${change(freshRoom(s), item("nick='Romeo' role='none'"))}`
  for (const actor of all) await actor.receivesNothing()
})

story('A change of lists that cannot be understood is refused, and nothing of it done // XEP-0045 §17.4', async (s) => {
  const { room, juliet, romeo, all } = await company(s)
  for (const items of [
    [],
    [item("nick='Romeo'")],
    [item("role='none'")],
    [item("nick='Romeo' role='king'")],
    [item(`jid='${romeo.bare}' affiliation='king'`)],
    [item(`nick='Romeo' jid='${romeo.bare}' role='none' affiliation='member'`)],
    [item("nick='Romeo' role='none'"), item("nick='Mercutio' role='king'")],
  ])
    await juliet.isRefused('bad-request', 'modify')`${change(room, ...items)}`
  for (const actor of all) await actor.receivesNothing()
})

story('Whom a moderator gives voice may speak in a moderated room // XEP-0045 §8.3', async (s) => {
  const { room, juliet, romeo, mercutio } = await company(s, { moderatedroom: true })
  await romeo.isRefused('forbidden', 'auth')`<message type='groupchat' to='${room}'><body>Hm</body></message>`
  await juliet.sends`<iq type='set' id='voice' to='${room}'><query xmlns='${MUC}#admin'>${item("nick='Romeo' role='participant'", 'Speak')}</query></iq>`
  await juliet.receives`<iq type='result' id='voice' from='${room}'/>`
  await sees(juliet, `${room}/Romeo`, { ...participant, jid: romeo.jid, reason: 'Speak' })
  await sees(romeo, `${room}/Romeo`, { ...participant, codes: [110], reason: 'Speak' })
  await sees(mercutio, `${room}/Romeo`, { ...participant, reason: 'Speak' })
  await says(romeo, room, 'She speaks')
  await juliet.receives`<message from='${room}/Romeo'><body>She speaks</body></message>`
  // The reason was that of the change, and is not told again.
  await mercutio.receives`<message from='${room}/Romeo'/>`
  romeo.send(`<presence to='${room}/Romeo'><show>away</show></presence>`)
  await sees(mercutio, `${room}/Romeo`, participant)
})

story('Whom a moderator takes voice from may not // XEP-0045 §8.4', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  await changes(juliet, room, item("nick='Romeo' role='visitor'", 'Enough'))
  await sees(juliet, `${room}/Romeo`, { ...visitor, jid: romeo.jid, reason: 'Enough' })
  await sees(romeo, `${room}/Romeo`, { ...visitor, codes: [110], reason: 'Enough' })
  await sees(mercutio, `${room}/Romeo`, { ...visitor, reason: 'Enough' })
  await romeo.isRefused('forbidden', 'auth')`<message type='groupchat' to='${room}'><body>Hm</body></message>`
  for (const actor of all) await actor.receivesNothing()
})

story('Nobody takes voice from admins and owners, nor from their like or betters // XEP-0045 §8.4', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  const silence = (nick: string) => change(room, item(`nick='${nick}' role='visitor'`))
  await raises(room, juliet, all, [romeo, 'Romeo'], 'moderator')
  await grants(juliet, room, mercutio.bare, 'member')
  await notices(all, room, 'Mercutio')
  await romeo.isRefused('not-allowed', 'cancel')`${silence('Mercutio')}`
  await romeo.isRefused('not-allowed', 'cancel')`${silence('Juliet')}`
  await grants(juliet, room, mercutio.bare, 'admin')
  await notices(all, room, 'Mercutio')
  await romeo.isRefused('not-allowed', 'cancel')`${silence('Mercutio')}`
  await juliet.isRefused('not-allowed', 'cancel')`${silence('Mercutio')}`
  await mercutio.isRefused('not-allowed', 'cancel')`${silence('Juliet')}`
  for (const actor of all) await actor.receivesNothing()
})

story('A moderator reads the list of those with voice, and sends what changes // XEP-0045 §8.5', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s, { moderatedroom: true })
  const voiced = () => listOf(juliet, room, "role='participant'")
  assert.deepEqual(await voiced(), [])
  await changes(juliet, room, item("nick='Romeo' role='participant'"), item("nick='Mercutio' role='participant'"))
  for (const actor of all) for (const nick of ['Romeo', 'Mercutio']) await notices([actor], room, nick)
  const entry = { role: 'participant', affiliation: 'none' }
  assert.deepEqual(await voiced(), [
    { ...entry, nick: 'Mercutio', jid: mercutio.jid },
    { ...entry, nick: 'Romeo', jid: romeo.jid },
  ])
  await changes(juliet, room, item("nick='Mercutio' role='visitor'"))
  await allSee([romeo], `${room}/Mercutio`, visitor)
  assert.deepEqual(await voiced(), [{ ...entry, nick: 'Romeo', jid: romeo.jid }])
  await romeo.receivesNothing()
})

story('Of a list with one change that is not allowed nothing is done // XEP-0045 §8.5', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  await raises(room, juliet, all, [romeo, 'Romeo'], 'moderator')
  const both = change(room, item("nick='Mercutio' role='visitor'"), item("nick='Juliet' role='visitor'"))
  await romeo.isRefused('not-allowed', 'cancel')`${both}`
  for (const actor of all) await actor.receivesNothing()
  await says(mercutio, room, 'A plague')
})

story('Who is no moderator reads and changes no list of roles // XEP-0045 §8.5', async (s) => {
  const { room, romeo, all } = await company(s)
  const tybalt = await s.login('tybalt/square')
  for (const actor of [romeo, tybalt]) {
    for (const role of ['participant', 'visitor', 'moderator'])
      await actor.isRefused('forbidden', 'auth')`${listRequest(room, `role='${role}'`)}`
    await actor.isRefused('forbidden', 'auth')`${change(room, item("nick='Mercutio' role='visitor'"))}`
  }
  for (const actor of all) await actor.receivesNothing()
})

/** What a moderator answers to a request for voice. */
const verdict = (room: string, jid: string, nick: string, allow: string) =>
  `<message to='${room}' id='verdict'>${submission(`${MUC}#request`, { 'muc#role': 'participant', 'muc#jid': jid, 'muc#roomnick': nick, 'muc#request_allow': allow })}</message>`

story('A moderator is asked for voice, and gives it // XEP-0045 §8.6', async (s) => {
  const { room, juliet, romeo, mercutio } = await company(s, { moderatedroom: true })
  await romeo.sends`<message to='${room}'>${submission(`${MUC}#request`, { 'muc#role': 'participant' })}</message>`
  const asked = await juliet.receives`<message from='${room}' to='${juliet.jid}'/>`
  assert.ok([undefined, 'normal'].includes(asked.attrs['type']))
  const form = asked.getChild('x', FORM)!
  assert.equal(form.attrs['type'], 'form')
  const { 'muc#request_allow': allow, ...values } = valuesOf(form)
  assert.deepEqual(values, {
    FORM_TYPE: ['http://jabber.org/protocol/muc#request'],
    'muc#role': ['participant'],
    'muc#jid': [romeo.jid],
    'muc#roomnick': ['Romeo'],
  })
  assert.ok(['0', 'false'].includes(allow![0]!))
  await mercutio.receivesNothing()
  // Only moderators decide.
  await mercutio.isRefused('forbidden', 'auth')`${verdict(room, romeo.jid, 'Romeo', 'true')}`
  juliet.send(verdict(room, romeo.jid, 'Romeo', '0'))
  await juliet.receivesNothing()
  await romeo.receivesNothing()
  juliet.send(verdict(room, romeo.jid, 'Romeo', 'true'))
  await sees(romeo, `${room}/Romeo`, { ...participant, codes: [110] })
  await sees(juliet, `${room}/Romeo`, { ...participant, jid: romeo.jid })
  await sees(mercutio, `${room}/Romeo`, participant)
})

story('Who is named twice in one request is kicked once // XEP-0045 §8.2', async (s) => {
  const { room, juliet, romeo, mercutio } = await company(s)
  const kick = item("nick='Romeo' role='none'")
  await juliet.asks`<iq type='set' to='${room}'><query xmlns='${MUC}#admin'>${kick}${kick}</query></iq>`
  for (const actor of [romeo, mercutio]) {
    assert.equal((await unheard(actor)).filter(({ attrs }) => attrs['type'] === 'unavailable').length, 1)
  }
})
