import assert from 'node:assert/strict'
import { serialize } from '../../src/api.ts'
import { type Actor, drain, type Story, story } from '../support/story.ts'

const messages = ['chat', 'normal', 'headline', 'groupchat', 'error'].flatMap((type) =>
  [
    '<body>Hi</body>',
    '',
    `<composing xmlns='http://jabber.org/protocol/chatstates'/>`,
    `<body>Hi</body><no-store xmlns='urn:xmpp:hints'/>`,
    `<store xmlns='urn:xmpp:hints'/>`,
  ].map((content) => `<message type='${type}' to='TO'>${content}</message>`),
)
const presences = ['probe', 'subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'unavailable', 'error'].map(
  (type) => `<presence type='${type}' to='TO'/>`,
)
const queries = [
  `<query xmlns='http://jabber.org/protocol/disco#info'/>`,
  `<query xmlns='http://jabber.org/protocol/disco#items'/>`,
  `<query xmlns='http://jabber.org/protocol/disco#items' node='n'/>`,
  `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='n'/></pubsub>`,
  `<query xmlns='jabber:iq:last'/>`,
  `<query xmlns='jabber:iq:private'><x xmlns='urn:example'/></query>`,
  `<query xmlns='jabber:iq:register'/>`,
  `<query xmlns='jabber:iq:roster'/>`,
  `<query xmlns='jabber:iq:version'/>`,
  `<blocklist xmlns='urn:xmpp:blocking'/>`,
  `<ping xmlns='urn:xmpp:ping'/>`,
  `<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>`,
  `<time xmlns='urn:xmpp:time'/>`,
  `<vCard xmlns='vcard-temp'/>`,
  `<anything xmlns='urn:example'/>`,
]
const iqs = ['get', 'set', 'result', 'error'].flatMap((type) =>
  queries.map((query) => `<iq type='${type}' id='q' to='TO'>${query}</iq>`),
)

/** All that comes back for stanzas to an account, with its name taken out. */
async function answers(romeo: Actor, s: Story, name: string, resource: string): Promise<string[]> {
  const all: string[] = []
  for (const stanza of [...messages, "<presence to='TO'/>", ...presences, ...iqs]) {
    romeo.send(stanza.replace('TO', `${name}@${s.domain}${resource}`))
    // Behind all else to this account.
    romeo.send(`<iq type='get' id='fence' to='${name}@${s.domain}'><fence xmlns='urn:example'/></iq>`)
    let heard = ''
    for (let el = await romeo.next(); el.attrs['id'] !== 'fence'; el = await romeo.next())
      heard += serialize(el).replaceAll(`${name}@`, 'somebody@')
    all.push(`${stanza} → ${heard}`)
  }
  return all
}

// RFC 6120 §13.10.2 and §13.11, RFC 6121 §8.5.1: neither whether there is an account nor who is there.
for (const resource of ['', '/gone'])
  story(`A stranger cannot tell who is there, who is away and who does not exist, by ...@...${resource}`, async (s) => {
    const romeo = await s.online('romeo/orchard')
    await s.createAccount('away')
    await s.login('silent/balcony')
    const machine = await s.login('machine/balcony')
    machine.send('<presence><priority>-1</priority></presence>')
    const there = await s.online('there/balcony')
    for (const actor of [machine, there]) await drain(actor)
    const nobody = await answers(romeo, s, 'nobody', resource)
    for (const name of ['away', 'silent', 'machine', 'there'])
      assert.deepEqual(await answers(romeo, s, name, resource), nobody, name)
  })

/** What is asked and told of an account by somebody else, in an order that each time finds what the one before has left. */
const questions = [
  ...queries.flatMap((query) => ['get', 'set'].map((type) => `<iq type='${type}' id='q' to='TO'>${query}</iq>`)),
  `<iq type='get' id='q' to='TO'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:example:kept'/></pubsub></iq>`,
  `<iq type='get' id='q' to='TO'><pubsub xmlns='http://jabber.org/protocol/pubsub'><subscriptions/></pubsub></iq>`,
  `<presence type='probe' to='TO'/>`,
]
const tellings = [
  ...['subscribe', 'subscribe', 'unsubscribe', 'unsubscribed', 'subscribe'].map(
    (type) => `<presence type='${type}' to='TO'/>`,
  ),
  `<message type='chat' to='TO'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
]

/** How many statements each stanza to an account costs. */
async function costs(romeo: Actor, s: Story, name: string, stanzas: readonly string[]): Promise<string[]> {
  const all: string[] = []
  for (const stanza of stanzas) {
    const before = s.database.queries
    romeo.send(stanza.replace('TO', `${name}@${s.domain}`))
    romeo.send(`<iq type='get' id='fence' to='${name}@${s.domain}'><fence xmlns='urn:example'/></iq>`)
    while ((await romeo.next()).attrs['id'] !== 'fence');
    all.push(`${stanza} costs ${s.database.queries - before}`)
  }
  return all
}

// RFC 6120 §13.10.2: the time an answer takes is mostly that of the database.
story(
  'A stranger’s stanza costs the database as much, whether or not there is an account or anybody there',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    const publish = `<publish node='urn:example:kept'><item id='a'><x xmlns='urn:example'/></item></publish>`
    for (const name of ['away', 'there']) {
      const owner = await s.login(`${name}/balcony`)
      await owner.asks`<iq type='set'><pubsub xmlns='http://jabber.org/protocol/pubsub'>${publish}</pubsub></iq>`
      if (name === 'away') await owner.disconnects()
    }
    // What each has been asked before is in memory.
    for (const name of ['nobody', 'away', 'there']) await costs(romeo, s, name, questions)
    const nobody = await costs(romeo, s, 'nobody', questions)
    for (const name of ['away', 'there']) assert.deepEqual(await costs(romeo, s, name, questions), nobody, name)
    assert.deepEqual(await costs(romeo, s, 'away', tellings), await costs(romeo, s, 'nobody', tellings))
  },
)
