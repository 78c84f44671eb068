import assert from 'node:assert/strict'
import { type Element, serialize } from '../../src/api.ts'
import {
  codesOf,
  configures,
  DELAY,
  enters,
  freshRoom,
  gather,
  hear,
  leaves,
  misses,
  notices,
  occupantIdOf,
  opens,
  says,
} from '../support/room.ts'
import { type Actor, type Story, story } from '../support/story.ts'

const STANZA_ID = 'urn:xmpp:sid:0'
const bodies = (history: readonly Element[]) => history.map((message) => message.getChildText('body'))
const stampOf = (message: Element) => {
  const delays = message.getChildren('delay', DELAY)
  assert.equal(delays.length, 1, serialize(message))
  return delays[0]!.attrs
}
/** Enters as Juliet with this `<history/>`, and leaves again; what was said before. */
async function historyOf(juliet: Actor, room: string, history: string): Promise<Element[]> {
  const entrance = await enters(juliet, room, 'Juliet', { inside: history })
  await leaves(juliet, room, 'Juliet')
  return entrance.history
}
/** A room in which Romeo said one thing each minute, the last a minute ago. */
async function talkative(s: Story, ...said: string[]): Promise<{ room: string; romeo: Actor; juliet: Actor }> {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  await opens(romeo, room, 'Romeo')
  for (const body of said) {
    await says(romeo, room, body)
    await s.advance(60_000)
  }
  return { room, romeo, juliet }
}

// XEP-0045 §7.2.12, status code 170
story('§7.2.12 Newcomers are told whether a room is logged', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  for (const isLogged of [true, false]) {
    const room = freshRoom(s)
    await opens(romeo, room, 'Romeo', { enablelogging: isLogged })
    assert.deepEqual(codesOf((await enters(juliet, room, 'Juliet')).own), isLogged ? [110, 170] : [110])
    // Others are told nothing of it.
    assert.deepEqual(codesOf(await romeo.receives`<presence from='${room}/Juliet'/>`), [])
  }
})

// XEP-0045 §7.2.13; XEP-0203; XEP-0359: the same id live and later; XEP-0421 §4
story('§7.2.13 History is what was said, with when, by whom and by which id', async (s) => {
  const { room, romeo, juliet } = await talkative(s)
  const stamps: string[] = []
  const live: Element[] = []
  for (const body of ['She speaks', 'O speak again']) {
    stamps.push(new Date(s.bed.clock.now()).toISOString().slice(0, 19))
    live.push(await says(romeo, room, body))
    await s.advance(60_000)
  }
  const { history } = await enters(juliet, room, 'Juliet')
  assert.deepEqual(bodies(history), ['She speaks', 'O speak again'])
  for (const [n, message] of history.entries()) {
    assert.equal(message.attrs['from'], `${room}/Romeo`)
    assert.equal(message.attrs['to'], juliet.jid)
    assert.equal(message.attrs['id'], live[n]!.attrs['id'])
    assert.equal(stampOf(message)['from'], room)
    assert.equal(stampOf(message)['stamp']!.slice(0, 19), stamps[n])
    assert.match(stampOf(message)['stamp']!, /Z$/)
    assert.equal(occupantIdOf(message), occupantIdOf(live[n]!))
    const [id, former] = [message, live[n]!].map((el) => el.getChild('stanza-id', STANZA_ID)!.attrs)
    assert.deepEqual(id, former)
    assert.equal(id!['by'], room)
    assert.ok(!serialize(message).includes(romeo.bare), serialize(message))
  }
})

// XEP-0045 §7.2.13: "the room subject … not part of the discussion history"
story('§7.2.13 What was not said to all is no history: subjects, whispers, chat states', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const mercutio = await s.login('mercutio/street')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  await gather(room, [
    [romeo, 'Romeo'],
    [mercutio, 'Mercutio'],
  ])
  await says(romeo, room, 'Peace')
  await hear([mercutio], room, 'Romeo', 'Peace')
  await romeo.sends`<message type='groupchat' to='${room}'><subject>Queen Mab</subject></message>`
  await romeo.sends`<message type='chat' to='${room}/Mercutio'><body>Thou talkest of nothing</body></message>`
  await romeo.sends`<message type='groupchat' to='${room}'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`
  await mercutio.receivesInAnyOrder([
    `<message from='${room}/Romeo'><subject>Queen Mab</subject></message>`,
    `<message from='${room}/Romeo' type='chat'/>`,
    `<message from='${room}/Romeo' type='groupchat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
  ])
  const { history, subject } = await enters(juliet, room, 'Juliet')
  assert.deepEqual(bodies(history), ['Peace'])
  assert.equal(subject.getChildText('subject'), 'Queen Mab')
})

// XEP-0045 §7.2.13
story('§7.2.13 What left with a room does not come back with the next of its name', async (s) => {
  const { room, romeo, juliet } = await talkative(s, 'Farewell')
  await leaves(romeo, room, 'Romeo')
  const { own, history } = await enters(juliet, room, 'Juliet')
  assert.ok(codesOf(own).includes(201))
  assert.deepEqual(history, [])
})

// XEP-0045 §7.2.14
story('§7.2.14 maxstanzas: that many messages, the newest', async (s) => {
  const { room, juliet } = await talkative(s, '1', '22', '333')
  for (const [max, expected] of [
    ['0', []],
    ['1', ['333']],
    ['2', ['22', '333']],
    ['3', ['1', '22', '333']],
    ['1000000', ['1', '22', '333']],
  ] as const)
    assert.deepEqual(bodies(await historyOf(juliet, room, `<history maxstanzas='${max}'/>`)), expected)
})

// XEP-0045 §7.2.14: "the characters of the complete XML stanzas, not only their XML character data"
story('§7.2.14 maxchars: whole stanzas that together have no more characters', async (s) => {
  const { room, juliet } = await talkative(s, '1', '22', '333')
  const all = await historyOf(juliet, room, '')
  assert.equal(all.length, 3)
  const sizes = all.map((message) => serialize(message).length)
  // A serialiser may put a few characters more or less around a stanza; less than half of one.
  const slack = Math.floor(Math.min(...sizes) / 2)
  for (const [max, expected] of [
    [0, []],
    [20, []],
    [sizes[2]! - slack, []],
    [sizes[2]! + slack, ['333']],
    [sizes[1]! + sizes[2]! + slack, ['22', '333']],
    [sizes[0]! + sizes[1]! + sizes[2]! + slack, ['1', '22', '333']],
    [65_000, ['1', '22', '333']],
  ] as const)
    assert.deepEqual(bodies(await historyOf(juliet, room, `<history maxchars='${max}'/>`)), expected, `${max}`)
})

// XEP-0045 §7.2.14
story('§7.2.14 seconds: what was said in the last so many', async (s) => {
  const { room, juliet } = await talkative(s, '1', '22', '333')
  for (const [seconds, expected] of [
    [0, []],
    [30, []],
    [90, ['333']],
    [150, ['22', '333']],
    [3600, ['1', '22', '333']],
  ] as const)
    assert.deepEqual(bodies(await historyOf(juliet, room, `<history seconds='${seconds}'/>`)), expected, `${seconds}`)
})

// XEP-0045 §7.2.14; XEP-0082
story('§7.2.14 since: what was said since then', async (s) => {
  const { room, juliet } = await talkative(s, '1', '22', '333')
  const ago = (seconds: number) => new Date(s.bed.clock.now() - seconds * 1000).toISOString()
  for (const [since, expected] of [
    [ago(-60), []],
    [ago(30), []],
    [ago(90).replace(/\.\d+Z/, 'Z'), ['333']],
    [ago(150).replace('Z', '+00:00'), ['22', '333']],
    ['1970-01-01T00:00:00Z', ['1', '22', '333']],
  ] as const)
    assert.deepEqual(bodies(await historyOf(juliet, room, `<history since='${since}'/>`)), expected, since)
})

// XEP-0045 §7.2.14: "the smallest amount of traffic that meets any combination of the above criteria"
story('§7.2.14 Of several limits all hold', async (s) => {
  const { room, juliet } = await talkative(s, '1', '22', '333')
  const ago = (seconds: number) => new Date(s.bed.clock.now() - seconds * 1000).toISOString()
  for (const [limits, expected] of [
    [`maxstanzas='1' seconds='150'`, ['333']],
    [`maxstanzas='3' seconds='150'`, ['22', '333']],
    [`maxstanzas='0' seconds='150'`, []],
    [`maxstanzas='3' since='${ago(90)}'`, ['333']],
    [`seconds='3600' since='${ago(90)}'`, ['333']],
    [`seconds='90' since='${ago(3600)}'`, ['333']],
    [`maxchars='0' maxstanzas='3' seconds='3600'`, []],
    [`maxchars='65000' maxstanzas='2' seconds='3600' since='1970-01-01T00:00:00Z'`, ['22', '333']],
  ] as const)
    assert.deepEqual(bodies(await historyOf(juliet, room, `<history ${limits}/>`)), expected, limits)
})

story('§7.2.14 Limits that say nothing do not limit', async (s) => {
  const { room, juliet } = await talkative(s, '1', '22', '333')
  for (const limits of [``, `maxstanzas='many'`, `maxchars=''`, `seconds='-1'`, `since='yesterday'`])
    assert.deepEqual(bodies(await historyOf(juliet, room, `<history ${limits}/>`)), ['1', '22', '333'], limits)
})

// XEP-0045 §7.2.15
story('§7.2.15 Newcomers get the subject, by whom and since when; or none', async (s) => {
  const { room, romeo, juliet } = await talkative(s)
  const subjectNow = async () => {
    const { subject } = await enters(juliet, room, 'Juliet')
    await leaves(juliet, room, 'Juliet')
    assert.equal(subject.getChild('body'), undefined)
    assert.equal(subject.getChild('thread'), undefined)
    return subject
  }
  const none = await subjectNow()
  assert.equal(none.getChildText('subject'), '')
  assert.equal(none.attrs['from'], room)
  const setAt = new Date(s.bed.clock.now()).toISOString().slice(0, 19)
  await notices([romeo], room, 'Juliet')
  await misses([romeo], room, 'Juliet')
  await romeo.sends`<message type='groupchat' to='${room}'><subject>The moon</subject></message>`
  await romeo.receives`<message type='groupchat' from='${room}/Romeo'><subject>The moon</subject></message>`
  await s.advance(3_600_000)
  const some = await subjectNow()
  assert.equal(some.getChildText('subject'), 'The moon')
  assert.equal(some.attrs['from'], `${room}/Romeo`)
  assert.equal(stampOf(some)['from'], room)
  assert.equal(stampOf(some)['stamp']!.slice(0, 19), setAt)
  await romeo.sends`<message type='groupchat' to='${room}'><subject/></message>`
  await notices([romeo], room, 'Juliet')
  await misses([romeo], room, 'Juliet')
  await romeo.receives`<message type='groupchat' from='${room}/Romeo'><subject/></message>`
  const cleared = await subjectNow()
  assert.equal(cleared.getChildText('subject'), '')
  assert.ok(stampOf(cleared)['stamp'])
})

// XEP-0045 §7.2.16
story('§7.2.16 After the subject all that happens is live', async (s) => {
  const { room, romeo, juliet } = await talkative(s, 'Before')
  const mercutio = await s.login('mercutio/street')
  await enters(juliet, room, 'Juliet')
  await notices([romeo], room, 'Juliet')
  await says(romeo, room, 'After')
  const live = await juliet.receives`<message from='${room}/Romeo'><body>After</body></message>`
  assert.equal(live.getChild('delay', DELAY), undefined)
  await enters(mercutio, room, 'Mercutio')
  await notices([romeo, juliet], room, 'Mercutio')
  await leaves(mercutio, room, 'Mercutio')
  await misses([juliet], room, 'Mercutio')
  await configures(romeo, room, { roomname: 'Verona' })
  await juliet.receives`<message type='groupchat' from='${room}'/>`
  await juliet.receivesNothing()
})
