import assert from 'node:assert/strict'
import { type Actor, drain, story } from '../support/story.ts'

const NS = 'urn:xmpp:blocking'

const items = (...jids: string[]) => jids.map((jid) => `<item jid='${jid}'/>`).join('')

async function blocks(actor: Actor, ...jids: string[]): Promise<void> {
  await actor.asks`<iq type='set'><block xmlns='${NS}'>${items(...jids)}</block></iq>`
}

async function unblocks(actor: Actor, ...jids: string[]): Promise<void> {
  await actor.asks`<iq type='set'><unblock xmlns='${NS}'>${items(...jids)}</unblock></iq>`
}

async function listOf(actor: Actor): Promise<string[]> {
  const reply = await actor.asks`<iq type='get'><blocklist xmlns='${NS}'/></iq>`
  return reply
    .getChild('blocklist', NS)!
    .getChildren('item')
    .map((item) => item.attrs['jid']!)
    .sort()
}

// XEP-0191 §3.2, §3.3, §3.4, §3.5
story('Juliet keeps a list, and clients that have asked for it hear of changes', async (s) => {
  const balcony = await s.login('juliet/balcony')
  const chamber = await s.login('juliet/chamber')
  const silent = await s.login('juliet/silent')
  assert.deepEqual(await listOf(balcony), [])
  await listOf(chamber)
  await balcony.sends`<iq type='set' id='b'><block xmlns='${NS}'>${items('Paris@Verona.example/Ring', 'montague.example')}</block></iq>`
  await balcony.receivesInAnyOrder([
    "<iq type='result' id='b'/>",
    `<iq type='set' id='*' to='${balcony.jid}'><block xmlns='${NS}'>${items('paris@verona.example/Ring', 'montague.example')}</block></iq>`,
  ])
  await chamber.receives`<iq type='set' id='*' to='${chamber.jid}'><block xmlns='${NS}'>${items('paris@verona.example/Ring', 'montague.example')}</block></iq>`
  assert.deepEqual(await listOf(chamber), ['montague.example', 'paris@verona.example/Ring'])
  await chamber.sends`<iq type='set' id='u'><unblock xmlns='${NS}'>${items('montague.example')}</unblock></iq>`
  await chamber.receivesInAnyOrder([
    "<iq type='result' id='u'/>",
    `<iq type='set' id='*'><unblock xmlns='${NS}'>${items('montague.example')}</unblock></iq>`,
  ])
  await balcony.receives`<iq type='set' id='*'><unblock xmlns='${NS}'>${items('montague.example')}</unblock></iq>`
  await balcony.sends`<iq type='set' id='a'><unblock xmlns='${NS}'/></iq>`
  await balcony.receivesInAnyOrder([
    "<iq type='result' id='a'/>",
    `<iq type='set' id='*'><unblock xmlns='${NS}'/></iq>`,
  ])
  await chamber.receives`<iq type='set' id='*'><unblock xmlns='${NS}'/></iq>`
  assert.deepEqual(await listOf(balcony), [])
  await silent.receivesNothing()
})

// XEP-0191 §3.3
story('Requests about nothing or no address are refused', async (s) => {
  const juliet = await s.login('juliet')
  const romeo = await s.login('romeo')
  await juliet.isRefused('bad-request')`<iq type='set'><block xmlns='${NS}'/></iq>`
  await juliet.isRefused('bad-request')`<iq type='set'><block xmlns='${NS}'><item/></block></iq>`
  await juliet.isRefused(
    'jid-malformed',
  )`<iq type='set'><block xmlns='${NS}'>${items('romeo@montague.example', '@')}</block></iq>`
  assert.deepEqual(await listOf(juliet), [])
  await romeo.isRefused('service-unavailable')`<iq type='get' to='${juliet.bare}'><blocklist xmlns='${NS}'/></iq>`
  await romeo.isRefused(
    'service-unavailable',
  )`<iq type='set' to='${juliet.bare}'><block xmlns='${NS}'>${items('a.example')}</block></iq>`
})

// XEP-0191 §3.3
story('What comes from a blocked address goes no further, and the block outlasts the session', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await blocks(juliet, romeo.bare)
  const refused = async (to: string) => {
    await romeo.isRefused('service-unavailable', 'cancel')`<message to='${to}' type='chat'><body>Hi</body></message>`
    await romeo.isRefused('service-unavailable', 'cancel')`<iq type='get' to='${to}'><ping xmlns='urn:xmpp:ping'/></iq>`
    await romeo.sends`<iq type='result' id='r' to='${to}'/>`
    await romeo.sends`<message type='error' to='${to}'><error type='cancel'/></message>`
    for (const type of ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe', 'unavailable'])
      await romeo.sends`<presence type='${type}' to='${to}'/>`
    await romeo.sends`<presence to='${to}'/>`
    // What was sent before to the same address is dealt with when this comes back.
    await romeo.isRefused('service-unavailable')`<message to='${to}'><body>fence</body></message>`
    await romeo.receivesNothing()
  }
  for (const to of [juliet.bare, juliet.jid]) await refused(to)
  await juliet.receivesNothing()
  await juliet.disconnects()
  await refused(juliet.bare)
  const again = await s.online('juliet/balcony')
  await refused(again.bare)
  await again.receivesNothing()
  await unblocks(again, romeo.bare)
  await romeo.sends`<message to='${again.bare}' type='chat'><body>At last</body></message>`
  await again.receives`<message from='${romeo.jid}'><body>At last</body></message>`
})

// XEP-0191 §3.3
story('Juliet cannot write to whom she has blocked', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await blocks(juliet, romeo.bare)
  for (const to of [romeo.bare, romeo.jid])
    for (const stanza of [
      `<message to='${to}' id='1'><body>Hi</body></message>`,
      `<iq to='${to}' id='1' type='get'><ping xmlns='urn:xmpp:ping'/></iq>`,
      `<presence to='${to}' id='1'/>`,
      `<presence to='${to}' id='1' type='subscribe'/>`,
    ]) {
      const error = await juliet.isRefused('not-acceptable', 'cancel')`${stanza}`
      assert.ok(error.getChild('error')?.getChild('blocked', 'urn:xmpp:blocking:errors'))
    }
  await romeo.receivesNothing()
})

// XEP-0191 §6
story('One resource, or a whole domain, can be blocked', async (s) => {
  const orchard = await s.login('romeo/orchard')
  const garden = await s.login('romeo/garden')
  const juliet = await s.online('juliet/balcony')
  await blocks(juliet, orchard.jid)
  await orchard.isRefused('service-unavailable')`<message to='${juliet.bare}'><body>Hi</body></message>`
  await garden.sends`<message to='${juliet.bare}'><body>Hi</body></message>`
  await juliet.receives`<message from='${garden.jid}'/>`
  await blocks(juliet, s.domain)
  await garden.isRefused('service-unavailable')`<message to='${juliet.bare}'><body>Hi</body></message>`
})

// XEP-0191 §5, note: "MUST NOT block communications from one of a user's resources to another"
story('Nobody blocks themselves or the server that serves them', async (s) => {
  const balcony = await s.online('juliet/balcony')
  const chamber = await s.login('juliet/chamber')
  await blocks(balcony, balcony.bare, chamber.jid, s.domain)
  await chamber.sends`<message to='${balcony.bare}'><body>Note to self</body></message>`
  await balcony.receives`<message from='${chamber.jid}'><body>Note to self</body></message>`
  await balcony.sends`<message to='${chamber.jid}'><body>Same</body></message>`
  await chamber.receives`<message from='${balcony.jid}'><body>Same</body></message>`
  await chamber.asks`<iq type='get' to='${s.domain}'><ping xmlns='urn:xmpp:ping'/></iq>`
  await chamber.asks`<iq type='set'><unblock xmlns='${NS}'/></iq>`
  assert.deepEqual(await listOf(balcony), [])
})

// XEP-0191 §3.3: "MUST send unavailable presence"; §3.4: "MUST send the user's current presence information"
story('To a contact she blocks, Juliet goes offline; when she lifts it, she is back', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  await blocks(juliet, romeo.bare)
  await romeo.receives`<presence from='${juliet.jid}' to='*' type='unavailable'/>`
  juliet.send('<presence><show>away</show></presence>')
  await juliet.receives`<presence from='${juliet.jid}'/>`
  await romeo.sends`<presence type='probe' to='${juliet.bare}'/>`
  await romeo.receivesNothing()
  romeo.send('<presence><show>dnd</show></presence>')
  await romeo.receives`<presence from='${romeo.jid}'/>`
  await juliet.receivesNothing()
  await unblocks(juliet, romeo.bare)
  await romeo.receives`<presence from='${juliet.jid}'><show>away</show></presence>`
})

story('A contact of a blocked domain sees her go and come as well', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  await blocks(juliet, s.domain)
  await romeo.receives`<presence from='${juliet.jid}' type='unavailable'/>`
  await blocks(juliet, romeo.bare)
  await romeo.receivesNothing()
  await unblocks(juliet, s.domain)
  await romeo.receivesNothing()
  await juliet.asks`<iq type='set'><unblock xmlns='${NS}'/></iq>`
  await romeo.receives`<presence from='${juliet.jid}'/>`
})

story('A resource of a contact that is blocked alone sees her go and come alone', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  const garden = await s.online('romeo/garden')
  await drain(romeo)
  await drain(garden)
  await drain(juliet)
  await blocks(juliet, romeo.jid)
  await romeo.receives`<presence from='${juliet.jid}' to='${romeo.jid}' type='unavailable'/>`
  await garden.receivesNothing()
  await unblocks(juliet, romeo.jid)
  await romeo.receives`<presence from='${juliet.jid}'/>`
})

story('Who does not see Juliet’s presence does not learn of it by a block', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await blocks(juliet, romeo.bare)
  await unblocks(juliet, romeo.bare)
  await romeo.receivesNothing()
})

story('A blocked contact does not see Juliet come or go', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  await blocks(juliet, romeo.bare)
  await romeo.receives`<presence from='${juliet.jid}' type='unavailable'/>`
  await juliet.disconnects()
  const again = await s.online('juliet/chamber')
  await again.receivesNothing()
  await again.disconnects()
  await romeo.receivesNothing()
})

story(
  'The list is limited',
  async (s) => {
    const juliet = await s.login('juliet')
    await blocks(juliet, 'a.example', 'b.example')
    await juliet.isRefused('policy-violation')`<iq type='set'><block xmlns='${NS}'>${items('c.example')}</block></iq>`
    await blocks(juliet, 'a.example')
    assert.deepEqual(await listOf(juliet), ['a.example', 'b.example'])
  },
  { modules: { blocking: { maxItems: 2 } } },
)

story('Messages to somebody away ask for the list once, and a change is heeded', async (s) => {
  const romeo = await s.login('romeo')
  const juliet = await s.login('juliet')
  await juliet.disconnects()
  await drain(romeo)
  const before = s.database.queries
  for (let n = 0; n < 10; n++)
    await romeo.isRefused(
      'service-unavailable',
    )`<message to='${juliet.bare}' type='groupchat'><body>Hi</body></message>`
  assert.ok(s.database.queries - before <= 1, `${s.database.queries - before} queries`)
  const again = await s.login('juliet')
  await blocks(again, romeo.bare)
  await again.disconnects()
  await romeo.isRefused('service-unavailable')`<message to='${juliet.bare}' type='chat'><body>Hi</body></message>`
})

story('A deleted account leaves no list to the next of its name', async (s) => {
  const romeo = await s.login('romeo')
  const juliet = await s.login('juliet')
  await blocks(juliet, romeo.bare)
  await s.host.deleteAccount('juliet')
  await s.host.accounts.create('juliet', 'wherefore art thou')
  const again = await s.online('juliet/balcony')
  assert.deepEqual(await listOf(again), [])
  await romeo.sends`<message to='${again.bare}'><body>Hi</body></message>`
  await again.receives`<message from='${romeo.jid}'/>`
})
