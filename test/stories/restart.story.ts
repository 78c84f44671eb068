import assert from 'node:assert/strict'
import { asJson, defineSlot } from '../../src/api.ts'
import { restartStory } from '../support/restart.ts'
import { drain } from '../support/story.ts'
import {
  acknowledges,
  asksToResume,
  enables,
  fence,
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

const kept = defineSlot<string | undefined>('test/kept', () => undefined, asJson)
const delayed = (domain: string) => `<delay xmlns='urn:xmpp:delay' from='${domain}' stamp='*'/>`

restartStory('A client comes back to its session over a restart, as if nothing had been // XEP-0198 §5', async (r) => {
  const before = await r.starts()
  const romeo = await before.online('romeo/orchard')
  const juliet = await before.online(
    'juliet/balcony',
    '<presence><priority>7</priority><status>here</status></presence>',
  )
  await before.befriend(romeo, juliet)
  const token = await enables(juliet)
  juliet.send(message(romeo.jid, 'Good night'))
  await romeo.receives`<message/>`
  for (const body of ['one', 'two & <three>', 'four']) {
    await romeo.sends`${message(juliet.jid, body.replace('&', '&amp;').replace('<', '&lt;'))}`
    await juliet.receives`<message/>`
  }
  acknowledges(juliet, 1)
  await fence(before)
  before.host.user(jidOf(juliet))!.sessions.get('balcony')!.slots.set(kept, 'a note')
  await r.stops()
  // He cannot come back.
  await juliet.receives`<presence type='unavailable' from='${romeo.jid}'/>`
  await juliet.receivesStreamError('system-shutdown')

  const after = await r.starts()
  const session = after.host.user(jidOf(juliet))!.sessions.get('balcony')!
  assert.equal(session.resting, true)
  assert.equal(session.slots.get(kept), 'a note')
  // She is there for others, and what they send waits behind what she has not got yet.
  const again = await after.login('romeo/orchard')
  again.send('<presence/>')
  await again.receives`<presence from='${again.jid}'/>`
  await again.receives`<presence from='${juliet.jid}'><priority>7</priority><status>here</status></presence>`
  await again.sends`${message(juliet.bare, 'five')}`
  await settles(after, again)
  const back = await resumes(after, juliet, token, 1, 1)
  for (const body of ['two & <three>', 'four'])
    assert.equal((await back.receives`<message/>`).getChildText('body'), body)
  await back.receives`<presence type='unavailable' from='${romeo.jid}'/>`
  await back.receives`<presence from='${again.jid}'/>`
  await back.receives`<message><body>five</body></message>`
  await back.receives`<r xmlns='${NS}'/>`
  acknowledges(back, 6)
  back.send(`${message(again.jid, 'still here')}<r xmlns='${NS}'/>`)
  await back.receives`<a xmlns='${NS}' h='2'/>`
  await again.receives`<message><body>still here</body></message>`
  await again.receivesNothing()
})

restartStory(
  'What a client asked to be told of it is told of over a restart, too // RFC 6121 §2.1.6, XEP-0191 §3.3',
  async (r) => {
    const before = await r.starts()
    const balcony = await before.login('juliet/balcony')
    await balcony.asks`<iq type='get'><query xmlns='jabber:iq:roster'/></iq>`
    await balcony.asks`<iq type='get'><blocklist xmlns='urn:xmpp:blocking'/></iq>`
    const token = await enables(balcony)
    await r.stops()
    const after = await r.starts()
    const chamber = await after.login('juliet/chamber')
    const romeo = `romeo@${after.domain}`
    await chamber.asks`<iq type='set'><query xmlns='jabber:iq:roster'><item jid='${romeo}'/></query></iq>`
    await chamber.asks`<iq type='set'><block xmlns='urn:xmpp:blocking'><item jid='${romeo}'/></block></iq>`
    const back = await resumes(after, balcony, token, 0)
    await back.receives`<iq type='set'><query xmlns='jabber:iq:roster' ver='*'><item jid='${romeo}' subscription='none'/></query></iq>`
    await back.receives`<iq type='set'><block xmlns='urn:xmpp:blocking'><item jid='${romeo}'/></block></iq>`
  },
)

restartStory(
  'Over several restarts, too',
  async (r) => {
    let s = await r.starts()
    let juliet = await s.login('juliet/balcony')
    const token = await enables(juliet)
    for (let round = 0; round < 4; round++) {
      const romeo = await s.login('romeo/orchard')
      await romeo.sends`${message(juliet.jid, `${round}`)}`
      await settles(s, romeo)
      await r.stops()
      s = await r.starts()
      // Every other time nobody comes in between.
      if (round % 2 === 1) continue
      juliet = await resumes(s, juliet, token, round)
      await juliet.receives`<message><body>${round}</body></message>`
      await juliet.receives`<r xmlns='${NS}'/>`
      acknowledges(juliet, round + 1)
      await fence(s)
    }
    const back = await resumes(s, juliet, token, 3)
    await back.receives`<message><body>3</body></message>`
  },
  {},
)

for (const isComing of [false, true])
  restartStory(
    `What a client sent before it lost its connection is counted ${isComing ? 'for who comes back as' : 'when'} the server stops // XEP-0198 §5`,
    async (r) => {
      const before = await r.starts()
      const romeo = await before.login('romeo/orchard')
      const juliet = await before.login('juliet/balcony')
      const token = await enables(romeo)
      romeo.send(message(juliet.jid, 'slow'))
      await untilHeld()
      if (isComing) {
        await asksToResume(before, romeo, token, 0)
        while (!before.host.user(jidOf(romeo))!.sessions.get('orchard')!.resting)
          await new Promise((resolve) => setImmediate(resolve))
      } else await romeo.cuts()
      const stopped = r.stops()
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      letGo()
      await stopped
      await juliet.receives`<message><body>slow</body></message>`
      assert.deepEqual(before.bed.errors, [])
      await resumes(await r.starts(), romeo, token, 0, 1)
    },
    slowBed,
  )

restartStory(
  'What comes back of a session whose time ran out, before the server is up, finds all hosts set up // XEP-0198 §4',
  async (r) => {
    const before = await r.starts({}, 120_000)
    const juliet = await before.login('juliet/balcony')
    await enables(juliet, "resume='true' max='60'")
    await before.createAccount('tybalt', undefined, 'mantua.example')
    const { actor: tybalt } = await before.authenticates('tybalt', 'mantua.example')
    await tybalt.binds('street')
    tybalt.send(message(juliet.jid, 'Hi', 'groupchat'))
    await juliet.receives`<message/>`
    await r.stops()
    const after = await r.starts()
    assert.deepEqual(after.bed.errors, [])
  },
  { hosts: ['localhost', 'mantua.example'] },
)

restartStory('Who does not come back after a restart leaves what it was owed to others // XEP-0198 §4', async (r) => {
  const before = await r.starts({}, 60_000)
  const romeo = await before.login('romeo/orchard')
  const juliet = await before.login('juliet/balcony')
  const token = await enables(juliet)
  const started = new Date(before.bed.clock.now()).toISOString()
  await romeo.sends`${message(juliet.jid, 'Hi')}`
  romeo.send(message(juliet.jid, 'lost, and that is told', 'groupchat'))
  await settles(before, romeo)
  await r.stops()
  const after = await r.starts()
  const again = await after.login('romeo/orchard')
  // A minute of it is over.
  await after.advance(MAX - 60_000 - 1)
  await again.receivesNothing()
  await after.advance(1)
  await again.receives`<message type='error' from='${juliet.jid}'/>`
  const failed = await asksToResume(after, juliet, token, 0)
  await failed.receives`<failed xmlns='${NS}' h='0'/>`
  await failed.isCut()
  const chamber = await after.online('juliet/chamber')
  const heard = await chamber.receives`<message><body>Hi</body>${delayed(after.domain)}</message>`
  assert.equal(Date.parse(heard.getChild('delay')!.attrs['stamp']!), Date.parse(started))
  await chamber.receivesNothing()
})

restartStory('Whose time ran out while the server was down is gone when it is up // XEP-0198 §5', async (r) => {
  const before = await r.starts({}, MAX)
  const romeo = await before.login('romeo/orchard')
  const balcony = await before.online('juliet/balcony')
  const token = await enables(balcony)
  await romeo.sends`${message(balcony.jid, 'Hi')}`
  await settles(before, romeo)
  await r.stops()
  const after = await r.starts()
  assert.equal(after.host.user(jidOf(balcony)), undefined)
  const failed = await asksToResume(after, balcony, token, 0)
  await failed.receives`<failed xmlns='${NS}' h='0'/>`
  await failed.isCut()
  const chamber = await after.online('juliet/chamber')
  await chamber.receives`<message><body>Hi</body>${delayed(after.domain)}</message>`
  await chamber.receivesNothing()
})

restartStory('Where nobody may come back any more saved sessions end', async (r) => {
  const before = await r.starts()
  const romeo = await before.login('romeo/orchard')
  const balcony = await before.login('juliet/balcony')
  await enables(balcony)
  await romeo.sends`${message(balcony.jid, 'Hi')}`
  await settles(before, romeo)
  await r.stops()
  const after = await r.starts({ modules: { 'stream-management': { resumption: 0 } } })
  assert.equal(after.host.user(jidOf(balcony)), undefined)
  const chamber = await after.online('juliet/chamber')
  await chamber.receives`<message><body>Hi</body></message>`
})

restartStory('A session that cannot be resumed ends with the server, and its messages stay', async (r) => {
  const before = await r.starts()
  const romeo = await before.login('romeo/orchard')
  const balcony = await before.login('juliet/balcony')
  await enables(balcony, '')
  await romeo.sends`${message(balcony.jid, 'Hi')}`
  await settles(before, romeo)
  await r.stops()
  const after = await r.starts()
  assert.equal(after.host.user(jidOf(balcony)), undefined)
  await (await after.online('juliet/balcony')).receives`<message><body>Hi</body></message>`
})

for (const settled of [true, false])
  restartStory(
    `What two sessions were sent is ${settled ? 'settled by one' : 'dealt with once'} over a restart, too`,
    async (r) => {
      const before = await r.starts()
      const romeo = await before.login('romeo/orchard')
      const balcony = await before.online('juliet/balcony')
      const chamber = await before.online('juliet/chamber')
      for (const device of [balcony, chamber]) await drain(device)
      const tokens = [await enables(balcony), await enables(chamber)]
      await romeo.sends`${message(balcony.bare, 'Hi')}`
      await settles(before, romeo)
      await r.stops()
      const after = await r.starts()
      if (settled) {
        const back = await resumes(after, balcony, tokens[0]!, 0)
        await back.receives`<message><body>Hi</body></message>`
        acknowledges(back, 1)
        await fence(after)
        await back.disconnects()
      }
      await after.advance(MAX)
      const again = await after.online('juliet/garden')
      if (!settled) await again.receives`<message><body>Hi</body></message>`
      await again.receivesNothing()
    },
  )

restartStory('A crash soon after the start takes nothing of what waits for a client', async (r) => {
  const first = await r.starts()
  const romeo = await first.login('romeo/orchard')
  const juliet = await first.login('juliet/balcony')
  const token = await enables(juliet)
  await romeo.sends`${message(juliet.jid, 'Hi')}`
  await settles(first, romeo)
  await r.stops()
  const second = await r.starts()
  await second.advance(30_000)
  await fence(second)
  // Killed.
  const third = await r.starts()
  const back = await resumes(third, juliet, token, 0)
  await back.receives`<message><body>Hi</body></message>`
  await back.receives`<r xmlns='${NS}'/>`
  // Once the client is back what was saved is out of date, and after another crash it is not brought up again.
  const fourth = await r.starts()
  assert.equal(fourth.host.user(jidOf(juliet)), undefined)
  const failed = await asksToResume(fourth, juliet, token, 1)
  await failed.receives`<failed xmlns='${NS}' h='0'/>`
})

restartStory('After a crash a client that comes back is told what had been handled // XEP-0198 §5', async (r) => {
  const before = await r.starts()
  const romeo = await before.login('romeo/orchard')
  const token = await enables(romeo)
  for (let n = 0; n < 3; n++) await romeo.receivesNothing()
  await before.advance(5_000)
  await fence(before)
  await romeo.receives`<r xmlns='${NS}'/>`
  // Handled, and not on disk: what is told is never more than what was handled.
  await romeo.receivesNothing()
  const after = await r.starts()
  const back = await asksToResume(after, romeo, token, 3)
  await back.receives`
    <failed xmlns='${NS}' h='3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>`
  await back.binds('orchard')
  await enables(back)
  const { actor: juliet } = await after.authenticates('juliet')
  juliet.send(`<resume xmlns='${NS}' h='3' previd='${token}'/>`)
  assert.equal((await juliet.receives`<failed xmlns='${NS}'/>`).attrs['h'], undefined)
})

restartStory('What is told after the end of a session is forgotten with time', async (r) => {
  const s = await r.starts()
  const romeo = await s.login('romeo/orchard')
  const token = await enables(romeo)
  const juliet = await s.login('juliet/balcony')
  const hers = await enables(juliet)
  await romeo.disconnects()
  const purged = async (ms: number) => {
    await s.advance(ms)
    await fence(s)
  }
  for (let hours = 0; hours < 3; hours++) await purged(3_600_000)
  const early = await asksToResume(s, romeo, token, 0)
  assert.equal((await early.receives`<failed xmlns='${NS}'/>`).attrs['h'], '0')
  await early.isCut()
  for (let days = 0; days < 7; days++) await purged(24 * 3_600_000)
  const late = await asksToResume(s, romeo, token, 0)
  assert.equal((await late.receives`<failed xmlns='${NS}'/>`).attrs['h'], undefined)
  await late.isCut()
  // Hers goes on.
  await resumes(s, juliet, hers, 0)
})
