import assert from 'node:assert/strict'
import { conditionOf } from '../support/bosh-client.ts'
import { boshStory } from '../support/bosh-story.ts'
import { settles } from '../support/stream-management.ts'

// XEP-0124 §8, §9, §14

const EMPTY = '<body xmlns="http://jabber.org/protocol/httpbind"/>'
const AGAIN = '<body xmlns="http://jabber.org/protocol/httpbind" type="error"/>'
const message = (to: string, body: string) =>
  `<message xmlns='jabber:client' to='${to}' type='chat'><body>${body}</body></message>`
const bodies = (text: string) => [...text.matchAll(/<body>([^<]*)<\/body>/g)].map(([, body]) => body)

boshStory(
  'A request waits until there is something, no longer than was agreed, and then has nothing // XEP-0124 §8',
  async (s, { client, holds, untilHeld }) => {
    const juliet = await s.online('juliet/balcony')
    await s.createAccount('romeo')
    const romeo = client()
    await romeo.logsIn('romeo', { wait: 40 })
    const { answer } = await holds(romeo)
    await s.advance(39_999)
    await untilHeld(romeo, 1)
    await s.advance(1)
    assert.equal((await answer).text, EMPTY)
    // All that there is comes at once, and nothing waits for a request of its own.
    for (const body of ['1', '2', '3']) await juliet.sends`<message to='${romeo.jid}'><body>${body}</body></message>`
    await settles(s, juliet)
    assert.deepEqual(bodies((await romeo.post()).text), ['1', '2', '3'])
  },
)

boshStory(
  'No more requests wait than the client wants, and they are answered in order // XEP-0124 §8',
  async (s, { client, holds, untilHeld }) => {
    const juliet = await s.online('juliet/balcony')
    await s.createAccount('romeo')
    const [one, two] = [client(), client()]
    await one.logsIn('romeo')
    const first = await holds(one)
    await s.advance(5_000)
    const second = one.post()
    assert.equal((await first.answer).text, `<body xmlns="http://jabber.org/protocol/httpbind" ack="${one.rid - 1}"/>`)
    await untilHeld(one, 1)
    await juliet.sends`<message to='${one.jid}'><body>1</body></message>`
    assert.deepEqual(bodies((await second).text), ['1'])
    // As many as two, if the client wants that; the older is the first to hear.
    await two.logsIn('romeo', { hold: 2 })
    const [older, younger] = [await holds(two), await holds(two)]
    await juliet.sends`<message to='${two.jid}'><body>2</body></message>`
    assert.deepEqual(bodies((await older.answer).text), ['2'])
    await juliet.sends`<message to='${two.jid}'><body>3</body></message>`
    assert.deepEqual(bodies((await younger.answer).text), ['3'])
  },
)

boshStory(
  'Stanzas are taken whether they say their namespace or not, whatever else they are in // XEP-0206 §2',
  async (s, { client, holds }) => {
    const juliet = await s.online('juliet/balcony')
    await s.createAccount('romeo')
    const romeo = client()
    await romeo.logsIn('romeo')
    const to = `to='${juliet.jid}'`
    const forms = [
      `<message ${to}><body>Ciao</body></message>`,
      `<message ${to} xmlns='jabber:client'><body>Ciao</body></message>`,
      `<message ${to} xmlns='jabber:client'><body xmlns='jabber:client'>Ciao</body></message>`,
      `<message ${to}><body xmlns='jabber:client'>Ciao</body></message>`,
      `<c:message ${to} xmlns:c='jabber:client'><c:body>Ciao</c:body></c:message>`,
      `\n  <message ${to}>\n<body>Ciao</body></message>\n`,
    ]
    const held = await holds(romeo, {}, forms.join(''))
    for (const _ of forms) {
      const stanza = await juliet.receives`<message from='${romeo.jid}'><body>Ciao</body></message>`
      assert.deepEqual([stanza.attrs['xmlns'], stanza.getChild('body')?.attrs['xmlns']], [undefined, undefined])
    }
    const nested = `<x xmlns='urn:x'><message xmlns='jabber:client'><y xmlns='urn:x'/></message></x>`
    const pending = romeo.post({}, `<message ${to}>${nested}</message>`)
    await juliet.receives`<message>${nested}</message>`
    await held.answer
    await s.advance(60_000)
    await pending
  },
)

boshStory(
  'Several streams are not offered: what asks for one is a request like any other // XEP-0124 §16.3',
  async (s, { client, holds }) => {
    const juliet = await s.online('juliet/balcony')
    await s.createAccount('romeo')
    const romeo = client()
    await romeo.logsIn('romeo')
    const { answer } = await holds(romeo, { to: 'localhost', from: 'romeo@localhost', stream: 'second' })
    await juliet.sends`<message to='${romeo.jid}'><body>1</body></message>`
    const { body, text } = await answer
    assert.deepEqual([body.attrs['stream'], body.attrs['type'], bodies(text)], [undefined, undefined, ['1']])
  },
)

boshStory(
  'A client that acknowledges answers is told of one that it lacks // XEP-0124 §9',
  async (s, { client, holds, untilHeld }) => {
    await s.createAccount('romeo')
    const romeo = client()
    await romeo.logsIn('romeo', { ack: 1, hold: 2 })
    const lacks = romeo.rid
    const lacking = romeo.request()
    const one = romeo.send(lacking)
    await untilHeld(romeo, 1)
    await s.advance(60_000)
    await one
    // Just now it may still be on its way.
    const two = await holds(romeo, { ack: lacks - 1 })
    await s.advance(5_000)
    // Later it may not.
    const three = romeo.post({ ack: lacks - 1 })
    const { attrs } = (await two.answer).body
    assert.deepEqual([attrs['report'], attrs['time'], attrs['ack']], [String(lacks), '5000', String(romeo.rid - 1)])
    // It has it all the same when it asks again.
    assert.equal((await romeo.send(lacking)).text, EMPTY)
    await s.advance(60_000)
    assert.equal((await three).text, EMPTY)
    // An answer that was acknowledged is not kept.
    const last = await holds(romeo, { ack: lacks + 2 })
    assert.equal(conditionOf(await romeo.send(lacking)), 'item-not-found')
    assert.equal(conditionOf(await last.answer), 'other-request')
  },
)

boshStory(
  'Requests that come in the wrong order are taken up in the right one // XEP-0124 §14.2',
  async (s, { client, untilHeld }) => {
    const juliet = await s.online('juliet/balcony')
    await s.createAccount('romeo')
    const romeo = client()
    await romeo.logsIn('romeo', { hold: 2 })
    const [first, second, third] = [1, 2, 3].map((n) => romeo.request({}, message(juliet.jid, String(n)))) as [
      string,
      string,
      string,
    ]
    const answers: string[] = []
    const sends = async (name: string, text: string) => {
      const { body } = await romeo.send(text)
      answers.push(name)
      return body
    }
    const c = sends('third', third)
    await untilHeld(romeo, 1)
    const b = sends('second', second)
    await untilHeld(romeo, 2)
    await settles(s, juliet)
    const a = sends('first', first)
    for (const body of ['1', '2', '3']) await juliet.receives`<message><body>${body}</body></message>`
    await a
    await juliet.sends`<message to='${romeo.jid}'><body>1</body></message>`
    await b
    await juliet.sends`<message to='${romeo.jid}'><body>2</body></message>`
    await c
    assert.deepEqual(answers, ['first', 'second', 'third'])
  },
)

boshStory(
  'A request whose predecessor stays away is sent back, and nothing is lost // XEP-0124 §17.3',
  async (s, { client, untilHeld }) => {
    const juliet = await s.online('juliet/balcony')
    await s.createAccount('romeo')
    const romeo = client()
    await romeo.logsIn('romeo')
    const [first, second] = [1, 2].map((n) => romeo.request({}, message(juliet.jid, String(n)))) as [string, string]
    const early = romeo.send(second)
    await untilHeld(romeo, 1)
    await s.advance(60_000)
    assert.equal((await early).text, AGAIN)
    await settles(s, juliet)
    void romeo.send(first)
    await untilHeld(romeo, 1)
    const last = romeo.send(second)
    for (const body of ['1', '2']) await juliet.receives`<message><body>${body}</body></message>`
    await untilHeld(romeo, 1)
    await juliet.sends`<message to='${romeo.jid}'><body>Ho</body></message>`
    assert.deepEqual(bodies((await last).text), ['Ho'])
  },
)

boshStory(
  'What comes again is answered as before, and taken up once // XEP-0124 §14.3',
  async (s, { client, untilHeld }) => {
    const juliet = await s.online('juliet/balcony')
    await s.createAccount('romeo')
    const romeo = client()
    await romeo.logsIn('romeo')
    const request = romeo.request({}, message(juliet.jid, 'Hi'))
    const lost = romeo.send(request)
    await juliet.receives`<message><body>Hi</body></message>`
    // While it waits, the one that came before is told to ask again, and the last hears.
    const found = romeo.send(request)
    assert.equal((await lost).text, AGAIN)
    await untilHeld(romeo, 1)
    await juliet.sends`<message to='${romeo.jid}'><body>Ho</body></message>`
    const { text } = await found
    assert.deepEqual(bodies(text), ['Ho'])
    // When it has been answered, it hears the same once more.
    assert.equal((await romeo.send(request)).text, text)
    await settles(s, juliet)
    // So many are kept as a client may have sent.
    const ping = "<iq xmlns='jabber:client' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>"
    await romeo.post({}, ping)
    assert.equal((await romeo.send(request)).text, text)
    await romeo.post({}, ping)
    assert.equal(conditionOf(await romeo.send(request)), 'item-not-found')
    assert.equal(conditionOf(await romeo.post()), 'item-not-found')
  },
)

boshStory(
  'A request that pauses or ends does not have an answer forgotten that may be on its way // XEP-0124 §11, §14.3',
  async (s, { client }) => {
    await s.createAccount('romeo')
    const ping = "<iq xmlns='jabber:client' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>"
    for (const last of [{ pause: 60 }, { type: 'terminate' }]) {
      const romeo = client()
      await romeo.logsIn('romeo')
      // As many as a client may have at once, and one more.
      const requests = [romeo.request({}, ping), romeo.request({}, ping), romeo.request(last)]
      const texts: string[] = []
      for (const request of requests) texts.push((await romeo.send(request)).text)
      for (const [i, request] of requests.entries()) assert.equal((await romeo.send(request)).text, texts[i])
    }
  },
)

boshStory(
  'A client that goes while its request waits finds what came meanwhile, in the same request or the next // XEP-0124 §14.3',
  async (s, { client, untilHeld }) => {
    const juliet = await s.online('juliet/balcony')
    await s.createAccount('romeo')
    const romeo = client()
    await romeo.logsIn('romeo')
    for (const [body, comesAgain] of [
      ['1', true],
      ['2', false],
    ] as const) {
      const request = romeo.request()
      const connection = new AbortController()
      const lost = romeo.send(request, { signal: connection.signal })
      await untilHeld(romeo, 1)
      connection.abort()
      await assert.rejects(lost, { name: 'AbortError' })
      await untilHeld(romeo, 0)
      await juliet.sends`<message to='${romeo.jid}'><body>${body}</body></message>`
      await settles(s, juliet)
      // Nobody has to wait with it, be it a page that is loaded anew.
      assert.deepEqual(bodies((await romeo.send(comesAgain ? request : romeo.request())).text), [body])
    }
  },
)

boshStory('One request comes again so many times and no more // XEP-0124 §14.3', async (s, { client, untilHeld }) => {
  const romeo = client()
  await romeo.opens()
  const answered = romeo.request({}, "<x xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>".replace('<x', '<abort'))
  const { text } = await romeo.send(answered)
  for (let i = 0; i < 20; i++) assert.equal((await romeo.send(answered)).text, text)
  assert.equal(conditionOf(await romeo.send(answered)), 'policy-violation')
  await romeo.post()
  const juliet = client()
  await juliet.opens()
  const waits = juliet.request()
  let before = juliet.send(waits)
  for (let i = 0; i < 20; i++) {
    await untilHeld(juliet, 1)
    const next = juliet.send(waits)
    assert.equal((await before).text, AGAIN)
    before = next
  }
  await untilHeld(juliet, 1)
  const tooMany = juliet.send(waits)
  assert.equal(conditionOf(await tooMany), 'policy-violation')
  assert.equal(conditionOf(await before), 'other-request')
  await s.advance(0)
})
