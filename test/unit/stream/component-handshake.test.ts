import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { handshake } from '../../support/component.ts'
import { DOMAIN, isFree, openBed, SECRET, scene, type TestBed, turns } from './component-bed.ts'

let bed: TestBed
before(async () => {
  bed = await openBed()
})
afterEach(async () => {
  bed.hangUp()
  await isFree(bed)
  await isFree(bed, 'other.localhost')
})
after(() => bed.close())

describe('the handshake // XEP-0114 §3', () => {
  test('is answered, and the header before it has the component’s domain and an id', async () => {
    const component = await bed.dial()
    const id = await component.opens()
    assert.ok(id.length >= 20)
    component.send(handshake(id, SECRET))
    await component.receives`<handshake/>`
    const { attrs } = component.client.header!
    assert.deepEqual(
      [attrs['xmlns'], attrs['from'], attrs['id'], attrs['version']],
      ['jabber:component:accept', DOMAIN, id, undefined],
    )
    await component.receivesNothing()
  })

  test('that is wrong ends the stream', async () => {
    const wrong: ((id: string) => string)[] = [
      (id) => handshake(id, 'the lark'),
      () => handshake('another stream', SECRET),
      (id) => handshake(id, SECRET).toUpperCase().replaceAll('HANDSHAKE', 'handshake'),
      () => '<handshake/>',
      (id) => handshake(id, SECRET).replace('<handshake>', '<handshake> '),
    ]
    for (const build of wrong) {
      const component = await bed.dial()
      component.send(build(await component.opens()))
      await component.receivesStreamError('not-authorized')
    }
  })

  test('comes before everything else // RFC 6120 §4.9.3.12', async () => {
    for (const early of [
      `<message from='${DOMAIN}' to='romeo@localhost'/>`,
      `<handshake xmlns='urn:example:other'/>`,
      `<iq type='get' id='1' from='${DOMAIN}' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`,
    ]) {
      const component = await bed.dial()
      await component.opens()
      component.send(early)
      await component.receivesStreamError('not-authorized')
    }
  })

  test('may have stanzas right behind it', async () => {
    const component = await bed.dial()
    const id = await component.opens()
    const ping = `<iq type='get' id='1' from='${DOMAIN}' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`
    component.send(handshake(id, SECRET) + ping)
    await component.receives`<handshake/>`
    await component.receives`<iq type='result' id='1'/>`
  })

  test('of a second connection is refused while the first is there, and taken when it has gone // RFC 6120 §4.9.3.3', async () => {
    const first = await bed.connect()
    const second = await bed.dial()
    second.send(handshake(await second.opens(), SECRET))
    await second.receivesStreamError('conflict')
    await first.receivesNothing()
    await first.leaves()
    await isFree(bed)
    const third = await bed.connect()
    third.transport.cut()
    await isFree(bed)
    await (await bed.connect()).receivesNothing()
  })

  test('of several connections is taken up to their limit; one account’s stanzas keep to one of them, and answers go to who has asked', async () => {
    const components = { [DOMAIN]: { secret: SECRET, limits: { connections: 2 } } }
    await scene({ server: { components } }, async (bed) => {
      const both = [await bed.connect(), await bed.connect()] as const
      const third = await bed.dial()
      third.send(handshake(await third.opens(), SECRET))
      await third.receivesStreamError('conflict')
      const ping = `type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`
      for (const [n, component] of both.entries()) {
        component.send(`<iq from='a@${DOMAIN}' id='${n}' ${ping}`)
        await component.receives`<iq type='result' id='${n}' to='a@${DOMAIN}'/>`
      }
      const romeo = await bed.login('romeo')
      const fence = async (): Promise<string[][]> =>
        await Promise.all(
          both.map(async (component, n) => {
            component.send(`<iq from='b@${DOMAIN}' id='fence-${n}' ${ping}`)
            const heard: string[] = []
            for (;;) {
              const stanza = await component.next()
              if (stanza.attrs['id'] === `fence-${n}`) return heard
              heard.push(stanza.getChildText('body')!)
            }
          }),
        )
      for (const word of ['one', 'two', 'three'])
        romeo.send(`<message to='${word}@${DOMAIN}'><body>${word}</body></message>`)
      // The messages are archived first: fences may overtake them.
      const heard: string[][] = [[], []]
      while (heard.flat().length < 3) for (const [n, words] of (await fence()).entries()) heard[n]!.push(...words)
      assert.deepEqual(
        heard.filter((list) => list.length > 0),
        [['one', 'two', 'three']],
      )
      const taker = heard.findIndex((list) => list.length > 0)
      await both[taker]!.leaves()
      await romeo.sends`<message to='four@${DOMAIN}'><body>four</body></message>`
      await both[1 - taker]!.receives`<message from='romeo@localhost/r'><body>four</body></message>`
      await both[1 - taker]!.leaves()
      await romeo.isRefused('service-unavailable', 'wait')`<message to='five@${DOMAIN}'/>`
    })
  })

  test('that only guesses is answered late, and after some not at all, whatever it says', async () => {
    const guesses = { perAccount: 2, delay: 400 }
    await scene({ server: { auth: { guesses } } }, async (bed) => {
      for (let i = 0; i < 2; i++) {
        const component = await bed.dial()
        component.send(handshake(await component.opens(), 'a guess'))
        while (!bed.clock.hasTimerWithin(400)) await turns(1)
        assert.equal(component.ended, false)
        bed.clock.advance(400)
        await component.receivesStreamError('not-authorized')
      }
      const late = await bed.dial()
      late.send(handshake(await late.opens(), SECRET))
      await late.receivesStreamError('policy-violation')
      bed.clock.advance(600_000)
      await (await bed.connect()).receivesNothing()
    })
  })
})

describe('a header', () => {
  test('for a domain that is no component’s is refused // XEP-0114 §3, RFC 6120 §4.9.3.6', async () => {
    for (const to of [
      `to='unknown.localhost'`,
      `to='localhost'`,
      `to='a@${DOMAIN}'`,
      `to='${DOMAIN}/a'`,
      `to='@'`,
      '',
    ]) {
      const component = await bed.dial()
      await component.opens(`xmlns='jabber:component:accept' ${to}`)
      await component.receivesStreamError('host-unknown')
      assert.equal(component.client.header!.attrs['from'], 'localhost')
    }
  })

  test('in another namespace is refused // XEP-0114 §3, RFC 6120 §4.9.3.10', async () => {
    for (const xmlns of ['jabber:client', 'jabber:server', 'jabber:component:connect']) {
      const component = await bed.dial()
      await component.opens(`xmlns='${xmlns}' to='${DOMAIN}'`)
      await component.receivesStreamError('invalid-namespace')
    }
  })

  test('may write the domain in another way', async () => {
    const component = await bed.dial()
    component.send(handshake(await component.opens(`xmlns='jabber:component:accept' to='PUSH.localhost'`), SECRET))
    await component.receives`<handshake/>`
    assert.equal(component.client.header!.attrs['from'], DOMAIN)
  })
})

describe('before the handshake', () => {
  test('a header or element that is too large ends the stream', async () => {
    for (const long of [`<stream:stream a='${'x'.repeat(9000)}`, 'open']) {
      const component = await bed.dial()
      if (long === 'open') {
        await component.opens()
        component.send(`<handshake>${'x'.repeat(9000)}`)
      } else component.send(long)
      await component.receivesStreamError('policy-violation')
    }
  })

  test('many elements end it', async () => {
    const component = await bed.dial()
    await component.opens()
    component.send(`<handshake>${'<a/>'.repeat(40)}`)
    await component.receivesStreamError('policy-violation')
  })

  test('silence ends it, and a live stream may be silent // RFC 6120 §4.9.3.4', async () => {
    await scene({}, async (bed) => {
      const live = await bed.connect('other.localhost', 'the lark')
      const silent = await bed.dial()
      const half = await bed.dial()
      await half.opens()
      bed.clock.advance(30_000)
      await silent.receivesStreamError('connection-timeout')
      await half.receivesStreamError('connection-timeout')
      await live.receivesNothing()
    })
  })

  test('what no stream may have ends it // RFC 6120 §11.1', async () => {
    const doctype = await bed.dial()
    doctype.send(`<!DOCTYPE stream [<!ENTITY a 'b'>]>`)
    await doctype.receivesStreamError('restricted-xml')
    const broken = await bed.dial()
    await broken.opens()
    broken.send('<handshake></other>')
    await broken.receivesStreamError('not-well-formed')
  })
})
