import assert from 'node:assert/strict'
import type { Element } from '../../src/api.ts'
import { changes, company, item, roomInfo } from '../support/occupants.ts'
import { restartStory } from '../support/restart.ts'
import { arrives, enters, freshRoom, grants, itemOf, join, MUC_USER, notices, opens } from '../support/room.ts'
import { type Actor, drain, story } from '../support/story.ts'

const NS_MAV = 'urn:xmpp:muc:affiliations:1'

const affiliate = (jid: string, affiliation: string) => item(`affiliation='${affiliation}' jid='${jid}'`)
const marked = (since?: string) => ({
  inside: `<mav xmlns='${NS_MAV}'${since === undefined ? '' : ` since='${since}'`}/>`,
})
const members = { persistentroom: true, membersonly: true, whois: 'anyone' }

interface Versions {
  readonly since: string | undefined
  readonly until: string | undefined
}

/** The versions that a stanza bears, when it does. */
function versionsOf(stanza: Element): Versions | undefined {
  const mark = stanza.getChild('x', MUC_USER)?.getChild('mav', NS_MAV)
  return mark && { since: mark.attrs['since'], until: mark.attrs['until'] }
}

/** The items in a message about affiliations: `jid affiliation`. */
function itemsOf(message: Element): string[] {
  const items = message.getChild('x', MUC_USER)!.getChildren('item')
  return items.map(({ attrs }) => `${attrs['jid']} ${attrs['affiliation']}`).sort()
}

interface Told {
  /** What came before any presence. */
  readonly messages: readonly Element[]
  /** The version that the own presence bears. */
  readonly version: string | undefined
}

/** Enters and asks for affiliations, all or since a version. */
async function entersAsking(actor: Actor, room: string, nick: string, since?: string): Promise<Told> {
  // The room answers what goes to it in order; what is told comes before the presence.
  actor.send(join(room, nick, marked(since)))
  const messages: Element[] = []
  let el = await actor.next()
  for (; el.name === 'message'; el = await actor.next()) {
    assert.equal(el.attrs['from'], room)
    assert.equal(el.attrs['to'], actor.jid)
    messages.push(el)
  }
  while (
    !el
      .getChild('x', MUC_USER)!
      .getChildren('status')
      .some((status) => status.attrs['code'] === '110')
  )
    el = await actor.next()
  const mark = versionsOf(el)
  assert.equal(mark?.since, undefined)
  while (!(await actor.next()).getChild('subject'));
  return { messages, version: mark?.until }
}

async function leaves(actor: Actor, room: string, nick: string): Promise<void> {
  actor.send(`<presence type='unavailable' to='${room}/${nick}'/>`)
  await actor.receives`<presence type='unavailable' from='${room}/${nick}'/>`
}

story('Whoever asks for affiliations gets them all before the rest // XEP-0463 §5.2.1', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  await opens(juliet, room, 'Juliet', members)
  assert.ok((await roomInfo(juliet, room)).features.includes(NS_MAV))
  await changes(juliet, room, affiliate(romeo.bare, 'member'), affiliate('nurse@localhost', 'admin'))
  const { messages, version } = await entersAsking(romeo, room, 'Romeo')
  assert.equal(messages.length, 1)
  assert.notEqual(messages[0]!.attrs['type'], 'groupchat')
  assert.deepEqual(itemsOf(messages[0]!), [`${juliet.bare} owner`, 'nurse@localhost admin', `${romeo.bare} member`])
  assert.ok(version)
  assert.deepEqual(versionsOf(messages[0]!), { since: undefined, until: version })
  // What he asked is nobody’s business.
  const seen = await juliet.receives`<presence from='${room}/Romeo'/>`
  assert.equal(versionsOf(seen), undefined)
  assert.equal(seen.getChild('x', 'http://jabber.org/protocol/muc'), undefined)
})

story('Whoever knows a version gets what has changed since // XEP-0463 §5.2.1', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  await opens(juliet, room, 'Juliet', members)
  await changes(juliet, room, affiliate(romeo.bare, 'member'), affiliate('nurse@localhost', 'admin'))
  const first = await entersAsking(romeo, room, 'Romeo')
  await leaves(romeo, room, 'Romeo')
  // Nothing has: there is no message.
  const same = await entersAsking(romeo, room, 'Romeo', first.version)
  assert.deepEqual(same, { messages: [], version: first.version })
  await leaves(romeo, room, 'Romeo')
  await changes(juliet, room, affiliate('nurse@localhost', 'none'))
  await changes(juliet, room, affiliate('peter@localhost', 'member'))
  await changes(juliet, room, affiliate('peter@localhost', 'admin'))
  const { messages, version } = await entersAsking(romeo, room, 'Romeo', first.version)
  assert.notEqual(version, first.version)
  assert.equal(messages.length, 1)
  assert.deepEqual(versionsOf(messages[0]!), { since: first.version, until: version })
  assert.deepEqual(itemsOf(messages[0]!), ['nurse@localhost none', 'peter@localhost admin'])
})

story('With an account that is deleted the version is another, of rooms in use, too // XEP-0463 §5.2.1', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  await s.createAccount('peter')
  await opens(juliet, room, 'Juliet', members)
  await changes(juliet, room, affiliate(romeo.bare, 'member'), affiliate('peter@localhost', 'member'))
  const { version } = await entersAsking(romeo, room, 'Romeo')
  await leaves(romeo, room, 'Romeo')
  await s.host.deleteAccount('peter')
  const { messages, version: now } = await entersAsking(romeo, room, 'Romeo', version)
  // Nothing tells that there was such an account: all that is left is told.
  assert.deepEqual(messages.map(itemsOf), [[`${juliet.bare} owner`, `${romeo.bare} member`]])
  assert.notEqual(now, version)
})

story('A version that nobody knows is answered with everything // XEP-0463 §5.2.1', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  await opens(juliet, room, 'Juliet', members)
  const phone = await s.login('juliet/phone')
  for (const since of ['never', '', '-1', '99999999', '1e3']) {
    const { messages, version } = await entersAsking(phone, room, 'Jule', since)
    assert.deepEqual(versionsOf(messages[0]!), { since: undefined, until: version })
    assert.deepEqual(itemsOf(messages[0]!), [`${juliet.bare} owner`])
    await leaves(phone, room, 'Jule')
  }
})

story('Changes are told with their versions to those who have asked // XEP-0463 §5.2.2', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const [romeo, nurse] = [await s.login('romeo/orchard'), await s.login('nurse/hall')]
  await opens(juliet, room, 'Juliet', members)
  await changes(juliet, room, affiliate(romeo.bare, 'member'), affiliate(nurse.bare, 'member'))
  let { version } = await entersAsking(romeo, room, 'Romeo')
  await enters(nurse, room, 'Nurse')
  await notices([romeo], room, 'Nurse')
  // Somebody in the room.
  await changes(juliet, room, affiliate(nurse.bare, 'admin'))
  const shown = await romeo.receives`<presence from='${room}/Nurse'/>`
  assert.equal(itemOf(shown).attrs['affiliation'], 'admin')
  assert.equal(versionsOf(shown)!.since, version)
  version = versionsOf(shown)!.until
  // Somebody who is not.
  for (const affiliation of ['member', 'none']) {
    await changes(juliet, room, affiliate('peter@localhost', affiliation))
    const told = await romeo.receives`<message from='${room}' to='${romeo.jid}'/>`
    assert.deepEqual(itemOf(told).attrs, { jid: 'peter@localhost', affiliation, role: 'none' })
    assert.equal(versionsOf(told)!.since, version)
    assert.notEqual(versionsOf(told)!.until, version)
    version = versionsOf(told)!.until
  }
  // The nurse has not asked, and hears of those who are there only.
  await nurse.receives`<presence from='${room}/Nurse'/>`
  await nurse.receivesNothing()
  // The last version told is the one that is current.
  await leaves(romeo, room, 'Romeo')
  assert.deepEqual(await entersAsking(romeo, room, 'Romeo', version), { messages: [], version })
})

story('Whoever may not read the lists is told nothing // XEP-0463 §5.2.3', async (s) => {
  const { room, juliet, romeo } = await company(s)
  const tybalt = await s.login('tybalt/square')
  await grants(juliet, room, 'nurse@localhost', 'member')
  tybalt.send(join(room, 'Tybalt', marked()))
  const refusal = await tybalt.receives`<message type='error' from='${room}' to='${tybalt.jid}'/>`
  const error = refusal.getChild('error')!
  assert.ok(error.getChild('forbidden', 'urn:ietf:params:xml:ns:xmpp-stanzas') !== undefined)
  assert.equal(error.attrs['type'], 'auth')
  // He is in all the same.
  await arrives(tybalt, room)
  await romeo.receives`<presence from='${room}/Tybalt'/>`
  await changes(juliet, room, affiliate('nurse@localhost', 'none'))
  await changes(juliet, room, affiliate(romeo.bare, 'member'))
  await tybalt.receives`<presence from='${room}/Romeo'/>`
  await tybalt.receivesNothing()
})

story('An owner reads them in a semi-anonymous room, with the banned // XEP-0463 §5.2.3', async (s) => {
  const { room, juliet } = await company(s)
  await changes(juliet, room, affiliate('paris@localhost', 'outcast'), affiliate('capulet.example', 'outcast'))
  const phone = await s.login('juliet/phone')
  const { messages } = await entersAsking(phone, room, 'Jule')
  assert.deepEqual(messages.flatMap(itemsOf), [
    'capulet.example outcast',
    `${juliet.bare} owner`,
    'paris@localhost outcast',
  ])
})

story('Long lists come in several messages that hang together // XEP-0463 §5.2.1', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  await opens(juliet, room, 'Juliet', members)
  const all = Array.from({ length: 600 }, (_, n) => `m${String(n).padStart(3, '0')}@localhost`)
  for (let n = 0; n < all.length; n += 200)
    await changes(juliet, room, ...all.slice(n, n + 200).map((jid) => affiliate(jid, 'member')))
  const phone = await s.login('juliet/phone')
  const { messages, version } = await entersAsking(phone, room, 'Jule')
  assert.deepEqual(
    messages.flatMap(itemsOf).sort(),
    [`${juliet.bare} owner`, ...all.map((jid) => `${jid} member`)].sort(),
  )
  assert.equal(versionsOf(messages[0]!)!.since, undefined)
  messages.forEach((message, n) => {
    const next = messages[n + 1]
    assert.equal(versionsOf(message)!.until, next === undefined ? version : versionsOf(next)!.since)
  })
  await drain(phone)
})

restartStory('Versions outlast the server // XEP-0463 §5.2.1', async (r) => {
  const before = await r.starts()
  const room = freshRoom(before)
  const juliet = await before.login('juliet/balcony')
  await opens(juliet, room, 'Juliet', members)
  await changes(juliet, room, affiliate('nurse@localhost', 'member'))
  const phone = await before.login('juliet/phone')
  const { version } = await entersAsking(phone, room, 'Jule')
  const after = await r.starts()
  const back = await after.login('juliet/balcony')
  assert.deepEqual(await entersAsking(back, room, 'Juliet', version), { messages: [], version })
})
