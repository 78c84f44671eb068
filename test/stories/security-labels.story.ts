import assert from 'node:assert/strict'
import { AppServer, enable, withService } from '../support/app-server.ts'
import { NS_MAM, queryText } from '../support/archive.ts'
import { freshRoom, gather, heardBy, opens, submission } from '../support/room.ts'
import { type Actor, drain, story } from '../support/story.ts'

const NS = 'urn:xmpp:sec-label:0'
const CATALOG = 'urn:xmpp:sec-label:catalog:2'
const SECRET = "<esssecuritylabel xmlns='urn:xmpp:sec-label:ess:0'>MQYCAQQGASk=</esssecuritylabel>"
const INTERNAL = "<level xmlns='http://example.org/labels' is='internal'/>"
const labels = [
  {
    name: 'SECRET',
    label: 'MQYCAQQGASk=',
    selector: 'Classified|SECRET',
    color: 'black',
    background: 'red',
    cleared: ['board', 'conference.localhost'],
  },
  {
    name: 'INTERNAL',
    label: INTERNAL,
    color: 'black',
    background: 'white',
    cleared: ['localhost', 'conference.localhost'],
  },
]
const options = {
  labels,
  groups: { board: ['juliet@localhost', 'romeo@localhost'] },
  default: undefined,
  unlabelled: 'allowed',
  enforce: true,
  name: 'Verona',
  description: 'What there is',
}
const labelled = (label: string, marking = 'SECRET', more = '') =>
  `<securitylabel xmlns='${NS}'><displaymarking fgcolor='black' bgcolor='red'>${marking}</displaymarking><label>${label}</label>${more}</securitylabel>`

async function catalog(actor: Actor, domain: string, to = '') {
  const reply = await actor.asks`<iq type='get' to='${domain}'><catalog xmlns='${CATALOG}'${to && ` to='${to}'`}/></iq>`
  const found = reply.getChild('catalog', CATALOG)!
  return { found, items: found.getChildren('item').map(({ attrs }) => [attrs['selector'], attrs['default']]) }
}

// XEP-0258 §2, §4: "should only contain labels for which the client is allowed to use", in this context
story(
  'Everybody gets the catalogue of what they may use towards somebody',
  async (s) => {
    const juliet = await s.online('juliet')
    const paris = await s.online('paris')
    const info =
      await juliet.asks`<iq type='get' to='${s.domain}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`
    const features = info
      .getChild('query')!
      .getChildren('feature')
      .map(({ attrs }) => attrs['var'])
    for (const feature of [NS, CATALOG]) assert.ok(features.includes(feature), feature)
    const { found, items } = await catalog(juliet, s.domain, 'romeo@localhost/Orchard')
    assert.deepEqual(
      ['to', 'name', 'desc', 'size', 'restrict'].map((name) => found.attrs[name]),
      ['romeo@localhost/Orchard', 'Verona', 'What there is', '3', 'true'],
    )
    assert.deepEqual(items, [
      ['Classified|SECRET', undefined],
      ['INTERNAL', undefined],
      ['Unlabelled', 'true'],
    ])
    assert.equal(String(found.getChild('item')!.getChild('securitylabel', NS)!), labelled(SECRET).replaceAll("'", '"'))
    for (const [actor, to] of [
      [juliet, 'paris@localhost'],
      [paris, 'juliet@localhost'],
      [paris, ''],
    ] as const)
      assert.deepEqual((await catalog(actor, s.domain, to)).items, [
        ['INTERNAL', undefined],
        ['Unlabelled', 'true'],
      ])
    assert.deepEqual((await catalog(juliet, s.domain, 'montague.example')).items, [['Unlabelled', 'true']])
    await juliet.isRefused('jid-malformed')`<iq type='get' to='${s.domain}'><catalog xmlns='${CATALOG}' to='@'/></iq>`
  },
  { modules: { 'security-labels': { enabled: true, ...options } } },
)

// XEP-0258 §3, §5, §5.1, §5.3
story(
  'What is labelled goes, unchanged, to those who are cleared, and to nobody else',
  async (s) => {
    const juliet = await s.online('juliet/balcony')
    const romeo = await s.online('romeo/orchard')
    const paris = await s.online('paris/street')
    const label = labelled(SECRET, 'TOP SECRET')
    await juliet.sends`<message to='${romeo.jid}'><body>1</body>${label}</message>`
    await romeo.receives`<message from='${juliet.jid}'><body>1</body>${label}</message>`
    // §3: equivalent labels count where the first is another policy’s.
    const foreign = labelled("<x xmlns='urn:example:policy'/>", 'NATO', `<equivalentlabel>${SECRET}</equivalentlabel>`)
    await juliet.sends`<message to='${romeo.jid}'><body>2</body>${foreign}</message>`
    await romeo.receives`<message><body>2</body>${foreign}</message>`
    for (const [actor, to, condition, payload] of [
      [juliet, paris.jid, 'forbidden', `<body>3</body>${label}`],
      // Whether there is such an account is not told.
      [juliet, 'nobody@localhost', 'forbidden', `<body>3</body>${label}`],
      [juliet, paris.jid, 'forbidden', `<body>3</body>${foreign}`],
      [paris, romeo.jid, 'forbidden', `<body>3</body>${label}`],
      [paris, paris.jid, 'forbidden', `<body>3</body>${label}`],
      [juliet, romeo.jid, 'policy-violation', `<body>3</body>${labelled("<x xmlns='urn:example:policy'/>")}`],
      [juliet, romeo.jid, 'bad-request', `<body>3</body>${label}${label}`],
      [juliet, romeo.jid, 'bad-request', `<body>3</body><securitylabel xmlns='${NS}'/>`],
    ] as const) {
      const error = await actor.isRefused(condition)`<message to='${to}' type='chat'>${payload}</message>`
      // §5: "Error responses MUST NOT contain a <securitylabel/> element."
      assert.equal(error.getChild('securitylabel', NS), undefined)
    }
    await juliet.isRefused('bad-request')`<presence>${label}</presence>`
    await juliet.isRefused('bad-request')`<presence to='${romeo.jid}'>${label}</presence>`
    await juliet.isRefused('bad-request')`<iq type='get' to='${romeo.jid}'>${label}</iq>`
    await juliet.sends`<message type='error' to='${romeo.jid}'>${label}<error type='cancel'/></message>`
    await juliet.sends`<message type='error' to='${romeo.jid}'><error type='cancel'/></message>`
    await romeo.receives`<message type='error'/>`
    await romeo.receivesNothing()
    await paris.receivesNothing()
  },
  { modules: { 'security-labels': { enabled: true, ...options } } },
)

// XEP-0258 §5.2.2, §5.2.3: "MUST only deliver messages to participants for which they are cleared to receive"
story(
  'In a room each hears and finds what they are cleared for, and nobody is taken for gone',
  async (s) => {
    const juliet = await s.login('juliet/balcony')
    const romeo = await s.login('romeo/orchard')
    const paris = await s.login('paris/street')
    const room = freshRoom(s)
    await gather(room, [
      [juliet, 'Juliet'],
      [romeo, 'Romeo'],
      [paris, 'Paris'],
    ])
    const say = async (payload: string) => {
      await juliet.sends`<message type='groupchat' to='${room}'>${payload}</message>`
      await juliet.receives`<message type='groupchat'/>`
    }
    await say(`<body>Hush</body>${labelled(SECRET)}`)
    await say('<body>Hello</body>')
    const bodies = async (actor: Actor) => (await heardBy(actor)).map((el) => el.getChildText('body'))
    assert.deepEqual(await bodies(romeo), ['Hush', 'Hello'])
    assert.deepEqual(await bodies(paris), ['Hello'])
    await juliet.isRefused(
      'policy-violation',
    )`<message type='groupchat' to='${room}'><body>?</body>${labelled("<x xmlns='urn:example:policy'/>")}</message>`
    await juliet.isRefused(
      'forbidden',
    )`<message type='chat' to='${room}/Paris'><body>Psst</body>${labelled(SECRET)}</message>`
    // The archive leaves the place of what somebody may not have empty.
    for (const [actor, wanted] of [
      [romeo, ['Hush', 'Hello']],
      [paris, [null, 'Hello']],
    ] as const) {
      actor.send(`<iq type='set' id='mam' to='${room}'>${queryText({})}</iq>`)
      const found: (string | null)[] = []
      for (let el = await actor.next(); el.attrs['id'] !== 'mam'; el = await actor.next()) {
        const message = el.getChild('result', NS_MAM)!.getChild('forwarded', 'urn:xmpp:forward:0')!.getChild('message')!
        found.push(message.getChildText('body'))
        assert.equal(message.getChild('securitylabel', NS) !== undefined, message.getChildText('body') === 'Hush')
      }
      assert.deepEqual(found, wanted)
    }
    // With a thread it is no change of the subject (XEP-0045 §8.1).
    await say(`<subject>Hush</subject><thread>t</thread>${labelled(SECRET)}`)
    await paris.receivesNothing()
    // §5.2.6: nor are changes of the subject subject to it.
    await juliet.sends`<message type='groupchat' to='${room}'><subject>Peace</subject></message>`
    await paris.receives`<message type='groupchat'><subject>Peace</subject></message>`
    // Whoever comes later finds the same.
    await paris.sends`<presence type='unavailable' to='${room}/Paris'/>`
    await drain(paris)
    await paris.sends`<presence to='${room}/Paris'><x xmlns='http://jabber.org/protocol/muc'/></presence>`
    const found: (string | null)[] = []
    // The subject comes last.
    for (let el = await paris.next(); el.getChild('subject') === undefined; el = await paris.next())
      if (el.name === 'message') found.push(el.getChildText('body'))
    assert.deepEqual(found, ['Hello'])
  },
  { modules: { 'security-labels': { enabled: true, ...options } } },
)

// XEP-0258 §5.2.2, XEP-0045 §7.10
story(
  'Nor do members who are away find, or are woken by, what they may not have',
  async (s) => {
    const app = await AppServer.join(s)
    const room = freshRoom(s)
    const juliet = await s.login('juliet/balcony')
    await opens(juliet, room, 'Juliet')
    for (const name of ['romeo', 'paris']) {
      const phone = await s.online(`${name}/phone`)
      const choice = "<field var='{urn:xmpp:notification-settings:1}notify'><value>always</value></field>"
      const form = submission('http://jabber.org/protocol/muc#register', { 'muc#register_roomnick': name }).replace(
        '</x>',
        `${choice}</x>`,
      )
      await phone.asks`<iq type='set' to='${room}'><query xmlns='jabber:iq:register'>${form}</query></iq>`
      await phone.asks`<iq type='set'>${enable(name)}</iq>`
      await phone.disconnects()
    }
    const said = async (payload: string) => {
      await juliet.sends`<message type='groupchat' to='${room}'>${payload}</message>`
      await juliet.receives`<message type='groupchat'/>`
    }
    await said(`<body>Hush</body>${labelled(SECRET)}`)
    assert.equal((await app.notified()).node, 'romeo')
    await app.hearsNothing(s, juliet)
    await s.advance(60_000)
    await said('<body>Hello</body>')
    const woken = [(await app.notified()).node, (await app.notified()).node]
    assert.deepEqual(woken.sort(), ['paris', 'romeo'])
    for (const [name, bodies] of [
      ['romeo', ['Hush', 'Hello']],
      ['paris', ['Hello']],
    ] as const) {
      const back = await s.online(`${name}/desk`)
      for (const body of bodies) await back.receives`<message><body>${body}</body></message>`
      await back.receivesNothing()
    }
    // A room elsewhere must not take an occupant for gone who only may not have this; whoever writes alone hears of it.
    const street = await s.online('paris/street')
    await drain(street)
    for (const type of ['groupchat', 'chat', 'error'])
      app.component.send(
        `<message type='${type}' id='${type}' from='room@push.example/nick' to='${street.jid}'><body>Hush</body>${labelled(SECRET)}</message>`,
      )
    const refused = await app.component.client.receives`<message type='error' id='chat' from='${street.jid}'/>`
    assert.ok(refused.getChild('error')?.getChild('forbidden', 'urn:ietf:params:xml:ns:xmpp-stanzas'))
    await app.hearsNothing(s, street)
    await street.receivesNothing()
    app.leaves()
  },
  {
    ...withService,
    modules: { 'security-labels': { enabled: true, ...options }, muc: { away: { deliver: true } } },
  },
)

// XEP-0258 §3, §5: without a label the default counts; without a default nothing may be granted
for (const [title, more, verdict] of [
  ['What bears no label has the default one', { default: 'SECRET' }, 'forbidden'],
  ['Where there is no default, no label can be forbidden', { unlabelled: 'refused' }, 'policy-violation'],
] as const)
  story(
    title,
    async (s) => {
      const juliet = await s.online('juliet/balcony')
      const paris = await s.online('paris/street')
      await juliet.isRefused(verdict)`<message to='${paris.jid}'><body>Hi</body></message>`
      await juliet.isRefused(verdict)`<message to='${paris.jid}'><body>Hi</body>${labelled('')}</message>`
      await juliet.sends`<message to='${paris.jid}'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`
      await paris.receives`<message><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`
      await juliet.sends`<message to='${paris.jid}'><body>Hi</body>${labelled(INTERNAL)}</message>`
      await paris.receives`<message><body>Hi</body></message>`
      const { items } = await catalog(juliet, s.domain)
      assert.deepEqual(items, [
        ['Classified|SECRET', verdict === 'forbidden' ? 'true' : undefined],
        ['INTERNAL', undefined],
      ])
    },
    { modules: { 'security-labels': { enabled: true, ...options, ...more } } },
  )

story(
  'Where nothing is enforced labels are carried only',
  async (s) => {
    const juliet = await s.online('juliet/balcony')
    const paris = await s.online('paris/street')
    const label = labelled("<x xmlns='urn:example:policy'/>", 'NATO')
    await juliet.sends`<message to='${paris.jid}'><body>Hi</body>${label}</message>`
    await paris.receives`<message><body>Hi</body>${label}</message>`
    assert.equal((await catalog(juliet, s.domain)).found.attrs['restrict'], 'false')
  },
  { modules: { 'security-labels': { enabled: true, ...options, enforce: false } } },
)
