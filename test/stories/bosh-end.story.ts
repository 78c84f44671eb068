import assert from 'node:assert/strict'
import { sessionsOf } from '../../modules/bosh/sessions.ts'
import type { Element } from '../../src/api.ts'
import { type Answer, BoshClient, conditionOf, STREAMS } from '../support/bosh-client.ts'
import { boshStory } from '../support/bosh-story.ts'
import { restartStory } from '../support/restart.ts'
import { settles } from '../support/stream-management.ts'

// XEP-0124 §13, §17, §19, XEP-0206 §6

const EMPTY = '<body xmlns="http://jabber.org/protocol/httpbind"/>'
const NS_ERRORS = 'urn:ietf:params:xml:ns:xmpp-streams'

/** The condition of the stream's error that is in an answer. */
const streamErrorOf = ({ body }: Answer) => body.getChild('error', STREAMS)?.getChildElements()[0]?.name

/** What ends a stream, and how it is told. */
const ENDS: readonly [payload: string, condition: string][] = [
  ["<x xmlns='urn:x'/>", 'unsupported-stanza-type'],
  ['<x/>', 'unsupported-stanza-type'],
  ["<message xmlns='jabber:server'/>", 'unsupported-stanza-type'],
  ["<message from='juliet@localhost/balcony' to='juliet@localhost'/>", 'invalid-from'],
]

boshStory('What is wrong with the stream is told as that // XEP-0124 §17.2, XEP-0206 §6', async (s, { client }) => {
  await s.createAccount('romeo')
  const ping = "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>"
  for (const [payload, condition] of ENDS) {
    const romeo = client()
    await romeo.logsIn('romeo')
    const answer = await romeo.post({}, ping + payload)
    assert.equal(conditionOf(answer), 'remote-stream-error')
    assert.equal(streamErrorOf(answer), condition)
    assert.equal(answer.body.getChild('error', STREAMS)!.getChildElements()[0]!.attrs['xmlns'], NS_ERRORS)
    assert.match(answer.text, /^<body [^>]*xmlns:stream="http:\/\/etherx.jabber.org\/streams"[^>]*>/)
  }
})

boshStory(
  'Whoever has no request when the session ends hears of it in the next, once // XEP-0124 §13, §10',
  async (s, { client }) => {
    const juliet = await s.online('juliet/balcony')
    await s.createAccount('romeo')
    const [romeo, other] = [client(), client()]
    await romeo.logsIn('romeo')
    await juliet.sends`<message to='${romeo.jid}'><body>Hi</body></message>`
    await settles(s, juliet)
    // Another with the same resource takes its place.
    await other.opens()
    await other.authenticates('romeo')
    const resource = romeo.jid.split('/')[1]
    const bind = `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${resource}</resource></bind>`
    await other.asks(`<iq type='set' id='b'>${bind}</iq>`, 'iq')
    const request = romeo.request()
    const last = await romeo.send(request)
    assert.equal(conditionOf(last), 'remote-stream-error')
    assert.equal(streamErrorOf(last), 'conflict')
    assert.deepEqual(
      last.body.getChildElements().map(({ name }) => name),
      ['message', 'error'],
    )
    // The answer may be lost, too.
    assert.equal((await romeo.send(request)).text, last.text)
    assert.equal(conditionOf(await romeo.post()), 'item-not-found')
    await s.advance(60_000)
    assert.equal(conditionOf(await romeo.send(request)), 'item-not-found')
  },
)

boshStory(
  'A request that comes again after the end is answered as it was // XEP-0124 §14.3',
  async (s, { client, holds }) => {
    await s.createAccount('romeo')
    const romeo = client()
    await romeo.logsIn('romeo')
    const { answer } = await holds(romeo)
    const request = romeo.request({ type: 'terminate' })
    const texts = [await romeo.send(request), await answer].map(({ text }) => text)
    assert.equal(texts[0], EMPTY)
    for (let i = 0; i < 30; i++) assert.equal((await romeo.send(request)).text, EMPTY)
  },
)

/** Requests that break the rules: whoever sends one has lost the connection. */
const BROKEN: readonly [name: string, request: (romeo: BoshClient) => string, condition: string][] = [
  ['a number too high', (romeo) => romeo.request({}, '', romeo.rid + 3), 'item-not-found'],
  ['a number too low', (romeo) => romeo.request({}, '', romeo.rid - 5), 'item-not-found'],
  ['other words', (romeo) => romeo.request({}, "<message to='x'/>", romeo.rid - 1), 'item-not-found'],
  ['the same words, written otherwise', (romeo) => `${romeo.request({}, '', romeo.rid - 1)} `, 'item-not-found'],
  ['text', (romeo) => romeo.request({}, 'Hi'), 'bad-request'],
  ['no number', (romeo) => romeo.request({ rid: undefined }), 'bad-request'],
  ['half a body', (romeo) => romeo.request({}, '<message>'), 'bad-request'],
]

boshStory(
  'Whoever breaks the rules has lost the connection, and takes the session up again // XEP-0124 §14.2, XEP-0198 §5',
  async (s, { client, holds }) => {
    await s.createAccount('romeo')
    for (const [name, requestOf, condition] of BROKEN) {
      const romeo = client()
      await romeo.logsIn('romeo')
      const enabled = await romeo.asks("<enable xmlns='urn:xmpp:sm:3' resume='true'/>", 'enabled')
      const { answer } = await holds(romeo)
      // It is the same for the one that breaks them, and others are told that it was not they.
      assert.equal(conditionOf(await romeo.send(requestOf(romeo))), condition, name)
      assert.equal(conditionOf(await answer), 'other-request', name)
      assert.equal(conditionOf(await romeo.post()), 'item-not-found', name)
      const back = client()
      await back.opens()
      await back.authenticates('romeo')
      await back.asks(`<resume xmlns='urn:xmpp:sm:3' h='0' previd='${enabled.attrs['id']}'/>`, 'resumed')
      await back.post({ type: 'terminate' })
    }
  },
)

boshStory(
  'A session that began with TLS is not gone on with without, and does not suffer // XEP-0124 §19.1',
  async (s) => {
    await s.createAccount('romeo')
    const behind = { 'x-forwarded-for': '192.0.2.7' }
    const comes = (headers: Record<string, string>) =>
      new BoshClient((init) => s.fetch('/http-bind', { ...init, headers: { ...init.headers, ...headers } }))
    const romeo = comes({ ...behind, 'x-forwarded-proto': 'https' })
    await romeo.opens()
    const eve = comes({ ...behind, 'x-forwarded-proto': 'http' })
    eve.sid = romeo.sid
    for (const request of [eve.request({}, '', romeo.rid), eve.request({ type: 'terminate' }, '<x', romeo.rid)]) {
      const { status, body } = await eve.send(request)
      assert.deepEqual([status, body.name], [403, 'none'])
    }
    await romeo.authenticates('romeo')
    // Where TLS is required nobody logs in without.
    const plain = comes({ ...behind, 'x-forwarded-proto': 'http' })
    const features = (await plain.opens()).body.getChild('features', STREAMS)!
    assert.deepEqual(offered(features), [])
    const { body } = await plain.post(
      {},
      "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>eA==</auth>",
    )
    assert.ok(body.getChild('failure', 'urn:ietf:params:xml:ns:xmpp-sasl')!.getChild('encryption-required'))
    // It may come with TLS from then on.
    const secure = comes({ ...behind, 'x-forwarded-proto': 'https' })
    secure.sid = plain.sid
    await s.advance(5_000)
    secure.rid = plain.rid
    assert.equal((await secure.post({ pause: 5 })).text, EMPTY)
  },
  { server: { proxies: ['127.0.0.1'] } },
)

const offered = (features: Element) =>
  features.getChild('mechanisms', 'urn:ietf:params:xml:ns:xmpp-sasl')?.getChildElements() ?? []

restartStory(
  'When the server stops, everybody hears it, and sessions last // XEP-0124 §17.2, XEP-0198 §5',
  async (r) => {
    const before = await r.starts()
    await before.createAccount('romeo')
    const of = (s: typeof before) => new BoshClient((init) => s.fetch('/http-bind', init))
    const [romeo, nurse, silent] = [of(before), of(before), of(before)]
    await romeo.logsIn('romeo')
    const enabled = await romeo.asks("<enable xmlns='urn:xmpp:sm:3' resume='true'/>", 'enabled')
    const held = romeo.post()
    await nurse.opens()
    const waits = nurse.post()
    await silent.opens()
    while ([romeo, nurse].some(({ sid }) => sessionsOf(before.database).find(sid!)!.listeners === 0))
      await new Promise((resolve) => setImmediate(resolve))
    let stopped = false
    const stop = r.stops().then(() => (stopped = true))
    for (const answer of [held, waits]) assert.equal(conditionOf(await answer), 'system-shutdown')
    // Whoever has no request has a little time to come and hear it.
    assert.equal(conditionOf(await silent.post()), 'system-shutdown')
    while (!stopped) await before.advance(1_000)
    await stop
    const after = await r.starts()
    const back = of(after)
    await back.opens()
    await back.authenticates('romeo')
    await back.asks(`<resume xmlns='urn:xmpp:sm:3' h='0' previd='${enabled.attrs['id']}'/>`, 'resumed')
    await back.post({ type: 'terminate' })
  },
)
