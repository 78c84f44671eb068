import assert from 'node:assert/strict'
import {
  type PresencePath,
  presenceWithheld,
  sessionAvailable,
  sessionUnavailable,
} from '../../modules/presence/hooks.ts'
import { defineModule, flows, Jid, type Session, xml } from '../../src/api.ts'
import { codesOf } from '../support/room.ts'
import { drain, story } from '../support/story.ts'

// RFC 6121 §4.2
story('Initial presence goes to contacts who may see it and to one’s own clients, and theirs comes back', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony', '<presence><show>away</show></presence>')
  await s.befriend(romeo, juliet)
  const garden = await s.login('romeo/garden')
  await garden.sends`<presence><priority>5</priority><status>here</status></presence>`
  await garden.receives`<presence from='${garden.jid}' to='${garden.jid}'><priority>5</priority></presence>`
  await garden.receivesInAnyOrder([
    `<presence from='${romeo.jid}' to='${garden.jid}'/>`,
    `<presence from='${juliet.jid}' to='${garden.jid}'><show>away</show></presence>`,
  ])
  await romeo.receives`<presence from='${garden.jid}' to='${romeo.jid}'><status>here</status></presence>`
  await juliet.receives`<presence from='${garden.jid}' to='${juliet.jid}'><priority>5</priority><status>here</status></presence>`
  for (const actor of [romeo, juliet, garden]) await actor.receivesNothing()
})

// RFC 6121 §4.4
story('An update asks for nothing back', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  await romeo.sends`<presence><show>dnd</show></presence>`
  await romeo.receives`<presence from='${romeo.jid}'><show>dnd</show></presence>`
  await juliet.receives`<presence from='${romeo.jid}'><show>dnd</show></presence>`
  await romeo.receivesNothing()
})

// RFC 6121 §4.5
story('Whoever leaves, in order or not, is seen to leave, once', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  await romeo.sends`<presence type='unavailable'><status>Adieu</status></presence>`
  await romeo.receives`<presence type='unavailable' from='${romeo.jid}'/>`
  await juliet.receives`<presence type='unavailable' from='${romeo.jid}' to='${juliet.jid}'><status>Adieu</status></presence>`
  // He can come back without a new stream.
  await romeo.sends`<presence/>`
  await romeo.receives`<presence from='${romeo.jid}'/>`
  await romeo.receives`<presence from='${juliet.jid}'/>`
  await juliet.receives`<presence from='${romeo.jid}'/>`
  const garden = await s.online('romeo/garden')
  await drain(garden)
  await drain(romeo)
  await juliet.receives`<presence from='${garden.jid}'/>`
  await romeo.cuts()
  await juliet.receives`<presence type='unavailable' from='${romeo.jid}'/>`
  await garden.receives`<presence type='unavailable' from='${romeo.jid}' to='${garden.jid}'/>`
  await garden.disconnects()
  await juliet.receives`<presence type='unavailable' from='${garden.jid}'/>`
  await juliet.receivesNothing()
})

story('Presence that still waited when its session ended is not heard after the end // RFC 6121 §4.5.1', async (s) => {
  const [romeo, juliet] = [await s.online('romeo/orchard'), await s.online('juliet/balcony')]
  await s.befriend(romeo, juliet)
  const tomb = await s.login('romeo/tomb')
  // The presence queues behind a change of the same account, and both behind the end of the stream.
  tomb.send(
    `<iq type='set' id='1'><query xmlns='jabber:iq:roster'><item jid='nurse@${s.domain}'/></query></iq>` +
      `<presence/><message to='${romeo.jid}'/></stream:stream>`,
  )
  await romeo.receives`<message from='${tomb.jid}'/>`
  await juliet.receivesNothing()
})

let looked = Promise.withResolvers<void>()
/** Looks at presence for as long as it likes. */
const slow = defineModule({
  name: 'slow-guard',
  summary: 'Looks at presence for long.',
  implements: [],
  setup: (ctx) => ctx.flow(flows.presence.leaving, 'guard', () => looked.promise),
})

story(
  'Presence that is still being looked at when its session ends is not heard after the end // RFC 6121 §4.5.1',
  async (s) => {
    looked = Promise.withResolvers()
    const [romeo, juliet] = [await s.login('romeo/orchard'), await s.login('juliet/balcony')]
    const tomb = await s.login('romeo/tomb')
    tomb.send(`<presence to='${juliet.jid}'/><presence to='room@conference.${s.domain}/tomb'/>`)
    await tomb.receivesNothing()
    await tomb.cuts()
    looked.resolve()
    await juliet.receivesNothing()
    // No ghost is left in a room either: whoever comes first creates it.
    await romeo.sends`<presence to='room@conference.${s.domain}/orchard'><x xmlns='http://jabber.org/protocol/muc'/></presence>`
    const own = await romeo.receives`<presence from='room@conference.${s.domain}/orchard'/>`
    assert.ok(codesOf(own).includes(201))
  },
  { extra: [slow] },
)

story('Strangers see nothing, whichever way the permission does not go', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  const paris = await s.online('paris/tomb')
  // Romeo sees Juliet; she does not see him.
  await romeo.sends`<presence type='subscribe' to='${juliet.bare}'/>`
  await juliet.receives`<presence type='subscribe'/>`
  await juliet.sends`<presence type='subscribed' to='${romeo.bare}'/>`
  await romeo.receives`<presence from='${juliet.jid}'/>`
  await romeo.sends`<presence><show>xa</show></presence>`
  await romeo.receives`<presence from='${romeo.jid}'/>`
  await juliet.receivesNothing()
  await juliet.sends`<presence><show>chat</show></presence>`
  await romeo.receives`<presence from='${juliet.jid}'><show>chat</show></presence>`
  await juliet.receives`<presence from='${juliet.jid}'/>`
  await romeo.disconnects()
  const again = await s.online('romeo/orchard')
  await again.receives`<presence from='${juliet.jid}'><show>chat</show></presence>`
  await juliet.receivesNothing()
  await paris.receivesNothing()
})

// RFC 6121 §4.7.2.3
story('A priority is a whole number from -128 to 127', async (s) => {
  const juliet = await s.login('juliet/balcony')
  for (const priority of ['128', '-129', '1.5', 'high', '', '1</priority><priority>2'])
    await juliet.isRefused('bad-request')`<presence><priority>${priority}</priority></presence>`
  const session = s.host.user(Jid.parse(juliet.jid))!.sessions.get('balcony')!
  assert.equal(session.presence, null)
  for (const [text, priority] of [
    ['-128', -128],
    [' 127 ', 127],
    ['+5', 5],
  ] as const) {
    await juliet.sends`<presence><priority>${text}</priority></presence>`
    await juliet.receives`<presence from='${juliet.jid}'/>`
    assert.equal(session.priority, priority)
  }
})

// RFC 6121 §4.7.1, §4.3
story('Presence of no type there is, and probes to nobody, are refused; errors to nobody end', async (s) => {
  const juliet = await s.online('juliet/balcony')
  await juliet.isRefused('bad-request')`<presence type='available'/>`
  await juliet.isRefused('bad-request')`<presence type='probe'/>`
  await juliet.sends`<presence type='error'/>`
  await juliet.receivesNothing()
})

// RFC 6121 §4.6
story('Directed presence is taken back at the end, once', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  const nurse = await s.online('nurse/kitchen')
  await s.befriend(romeo, juliet)
  for (const target of [juliet, nurse]) {
    await romeo.sends`<presence to='${target.jid}'><status>psst</status></presence>`
    await target.receives`<presence from='${romeo.jid}' to='${target.jid}'><status>psst</status></presence>`
  }
  // An update is not for those who only got it directed.
  await romeo.sends`<presence><show>away</show></presence>`
  await juliet.receives`<presence from='${romeo.jid}'><show>away</show></presence>`
  await nurse.receivesNothing()
  await romeo.cuts()
  for (const target of [juliet, nurse]) {
    await target.receives`<presence type='unavailable' from='${romeo.jid}' to='${target.jid}'/>`
    await target.receivesNothing()
  }
})

story('A contact’s client that is not available itself hears the end of presence directed to it', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  const chamber = await s.login('juliet/chamber')
  await romeo.sends`<presence to='${chamber.jid}'/>`
  await chamber.receives`<presence from='${romeo.jid}'/>`
  await romeo.disconnects()
  await chamber.receives`<presence type='unavailable' from='${romeo.jid}' to='${chamber.jid}'/>`
  await juliet.receives`<presence type='unavailable' from='${romeo.jid}'/>`
})

story('Directed presence that was taken back, or answered with an error, is not taken back again', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  const nurse = await s.online('nurse/kitchen')
  const paris = await s.online('paris/tomb')
  for (const target of [juliet, nurse, paris]) {
    await romeo.sends`<presence to='${target.jid}'/>`
    await target.receives`<presence from='${romeo.jid}'/>`
  }
  await romeo.sends`<presence to='${juliet.jid}' type='unavailable'/>`
  await juliet.receives`<presence from='${romeo.jid}' type='unavailable'/>`
  await nurse.sends`<presence to='${romeo.jid}' type='error'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>`
  await romeo.receives`<presence from='${nurse.jid}' type='error'/>`
  // Never broadcast anything, and yet: §4.6.3.
  await romeo.disconnects()
  await paris.receives`<presence type='unavailable' from='${romeo.jid}'/>`
  await juliet.receivesNothing()
  await nurse.receivesNothing()
})

story(
  'A client sends directed presence to no more addresses than it may',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    await romeo.sends`<presence to='a@${s.domain}'/>`
    await romeo.sends`<presence to='b@${s.domain}'/>`
    await romeo.isRefused('policy-violation')`<presence to='c@${s.domain}'/>`
    await romeo.sends`<presence to='a@${s.domain}'/>`
    await romeo.sends`<presence to='a@${s.domain}' type='unavailable'/>`
    await romeo.sends`<presence to='c@${s.domain}'/>`
    await romeo.receivesNothing()
  },
  { modules: { presence: { maxDirected: 2 } } },
)

// RFC 6121 §4.3.2
story('A probe is answered to those who may see, and with the same silence to all others', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  const paris = await s.online('paris/tomb')
  await s.befriend(romeo, juliet)
  const chamber = await s.login('juliet/chamber')
  await romeo.sends`<presence type='probe' to='${juliet.bare}'/>`
  await romeo.receives`<presence from='${juliet.jid}' to='${romeo.jid}'/>`
  await romeo.sends`<presence type='probe' to='${chamber.jid}'/>`
  await romeo.receives`<presence type='unavailable' from='${chamber.jid}' to='${romeo.jid}'/>`
  await juliet.receivesNothing()
  for (const to of [juliet.bare, juliet.jid, `nobody@${s.domain}`])
    await paris.sends`<presence type='probe' to='${to}'/>`
  await paris.receivesNothing()
  await juliet.disconnects()
  await chamber.disconnects()
  await romeo.receives`<presence type='unavailable' from='${juliet.jid}'/>`
  await romeo.sends`<presence type='probe' to='${juliet.bare}'/>`
  await romeo.receives`<presence type='unavailable' from='${juliet.bare}'/>`
})

story(
  'A probe from another domain tells strangers from nobody no more than from everybody',
  async (s) => {
    const juliet = await s.online('juliet@capulet.example/balcony')
    // As the server of an account that takes itself for a subscriber.
    const probe = (to: string) =>
      s.host.route(xml('presence', { type: 'probe', from: `romeo@${s.domain}/orchard`, to }))
    const romeo = await s.online('romeo/orchard')
    await romeo.sends`<presence type='subscribe' to='${juliet.bare}'/>`
    await romeo.sends`<presence type='subscribe' to='nobody@capulet.example'/>`
    await juliet.receives`<presence type='subscribe'/>`
    await romeo.asks`<iq type='get'><query xmlns='jabber:iq:roster'/></iq>`
    for (const to of [juliet.bare, 'nobody@capulet.example']) {
      probe(to)
      await romeo.receives`<presence type='unsubscribed' from='${to}'/>`
      await romeo.receives`<iq type='set'><query xmlns='jabber:iq:roster' ver='*'><item jid='${to}' subscription='none'/></query></iq>`
    }
  },
  { hosts: ['localhost', 'capulet.example'] },
)

story(
  'Presence among those who are online asks the database nothing',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    const juliet = await s.online('juliet/balcony')
    const nurse = await s.online('nurse/kitchen')
    await s.befriend(romeo, juliet)
    await s.befriend(romeo, nurse)
    await nurse.disconnects()
    await romeo.receives`<presence type='unavailable' from='${nurse.jid}'/>`
    const garden = await s.login('romeo/garden')
    await garden.receivesNothing()
    const before = s.database.queries
    await garden.sends`<presence/>`
    await garden.receives`<presence from='${garden.jid}'/>`
    await garden.receivesInAnyOrder([`<presence from='${romeo.jid}'/>`, `<presence from='${juliet.jid}'/>`])
    await juliet.receives`<presence from='${garden.jid}'/>`
    await romeo.sends`<presence><show>away</show></presence>`
    await juliet.receives`<presence from='${romeo.jid}'><show>away</show></presence>`
    await romeo.sends`<presence to='${juliet.jid}'/>`
    await juliet.receives`<presence from='${romeo.jid}'/>`
    await romeo.sends`<presence type='unavailable'/>`
    await juliet.receives`<presence type='unavailable' from='${romeo.jid}'/>`
    await romeo.cuts()
    await juliet.receivesNothing()
    assert.equal(s.database.queries - before, 0)
  },
  { modules: { offline: { enabled: false } } },
)

story('Presence that another module withholds reaches nobody, by broadcast, probe or login', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  const detach = s.host.hooks.attach(presenceWithheld, ({ from, to }: PresencePath) =>
    from.bare.toString() === romeo.bare && to.toString() === juliet.bare ? true : undefined,
  )
  await romeo.sends`<presence><show>away</show></presence>`
  await romeo.receives`<presence from='${romeo.jid}'/>`
  await juliet.sends`<presence type='probe' to='${romeo.bare}'/>`
  await juliet.receives`<presence type='unavailable' from='${romeo.bare}'/>`
  const chamber = await s.online('juliet/chamber')
  await chamber.receives`<presence from='${juliet.jid}'/>`
  await chamber.receivesNothing()
  await romeo.receives`<presence from='${chamber.jid}'/>`
  detach()
})

story('Others are told when a session comes, rises from a negative priority and goes', async (s) => {
  const heard: string[] = []
  const detach = [
    s.host.hooks.attach(sessionAvailable, ({ priority }: Session) => heard.push(`available ${priority}`)),
    s.host.hooks.attach(sessionUnavailable, () => heard.push('unavailable')),
  ]
  const juliet = await s.login('juliet/balcony')
  for (const priority of [-1, -2, 0, 3, -1, 1]) {
    await juliet.sends`<presence><priority>${priority}</priority></presence>`
    await juliet.receives`<presence from='${juliet.jid}'/>`
  }
  await juliet.sends`<presence type='unavailable'/>`
  await juliet.receives`<presence type='unavailable'/>`
  await juliet.disconnects()
  for (const away of detach) away()
  assert.deepEqual(heard, ['available -1', 'available 0', 'available 1', 'unavailable'])
})
