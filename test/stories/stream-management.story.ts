import assert from 'node:assert/strict'
import type { Element } from '../../src/api.ts'
import { story } from '../support/story.ts'
import {
  acknowledges,
  asks,
  enables,
  fence,
  letGo,
  message,
  NS,
  resumes,
  settles,
  slowBed,
  untilHeld,
} from '../support/stream-management.ts'

// ---- §2, §3 ----

story('Stream management is announced after login // XEP-0198 §2', async (s) => {
  const { actor, features } = await s.authenticates('romeo')
  assert.ok(features.getChild('sm', NS))
  await actor.isCut()
})

story('Before a resource is bound it cannot be enabled, and binding goes on // XEP-0198 §3', async (s) => {
  const { actor } = await s.authenticates('romeo')
  for (const element of [
    "<enable xmlns='urn:xmpp:sm:3'/>",
    "<r xmlns='urn:xmpp:sm:3'/>",
    "<a xmlns='urn:xmpp:sm:3' h='0'/>",
  ]) {
    actor.send(element)
    await actor.receives`
      <failed xmlns='${NS}'><unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>`
  }
  await actor.binds('orchard')
  await enables(actor)
})

story('Enabling says how and for how long a client may come back // XEP-0198 §3', async (s) => {
  const romeo = await s.login('romeo/orchard')
  romeo.send(`<enable xmlns='${NS}' resume='1' max='120'/>`)
  const enabled = await romeo.receives`<enabled xmlns='${NS}' resume='true' id='*' max='120'/>`
  assert.ok(enabled.attrs['id']!.length >= 22, 'an id of 128 bits')
  assert.equal(enabled.attrs['location'], undefined)
  const juliet = await s.login('juliet/balcony')
  juliet.send(`<enable xmlns='${NS}' resume='true' max='86400'/>`)
  await juliet.receives`<enabled xmlns='${NS}' resume='true' id='*' max='600'/>`
  const nurse = await s.login('nurse/house')
  nurse.send(`<enable xmlns='${NS}' max='many'/>`)
  assert.deepEqual((await nurse.receives`<enabled xmlns='${NS}'/>`).attrs, { xmlns: NS })
})

story(
  'The place to come back to is an option // XEP-0198 §5',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    romeo.send(`<enable xmlns='${NS}' resume='true'/>`)
    await romeo.receives`<enabled xmlns='${NS}' location='[2001:db8::1]:9222'/>`
  },
  { modules: { 'stream-management': { location: '[2001:db8::1]:9222' } } },
)

story('Enabling it twice ends the stream // XEP-0198 §3', async (s) => {
  const romeo = await s.login('romeo/orchard')
  await enables(romeo)
  romeo.send(`<enable xmlns='${NS}'/>`)
  await romeo.receivesStreamError('policy-violation')
})

story(
  'What comes at the wrong time is refused, what is the server’s to say ends the stream // XEP-0198 §6',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    for (const element of [
      "<r xmlns='urn:xmpp:sm:3'/>",
      "<a xmlns='urn:xmpp:sm:3' h='0'/>",
      "<resume xmlns='urn:xmpp:sm:3' h='0' previd='x'/>",
    ]) {
      romeo.send(element)
      await romeo.receives`
      <failed xmlns='${NS}'><unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>`
    }
    romeo.send(`<enabled xmlns='${NS}'/>`)
    await romeo.receivesStreamError('unsupported-stanza-type')
  },
)

// ---- §4: the client's stanzas ----

story('Counting begins with <enable/>, and <r/> is answered with what is handled // XEP-0198 §4', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await romeo.sends`${message(juliet.jid, 'before')}`
  romeo.send(`<enable xmlns='${NS}'/>${message(juliet.jid, 'at once')}`)
  await romeo.receives`<enabled xmlns='${NS}'/>`
  asks(romeo)
  await romeo.receives`<a xmlns='${NS}' h='1'/>`
  romeo.send(`${message(juliet.jid, 'ciao')}<presence/><r xmlns='${NS}'/>`)
  await romeo.receives`<presence/>`
  await romeo.receives`<a xmlns='${NS}' h='3'/>`
  for (const body of ['before', 'at once', 'ciao']) await juliet.receives`<message><body>${body}</body></message>`
})

story(
  'An answer waits until what came before it is handled // XEP-0198 §4',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.online('juliet/balcony')
    await enables(romeo)
    romeo.send(message(juliet.jid, 'slow') + message('nurse@localhost/none', 'quick'))
    asks(romeo)
    await untilHeld()
    await s.advance(500)
    await fence(s)
    romeo.send(`<iq type='get' id='1' to='${s.domain}'><ping xmlns='urn:xmpp:ping'/></iq>`)
    await romeo.receives`<iq type='result' id='1'/>`
    letGo()
    await juliet.receives`<message/>`
    // The ping was handled, too, when the first was.
    await romeo.receives`<a xmlns='${NS}' h='3'/>`
    await s.advance(5_000)
    await juliet.receivesNothing()
  },
  slowBed,
)

story(
  'After a second it says what is reached, and the rest unasked // XEP-0198 §4',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.online('juliet/balcony')
    await enables(romeo)
    await romeo.receivesNothing()
    romeo.send(message(juliet.jid, 'slow'))
    asks(romeo)
    await untilHeld()
    await s.advance(1_000)
    await romeo.receives`<a xmlns='${NS}' h='1'/>`
    letGo()
    await juliet.receives`<message/>`
    await romeo.receives`<a xmlns='${NS}' h='2'/>`
  },
  slowBed,
)

story(
  'A thousand requests that wait get one answer and what follows it // XEP-0198 §4',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.online('juliet/balcony')
    await enables(romeo)
    romeo.send(message(juliet.jid, 'slow') + `<r xmlns='${NS}'/>`.repeat(1000))
    await untilHeld()
    romeo.send(message(juliet.jid, 'slow') + `<r xmlns='${NS}'/>`.repeat(1000))
    await fence(s)
    letGo()
    await romeo.receives`<a xmlns='${NS}' h='1'/>`
    await untilHeld()
    letGo()
    await romeo.receives`<a xmlns='${NS}' h='2'/>`
    await romeo.receivesNothing()
    for (let heard = 0; heard < 2; heard++) await juliet.receives`<message/>`
  },
  { ...slowBed, notOn: { bosh: 'so many elements come in many requests' } },
)

story('A stanza that is refused is handled: its sender has the error // XEP-0198 §4', async (s) => {
  const romeo = await s.login('romeo/orchard')
  await enables(romeo)
  await romeo.isRefused('service-unavailable')`<message to='${s.domain}'><body>Hi</body></message>`
  asks(romeo)
  await romeo.receives`<a xmlns='${NS}' h='1'/>`
})

// ---- §4: the server's stanzas ----

story('An acknowledgement needs a count // XEP-0198 §4', async (s) => {
  for (const attribute of ['', "h='one'", "h='-1'", "h='4294967296'"]) {
    const romeo = await s.login('romeo/orchard')
    await enables(romeo)
    romeo.send(`<a xmlns='${NS}' ${attribute}/>`)
    await romeo.receivesStreamError('bad-format')
  }
})

story('Acknowledging more than was sent ends the stream // XEP-0198 §6', async (s) => {
  const romeo = await s.login('romeo/orchard')
  await enables(romeo)
  await romeo.receivesNothing()
  acknowledges(romeo, 10)
  const error = await romeo.next()
  assert.deepEqual(error.getChild('handled-count-too-high', NS)?.attrs, { xmlns: NS, h: '10', 'send-count': '1' })
  assert.ok(error.getChild('undefined-condition'))
  assert.equal(error.getChildText('text'), 'You acknowledged 10 stanzas, but I only sent you 1 so far.')
  await romeo.ends()
})

story('A count that goes back is ignored // XEP-0198 §4', async (s) => {
  const romeo = await s.login('romeo/orchard')
  await enables(romeo)
  await romeo.receivesNothing()
  await romeo.receivesNothing()
  acknowledges(romeo, 2)
  acknowledges(romeo, 1)
  await romeo.receivesNothing()
})

story(
  'A client is asked once for what a moment brought, and not again when it has answered // XEP-0198 §4',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.login('juliet/balcony')
    await enables(juliet)
    for (const body of ['one', 'two', 'three']) {
      await romeo.sends`${message(juliet.jid, body)}`
      await juliet.receives`<message><body>${body}</body></message>`
    }
    await s.advance(1_500)
    await romeo.receivesNothing()
    await s.advance(1_000)
    await juliet.receives`<r xmlns='${NS}'/>`
    await romeo.sends`${message(juliet.jid, 'four')}`
    await juliet.receives`<message/>`
    // While an answer is owed nothing is asked.
    await s.advance(10_000)
    await fence(s)
    acknowledges(juliet, 4)
    await fence(s)
    await s.advance(10_000)
    await juliet.receivesNothing()
  },
)

story(
  'A client is asked at once when much was sent, and again only when twice as much was // XEP-0198 §4',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.login('juliet/balcony')
    await enables(juliet)
    let sent = 0
    const some = async (count: number) => {
      for (let n = 0; n < count; n++) romeo.send(message(juliet.jid, `${++sent}`))
      for (let n = 0; n < count; n++) await juliet.receives`<message/>`
    }
    await some(49)
    await romeo.receivesNothing()
    await some(1)
    await juliet.receives`<r xmlns='${NS}'/>`
    await some(100)
    await juliet.receives`<r xmlns='${NS}'/>`
    await some(199)
    acknowledges(juliet, sent)
    await some(49)
    await some(1)
    await juliet.receives`<r xmlns='${NS}'/>`
    romeo.send(message(juliet.jid, 'x'.repeat(140_000)))
    await juliet.receives`<message/>`
    await juliet.receives`<r xmlns='${NS}'/>`
  },
)

story('A client that does not answer is dead: its session rests // XEP-0198 §4', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const token = await enables(juliet)
  await romeo.sends`${message(juliet.jid, 'Hi')}`
  await juliet.receives`<message/>`
  await s.advance(2_500)
  await juliet.receives`<r xmlns='${NS}'/>`
  await s.advance(59_000)
  assert.equal(juliet.ended, false)
  await s.advance(1_500)
  await juliet.ends()
  const back = await resumes(s, juliet, token, 0)
  await back.receives`<message><body>Hi</body></message>`
})

story('One that cannot come back is gone then, and its messages are not // XEP-0198 §4', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  await enables(juliet, '')
  await romeo.sends`${message(juliet.jid, 'Hi')}`
  await juliet.receives`<message/>`
  await s.advance(2_500)
  await juliet.receives`<r xmlns='${NS}'/>`
  await s.advance(61_000)
  await juliet.ends()
  const again = await s.online('juliet/chamber')
  await again.receives`<message><body>Hi</body><delay xmlns='urn:xmpp:delay' from='${s.domain}' stamp='*'/></message>`
})

story(
  'Who leaves too much unacknowledged is sent away, present or not, and others get the messages // profanity 1776',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    for (const rests of [false, true]) {
      const juliet = await s.login('juliet/balcony')
      await enables(juliet)
      if (rests) await juliet.cuts()
      for (let n = 0; n < 3; n++) romeo.send(message(juliet.jid, `${n}${'x'.repeat(30_000)}`))
      await settles(s, romeo)
      if (!rests) {
        for (let n = 0; n < 2; n++) await juliet.receives`<message/>`
        // The last of them is what was too much.
        for (let el = await juliet.next(); el.name !== 'error'; el = await juliet.next());
        await juliet.ends()
      }
      const again = await s.online('juliet/balcony')
      for (let n = 0; n < 3; n++)
        assert.ok((await again.receives`<message/>`).getChildText('body')!.startsWith(`${n}xxx`))
      await again.receivesNothing()
      await again.disconnects()
    }
  },
  { modules: { 'stream-management': { maxQueue: 65_536 } } },
)

story(
  'It costs the database nothing while messages flow',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    const juliet = await s.online('juliet/balcony')
    await enables(romeo)
    await enables(juliet)
    let before = 0
    for (let n = 1; n <= 150; n++) {
      romeo.send(`${message(juliet.jid, `${n}`)}<r xmlns='${NS}'/>`)
      await romeo.receives`<a xmlns='${NS}' h='${n}'/>`
      // What enabling costs is over by then.
      if (n === 50) before = s.database.queries
    }
    assert.equal(s.database.queries, before)
    for (let n = 1; n <= 150; n++)
      for (let el: Element = await juliet.next(); el.name === 'r'; el = await juliet.next());
  },
  { modules: { archive: { enabled: false } } },
)

story(
  'A page of the archive, however large, is no reason to send a client away // XEP-0198 §4, XEP-0313 §4',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = `juliet@${s.domain}`
    await s.createAccount('juliet')
    for (let n = 0; n < 40; n++) {
      await romeo.sends`${message(juliet, `${n} ${'x'.repeat(240_000)}`)}`
      if (n % 10 === 9) await settles(s, romeo)
    }
    const balcony = await s.login('juliet/balcony')
    await enables(balcony)
    const ids: string[] = []
    let stanzas = 0
    let after = ''
    for (let isComplete = false; !isComplete; ) {
      balcony.send(
        `<iq type='set' id='page'><query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>50</max>${after}</set></query></iq>`,
      )
      for (let fin: Element | undefined; fin === undefined; ) {
        const heard = await balcony.next()
        if (heard.name === 'r') acknowledges(balcony, stanzas)
        else {
          stanzas++
          const result = heard.getChild('result', 'urn:xmpp:mam:2')
          if (result !== undefined) ids.push(result.attrs['id']!)
          fin = heard.getChild('fin', 'urn:xmpp:mam:2')
          isComplete = fin?.attrs['complete'] === 'true'
        }
      }
      after = `<after>${ids.at(-1)}</after>`
    }
    assert.equal(new Set(ids).size, 40)
  },
)
