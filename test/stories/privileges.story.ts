import assert from 'node:assert/strict'
import { drain, type Story, story } from '../support/story.ts'

// XEP-0356
const NS = 'urn:xmpp:privilege:2'
const FORWARD = 'urn:xmpp:forward:0'
const PUBSUB = 'pubsub.example'
const WEAK = 'weak.example'
const PING = 'urn:xmpp:ping'

const options = {
  server: { components: { [PUBSUB]: { secret: 's' }, [WEAK]: { secret: 's' } } },
  modules: {
    privileges: {
      components: {
        [PUBSUB]: {
          roster: 'both',
          push: true,
          message: 'outgoing',
          iq: { [PING]: 'get', 'vcard-temp': 'both' },
          presence: 'managed_entity',
        },
      },
    },
  },
}

const joins = (s: Story, domain = PUBSUB) => s.joins(domain, 's')

const granted = `<message from='localhost' to='${PUBSUB}'><privilege xmlns='${NS}'>
  <perm access='roster' type='both' push='true'/><perm access='message' type='outgoing'/>
  <perm access='iq'><namespace ns='${PING}' type='get'/><namespace ns='vcard-temp' type='both'/></perm>
  <perm access='presence' type='managed_entity'/></privilege></message>`.replace(/>\s+</g, '><')

const say = (inner: string, from = PUBSUB, to = 'localhost') =>
  `<message from='${from}' to='${to}' id='p'><privilege xmlns='${NS}'><forwarded xmlns='${FORWARD}'>${inner}</forwarded></privilege></message>`
const ask = (inner: string, type = 'get', from = PUBSUB, to = 'juliet@localhost') =>
  `<iq type='${type}' from='${from}' to='${to}'><privileged_iq xmlns='${NS}'>${inner}</privileged_iq></iq>`

story(
  'A component is told what it may do, each time it connects; one that may do nothing is told nothing // XEP-0356 §4.2',
  async (s) => {
    for (let i = 0; i < 2; i++) {
      const component = await joins(s)
      await component.receives`${granted}`
      await component.receivesNothing()
      await component.leaves()
    }
    await (await joins(s, WEAK)).receivesNothing()
  },
  options,
)

story(
  'It reads and changes rosters, and hears of their changes // XEP-0356 §4.3, §4.4',
  async (s) => {
    const component = await joins(s)
    await component.receives`${granted}`
    const juliet = await s.login('juliet/balcony')
    await s.createAccount('romeo')
    await juliet.asks`<iq type='get'><query xmlns='jabber:iq:roster'/></iq>`
    for (const name of ['juliet', 'romeo']) {
      const to = `${name}@localhost`
      component.send(
        `<iq type='set' id='set' from='${PUBSUB}' to='${to}'><query xmlns='jabber:iq:roster'><item jid='nurse@example.com' name='N'/></query></iq>`,
      )
      const heard = [await component.next(), await component.next()]
      assert.deepEqual(heard.map(({ attrs }) => `${attrs['from']} ${attrs['type']}`).sort(), [
        `${to} result`,
        `${to} set`,
      ])
      const push = heard.find(({ attrs }) => attrs['type'] === 'set')!
      assert.equal(push.getChild('query')!.getChild('item')!.attrs['jid'], 'nurse@example.com')
      const got =
        await component.asks`<iq type='get' from='${PUBSUB}' to='${to}'><query xmlns='jabber:iq:roster'/></iq>`
      assert.deepEqual(
        got
          .getChild('query')!
          .getChildElements()
          .map(({ attrs }) => attrs['name']),
        ['N'],
      )
    }
    await juliet.receives`<iq type='set'><query xmlns='jabber:iq:roster' ver='*'><item jid='nurse@example.com' name='N' subscription='none'/></query></iq>`
    juliet.send(
      `<iq type='set' id='1'><query xmlns='jabber:iq:roster'><item jid='nurse@example.com' subscription='remove'/></query></iq>`,
    )
    await component.receives`<iq type='set' from='juliet@localhost'><query xmlns='jabber:iq:roster'><item jid='nurse@example.com' subscription='remove'/></query></iq>`
    await component.isRefused(
      'service-unavailable',
    )`<iq type='get' from='${PUBSUB}' to='nobody@localhost'><query xmlns='jabber:iq:roster'/></iq>`
  },
  options,
)

story(
  'It speaks for the host and its accounts, and for nobody else // XEP-0356 §5',
  async (s) => {
    const component = await joins(s)
    await component.receives`${granted}`
    const juliet = await s.online('juliet/balcony')
    await component.receives`<presence from='${juliet.jid}'/>`
    const romeo = await s.login('romeo')
    for (const from of ['juliet@localhost', 'localhost']) {
      component.send(
        say(
          `<message xmlns='jabber:client' from='${from}' to='${romeo.jid}' id='i'><event xmlns='urn:example:e'/></message>`,
        ),
      )
      const heard = await romeo.receives`<message from='${from}' id='i'><event xmlns='urn:example:e'/></message>`
      assert.equal(heard.getChild('privilege', NS), undefined)
    }
    const good = `<message xmlns='jabber:client' from='juliet@localhost' to='${romeo.jid}'><body>Hi</body></message>`
    const table: [condition: string, stanza: string][] = [
      ['forbidden', say(good.replace('juliet@localhost', 'juliet@localhost/balcony'))],
      ['forbidden', say(good.replace('juliet@localhost', 'juliet@other.example'))],
      ['forbidden', say(good.replace('juliet@localhost', 'a@conference.localhost'))],
      ['forbidden', say(good.replace('juliet@localhost', 'nobody@localhost'))],
      ['forbidden', say(good, `a@${PUBSUB}`)],
      ['forbidden', say(good.replace('<body>Hi</body>', `<sent xmlns='urn:xmpp:carbons:2'/>`))],
      ['forbidden', say(good.replace('<body>Hi</body>', `<result xmlns='urn:xmpp:mam:2'/>`))],
      ['jid-malformed', say(good.replace(" from='juliet@localhost'", ''))],
      ['bad-request', say(good.replace(" xmlns='jabber:client'", ''))],
      ['bad-request', say(`<iq xmlns='jabber:client' from='juliet@localhost' to='${romeo.jid}'/>`)],
      ['bad-request', say('')],
    ]
    for (const [condition, stanza] of table) await component.isRefused(condition)`${stanza}`
    await (await joins(s, WEAK)).isRefused('forbidden')`${say(good, WEAK)}`
    // A client is nobody to whom anything was granted, and sent to an account it is a message like any other.
    await juliet.isRefused('service-unavailable')`${say(good).replace(`from='${PUBSUB}'`, '')}`
    await romeo.receivesNothing()
  },
  options,
)

story(
  'It asks in the name of accounts what it may ask, and is told the answer // XEP-0356 §6',
  async (s) => {
    const component = await joins(s)
    await component.receives`${granted}`
    await s.createAccount('juliet')
    const ping = `<iq xmlns='jabber:client' type='get' id='inner' to='localhost'><ping xmlns='${PING}'/></iq>`
    await component.asks`${ask(ping)}`.then((result) => {
      const inner = result.getChild('privilege', NS)!.getChild('forwarded', FORWARD)!.getChildElements()[0]!
      assert.deepEqual(
        { ...inner.attrs },
        { xmlns: 'jabber:client', type: 'result', id: 'inner', from: 'localhost', to: 'juliet@localhost' },
      )
    })
    // Of the account itself, as its owner; what cannot be is answered with the error inside.
    const card = `<vCard xmlns='vcard-temp'><FN>Juliet</FN></vCard>`
    const own = (type: string, child: string) =>
      `<iq xmlns='jabber:client' from='juliet@localhost' type='${type}' id='v'>${child}</iq>`
    await component.asks`${ask(own('set', card), 'set')}`
    const read = await component.asks`${ask(own('get', `<vCard xmlns='vcard-temp'/>`))}`
    assert.match(read.toString(), /<FN>Juliet<\/FN>/)
    const lost =
      await component.asks`${ask(own('get', `<vCard xmlns='vcard-temp'/>`).replace("type='get'", "type='get' to='far.example'"))}`
    assert.match(lost.toString(), /remote-server-not-found/)
    const table: [string, string][] = [
      ['forbidden', ask(ping.replace("type='get'", "type='set'"))],
      ['forbidden', ask(ping.replace("type='get'", "type='set'"), 'set')],
      ['forbidden', ask(ping.replace("type='get'", "type='get' from='romeo@localhost'"))],
      ['forbidden', ask(ping.replace("type='get'", "type='get' from='juliet@localhost/r'"))],
      ['forbidden', ask(ping.replace(PING, 'urn:example:other'))],
      ['forbidden', ask(ping.replace('jabber:client', 'jabber:server'))],
      ['forbidden', ask(ping, 'get', `a@${PUBSUB}`)],
      ['forbidden', ask(`<iq xmlns='jabber:client' type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>`)],
      ['bad-request', ask(ping.replace("id='inner'", ''))],
      ['bad-request', ask(ping + ping)],
      ['service-unavailable', ask(ping, 'get', PUBSUB, 'nobody@localhost')],
      ['service-unavailable', ask(ping, 'get', PUBSUB, 'localhost')],
    ]
    for (const [condition, stanza] of table) await component.isRefused(condition)`${stanza}`
    const weak = await joins(s, WEAK)
    for (const to of ['juliet@localhost', 'nobody@localhost'])
      await weak.isRefused('forbidden')`${ask(ping, 'get', WEAK, to)}`
    for (const type of ['get', 'set'])
      await weak.isRefused(
        'forbidden',
      )`<iq type='${type}' from='${WEAK}' to='juliet@localhost'><query xmlns='jabber:iq:roster'><item jid='a@b'/></query></iq>`
  },
  options,
)

story(
  'It hears when clients come and go, and what it would have heard before it came; clients hear nothing of it // XEP-0356 §7, §8',
  async (s) => {
    const early = await s.online('juliet/balcony', '<presence><show>chat</show></presence>')
    const component = await joins(s)
    await component.receives`${granted}`
    await component.receives`<presence from='${early.jid}' to='${PUBSUB}'><show>chat</show></presence>`
    const late = await s.online('romeo', '<presence><priority>-1</priority></presence>')
    await component.receives`<presence from='${late.jid}' to='${PUBSUB}'><priority>-1</priority></presence>`
    // Only the first of each client.
    await late.sends`<presence><show>away</show></presence>`
    await drain(late)
    await component.receivesNothing()
    await early.sends`<presence type='unavailable'/>`
    await component.receives`<presence from='${early.jid}' to='${PUBSUB}' type='unavailable'/>`
    await late.cuts()
    await component.receives`<presence from='${late.jid}' to='${PUBSUB}' type='unavailable'/>`
    await drain(early)
    await component.leaves()
    await early.sends`<presence/>`
    await early.receives`<presence from='${early.jid}'/>`
    await early.receivesNothing()
  },
  { ...options, modules: { ...options.modules, 'stream-management': { enabled: false } } },
)
