import assert from 'node:assert/strict'
import { parseDocument } from '../../src/api.ts'
import {
  AppServer,
  enable,
  isDealtWith,
  NS_PUSH as NS,
  NS_PUBSUB,
  withService as options,
  service,
} from '../support/app-server.ts'
import { story } from '../support/story.ts'

const form =
  "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field><field var='secret'><value>s3cr3t</value></field></x>"

story(
  'A message to somebody whose phone is away has the app server wake it, with the phone’s publish options // XEP-0357 §5, §7',
  async (s) => {
    const app = await AppServer.join(s)
    const phone = await s.online('juliet/phone')
    await phone.asks`<iq type='set'>${enable('n1', form)}</iq>`
    const romeo = await s.online('romeo/orchard')
    await romeo.sends`<message to='${phone.bare}' type='chat'><body>Are you there?</body></message>`
    await phone.receives`<message><body>Are you there?</body></message>`
    await app.hearsNothing(s, romeo)
    await phone.disconnects()
    await romeo.sends`<message to='${phone.bare}' type='chat'><body>Hello?</body></message>`
    const { from, node, summary, iq } = await app.notified()
    assert.equal(from, phone.bare)
    assert.equal(node, 'n1')
    assert.deepEqual(summary, { FORM_TYPE: 'urn:xmpp:push:summary', 'message-count': '1' })
    const sent = iq
      .getChild('pubsub', NS_PUBSUB)!
      .getChild('publish-options', NS_PUBSUB)!
      .getChild('x', 'jabber:x:data')!
    assert.equal(sent.toString(), parseDocument(form).toString())
    app.leaves()
  },
  options,
)

story(
  'What an app server is told beside the number is the admin’s choice',
  async (s) => {
    const app = await AppServer.join(s)
    const phone = await s.online('juliet/phone')
    await phone.asks`<iq type='set'>${enable()}</iq>`
    await phone.disconnects()
    const romeo = await s.online('romeo/orchard')
    await romeo.sends`<message to='${phone.bare}' type='chat'><body>Psst</body></message>`
    const { summary } = await app.notified()
    assert.deepEqual(summary, {
      FORM_TYPE: 'urn:xmpp:push:summary',
      'last-message-sender': romeo.jid,
      'last-message-body': 'Psst',
    })
    app.leaves()
  },
  { ...options, modules: { push: { summary: { count: false, sender: true, body: true } } } },
)

story(
  'A phone is woken once in an interval, with what has come meanwhile told together',
  async (s) => {
    const app = await AppServer.join(s)
    const phone = await s.online('juliet/phone')
    await phone.asks`<iq type='set'>${enable()}</iq>`
    await phone.disconnects()
    const romeo = await s.online('romeo/orchard')
    for (const n of [1, 2, 3]) await romeo.sends`<message to='${phone.bare}' type='chat'><body>${n}</body></message>`
    assert.equal((await app.notified()).summary['message-count'], '1')
    await app.hearsNothing(s, romeo)
    await s.advance(5_000)
    assert.equal((await app.notified()).summary['message-count'], '3')
    await s.advance(5_000)
    await app.hearsNothing(s, romeo)
    // What was told is read once the phone is back.
    const back = await s.login('juliet/phone')
    await back.disconnects()
    await romeo.sends`<message to='${phone.bare}' type='chat'><body>4</body></message>`
    assert.equal((await app.notified()).summary['message-count'], '1')
    app.leaves()
  },
  options,
)

story(
  'A phone that is away is woken though another device is there; what is not for a person wakes nobody',
  async (s) => {
    const app = await AppServer.join(s)
    const phone = await s.online('juliet/phone')
    await phone.asks`<iq type='set'>${enable()}</iq>`
    await phone.disconnects()
    const desk = await s.online('juliet/desk')
    const romeo = await s.online('romeo/orchard')
    await romeo.sends`<message to='${desk.bare}' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`
    await romeo.sends`<message to='${desk.bare}' type='headline'><body>News</body></message>`
    await romeo.sends`<message to='${desk.bare}' type='chat'><received xmlns='urn:xmpp:receipts' id='1'/></message>`
    await desk.sends`<message to='${desk.bare}' type='chat'><body>Note to self</body></message>`
    await app.hearsNothing(s, romeo)
    await romeo.sends`<message to='${desk.jid}' type='chat'><encrypted xmlns='urn:xmpp:omemo:2'/></message>`
    await app.notified()
    app.leaves()
  },
  options,
)

story(
  'Devices are disabled one by one or all at once, and a second request replaces the first // XEP-0357 §5, §6',
  async (s) => {
    const app = await AppServer.join(s)
    const phone = await s.online('juliet/phone')
    for (const node of ['a', 'b', 'c', 'a']) await phone.asks`<iq type='set'>${enable(node)}</iq>`
    await phone.asks`<iq type='set'><disable xmlns='${NS}' jid='${service}' node='b'/></iq>`
    await phone.disconnects()
    const romeo = await s.online('romeo/orchard')
    await romeo.sends`<message to='${phone.bare}' type='chat'><body>1</body></message>`
    assert.deepEqual([(await app.notified()).node, (await app.notified()).node].sort(), ['a', 'c'])
    const back = await s.login('juliet/phone')
    await back.asks`<iq type='set'><disable xmlns='${NS}' jid='${service}'/></iq>`
    await back.disconnects()
    await s.advance(60_000)
    await romeo.sends`<message to='${phone.bare}' type='chat'><body>2</body></message>`
    await app.hearsNothing(s, romeo)
    app.leaves()
  },
  options,
)

story(
  'An app server that answers with errors is given up after some, and one answer in between forgives all // XEP-0357 §7.1',
  async (s) => {
    const app = await AppServer.join(s)
    const phone = await s.online('juliet/phone')
    await phone.asks`<iq type='set'>${enable()}</iq>`
    await phone.disconnects()
    const romeo = await s.online('romeo/orchard')
    for (const error of ['item-not-found', undefined, 'item-not-found', 'item-not-found']) {
      await romeo.sends`<message to='${phone.bare}' type='chat'><body>!</body></message>`
      await app.notified(error)
      await app.hearsNothing(s, romeo)
      await s.advance(5_000)
    }
    await romeo.sends`<message to='${phone.bare}' type='chat'><body>!</body></message>`
    await app.hearsNothing(s, romeo)
    app.leaves()
  },
  { ...options, modules: { push: { maxErrors: 2 } } },
)

story(
  'An app server that is not there, or never answers, counts as an error and holds nobody up',
  async (s) => {
    const phone = await s.online('juliet/phone')
    await phone.asks`<iq type='set'>${enable()}</iq>`
    await phone.disconnects()
    const romeo = await s.online('romeo/orchard')
    await romeo.sends`<message to='${phone.bare}' type='chat'><body>!</body></message>`
    await isDealtWith(s, romeo)
    await s.advance(5_000)
    const app = await AppServer.join(s)
    await romeo.sends`<message to='${phone.bare}' type='chat'><body>!</body></message>`
    await app.asked()
    await s.advance(30_000)
    // Two errors in a row: it is given up.
    await romeo.sends`<message to='${phone.bare}' type='chat'><body>!</body></message>`
    await app.hearsNothing(s, romeo)
    app.leaves()
  },
  { ...options, modules: { push: { maxErrors: 2 } } },
)

story(
  'An app server that takes no more says so, and only for itself // XEP-0357 §8',
  async (s) => {
    const app = await AppServer.join(s)
    const phone = await s.online('juliet/phone')
    await phone.asks`<iq type='set'>${enable()}</iq>`
    await phone.disconnects()
    const romeo = await s.online('romeo/orchard')
    const none = `<pubsub xmlns='${NS_PUBSUB}' node='phone'><affiliation jid='${phone.bare}' affiliation='none'/></pubsub>`
    await romeo.sends`<message to='${phone.bare}'>${none}</message>`
    await romeo.sends`<message to='${phone.bare}' type='chat'><body>1</body></message>`
    await app.notified()
    await s.advance(5_000)
    app.component.send(`<message from='${service}' to='${phone.bare}'>${none}</message>`)
    await app.component.asks`<iq type='get' from='${service}' to='${s.domain}'><ping xmlns='urn:xmpp:ping'/></iq>`
    await romeo.sends`<message to='${phone.bare}' type='chat'><body>2</body></message>`
    await app.hearsNothing(s, romeo)
    app.leaves()
  },
  options,
)

story(
  'A request to be woken that makes no sense is refused, and the oldest device makes room for a new one',
  async (s) => {
    const app = await AppServer.join(s)
    const phone = await s.online('juliet/phone')
    await phone.isRefused('bad-request')`<iq type='set'><enable xmlns='${NS}'/></iq>`
    await phone.isRefused('jid-malformed')`<iq type='set'><enable xmlns='${NS}' jid='@@'/></iq>`
    await phone.isRefused('bad-request')`<iq type='set'><disable xmlns='${NS}'/></iq>`
    await phone.isRefused(
      'bad-request',
    )`<iq type='set'><enable xmlns='${NS}' jid='${service}'><x xmlns='jabber:x:data' type='submit'/></enable></iq>`
    await phone.isRefused(
      'policy-violation',
    )`<iq type='set'><enable xmlns='${NS}' jid='${service}' node='${'n'.repeat(5000)}'/></iq>`
    const romeo = await s.online('romeo/orchard')
    await romeo.isRefused('service-unavailable')`<iq type='set' to='${phone.bare}'>${enable()}</iq>`
    for (const node of ['1', '2', '3']) {
      await phone.asks`<iq type='set'>${enable(node)}</iq>`
      await s.advance(1)
    }
    await phone.disconnects()
    await romeo.sends`<message to='${phone.bare}' type='chat'><body>1</body></message>`
    assert.deepEqual([(await app.notified()).node, (await app.notified()).node].sort(), ['2', '3'])
    await app.hearsNothing(s, romeo)
    app.leaves()
  },
  { ...options, modules: { push: { maxRegistrations: 2 } } },
)

story(
  'A deleted account’s phone is woken no more, not even for the next account of its name',
  async (s) => {
    const app = await AppServer.join(s)
    const phone = await s.online('juliet/phone')
    await phone.asks`<iq type='set'>${enable()}</iq>`
    await s.host.deleteAccount('juliet')
    await s.host.accounts.create('juliet', 'another password')
    const romeo = await s.online('romeo/orchard')
    await romeo.sends`<message to='${phone.bare}' type='chat'><body>1</body></message>`
    await app.hearsNothing(s, romeo)
    app.leaves()
  },
  options,
)
