import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { sessionsOf } from '../../modules/bosh/sessions.ts'
import { type Session, sessionClosed } from '../../src/api.ts'
import { type BoshClient, conditionOf } from '../support/bosh-client.ts'
import { boshStory } from '../support/bosh-story.ts'
import { settles } from '../support/stream-management.ts'

// XEP-0124 §10 to §12, §15

const EMPTY = '<body xmlns="http://jabber.org/protocol/httpbind"/>'
const PING = "<iq xmlns='jabber:client' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>"

boshStory(
  'A client without a request for too long is gone, and nobody is told // XEP-0124 §10',
  async (s, { client, holds, untilHeld }) => {
    await s.createAccount('romeo')
    const over: string[] = []
    const detach = s.host.hooks.attach(sessionClosed, (session: Session) => over.push(String(session.jid)))
    const [asks, leaves] = [client(), client()]
    for (const one of [asks, leaves]) await one.logsIn('romeo')
    // The time counts from the last answer, or from when the last request was lost.
    await s.advance(59_999)
    const connection = new AbortController()
    const lost = leaves.post({}, '', { signal: connection.signal })
    await untilHeld(leaves, 1)
    const { answer } = await holds(asks)
    await s.advance(59_999)
    connection.abort()
    await assert.rejects(lost)
    await untilHeld(leaves, 0)
    await s.advance(1)
    assert.equal((await answer).text, EMPTY)
    await s.advance(59_998)
    assert.deepEqual(over, [])
    await s.advance(1)
    assert.deepEqual(over, [leaves.jid])
    assert.equal(conditionOf(await leaves.post()), 'item-not-found')
    await s.advance(1)
    assert.deepEqual(over, [leaves.jid, asks.jid])
    detach()
  },
)

boshStory('What comes for a client that is silent does not keep it // XEP-0124 §10', async (s, { client }) => {
  const juliet = await s.online('juliet/balcony')
  await s.createAccount('romeo')
  for (const pause of [undefined, 100]) {
    const romeo = client()
    await romeo.logsIn('romeo')
    if (pause !== undefined) await romeo.post({ pause })
    const silenceMs = (pause ?? 60) * 1000
    for (const ms of [silenceMs / 2, silenceMs / 2 - 1, 1]) {
      await juliet.sends`<message to='${romeo.jid}'><body>Hi</body></message>`
      await settles(s, juliet)
      assert.ok(sessionsOf(s.database).find(romeo.sid!))
      await s.advance(ms)
    }
    assert.equal(sessionsOf(s.database).find(romeo.sid!), undefined)
    assert.equal(conditionOf(await romeo.post()), 'item-not-found')
  }
})

boshStory(
  'A client that takes leave gets all its requests back, and the time it asks for // XEP-0124 §10',
  async (s, { client, holds }) => {
    const juliet = await s.online('juliet/balcony')
    await s.createAccount('romeo')
    const romeo = client()
    await romeo.logsIn('romeo')
    for (const pause of [120, 61, 10]) {
      const { answer } = await holds(romeo)
      const paused = await romeo.post({ pause })
      assert.equal(paused.text, EMPTY)
      assert.equal((await answer).body.attrs['type'], undefined)
      await juliet.sends`<message to='${romeo.jid}'><body>Where are you?</body></message>`
      await settles(s, juliet)
      // The answer to it carries nothing, though it comes again.
      assert.equal((await romeo.post({ pause }, '', { rid: romeo.rid - 1 })).text, EMPTY)
      await s.advance(pause * 1000 - 1)
      assert.ok((await romeo.post()).body.getChild('message', 'jabber:client'))
    }
    // Then it is as it was.
    await s.advance(59_999)
    await romeo.post({}, PING)
    await romeo.post({ pause: 0 })
    await s.advance(0)
    assert.equal(conditionOf(await romeo.post()), 'item-not-found')
    const nurse = client()
    await nurse.opens()
    assert.equal(conditionOf(await nurse.post({ pause: 121 })), 'policy-violation')
    const other = client()
    await other.opens()
    await holds(other)
    await other.post({ pause: 5 })
    await s.advance(5_000)
    assert.equal(conditionOf(await other.post()), 'item-not-found')
  },
)

boshStory(
  'Where there are no pauses, nobody takes one // XEP-0124 §10',
  async (_s, { client }) => {
    const romeo = client()
    assert.equal((await romeo.opens()).body.attrs['maxpause'], undefined)
    assert.equal(conditionOf(await romeo.post({ pause: 1 })), 'policy-violation')
  },
  { modules: { bosh: { pause: 0 } } },
)

boshStory(
  'A client that asks too much, or too often, is sent away, and one that does not is not // XEP-0124 §11, §12',
  async (s, { client, untilHeld }) => {
    await s.createAccount('romeo')
    const logsIn = async (attributes: Record<string, number>) => {
      const romeo = client()
      await romeo.logsIn('romeo', attributes)
      await s.advance(5_000)
      return romeo
    }
    // Two at a time, the second of which is empty and comes at once.
    const eager = await logsIn({})
    const first = eager.post()
    await untilHeld(eager, 1)
    await s.advance(4_999)
    assert.equal(conditionOf(await eager.post()), 'policy-violation')
    assert.equal(conditionOf(await first), 'other-request')
    // Whoever has something to say, or takes its time, may.
    const polite = await logsIn({})
    const one = polite.post()
    await untilHeld(polite, 1)
    const two = polite.post({}, PING)
    await one
    await s.advance(5_000)
    const three = polite.post()
    await two
    // One more ends or pauses it.
    await untilHeld(polite, 1)
    await polite.post({ pause: 60 })
    await three
    // More than there may be at once, none of which can be answered.
    const busy = await logsIn({})
    busy.rid++
    const late = [busy.post({}, PING), busy.post({}, PING)]
    assert.deepEqual((await Promise.all(late)).map(conditionOf).sort(), ['item-not-found', 'other-request'])
  },
)

boshStory(
  'A client that polls does so no more often than it may // XEP-0124 §12',
  async (s, { client, untilOutput }) => {
    const juliet = await s.online('juliet/balcony')
    await s.createAccount('romeo')
    for (const attributes of [{ hold: 0 }, { wait: 0 }]) {
      const romeo = client()
      romeo.beforeAsking = async () => {
        await untilOutput(romeo)
        await s.advance(5_000)
      }
      await romeo.logsIn('romeo', attributes)
      await s.advance(5_000)
      // Nothing waits.
      assert.equal((await romeo.post()).text, EMPTY)
      await s.advance(5_000)
      await juliet.sends`<message to='${romeo.jid}'><body>1</body></message>`
      await settles(s, juliet)
      assert.match((await romeo.post()).text, /<body>1<\/body>/)
      // There was something: there may be more.
      assert.equal((await romeo.post()).text, EMPTY)
      // To say something is not to poll.
      await romeo.post({}, "<r xmlns='urn:xmpp:sm:3'/>")
      await s.advance(70_999)
      assert.equal((await romeo.post()).body.attrs['type'], undefined)
      await s.advance(5_000)
      assert.equal((await romeo.post()).text, EMPTY)
      await s.advance(4_999)
      assert.equal(conditionOf(await romeo.post()), 'policy-violation')
    }
  },
)

boshStory(
  'Where nothing is said of it, a client asks as often as it likes // XEP-0124 §11, §12',
  async (_s, { client, untilHeld }) => {
    const polls = client()
    assert.equal((await polls.opens({ hold: 0 })).body.attrs['polling'], undefined)
    for (let i = 0; i < 3; i++) assert.equal((await polls.post()).text, EMPTY)
    const waits = client()
    await waits.opens()
    const first = waits.post()
    await untilHeld(waits, 1)
    void waits.post()
    assert.equal((await first).body.attrs['type'], undefined)
  },
  { modules: { bosh: { polling: 0 } } },
)

/** The keys of a sequence, in the order in which they are used. */
function keys(seed: string, count: number): string[] {
  const all = [seed]
  for (let i = 0; i < count; i++) all.push(createHash('sha1').update(all.at(-1)!).digest('hex'))
  return all.slice(1).reverse()
}

boshStory('A request with another key than the next is none // XEP-0124 §15', async (s, { client }) => {
  const juliet = await s.online('juliet/balcony')
  const begins = async (attributes: Record<string, string>): Promise<BoshClient> => {
    const one = client()
    await one.opens(attributes)
    return one
  }
  const [k4, k3, k2, k1] = keys('seed', 4) as [string, string, string, string]
  const [n3, n2, n1] = keys('other seed', 3) as [string, string, string]
  const terms = { newkey: k4.toUpperCase(), ack: '1' }
  const good = await begins({ ...terms, hold: '0' })
  for (const attributes of [
    { key: k3.toUpperCase() },
    { key: k2 },
    { key: k1, newkey: n3 },
    { key: n2 },
    { key: n1 },
  ]) {
    const request = good.request(attributes)
    // It may come again, key and all.
    for (let i = 0; i < 2; i++) assert.equal((await good.send(request)).text, EMPTY)
    await s.advance(5_000)
  }
  const bad: Record<string, string>[] = [
    {},
    { key: k4 },
    { key: k2 },
    { key: '' },
    { key: 'x' },
    { newkey: n3 },
    { key: n2 },
  ]
  bad.push({ key: k3, newkey: 'x' })
  for (const attributes of bad) {
    const one = await begins({ ...terms, hold: '2' })
    const words = `<message xmlns='jabber:client' to='${juliet.jid}'><body>Evil</body></message>`
    assert.equal(conditionOf(await one.post(attributes, words)), 'item-not-found', JSON.stringify(attributes))
    assert.equal(conditionOf(await one.post({ key: k3 })), 'item-not-found')
  }
  await settles(s, juliet)
  // Whoever has not begun with keys needs none.
  const none = await begins({ hold: '0' })
  assert.equal((await none.post({ key: 'x' })).text, EMPTY)
})
