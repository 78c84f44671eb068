import assert from 'node:assert/strict'
import { type Actor, story } from '../support/story.ts'
import {
  acknowledges,
  asksToResume,
  enables,
  fence,
  jidOf,
  MAX,
  message,
  NS,
  settles,
} from '../support/stream-management.ts'

story('Who does not come back in time is gone, and then others hear of it // XEP-0198 §4, §7', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  const token = await enables(juliet)
  await romeo.sends`${message(juliet.jid, 'to the balcony')}`
  await juliet.receives`<message/>`
  await juliet.cuts()
  await romeo.sends`${message(juliet.bare, 'to whoever')}`
  await settles(s, romeo)
  await s.advance(MAX - 1)
  await romeo.receivesNothing()
  await s.advance(1)
  await romeo.receives`<presence type='unavailable' from='${juliet.jid}'/>`
  const failed = await asksToResume(s, juliet, token, 0)
  await failed.receives`<failed xmlns='${NS}' h='0'/>`
  await failed.isCut()
  const again = await s.online('juliet/chamber')
  // The store of offline messages says since when each has waited: since it was first sent to a client.
  await again.receivesInAnyOrder([`<presence from='${romeo.jid}'/>`])
  await again.receives`<message><body>to the balcony</body><delay xmlns='urn:xmpp:delay' from='${s.domain}' stamp='*'/></message>`
  await again.receives`<message><body>to whoever</body><delay xmlns='urn:xmpp:delay' from='${s.domain}' stamp='*'/></message>`
})

story('What it was owed goes to another session, or back, by its kind // XEP-0198 §4, RFC 6121 §8.5.3.2', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  await enables(juliet)
  await juliet.cuts()
  const chamber = await s.online('juliet/chamber')
  for (const type of ['chat', 'normal', 'headline', 'groupchat']) romeo.send(message(juliet.jid, type, type))
  romeo.send(`<iq type='get' id='g' to='${juliet.jid}'><query xmlns='jabber:iq:version'/></iq>`)
  romeo.send(`<iq type='result' id='r' to='${juliet.jid}'/>`)
  await settles(s, romeo)
  await chamber.receivesNothing()
  await s.advance(MAX)
  for (const type of ['chat', 'normal'])
    await chamber.receives`
      <message to='${juliet.jid}'>
        <body>${type}</body><delay xmlns='urn:xmpp:delay' from='${s.domain}' stamp='*'/>
      </message>`
  await chamber.receivesNothing()
  await romeo.receivesInAnyOrder([
    `<message type='error' from='${juliet.jid}'><error><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
    `<iq type='error' id='g' from='${juliet.jid}'><error><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
  ])
  await romeo.receivesNothing()
})

story('What several sessions were sent is settled by the first that has it // XEP-0198 §4', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const balcony = await s.online('juliet/balcony')
  await enables(balcony)
  const chamber = await s.online('juliet/chamber')
  await balcony.receives`<presence from='${chamber.jid}'/>`
  await chamber.receives`<presence from='${balcony.jid}'/>`
  await enables(chamber)
  await romeo.sends`${message(balcony.bare, 'Hi')}`
  await balcony.receives`<message/>`
  await chamber.receives`<message/>`
  acknowledges(chamber, 1)
  await fence(s)
  await balcony.cuts()
  await s.advance(MAX)
  await chamber.receives`<presence type='unavailable'/>`
  await chamber.receivesNothing()
  await chamber.disconnects()
  const again = await s.online('juliet/balcony')
  await again.receivesNothing()
})

story('When none of them has it it is dealt with once, at the end of the last // XEP-0198 §4', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const balcony = await s.online('juliet/balcony')
  await enables(balcony)
  const chamber = await s.online('juliet/chamber')
  await balcony.receives`<presence/>`
  await chamber.receives`<presence/>`
  await enables(chamber)
  await romeo.sends`${message(balcony.bare, 'Hi')}`
  await balcony.receives`<message/>`
  await chamber.receives`<message/>`
  await balcony.cuts()
  await s.advance(60_000)
  await chamber.cuts()
  await s.advance(MAX)
  const again = await s.online('juliet/balcony')
  await again.receives`<message><body>Hi</body></message>`
  await again.receivesNothing()
})

story(
  'What is in the archive of its addressee does not come back to its sender // XEP-0198 §4, XEP-0313',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.online('juliet/balcony')
    await enables(juliet, '')
    for (const body of ['one', 'two']) await romeo.sends`${message(juliet.jid, body)}`
    romeo.send(
      `<message type='chat' to='${juliet.jid}'><body>three</body><no-permanent-store xmlns='urn:xmpp:hints'/></message>`,
    )
    await settles(s, romeo)
    await juliet.cuts()
    // Only one of them can wait elsewhere.
    const again = await s.online('juliet/balcony')
    await again.receives`<message><body>one</body></message>`
    await romeo.receives`<message type='error'><error><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`
    await romeo.receivesNothing()
  },
  { modules: { offline: { maxMessages: 1 } } },
)

story('A session without acknowledgements counts as having its copy // XEP-0198 §4', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const balcony = await s.online('juliet/balcony')
  await enables(balcony)
  const chamber = await s.online('juliet/chamber')
  await balcony.receives`<presence/>`
  await chamber.receives`<presence/>`
  await romeo.sends`${message(balcony.bare, 'Hi')}`
  await balcony.receives`<message/>`
  await chamber.receives`<message/>`
  await chamber.disconnects()
  await balcony.receives`<presence type='unavailable'/>`
  await balcony.cuts()
  await s.advance(MAX)
  const again = await s.online('juliet/balcony')
  await again.receivesNothing()
})

story('A stream that is closed, by either side, is no session to come back to // XEP-0198 §7', async (s) => {
  const romeo = await s.login('romeo/orchard')
  for (const closing of ['</stream:stream>', '<nonsense/>']) {
    const juliet = await s.login('juliet/balcony')
    const token = await enables(juliet)
    await romeo.sends`${message(juliet.jid, 'Hi')}`
    await juliet.receives`<message/>`
    juliet.send(closing)
    if (closing === '<nonsense/>') await juliet.receivesStreamError('unsupported-stanza-type')
    else await juliet.ends()
    const failed = await asksToResume(s, juliet, token, 0)
    await failed.receives`<failed xmlns='${NS}'/>`
    await failed.isCut()
    const again = await s.online('juliet/balcony')
    await again.receives`<message><body>Hi</body></message>`
    await again.disconnects()
  }
})

story('A client that binds its resource anew ends the session that rests there // XEP-0198 §5', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  await enables(juliet)
  await juliet.cuts()
  await romeo.sends`${message(juliet.jid, 'Hi')}`
  await settles(s, romeo)
  const again = await s.online('juliet/balcony')
  await again.receives`<message><body>Hi</body></message>`
  await again.receivesNothing()
})

story(
  'It does so even where a resource stays with its holder // RFC 6120 §7.7.2.2',
  async (s) => {
    const juliet = await s.login('juliet/balcony')
    await enables(juliet)
    await juliet.cuts()
    await (await s.login('juliet/balcony')).receivesNothing()
  },
  { server: { resourceConflict: 'refuse' } },
)

story(
  'At the limit of sessions the one that has rested for longest makes room // RFC 6120 §7.6.2.1',
  async (s) => {
    const tokens: string[] = []
    const devices: Actor[] = []
    for (const resource of ['a', 'b', 'c']) {
      const device = await s.login(`juliet/${resource}`)
      devices.push(device)
      tokens.push(await enables(device))
    }
    await devices[1]!.cuts()
    await s.advance(1_000)
    await devices[0]!.cuts()
    const sessions = () => [...s.host.user(jidOf(devices[0]!))!.sessions.keys()]
    await s.login('juliet/d')
    assert.deepEqual(sessions(), ['a', 'c', 'd'])
    await s.login('juliet/e')
    assert.deepEqual(sessions(), ['c', 'd', 'e'])
    const { actor } = await s.authenticates('juliet')
    await actor.isRefused('resource-constraint')`<iq type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>`
    await actor.isCut()
  },
  { server: { limits: { sessionsPerAccount: 3 } } },
)

story(
  'Of too many that rest the one that has rested for longest ends',
  async (s) => {
    const devices: Actor[] = []
    for (const resource of ['a', 'b', 'c']) {
      const device = await s.login(`juliet/${resource}`)
      devices.push(device)
      await enables(device)
    }
    for (const index of [1, 0, 2]) {
      await devices[index]!.cuts()
      await s.advance(1_000)
    }
    assert.deepEqual([...s.host.user(jidOf(devices[0]!))!.sessions.keys()], ['a', 'c'])
  },
  { modules: { 'stream-management': { maxResting: 2 } } },
)

story(
  'An account that is to be deleted while it rests finds, when it is restored, what it never acknowledged',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.online('juliet/balcony')
    await enables(juliet)
    await romeo.sends`${message(juliet.jid, 'before')}`
    await juliet.receives`<message/>`
    await juliet.cuts()
    await romeo.sends`${message(juliet.jid, 'meanwhile')}`
    await settles(s, romeo)
    await s.host.deletions.request('juliet')
    // Others find nobody any more.
    await romeo.sends`${message(juliet.jid, 'to nobody')}`
    await settles(s, romeo)
    assert.equal(await s.host.deletions.restore('juliet'), true)
    const again = await s.online('juliet/chamber')
    for (const body of ['before', 'meanwhile'])
      await again.receives`<message><body>${body}</body><delay xmlns='urn:xmpp:delay' from='${s.domain}' stamp='*'/></message>`
    await again.receivesNothing()
  },
)

story('What an account never acknowledged that is deleted is not kept for the next of its name', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await enables(juliet)
  await romeo.sends`${message(juliet.jid, 'before')}`
  await juliet.receives`<message/>`
  await juliet.cuts()
  await s.host.deletions.request('juliet')
  await settles(s, romeo)
  await s.host.deleteAccount('juliet')
  await s.host.accounts.create('juliet', 'wherefore art thou')
  const next = await s.online('juliet/chamber')
  await next.receivesNothing()
})

story('The end of an account is the end of its sessions that rest, and of what is kept of them', async (s) => {
  const juliet = await s.login('juliet/balcony')
  const token = await enables(juliet)
  await juliet.cuts()
  await s.host.deleteAccount('juliet')
  await s.host.accounts.create('juliet', 'wherefore art thou')
  const failed = await asksToResume(s, juliet, token, 0)
  assert.equal((await failed.receives`<failed xmlns='${NS}'/>`).attrs['h'], undefined)
  await failed.isCut()
})
