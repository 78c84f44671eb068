import assert from 'node:assert/strict'
import { type Element, type Session, sessionClosed } from '../../src/api.ts'
import { STREAMS } from '../support/bosh-client.ts'
import { boshStory } from '../support/bosh-story.ts'
import { addressOf, authenticateText, NS_BIND, NS_SM, plain, Scram } from '../support/sasl2.ts'
import { settles } from '../support/stream-management.ts'

// XEP-0124, XEP-0206

const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
const message = (to: string, body: string) =>
  `<message xmlns='jabber:client' to='${to}' type='chat'><body>${body}</body></message>`
const bodyOf = (stanza: Element) => stanza.getChildText('body')

boshStory(
  'A client logs in by requests and talks to one that came another way // XEP-0206 §5',
  async (s, { client, holds }) => {
    const juliet = await s.online('juliet/balcony')
    await s.createAccount('romeo')
    const romeo = client()
    await romeo.logsIn('romeo')
    const { answer } = await holds(romeo, {}, message(juliet.jid, 'Hi'))
    await juliet.receives`<message from='${romeo.jid}' type='chat'><body>Hi</body></message>`
    await juliet.sends`<message to='${romeo.jid}' type='chat'><body>Ho</body></message>`
    const { text, status, headers } = await answer
    assert.equal(status, 200)
    assert.equal(headers.get('content-type'), 'text/xml; charset=utf-8')
    assert.match(text, /^<body xmlns="http:\/\/jabber.org\/protocol\/httpbind"><message xmlns="jabber:client" /)
    assert.match(text, /<body>Ho<\/body>.*<\/message><\/body>$/)
  },
)

boshStory('A client that logs in by SCRAM begins the stream anew // XEP-0206 §5', async (s, { client }) => {
  await s.createAccount('romeo')
  const romeo = client()
  const { body } = await romeo.opens()
  const mechanisms = body.getChild('features', STREAMS)!.getChild('mechanisms', NS_SASL)!
  const names = mechanisms.getChildElements().map((one) => one.getText())
  assert.ok(names.includes('SCRAM-SHA-256') && !names.some((name) => name.endsWith('-PLUS')), String(names))
  const scram = new Scram('sha256', 'romeo')
  const auth = `<auth xmlns='${NS_SASL}' mechanism='SCRAM-SHA-256'>${scram.first}</auth>`
  const response = scram.final(await romeo.asks(auth, 'challenge'))
  const success = await romeo.asks(`<response xmlns='${NS_SASL}'>${response}</response>`, 'success')
  assert.equal(Buffer.from(success.getText(), 'base64').toString(), scram.serverFinal)
  // What comes with it is ignored.
  const restarted = await romeo.post({ 'xmpp:restart': '1', to: 'localhost' }, message('romeo@localhost', 'Lost'))
  const features = restarted.body.getChild('features', STREAMS)!
  assert.ok(features.getChild('bind', 'urn:ietf:params:xml:ns:xmpp-bind'))
  const ping = "<iq xmlns='jabber:client' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>"
  assert.equal((await romeo.post({}, ping)).body.getChild('message', 'jabber:client'), undefined)
})

boshStory('A client that does not begin the stream anew has not logged in // XEP-0206 §5', async (s, { client }) => {
  await s.createAccount('romeo')
  const romeo = client()
  await romeo.opens()
  await romeo.asks(`<auth xmlns='${NS_SASL}' mechanism='PLAIN'>${plain('romeo')}</auth>`, 'success')
  const { body } = await romeo.post({}, "<presence xmlns='jabber:client'/>")
  assert.equal(body.attrs['condition'], 'remote-stream-error')
  assert.ok(body.getChild('error', STREAMS)!.getChild('bad-format', 'urn:ietf:params:xml:ns:xmpp-streams'))
})

boshStory('A client may go instead of beginning the stream anew // XEP-0124 §13', async (s, { client }) => {
  await s.createAccount('romeo')
  const romeo = client()
  await romeo.opens()
  await romeo.asks(`<auth xmlns='${NS_SASL}' mechanism='PLAIN'>${plain('romeo')}</auth>`, 'success')
  const { attrs } = (await romeo.post({ 'xmpp:restart': 'true', to: 'localhost', type: 'terminate' })).body
  assert.deepEqual([attrs['type'], attrs['condition']], ['terminate', undefined])
})

boshStory(
  'A client logs in, binds and enables stream management at once, and comes back to its session // XEP-0388, XEP-0198 §5',
  async (s, { client, holds }) => {
    const juliet = await s.online('juliet/balcony')
    await s.createAccount('romeo')
    const romeo = client()
    await romeo.opens()
    const inline = `<bind xmlns='${NS_BIND}'><tag>Tester</tag><enable xmlns='${NS_SM}' resume='true'/></bind>`
    const success = await romeo.asks(authenticateText({ initial: plain('romeo'), inline }), 'success')
    const jid = addressOf(success)
    const previd = success.getChild('bound', NS_BIND)!.getChild('enabled', NS_SM)!.attrs['id']
    await romeo.hears('features')
    const { answer } = await holds(romeo)
    await juliet.sends`<message to='${jid}' type='chat'><body>one</body></message>`
    assert.equal(bodyOf((await answer).body.getChild('message', 'jabber:client')!), 'one')
    // This one nobody fetches any more.
    await juliet.sends`<message to='${jid}' type='chat'><body>two</body></message>`
    await settles(s, juliet)
    await s.advance(60_000)
    assert.equal((await romeo.post()).body.attrs['condition'], 'item-not-found')
    await juliet.sends`<message to='${jid}' type='chat'><body>three</body></message>`
    await settles(s, juliet)
    const back = client()
    await back.opens()
    const resume = `<resume xmlns='${NS_SM}' previd='${previd}' h='1'/>`
    const resumed = await back.asks(authenticateText({ initial: plain('romeo'), inline: resume }), 'success')
    assert.equal(addressOf(resumed), jid)
    assert.ok(resumed.getChild('resumed', NS_SM))
    assert.equal(bodyOf(await back.hears('message')), 'two')
    assert.equal(bodyOf(await back.hears('message')), 'three')
  },
)

boshStory(
  'The end of a session comes after what is sent with it, and the oldest request tells of it // XEP-0124 §13',
  async (s, { client, holds }) => {
    const juliet = await s.online('juliet/balcony')
    await s.createAccount('romeo')
    const romeo = client()
    await romeo.logsIn('romeo')
    const over: string[] = []
    const detach = s.host.hooks.attach(sessionClosed, (session: Session) => over.push(String(session.jid)))
    const { answer } = await holds(romeo)
    const last = romeo.post(
      { type: 'terminate' },
      `${message(juliet.jid, 'Adieu')}<presence xmlns='jabber:client' type='unavailable'/>`,
    )
    await juliet.receives`<message from='${romeo.jid}'><body>Adieu</body></message>`
    assert.equal(
      (await answer).text,
      "<body xmlns='http://jabber.org/protocol/httpbind' type='terminate'/>".replaceAll("'", '"'),
    )
    assert.equal((await last).text, '<body xmlns="http://jabber.org/protocol/httpbind"/>')
    assert.deepEqual(over, [romeo.jid])
    detach()
    // Its only request tells of it itself.
    const nurse = client()
    await nurse.opens()
    assert.deepEqual((await nurse.post({ type: 'terminate' })).body.attrs, {
      xmlns: 'http://jabber.org/protocol/httpbind',
      type: 'terminate',
    })
    assert.equal((await nurse.post()).body.attrs['condition'], 'item-not-found')
  },
)
