import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { defineModule, flows, xml } from '../../../src/api.ts'
import { openPlainBed } from '../../support/bed.ts'
import { ComponentClient, handshake } from '../../support/component.ts'
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

describe('a component', () => {
  test('talks with clients as any address of its domain, and each hears the other in its own namespace', async () => {
    const component = await bed.connect()
    const romeo = await bed.login('romeo')
    let wire = ''
    const { onText } = component.transport
    component.transport.onText = (text) => {
      wire += text
      onText(text)
    }
    romeo.send(`<message to='Device@${DOMAIN}/x' type='chat'><body>Hi</body></message>`)
    await component.receives`<message from='romeo@localhost/r' to='device@${DOMAIN}/x' type='chat'><body>Hi</body></message>`
    assert.doesNotMatch(wire, /xmlns/)
    for (const from of [DOMAIN, `device@${DOMAIN}`, `device@${DOMAIN}/x`]) {
      component.send(`<message from='${from}' to='romeo@localhost/r'><body>Ho</body></message>`)
      await romeo.receives`<message from='${from}' to='romeo@localhost/r'><body>Ho</body></message>`
    }
  })

  test('is asked and asks', async () => {
    const component = await bed.connect()
    const romeo = await bed.login('romeo')
    romeo.send(`<iq type='get' id='1' to='${DOMAIN}'><query xmlns='urn:example:play'/></iq>`)
    await component.receives`<iq type='get' id='1' from='romeo@localhost/r' to='${DOMAIN}'><query xmlns='urn:example:play'/></iq>`
    component.send(`<iq type='result' id='1' from='${DOMAIN}' to='romeo@localhost/r'/>`)
    await romeo.receives`<iq type='result' id='1' from='${DOMAIN}'/>`
    await component.asks`<iq type='get' from='a@${DOMAIN}' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`
    await component.isRefused(
      'service-unavailable',
    )`<iq type='get' from='${DOMAIN}' to='localhost'><query xmlns='urn:example:unknown'/></iq>`
  })

  test('answers requests of the server’s own', async () => {
    const component = await bed.connect()
    const host = bed.server.hosts.get('localhost')!
    const set = () =>
      xml('iq', { type: 'set', from: 'localhost', to: DOMAIN }, xml('push', { xmlns: 'urn:example:push' }))
    const answer = host.request(set(), 1000)
    const { id } = (await component.receives`<iq type='set' from='localhost' to='${DOMAIN}'/>`).attrs
    component.send(`<iq type='result' id='${id}' from='${DOMAIN}' to='localhost'/>`)
    assert.equal((await answer).attrs['type'], 'result')
    await component.leaves()
    await isFree(bed)
    const refused = await host.request(set(), 1000)
    assert.ok(refused.getChild('error')?.getChild('service-unavailable'))
  })

  test('reaches another component', async () => {
    const component = await bed.connect()
    const other = await bed.connect('other.localhost', 'the lark')
    component.send(`<message from='a@${DOMAIN}' to='b@other.localhost'><body>Hi</body></message>`)
    await other.receives`<message from='a@${DOMAIN}' to='b@other.localhost'><body>Hi</body></message>`
  })

  test('takes part in presence', async () => {
    await scene({}, async (bed) => {
      const component = await bed.connect()
      const romeo = await bed.login('romeo')
      component.send(`<presence from='bot@${DOMAIN}' to='romeo@localhost' type='subscribe'/>`)
      await romeo.receives`<presence from='bot@${DOMAIN}' type='subscribe'/>`
      romeo.send(`<presence to='bot@${DOMAIN}' type='subscribed'/>`)
      await component.receives`<presence from='romeo@localhost' to='bot@${DOMAIN}' type='subscribed'/>`
      await component.receives`<presence from='romeo@localhost/r' to='bot@${DOMAIN}'/>`
    })
  })

  test('is refused what cannot be, stanza by stanza', async () => {
    const component = await bed.connect()
    const from = `a@${DOMAIN}`
    // RFC 6120 §8.3.3.8
    await component.isRefused('jid-malformed')`<message from='${from}' to='@'/>`
    // RFC 6120 §8.3.3.16, §10.4
    await component.isRefused('remote-server-not-found')`<message from='${from}' to='a@far.example'/>`
    // RFC 6120 §8.2.3
    await component.isRefused('bad-request')`<iq from='${from}' to='localhost' type='nonsense'/>`
    await component.isRefused('service-unavailable', 'wait')`<message from='${from}' to='b@other.localhost'/>`
    component.send(
      `<message from='${from}' to='@' type='error'/><iq type='result' id='1' from='${from}' to='a@far.example'/>`,
    )
    await component.receivesNothing()
  })

  test('that is not there is said to be unavailable for now; errors and results are dropped', async () => {
    const romeo = await bed.login('romeo')
    await romeo.isRefused('service-unavailable', 'wait')`<message to='a@${DOMAIN}'/>`
    await romeo.isRefused(
      'service-unavailable',
      'wait',
    )`<iq type='get' to='${DOMAIN}'><query xmlns='urn:example:play'/></iq>`
    romeo.send(`<message type='error' to='a@${DOMAIN}'/><iq type='result' id='1' to='a@${DOMAIN}'/>`)
    await romeo.receivesNothing()
  })

  test('stands in service discovery of the server', async () => {
    const romeo = await bed.login('romeo')
    const items =
      await romeo.asks`<iq type='get' to='localhost'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`
    const jids = items
      .getChild('query')!
      .getChildren('item')
      .map(({ attrs }) => attrs['jid'])
    assert.deepEqual(jids, ['conference.localhost', 'other.localhost', 'pubsub.localhost', DOMAIN, 'upload.localhost'])
  })

  test('stands in that of the host it is a subdomain of, or of all when it is under none', async () => {
    const options = {
      hosts: ['a.example', 'b.example'],
      server: { components: { 'x.a.example': { secret: 's' }, 'y.c.example': { secret: 's' } } },
    }
    const folder = await mkdtemp(join(tmpdir(), 'stonechat-components-'))
    const bed = await openPlainBed(options, folder)
    const told: Record<string, unknown> = {}
    for (const domain of options.hosts) {
      const component = await ComponentClient.join(bed.server, 'y.c.example', 's')
      const items =
        await component.asks`<iq type='get' from='y.c.example' to='${domain}'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`
      told[domain] = items
        .getChild('query')!
        .getChildren('item')
        .map(({ attrs }) => attrs['jid'])
      await component.leaves()
    }
    assert.deepEqual(told, {
      'a.example': ['conference.a.example', 'pubsub.a.example', 'upload.a.example', 'x.a.example', 'y.c.example'],
      'b.example': ['conference.b.example', 'pubsub.b.example', 'upload.b.example', 'y.c.example'],
    })
    await bed.close()
    await rm(folder, { recursive: true })
  })
})

describe('a stanza of a component', () => {
  test('without a `from` of its domain ends the stream // XEP-0114 §3, RFC 6120 §4.9.3.9', async () => {
    const froms = ['', `from=''`, `from='@'`, `from='localhost'`, `from='romeo@localhost'`, `from='a.${DOMAIN}'`]
    for (const from of [...froms, `from='other.localhost'`, `from='${DOMAIN}@localhost'`]) {
      const component = await bed.connect()
      component.send(`<message ${from} to='romeo@localhost'/>`)
      await component.receivesStreamError('invalid-from')
      await isFree(bed)
    }
  })

  test('without a `to` ends the stream // XEP-0114 §3, RFC 6120 §4.9.3.7', async () => {
    for (const to of ['', `to=''`]) {
      const component = await bed.connect()
      component.send(`<message from='a@${DOMAIN}' ${to}/>`)
      await component.receivesStreamError('improper-addressing')
      await isFree(bed)
    }
  })

  test('that is none ends the stream // RFC 6120 §4.9.3.24', async () => {
    for (const element of ['<handshake/>', `<note from='${DOMAIN}' to='localhost'/>`, `<a xmlns='urn:example:a'/>`]) {
      const component = await bed.connect()
      component.send(element)
      await component.receivesStreamError('unsupported-stanza-type')
      await isFree(bed)
    }
    const component = await bed.connect()
    component.send(`<message xmlns='jabber:client' from='${DOMAIN}' to='romeo@localhost'/>`)
    await component.receivesStreamError('unsupported-stanza-type')
  })

  test('may be larger than a client’s, up to a bound of its own', async () => {
    const component = await bed.connect()
    const romeo = await bed.login('romeo')
    const of = (size: number) =>
      `<message from='${DOMAIN}' to='romeo@localhost'><body>${'x'.repeat(size)}</body></message>`
    component.send(of(400_000))
    assert.equal((await romeo.next()).getChildText('body')!.length, 400_000)
    component.send(of(600_000))
    await component.receivesStreamError('policy-violation')
    await romeo.receivesNothing()
  })

  test('is in the language of its stream // RFC 6120 §8.1.5', async () => {
    const component = await bed.dial()
    const id = await component.opens(`xmlns='jabber:component:accept' to='${DOMAIN}' xml:lang='it'`)
    component.send(handshake(id, SECRET))
    await component.receives`<handshake/>`
    const romeo = await bed.login('romeo')
    component.send(`<message from='${DOMAIN}' to='romeo@localhost'><body>Ciao</body></message>`)
    await romeo.receives`<message xml:lang='it'/>`
  })
})

/** Has a message wait whose body is `wait`, until it is told. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>()
  const module = defineModule({
    name: 'test-gate',
    summary: 'Holds messages up.',
    implements: [],
    setup(ctx) {
      ctx.flow(flows.message.arriving, 'guard', (e) => (e.stanza.getChildText('body') === 'wait' ? promise : undefined))
    },
  })
  return { extra: [module], open: resolve }
}

describe('what waits', () => {
  test('is followed in order by what is of the same pair, and holds up no other // RFC 6120 §10.1', async () => {
    const { extra, open } = gate()
    await scene({ extra }, async (bed) => {
      const component = await bed.connect()
      const [romeo, juliet] = [await bed.login('romeo'), await bed.login('juliet')]
      const from = (who: string, to: string, body: string) =>
        `<message from='${who}' to='${to}'><body>${body}</body></message>`
      component.send(
        from(`a@${DOMAIN}/1`, 'romeo@localhost', 'wait') +
          from(`a@${DOMAIN}`, 'romeo@localhost/r', 'second') +
          from(`b@${DOMAIN}`, 'romeo@localhost', 'of another') +
          from(`a@${DOMAIN}`, 'juliet@localhost', 'to another'),
      )
      await romeo.receives`<message from='b@${DOMAIN}'><body>of another</body></message>`
      await juliet.receives`<message from='a@${DOMAIN}'><body>to another</body></message>`
      await romeo.receivesNothing()
      open()
      await romeo.receives`<message from='a@${DOMAIN}/1'><body>wait</body></message>`
      await romeo.receives`<message from='a@${DOMAIN}'><body>second</body></message>`
    })
  })

  test('for the disk is joined there by the next of the same pair, and both are seen in order', async () => {
    const commits: (() => void)[] = []
    const record = defineModule({
      name: 'test-record',
      summary: 'Keeps messages, slowly.',
      implements: [],
      setup(ctx) {
        ctx.flow(flows.message.arriving, 'record', () => new Promise((resolve) => commits.push(resolve)))
      },
    })
    await scene({ extra: [record] }, async (bed) => {
      const component = await bed.connect()
      const romeo = await bed.login('romeo')
      const of = (body: string) => `<message from='a@${DOMAIN}' to='romeo@localhost'><body>${body}</body></message>`
      component.send(of('first') + of('second'))
      while (commits.length < 2) await turns(1)
      commits[1]!()
      await romeo.receivesNothing()
      commits[0]!()
      await romeo.receives`<message><body>first</body></message>`
      await romeo.receives`<message><body>second</body></message>`
    })
  })

  test('is bounded: past the mark the component is not read', async () => {
    const { extra, open } = gate()
    await scene(
      { extra, server: { components: { [DOMAIN]: { secret: SECRET, limits: { inboundPending: 3 } } } } },
      async (bed) => {
        const component = await bed.connect()
        const [romeo, juliet] = [await bed.login('romeo'), await bed.login('juliet')]
        const wait = `<message from='a@${DOMAIN}' to='romeo@localhost'><body>wait</body></message>`
        component.send(`${wait.repeat(3)}<message from='a@${DOMAIN}' to='juliet@localhost'><body>late</body></message>`)
        await turns(50)
        await juliet.receivesNothing()
        open()
        for (let i = 0; i < 3; i++) await romeo.receives`<message><body>wait</body></message>`
        await juliet.receives`<message><body>late</body></message>`
      },
    )
  })

  test('is finished when the server stops, and the component hears why', async () => {
    const { extra, open } = gate()
    const bed = await openBed({ extra })
    const component = await bed.connect()
    const romeo = await bed.login('romeo')
    component.send(`<message from='a@${DOMAIN}' to='romeo@localhost'><body>wait</body></message>`)
    await turns(50)
    const closed = bed.close()
    await turns()
    assert.equal(component.ended, false)
    open()
    await romeo.receives`<message><body>wait</body></message>`
    await component.receivesStreamError('system-shutdown')
    await closed
  })
})

describe('a component that is silent', () => {
  test('gets white space after a while // RFC 6120 §4.6.1', async () => {
    await scene({ server: { limits: { keepalive: 1000 } } }, async (bed) => {
      const component = await bed.connect()
      const { promise: heard, resolve } = Promise.withResolvers<string>()
      component.transport.onText = resolve
      bed.clock.advance(1000)
      bed.clock.advance(1000)
      assert.equal(await heard, ' ')
    })
  })

  test('and does not read what it is sent is dropped', async () => {
    const outbound = { pause: 65_536, drop: 1_048_576 }
    await scene({ server: { limits: { outbound } } }, async (bed) => {
      const component = await bed.connect()
      const romeo = await bed.login('romeo')
      component.pausesReading()
      const large = `<message id='large' to='a@${DOMAIN}'><body>${'x'.repeat(200_000)}</body></message>`
      for (let i = 0; i < 200; i++) {
        romeo.send(large)
        await turns(1)
      }
      const refusal = await romeo.next()
      assert.ok(refusal.getChild('error')?.getChild('service-unavailable'))
    })
  })
})
