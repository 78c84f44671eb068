import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import type { Element } from '../../src/api.ts'
import { AGENT, authenticateText, base64, binds, NS_SM, opens } from '../support/sasl2.ts'
import { type Actor, story } from '../support/story.ts'

const NS = 'urn:xmpp:cam:0'
const OTHER = 'a1565fa7-4d72-4749-b3d3-740edbf87770'
const request = "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>"

async function lists(actor: Actor): Promise<Element[]> {
  const result = await actor.asks`<iq type='get'><list xmlns='urn:xmpp:cam:0'/></iq>`
  return result.getChild('clients', NS)!.getChildren('client')
}

const auth = (client: Element) =>
  client
    .getChild('auth')!
    .getChildElements()
    .map((el) => el.name)

story('The owner sees which clients have access, and how // XEP-0494 §3.1', async (s) => {
  const desk = await s.login('romeo/desk')
  const startedAt = new Date(s.bed.clock.now()).toISOString()
  const { client: phone } = await binds(s, {
    agent: AGENT,
    inline: request,
    ask: `<enable xmlns='${NS_SM}' resume='true'/>`,
  })
  const { client: tablet } = await binds(s, { agent: OTHER })
  await tablet.disconnects()
  await phone.cuts()
  await s.advance(60_000)
  const all = await lists(desk)
  assert.equal(all.length, 3)
  const mine = all.find((client) => client.getChild('user-agent') === undefined)!
  assert.equal(mine.attrs['connected'], 'true')
  const [known] = all.filter((client) => client !== mine && client.attrs['connected'] === 'true')
  const [away] = all.filter((client) => client.attrs['connected'] === 'false')
  // A session that rests counts.
  assert.deepEqual(auth(known!), ['password', 'fast'])
  assert.equal(known!.attrs['type'], 'session')
  assert.equal(known!.getChild('user-agent')!.getChildText('software'), 'Tester')
  assert.equal(known!.getChild('user-agent')!.getChildText('device'), 'Verona’s balcony')
  assert.equal(Date.parse(known!.getChildText('first-seen')!), Date.parse(startedAt))
  assert.equal(known!.getChild('permission')!.attrs['status'], 'unrestricted')
  assert.doesNotMatch(known!.attrs['id']!, /d4565fa7/)
  assert.deepEqual(auth(away!), ['password'])
  assert.equal(Date.parse(away!.getChildText('last-seen')!), Date.parse(startedAt))
})

story('Nobody else sees or revokes anything // XEP-0494 §5', async (s) => {
  const romeo = await s.login('romeo/desk')
  const juliet = await s.login('juliet/balcony')
  const [client] = await lists(romeo)
  const to = romeo.bare
  await juliet.isRefused('service-unavailable')`<iq type='get' to='${to}'><list xmlns='urn:xmpp:cam:0'/></iq>`
  await juliet.isRefused(
    'service-unavailable',
  )`<iq type='set' to='${to}'><revoke xmlns='urn:xmpp:cam:0' id='${client!.attrs['id']}'/></iq>`
  await juliet.isRefused(
    'item-not-found',
  )`<iq type='set'><revoke xmlns='urn:xmpp:cam:0' id='${client!.attrs['id']}'/></iq>`
  await romeo.receivesNothing()
})

story('Revoking ends the sessions and tokens of a client // XEP-0494 §3.2', async (s) => {
  const desk = await s.login('romeo/desk')
  const { client: phone } = await binds(s, { agent: AGENT, inline: request })
  const { client: tablet } = await binds(s, {
    agent: OTHER,
    inline: request,
    ask: `<enable xmlns='${NS_SM}' resume='true'/>`,
  })
  await tablet.cuts()
  const ids = (await lists(desk)).filter((client) => auth(client).includes('fast')).map((client) => client.attrs['id'])
  assert.equal(ids.length, 2)
  for (const id of ids) await desk.asks`<iq type='set'><revoke xmlns='urn:xmpp:cam:0' id='${id}'/></iq>`
  await phone.ends()
  assert.equal((await s.database.knex('fast_tokens')).length, 0)
  assert.equal((await lists(desk)).length, 1)
})

story('Who has only the password is thrown out, and may come back until it is changed // XEP-0494 §3.2', async (s) => {
  const desk = await s.login('romeo/desk')
  const { client: phone } = await binds(s, { agent: AGENT })
  const { id } = (await lists(desk)).find((client) => client.getChild('user-agent'))!.attrs
  const refusal = await desk.isRefused(
    'service-unavailable',
  )`<iq type='set'><revoke xmlns='urn:xmpp:cam:0' id='${id}'/></iq>`
  assert.ok(refusal.getChild('error')!.getChild('password-reset-required', NS))
  await phone.ends()
  assert.equal((await lists(desk)).length, 2)
  const { client: tablet } = await binds(s, { agent: OTHER })
  await s.host.accounts.setPassword('romeo', 'wherefore art thou')
  // Whoever is still here has no password any more, and does not come back when it is thrown out.
  const left = await lists(desk)
  assert.deepEqual(left.map(auth), [[], []])
  await desk.isRefused('item-not-found')`<iq type='set'><revoke xmlns='urn:xmpp:cam:0' id='${id}'/></iq>`
  const other = left.find((client) => client.getChild('user-agent'))!.attrs['id']
  await desk.asks`<iq type='set'><revoke xmlns='urn:xmpp:cam:0' id='${other}'/></iq>`
  await tablet.ends()
  assert.equal((await lists(desk)).length, 1)
})

story('Who came with the password a moment ago and comes with a token now may still know the password', async (s) => {
  const desk = await s.login('romeo/desk')
  const { client: phone, success } = await binds(s, { agent: AGENT, inline: request })
  const token = success.getChild('token', 'urn:xmpp:fast:0')!.attrs['token']!
  await phone.cuts()
  const { client: again } = await opens(s)
  const proof = createHmac('sha256', token).update('Initiator').digest()
  again.send(
    authenticateText({
      mechanism: 'HT-SHA-256-NONE',
      initial: base64(Buffer.concat([Buffer.from('romeo\0'), proof])),
      agent: AGENT,
      inline: "<fast xmlns='urn:xmpp:fast:0'/><bind xmlns='urn:xmpp:bind:0'/>",
    }),
  )
  assert.equal((await again.next()).name, 'success')
  const found = (await lists(desk)).find((client) => client.getChild('user-agent'))!
  assert.deepEqual(auth(found), ['password', 'fast'])
})

story('Who takes its own access hears so first', async (s) => {
  const { client } = await binds(s, { agent: AGENT, inline: request })
  const [own] = await lists(client)
  await client.asks`<iq type='set'><revoke xmlns='urn:xmpp:cam:0' id='${own!.attrs['id']}'/></iq>`
  await client.ends()
})

story(
  'A client that was not seen for long is forgotten, and of many those seen last stay // XEP-0494 §6',
  async (s) => {
    for (const n of [1, 2, 3]) {
      const { client } = await binds(s, { agent: `${n}1565fa7-4d72-4749-b3d3-740edbf87770` })
      await client.disconnects()
      await s.advance(1_000)
    }
    const count = async () => (await s.database.knex('known_clients')).length
    // In small steps: a turn that comes while the last is under way is left out.
    const until = async (expected: number) => {
      while ((await count()) !== expected) await s.advance(60_000)
    }
    await s.advance(3_000)
    while ((await count()) !== 3);
    await until(2)
    await s.advance(86_400_000 - 2 * 3_600_000)
    assert.equal(await count(), 2)
    await until(0)
  },
  { modules: { 'client-access': { remember: 86_400_000, maxClients: 2 } } },
)
