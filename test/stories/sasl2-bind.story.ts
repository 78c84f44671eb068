import assert from 'node:assert/strict'
import {
  bindFeatures,
  defineModule,
  type GrantedLogin,
  Jid,
  loginExtensions,
  sessionOpened,
  xml,
} from '../../src/api.ts'
import {
  AGENT,
  addressOf,
  authenticateText,
  binds,
  failsWith,
  header,
  logsIn,
  NS_BIND,
  NS_SM,
  opens,
  plain,
} from '../support/sasl2.ts'
import { type Story, story } from '../support/story.ts'

const OTHER = 'a1565fa7-4d72-4749-b3d3-740edbf87770'

story('Bind 2 binds along with the login: a tag and a part of the server’s // XEP-0386 §3.2', async (s) => {
  const { client, success, bound } = await binds(s)
  assert.match(addressOf(success), /^romeo@localhost\/Tester\/[\w-]{16}$/)
  assert.ok(bound.getChild('metadata', 'urn:xmpp:mam:2'))
  await client.receivesNothing()
  await client.sends`<presence/>`
  await client.receives`<presence from='${client.jid}'/>`
})

story('An installation has the same resource each time, and its session makes way // XEP-0386 §3.2.1', async (s) => {
  const { client: first } = await binds(s, { agent: AGENT })
  assert.doesNotMatch(first.jid, /d4565fa7/)
  const { client: second } = await binds(s, { agent: AGENT })
  assert.equal(second.jid, first.jid)
  await first.receivesStreamError('conflict')
  const { client: renamed } = await binds(s, { agent: AGENT, tag: 'Another' })
  await second.receivesStreamError('conflict')
  const { client: other } = await binds(s, { agent: OTHER, tag: 'Another' })
  assert.notEqual(other.jid, renamed.jid)
  // Nobody sees that two accounts are one person's.
  const { client: juliet } = await binds(s, { local: 'juliet', agent: OTHER, tag: 'Another' })
  assert.notEqual(juliet.jid.split('/').at(-1), other.jid.split('/').at(-1))
  await renamed.receivesNothing()
})

story('A tag that cannot be part of a resource is left out // XEP-0386 §3.2.1', async (s) => {
  for (const tag of ['x'.repeat(1020), '']) {
    const { client } = await binds(s, { tag })
    assert.match(client.jid, /^romeo@localhost\/[\w-]{16}$/)
  }
})

story('Carbons, client state and stream management are there from the first moment // XEP-0386 §3.2', async (s) => {
  const juliet = await s.online('juliet/balcony')
  const { client, bound } = await binds(s, {
    ask: `<enable xmlns='urn:xmpp:carbons:2'/><inactive xmlns='urn:xmpp:csi:0'/><enable xmlns='${NS_SM}' resume='true'/>`,
  })
  const enabled = bound.getChild('enabled', NS_SM)!
  assert.equal(enabled.attrs['resume'], 'true')
  assert.ok(enabled.attrs['id'])
  // An inactive client is spared what can wait; carbons reach it.
  const phone = await s.online('romeo/phone')
  await juliet.sends`<message to='${phone.jid}' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`
  await phone.receives`<message from='${juliet.jid}'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`
  await juliet.sends`<message to='${phone.jid}' type='chat'><body>Hi</body></message>`
  await phone.receives`<message from='${juliet.jid}'><body>Hi</body></message>`
  const copy = await client.next()
  assert.equal(copy.attrs['from'], 'romeo@localhost')
  assert.equal(
    copy.getChild('received', 'urn:xmpp:carbons:2')!.getChild('forwarded')!.getChild('message')!.getChildText('body'),
    'Hi',
  )
  await s.advance(3_000)
  assert.equal((await client.next()).name, 'r')
})

/** Sends to a session in the midst of its being bound. */
const eager = defineModule({
  name: 'eager',
  summary: 'Greets a session as soon as others can send to it.',
  implements: [],
  setup(ctx) {
    ctx.on(
      sessionOpened,
      (session) => void session.send(xml('message', { to: session.address }, xml('body', null, 'Hi'))),
    )
    ctx.add(bindFeatures, {
      xmlns: 'urn:example:slow',
      tell: () => new Promise((resolve) => setImmediate(() => resolve(xml('slow', { xmlns: 'urn:example:slow' })))),
    })
    ctx.add(bindFeatures, {
      xmlns: 'urn:example:broken',
      tell: () => Promise.reject(new Error('on purpose')),
    })
  },
})

story(
  'What comes while a session is being bound comes after its client is told of it; what fails is left out',
  async (s) => {
    const { client, bound } = await binds(s)
    assert.ok(bound.getChild('slow', 'urn:example:slow'))
    await client.receives`<message><body>Hi</body></message>`
    assert.match(s.bed.errors.join(), /could not be done/)
  },
  { extra: [eager], expectErrors: true },
)

story('The features after it have nothing that is done // XEP-0388 §2.6.1', async (s) => {
  const { client } = await opens(s)
  const inline = `<bind xmlns='${NS_BIND}'><enable xmlns='${NS_SM}'/></bind>`
  assert.equal((await logsIn(client, { inline })).name, 'success')
  const features = await client.next()
  for (const name of ['bind', 'session', 'sm'])
    assert.equal(features.getChild(name), undefined, `${name} in ${features}`)
  assert.ok(features.getChild('csi'))
})

story(
  'Messages that waited come unless the archive has them // XEP-0386 §3.2, ejabberd 4287',
  async (s) => {
    const juliet = await s.online('juliet/balcony')
    await s.createAccount('romeo')
    await juliet.sends`<message to='romeo@localhost' type='chat'><body>Wherefore</body></message>`
    await juliet.receivesNothing()
    const { client } = await binds(s)
    await client.sends`<presence/>`
    await client.receives`<presence from='${client.jid}'/>`
    await client.receives`<message from='${juliet.jid}'><body>Wherefore</body></message>`
  },
  { modules: { archive: { enabled: false }, 'muc-archive': { enabled: false } } },
)

story('The end of the archive is told, and what is in it is not sent, too // XEP-0386 §3.2', async (s) => {
  const juliet = await s.online('juliet/balcony')
  await s.createAccount('romeo')
  await juliet.sends`<message to='romeo@localhost' type='chat'><body>Kept</body></message>`
  await juliet.sends`<message to='romeo@localhost' type='chat'><body>Not kept</body><no-permanent-store xmlns='urn:xmpp:hints'/></message>`
  await juliet.receivesNothing()
  const { client, bound } = await binds(s)
  const metadata = bound.getChild('metadata', 'urn:xmpp:mam:2')!
  assert.ok(metadata.getChild('end')!.attrs['id'])
  assert.equal(metadata.getChild('end')!.attrs['id'], metadata.getChild('start')!.attrs['id'])
  await client.sends`<presence/>`
  await client.receives`<presence from='${client.jid}'/>`
  await client.receives`<message from='${juliet.jid}'><body>Not kept</body></message>`
  await client.receivesNothing()
})

story(
  'An account has a limit of sessions here, too',
  async (s) => {
    await binds(s)
    const { client } = await opens(s)
    const answer = await logsIn(client, { inline: `<bind xmlns='${NS_BIND}'/>` })
    failsWith(answer, 'temporary-auth-failure')
    assert.ok(answer.getChild('resource-constraint'))
    // The client may have another of its own sessions end, and log in again on the same stream.
    await s.actors[0]!.disconnects()
    assert.equal((await logsIn(client, { inline: `<bind xmlns='${NS_BIND}'/>` })).name, 'success')
  },
  { server: { limits: { sessionsPerAccount: 1 } } },
)

const resume = (token: string, h: number, bind = '') => `<resume xmlns='${NS_SM}' previd='${token}' h='${h}'/>${bind}`
const bindAgain = `<bind xmlns='${NS_BIND}'><tag>Tester</tag><enable xmlns='${NS_SM}' resume='true'/></bind>`

async function isManaged(s: Story) {
  const wish = { agent: AGENT, ask: `<enable xmlns='${NS_SM}' resume='true'/>` }
  const { client, bound } = await binds(s, wish)
  return { client, token: bound.getChild('enabled', NS_SM)!.attrs['id']! }
}

/** Everything a client says to come back, in one flight. */
const flight = (s: Story, inline: string) =>
  header(s.domain, `from='romeo@${s.domain}'`) + authenticateText({ initial: plain('romeo'), agent: AGENT, inline })

story('Coming back to a session takes one round trip, and binding is ignored // XEP-0198 §9.2', async (s) => {
  const juliet = await s.online('juliet/balcony')
  const { client, token } = await isManaged(s)
  await client.cuts()
  await juliet.sends`<message to='${client.jid}' type='chat'><body>Art thou there?</body></message>`
  await juliet.receivesNothing()
  const again = await s.connects()
  again.send(flight(s, resume(token, 0, bindAgain)))
  assert.equal((await again.next()).name, 'features')
  const success = await again.next()
  assert.equal(success.name, 'success', String(success))
  assert.equal(addressOf(success), client.jid)
  assert.equal(success.getChild('resumed', NS_SM)!.attrs['h'], '0')
  assert.equal(success.getChild('bound'), undefined)
  again.jid = client.jid
  // No features: the stream is re-established at once.
  await again.receives`<message from='${juliet.jid}'><body>Art thou there?</body></message>`
  await again.receives`<r xmlns='${NS_SM}'/>`
  again.send(`<a xmlns='${NS_SM}' h='1'/>`)
  await again.receivesNothing()
})

story('Who cannot come back gets a new session in the same round trip // XEP-0198 §9.2.1', async (s) => {
  const { client, token } = await isManaged(s)
  await client.cuts()
  await s.advance(11 * 60_000)
  const again = await s.connects()
  again.send(flight(s, resume(token, 0, bindAgain)))
  assert.equal((await again.next()).name, 'features')
  const success = await again.next()
  const failed = success.getChild('failed', NS_SM)!
  assert.ok(failed.getChild('item-not-found'), String(success))
  assert.equal(failed.attrs['h'], '0')
  assert.ok(success.getChild('bound', NS_BIND)!.getChild('enabled', NS_SM))
  assert.equal(addressOf(success), client.jid)
  assert.equal((await again.next()).name, 'features')
  again.jid = client.jid
  await again.receivesNothing()
})

story('Who cannot come back and asks for no binding binds the old way', async (s) => {
  const { client } = await opens(s)
  const success = await logsIn(client, { inline: resume('unknown', 0) })
  assert.ok(success.getChild('failed', NS_SM)!.getChild('item-not-found'), String(success))
  assert.equal(addressOf(success), 'romeo@localhost')
  assert.ok((await client.next()).getChild('bind'))
  await client.binds('orchard')
})

/** Logins wait in it until they are let go. */
const held: (() => void)[] = []
const slow = defineModule({
  name: 'slow',
  summary: 'Holds up logins that say so.',
  implements: [],
  setup(ctx) {
    const granted = async ({ authenticate }: GrantedLogin) => {
      if (authenticate.getChild('slow', 'urn:example:slow') !== undefined)
        await new Promise<void>((resolve) => held.push(resolve))
      return undefined
    }
    ctx.add(loginExtensions, { granted })
  },
})

story(
  'A connection that is lost in the midst of a login leaves the session alone that its client may come back to',
  async (s) => {
    const { client, token } = await isManaged(s)
    await client.cuts()
    const sessions = () => [...s.host.user(Jid.parse('romeo@localhost'))!.sessions.values()]
    const [resting] = sessions()
    for (const inline of [resume(token, 0, bindAgain), bindAgain]) {
      const lost = await s.connects()
      lost.send(flight(s, `<slow xmlns='urn:example:slow'/>${inline}`))
      assert.equal((await lost.next()).name, 'features')
      while (held.length === 0) await new Promise((resolve) => setImmediate(resolve))
      await lost.isCut()
      // The server has seen that by the time it has served another connection.
      await opens(s)
      held.pop()!()
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      assert.deepEqual(sessions(), [resting])
      assert.ok(resting!.live && resting!.resting)
    }
    const again = await s.connects()
    again.send(flight(s, resume(token, 0)))
    assert.equal((await again.next()).name, 'features')
    assert.ok((await again.next()).getChild('resumed', NS_SM))
  },
  { extra: [slow] },
)

story('A failed login does nothing of what it asks for // XEP-0388 §2.6.2', async (s) => {
  const { client, token } = await isManaged(s)
  const { client: stranger } = await opens(s)
  const inline = resume(token, 0, bindAgain)
  failsWith(await logsIn(stranger, { initial: plain('romeo', 'wrong'), inline, agent: AGENT }), 'not-authorized')
  await client.sends`<presence/>`
  await client.receives`<presence from='${client.jid}'/>`
})
