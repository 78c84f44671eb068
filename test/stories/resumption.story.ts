import assert from 'node:assert/strict'
import { sessionRests, sessionResumed } from '../../src/api.ts'
import { story } from '../support/story.ts'
import {
  acknowledges,
  asksToResume,
  enables,
  fence,
  isBack,
  jidOf,
  letGo,
  MAX,
  message,
  NS,
  resumes,
  settles,
  slowBed,
  untilHeld,
} from '../support/stream-management.ts'

story('A client comes back to its session, and hears what it missed, in order // XEP-0198 §5', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  const token = await enables(juliet)
  juliet.send(message(romeo.jid, 'Good night'))
  await romeo.receives`<message><body>Good night</body></message>`
  for (const body of ['one', 'two', 'three']) {
    await romeo.sends`${message(juliet.jid, body)}`
    await juliet.receives`<message><body>${body}</body></message>`
  }
  acknowledges(juliet, 1)
  const events: string[] = []
  const detach = [
    s.host.hooks.attach(sessionRests, () => events.push('rests')),
    s.host.hooks.attach(sessionResumed, () => events.push('resumed')),
  ]
  await juliet.cuts()
  // While she is away she is still there for everybody.
  await romeo.sends`${message(juliet.jid, 'four')}`
  await romeo.sends`${message(juliet.bare, 'five')}`
  await settles(s, romeo)
  const back = await resumes(s, juliet, token, 2, 1)
  for (const body of ['three', 'four', 'five']) {
    const heard = await back.receives`<message><body>${body}</body></message>`
    assert.equal(heard.getChild('delay'), undefined)
  }
  await back.receives`<r xmlns='${NS}'/>`
  assert.deepEqual(events, ['rests', 'resumed'])
  for (const undo of detach) undo()
  acknowledges(back, 5)
  // Both counts go on, and nobody was told anything.
  back.send(`${message(romeo.jid, 'I am back')}<r xmlns='${NS}'/>`)
  await back.receives`<a xmlns='${NS}' h='2'/>`
  await romeo.receives`<message from='${juliet.jid}'><body>I am back</body></message>`
  await romeo.receivesNothing()
  await back.receivesNothing()
  assert.equal(s.host.user(jidOf(back))?.sessions.size, 1)
})

story('A session outlives many connections // XEP-0198 §5', async (s) => {
  const romeo = await s.login('romeo/orchard')
  let juliet = await s.login('juliet/balcony')
  const token = await enables(juliet)
  for (let round = 0; round < 20; round++) {
    juliet.send(message(romeo.jid, `from ${round}`))
    await romeo.receives`<message><body>from ${round}</body></message>`
    await juliet.cuts()
    await romeo.sends`${message(juliet.jid, `to ${round}`)}`
    await settles(s, romeo)
    juliet = await resumes(s, juliet, token, round, round + 1)
    await juliet.receives`<message><body>to ${round}</body></message>`
    await juliet.receives`<r xmlns='${NS}'/>`
  }
})

story('What a client was told it has to ask for again is told it once more // XEP-0198 §5', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const token = await enables(juliet)
  await juliet.cuts()
  await romeo.sends`${message(juliet.jid, 'Hi')}`
  await settles(s, romeo)
  const first = await resumes(s, juliet, token, 0)
  await first.receives`<message><body>Hi</body></message>`
  await first.receives`<r xmlns='${NS}'/>`
  await first.cuts()
  const second = await resumes(s, juliet, token, 0)
  await second.receives`<message><body>Hi</body></message>`
  await second.receives`<r xmlns='${NS}'/>`
  acknowledges(second, 1)
  await second.receivesNothing()
})

story('Much that was missed is sent a piece at a time, before anything new // XEP-0198 §5', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const token = await enables(juliet)
  await juliet.cuts()
  const count = 24
  for (let n = 0; n < count; n++) romeo.send(message(juliet.jid, `${n} ${'x'.repeat(60_000)}`))
  await settles(s, romeo)
  const back = await resumes(s, juliet, token, 0)
  romeo.send(message(juliet.jid, `${count} new`))
  for (let n = 0; n <= count; n++) {
    let heard = await back.next()
    if (heard.name === 'r') heard = await back.next()
    assert.ok(heard.getChildText('body')!.startsWith(`${n} `), `number ${n}`)
  }
})

story(
  'An id that is wrong, another’s or out of date fails, and tells only its owner how far it got // XEP-0198 §5',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const token = await enables(romeo)
    await romeo.receivesNothing()
    const { actor: juliet } = await s.authenticates('juliet')
    for (const previd of ['nonsense', token]) {
      juliet.send(`<resume xmlns='${NS}' h='0' previd='${previd}'/>`)
      const failed = await juliet.receives`
      <failed xmlns='${NS}'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>`
      assert.equal(failed.attrs['h'], undefined)
    }
    // It disturbed nobody.
    await romeo.receivesNothing()
    await romeo.disconnects()
    const { actor: again } = await s.authenticates('romeo')
    again.send(`<resume xmlns='${NS}' h='0' previd='${token}'/>`)
    await again.receives`
    <failed xmlns='${NS}' h='2'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>`
    // XEP-0198 §5: and may bind anew.
    await again.binds('orchard')
    await enables(again)
    juliet.send(`<resume xmlns='${NS}' h='0' previd='${token}'/>`)
    assert.equal((await juliet.receives`<failed xmlns='${NS}'/>`).attrs['h'], undefined)
    for (const attributes of [`previd='${token}'`, `h='0'`, `h='x' previd='${token}'`]) {
      juliet.send(`<resume xmlns='${NS}' ${attributes}/>`)
      await juliet.receives`<failed xmlns='${NS}'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>`
    }
  },
)

story(
  'Who has more than was sent cannot resume, and the session waits on; nor who has less than it had // XEP-0198 §5, §6',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const token = await enables(romeo)
    await romeo.receivesNothing()
    await romeo.receivesNothing()
    acknowledges(romeo, 2)
    await romeo.receivesNothing()
    await romeo.cuts()
    const tooMuch = await asksToResume(s, romeo, token, 4)
    const error = await tooMuch.next()
    assert.deepEqual(error.getChild('handled-count-too-high', NS)?.attrs, { xmlns: NS, h: '4', 'send-count': '3' })
    await tooMuch.ends()
    const less = await asksToResume(s, romeo, token, 1)
    await less.receives`
    <failed xmlns='${NS}' h='3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>`
    await resumes(s, romeo, token, 3, 3)
  },
)

story('A connection that looks alive is taken over // XEP-0198 §5', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  const token = await enables(juliet)
  await romeo.sends`${message(juliet.jid, 'Hi')}`
  await juliet.receives`<message/>`
  const back = await resumes(s, juliet, token, 0)
  await back.receives`<message><body>Hi</body></message>`
  await back.receives`<r xmlns='${NS}'/>`
  await juliet.receivesStreamError('conflict')
  await romeo.receivesNothing()
  await romeo.sends`${message(juliet.jid, 'Are you there?')}`
  await back.receives`<message><body>Are you there?</body></message>`
})

story(
  'A takeover waits until nothing is half done // XEP-0198 §5',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    const juliet = await s.login('juliet/balcony')
    const token = await enables(juliet)
    juliet.send(message(romeo.jid, 'slow') + message(romeo.jid, 'behind it'))
    await untilHeld()
    const back = await asksToResume(s, juliet, token, 0)
    await juliet.receivesStreamError('conflict')
    letGo()
    await isBack(back, juliet, token, 2)
    await romeo.receives`<message><body>slow</body></message>`
    await romeo.receives`<message><body>behind it</body></message>`
    await romeo.receivesNothing()
  },
  slowBed,
)

story(
  'Of two who come at once the later one gets the session // XEP-0198 §5',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    const juliet = await s.login('juliet/balcony')
    const token = await enables(juliet)
    juliet.send(message(romeo.jid, 'slow'))
    await untilHeld()
    const first = await asksToResume(s, juliet, token, 0)
    await juliet.receivesStreamError('conflict')
    const second = await asksToResume(s, juliet, token, 0)
    await fence(s)
    letGo()
    await first.receivesStreamError('conflict')
    await isBack(second, juliet, token, 1)
    await romeo.receives`<message/>`
    await second.receivesNothing()
  },
  slowBed,
)

story(
  'A client that goes while it waits for its session leaves it resting // XEP-0198 §5',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    const juliet = await s.login('juliet/balcony')
    const token = await enables(juliet)
    juliet.send(message(romeo.jid, 'slow'))
    await untilHeld()
    const first = await asksToResume(s, juliet, token, 0)
    await juliet.receivesStreamError('conflict')
    const { promise, resolve } = Promise.withResolvers<void>()
    const detach = s.host.hooks.attach(sessionRests, () => resolve())
    await first.isCut()
    await fence(s)
    letGo()
    await romeo.receives`<message/>`
    await promise
    detach()
    const second = await resumes(s, juliet, token, 0, 1)
    await second.receivesNothing()
    await second.cuts()
    await s.advance(MAX)
    assert.equal(s.host.user(jidOf(juliet)), undefined)
  },
  slowBed,
)

story(
  'A session that ends while its client waits for it is not found // XEP-0198 §5',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    const juliet = await s.login('juliet/balcony')
    const token = await enables(juliet)
    juliet.send(message(romeo.jid, 'slow'))
    await untilHeld()
    const first = await asksToResume(s, juliet, token, 0)
    await juliet.receivesStreamError('conflict')
    const other = await s.login('juliet/balcony')
    letGo()
    await first.receives`
      <failed xmlns='${NS}' h='1'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>`
    await romeo.receives`<message/>`
    await other.receivesNothing()
  },
  slowBed,
)

story(
  'Where sessions end with their connections nobody can come back // XEP-0198 §5',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    romeo.send(`<enable xmlns='${NS}' resume='true'/>`)
    assert.deepEqual((await romeo.receives`<enabled xmlns='${NS}'/>`).attrs, { xmlns: NS })
    await romeo.cuts()
    assert.equal(s.host.user(jidOf(romeo)), undefined)
    const { actor } = await s.authenticates('romeo')
    actor.send(`<resume xmlns='${NS}' h='0' previd='x'/>`)
    await actor.receives`
      <failed xmlns='${NS}'><feature-not-implemented xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>`
  },
  { modules: { 'stream-management': { resumption: 0 } } },
)
