import assert from 'node:assert/strict'
import type { Element } from '../../src/api.ts'
import { addressOf, authenticateText, failsWith, NS_BIND } from '../support/sasl2.ts'
import { type Actor, type Story, story } from '../support/story.ts'

// XEP-0175, RFC 4505

const modules = (options: object = {}) => ({ modules: { anonymous: { enabled: true, ...options } } })
const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'

/** Logs in as nobody on a new connection; what the server answers. */
async function knocks(s: Story, text = '', domain = s.domain): Promise<{ guest: Actor; answer: Element }> {
  const guest = await s.connects(domain)
  await guest.opens(domain)
  guest.send(`<auth xmlns='${NS_SASL}' mechanism='ANONYMOUS'>${text}</auth>`)
  return { guest, answer: await guest.next() }
}

async function comesIn(s: Story): Promise<Actor> {
  const { guest, answer } = await knocks(s)
  assert.equal(answer.name, 'success', String(answer))
  await guest.opens(s.domain)
  await guest.binds()
  guest.send('<presence/>')
  await guest.receives`<presence from='${guest.jid}'/>`
  return guest
}

const accounts = (s: Story) => s.host.accounts.count()
const until = async (s: Story, count: number) => {
  while ((await accounts(s)) !== count) await s.advance(1_000)
}

story('Nobody is let in as nobody unless an admin wants it', async (s) => {
  const client = await s.connects()
  assert.doesNotMatch(String(await client.opens(s.domain)), /ANONYMOUS/)
  client.send(`<auth xmlns='${NS_SASL}' mechanism='ANONYMOUS'/>`)
  assert.ok((await client.next()).getChild('invalid-mechanism'))
})

story(
  'A guest gets a name of its own, talks, and is gone with its session // XEP-0175 §2, §3',
  async (s) => {
    const juliet = await s.online('juliet/balcony')
    const [guest, other] = [await comesIn(s), await comesIn(s)]
    assert.match(guest.bare, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}@localhost$/)
    assert.notEqual(guest.bare, other.bare)
    await guest.sends`<message to='${juliet.jid}' type='chat'><body>May I?</body></message>`
    await juliet.receives`<message from='${guest.jid}' type='chat'><body>May I?</body></message>`
    // §4
    const info =
      await guest.asks`<iq type='get' to='${guest.bare}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`
    assert.deepEqual(
      info
        .getChild('query', 'http://jabber.org/protocol/disco#info')!
        .getChildren('identity')
        .map(({ attrs }) => `${attrs['category']}/${attrs['type']}`)
        .filter((text) => text.startsWith('account')),
      ['account/anonymous'],
    )
    // What it has with others goes with it.
    await guest.sends`<presence to='${juliet.bare}' type='subscribe'/>`
    await juliet.receives`<presence from='${guest.bare}' type='subscribe'/>`
    assert.equal(await accounts(s), 3)
    await guest.disconnects()
    await until(s, 2)
    assert.equal(await s.host.accounts.exists(guest.bare.split('@')[0]!), false)
    assert.equal((await s.database.knex('anonymous_accounts')).length, 1)
    await other.disconnects()
    await until(s, 1)
  },
  modules(),
)

story(
  'A guest that was cut off comes back to its session, and is gone when it does not // XEP-0198 §5',
  async (s) => {
    const guest = await comesIn(s)
    guest.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
    const enabled = await guest.next()
    await guest.cuts()
    await s.advance(60_000)
    assert.equal(await accounts(s), 1)
    // Nobody has the account’s name and nothing else.
    const { guest: thief, answer } = await knocks(s)
    assert.equal(answer.name, 'success')
    await thief.opens(s.domain)
    thief.send(`<resume xmlns='urn:xmpp:sm:3' h='0' previd='${enabled.attrs['id']}'/>`)
    assert.equal((await thief.next()).name, 'failed')
    thief.transport.cut()
    await s.advance(3_600_000)
    await until(s, 0)
  },
  modules(),
)

story(
  'A guest logs in by the new way too, is given no token, and says nothing of itself // XEP-0388 §2, XEP-0484 §3.3',
  async (s) => {
    const client = await s.connects()
    assert.match(
      String(await client.opens(s.domain)),
      /<mechanism>ANONYMOUS<\/mechanism>.*<mechanism>ANONYMOUS<\/mechanism>/,
    )
    client.send(
      authenticateText({
        mechanism: 'ANONYMOUS',
        agent: 'd4565fa7-4d72-4749-b3d3-740edbf87770',
        inline: `<bind xmlns='${NS_BIND}'/><request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>`,
      }),
    )
    const success = await client.next()
    assert.equal(success.name, 'success', String(success))
    assert.equal(success.getChild('token', 'urn:xmpp:fast:0'), undefined)
    client.jid = addressOf(success)
    await client.next()
    await client.disconnects()
    await until(s, 0)
  },
  modules(),
)

story(
  'Guests are not more than an admin wants, and whoever never binds counts for a while only',
  async (s) => {
    const first = await comesIn(s)
    const { guest: idle } = await knocks(s)
    const { answer } = await knocks(s)
    assert.ok(answer.getChild('temporary-auth-failure'), String(answer))
    const client = await s.connects()
    await client.opens(s.domain)
    client.send(authenticateText({ mechanism: 'ANONYMOUS' }))
    failsWith(await client.next(), 'temporary-auth-failure')
    idle.transport.cut()
    await s.advance(16 * 60_000)
    await until(s, 1)
    await first.receivesNothing()
    await comesIn(s)
  },
  modules({ total: 2, perAddress: 0 }),
)

story(
  'One address has its share of guests; a trace may be long, and no longer // RFC 4505 §2',
  async (s) => {
    const trace = (n: number) => Buffer.from('é'.repeat(n)).toString('base64')
    assert.equal((await knocks(s, trace(255))).answer.name, 'success')
    assert.ok((await knocks(s, trace(256))).answer.getChild('malformed-request'))
    assert.ok((await knocks(s, '/w==')).answer.getChild('malformed-request'))
    assert.equal((await knocks(s, '=')).answer.name, 'success')
    assert.ok((await knocks(s)).answer.getChild('temporary-auth-failure'))
  },
  modules({ perAddress: 2 }),
)

story(
  'A guest makes nothing that would outlast it: no account by invitation, no password, no room, no node',
  async (s) => {
    // Of another host of the server: its guests are as much guests here.
    for (const domain of [s.domain, 'capulet.example']) {
      const { guest, answer } = await knocks(s, '', domain)
      assert.equal(answer.name, 'success', String(answer))
      await guest.opens(domain)
      await guest.binds()
      const account = guest.bare.split('@')[0]!
      const password = `<username>${account}</username><password>a rose by any name</password>`
      await guest.isRefused('not-allowed')`<iq type='set'><query xmlns='jabber:iq:register'>${password}</query></iq>`
      const invite = "<command xmlns='http://jabber.org/protocol/commands' node='urn:xmpp:invite#invite'/>"
      await guest.isRefused('forbidden')`<iq type='set' to='${domain}'>${invite}</iq>`
      const room = `tomb@conference.${s.domain}`
      const entry = "<x xmlns='http://jabber.org/protocol/muc'/>"
      await guest.isRefused('not-allowed')`<presence to='${room}/g'>${entry}</presence>`
      for (const [action, condition] of [
        ["<create node='n'/>", 'forbidden'],
        ["<publish node='n'><item id='i'><x xmlns='urn:x'/></item></publish>", 'item-not-found'],
      ] as const) {
        const pubsub = `<pubsub xmlns='http://jabber.org/protocol/pubsub'>${action}</pubsub>`
        await guest.isRefused(condition)`<iq type='set' to='pubsub.${s.domain}'>${pubsub}</iq>`
      }
      // What is its own goes with it, and rooms of others are open to it.
      await guest.asks`<iq type='set'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='n'><item id='i'><x xmlns='urn:x'/></item></publish></pubsub></iq>`
      const romeo = await s.login('romeo/orchard')
      await romeo.sends`<presence to='${room}/r'>${entry}</presence>`
      await romeo.receives`<presence from='${room}/r'/>`
      await romeo.receives`<message><subject/></message>`
      await romeo.asks`<iq type='set' to='${room}'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`
      await guest.sends`<presence to='${room}/g'>${entry}</presence>`
      await guest.receives`<presence from='${room}/r'/>`
      await guest.receives`<presence from='${room}/g'/>`
      await romeo.disconnects()
      await guest.disconnects()
    }
    await until(s, 1)
    assert.deepEqual(await s.host.accounts.list(undefined, 10), ['romeo'])
  },
  {
    hosts: ['localhost', 'capulet.example'],
    modules: { ...modules({ perAddress: 0 }).modules, registration: { enabled: true } },
  },
)
