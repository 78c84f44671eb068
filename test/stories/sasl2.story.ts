import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { downgradeText } from '../../src/auth/downgrade.ts'
import {
  AGENT,
  addressOf,
  authenticateText,
  failsWith,
  header,
  logsIn,
  NS,
  opens,
  PASSWORD,
  plain,
  Scram,
  saltedPassword,
} from '../support/sasl2.ts'
import { type Actor, story } from '../support/story.ts'

const NS_UPGRADE = 'urn:xmpp:sasl:upgrade:0'
const NS_SCRAM_UPGRADE = 'urn:xmpp:scram-upgrade:0'
const names = (parent: { getChildren(name: string): { getText(): string }[] }, name: string) =>
  parent.getChildren(name).map((el) => el.getText())

story('SASL2 is offered beside the old road, with the same mechanisms // XEP-0388 §2.1', async (s) => {
  const { features } = await opens(s)
  const authentication = features.getChild('authentication', NS)!
  assert.deepEqual(names(authentication, 'mechanism'), names(features.getChild('mechanisms')!, 'mechanism'))
  const inline = authentication.getChild('inline')!
  assert.ok(inline.getChild('sm', 'urn:xmpp:sm:3'))
  assert.deepEqual(
    inline
      .getChild('bind', 'urn:xmpp:bind:0')!
      .getChild('inline')!
      .getChildren('feature')
      .map((el) => el.attrs['var'])
      .sort(),
    ['urn:xmpp:carbons:2', 'urn:xmpp:csi:0', 'urn:xmpp:sm:3'],
  )
  assert.deepEqual(
    authentication.getChildren('upgrade', NS_UPGRADE).map((el) => el.getText()),
    ['UPGR-SCRAM-SHA-512', 'UPGR-SCRAM-SHA-256'],
  )
})

story('PLAIN logs in, without a restart, and a resource is bound the old way // XEP-0388 §2.6.1', async (s) => {
  const { client } = await opens(s)
  const success = await logsIn(client)
  assert.equal(success.name, 'success', String(success))
  assert.equal(addressOf(success), 'romeo@localhost')
  assert.equal(success.getChild('additional-data'), undefined)
  const features = await client.next()
  assert.ok(features.getChild('bind', 'urn:ietf:params:xml:ns:xmpp-bind'), String(features))
  await client.binds('orchard')
  assert.equal(client.jid, 'romeo@localhost/orchard')
  await client.receivesNothing()
})

for (const hash of ['sha1', 'sha256', 'sha512'] as const)
  story(`SCRAM with ${hash} logs in, and the server proves itself // XEP-0388 §2.5, XEP-0474 §6.1`, async (s) => {
    const { client, features } = await opens(s)
    const scram = new Scram(hash, 'romeo')
    const mechanism = `SCRAM-${hash.toUpperCase().replace('SHA', 'SHA-')}`
    client.send(authenticateText({ mechanism, initial: scram.first }))
    const challenge = await client.next()
    assert.equal(challenge.name, 'challenge', String(challenge))
    client.send(`<response xmlns='${NS}'>${scram.final(challenge)}</response>`)
    const success = await client.next()
    assert.equal(Buffer.from(success.getChildText('additional-data')!, 'base64').toString(), scram.serverFinal)
    // What this connection offers can be told from the challenge; in memory there is nothing to bind to.
    const text = downgradeText(names(features.getChild('authentication')!, 'mechanism'), announced(features))
    const expected = createHash(hash).update(text).digest('base64')
    assert.equal(/,h=([^,]+)/.exec(scram.serverFirst)![1], expected)
  })

function announced(features: Awaited<ReturnType<typeof opens>>['features']): string[] | undefined {
  const element = features.getChild('sasl-channel-binding')
  return element?.getChildren('channel-binding').map((el) => el.attrs['type']!)
}

story(
  'The hash of what is offered is left out where the admin says so // XEP-0474 §6.1',
  async (s) => {
    const { client } = await opens(s)
    client.send(authenticateText({ mechanism: 'SCRAM-SHA-256', initial: new Scram('sha256', 'romeo').first }))
    assert.doesNotMatch(Buffer.from((await client.next()).getText(), 'base64').toString(), /,h=/)
  },
  { server: { auth: { scramDowngradeProtection: false } } },
)

story('Refusals have the conditions of RFC 6120, and a login can be tried anew // XEP-0388 §2.6.2', async (s) => {
  await s.createAccount('juliet')
  const { client } = await opens(s)
  failsWith(await logsIn(client, { mechanism: 'SCRAM-SHA-3' }), 'invalid-mechanism')
  failsWith(await logsIn(client, { mechanism: 'EXTERNAL' }), 'invalid-mechanism')
  failsWith(await logsIn(client, { initial: 'no base64' }), 'incorrect-encoding')
  // XEP-0388 §2.2: the equals sign stands for itself here.
  failsWith(await logsIn(client, { initial: '=' }), 'incorrect-encoding')
  failsWith(await logsIn(client, { initial: '' }), 'malformed-request')
  assert.equal((await logsIn(client)).name, 'success')
})

story('Nobody acts as somebody else // XEP-0388 §4.4, RFC 6120 §6.3.8', async (s) => {
  await s.createAccount('juliet')
  const { client } = await opens(s)
  failsWith(await logsIn(client, { initial: plain('romeo', PASSWORD, `juliet@${s.domain}`) }), 'invalid-authzid')
  assert.equal((await logsIn(client, { initial: plain('romeo', PASSWORD, `romeo@${s.domain}`) })).name, 'success')
})

story('Who says who they are in the header is that account // XEP-0388 §2.1, §2.3', async (s) => {
  await s.createAccount('juliet')
  await s.createAccount('romeo')
  const client = await s.connects()
  await client.opens(s.domain, `from='juliet@${s.domain}'`)
  failsWith(await logsIn(client), 'invalid-authzid')
  assert.equal((await logsIn(client, {}, 'juliet')).name, 'success')
  const other = await s.connects()
  await other.opens(s.domain, "from='romeo@elsewhere.example'")
  other.send(authenticateText({ initial: plain('romeo') }))
  await other.receivesStreamError('invalid-from')
})

story('A wrong password and an unknown account are told alike, and a connection has five attempts', async (s) => {
  const { client } = await opens(s)
  const answers = []
  for (const user of ['romeo', 'nobody']) answers.push(String(await logsIn(client, { initial: plain(user, 'wrong') })))
  assert.equal(answers[0], answers[1])
  assert.match(answers[0]!, /not-authorized/)
  for (let i = 0; i < 2; i++) failsWith(await logsIn(client, { initial: plain('romeo', 'wrong') }), 'not-authorized')
  failsWith(await logsIn(client, { initial: plain('romeo', 'wrong') }), 'not-authorized')
  await client.receivesStreamError('policy-violation')
})

story('A disabled account says so only to who knows its password', async (s) => {
  const { client } = await opens(s)
  await s.host.accounts.setDisabled('romeo', true)
  failsWith(await logsIn(client, { initial: plain('romeo', 'wrong') }), 'not-authorized')
  failsWith(await logsIn(client), 'account-disabled')
})

story(
  'Without an initial response there is an empty challenge; a login can be broken off // XEP-0388 §2.2',
  async (s) => {
    const { client } = await opens(s)
    client.send(authenticateText({}))
    const challenge = await client.next()
    assert.equal(String(challenge), `<challenge xmlns="${NS}"/>`)
    client.send(`<abort xmlns='${NS}'><text>Another time.</text></abort>`)
    failsWith(await client.next(), 'aborted')
    client.send(authenticateText({}))
    await client.next()
    client.send(`<response xmlns='${NS}'>${plain('romeo')}</response>`)
    assert.equal((await client.next()).name, 'success')
  },
)

const misplaced: [title: string, before: string, element: string][] = [
  ['a response to nothing', '', `<response xmlns='${NS}'>AA==</response>`],
  ['an end of nothing', '', `<abort xmlns='${NS}'/>`],
  ['a task that nobody set', '', `<next xmlns='${NS}' task='UPGR-SCRAM-SHA-256'/>`],
  ['a second login in the midst of one', authenticateText({}), authenticateText({})],
  [
    'the old road in the midst of a login',
    authenticateText({}),
    `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AA==</auth>`,
  ],
  [
    'a stanza in the midst of a login',
    authenticateText({}),
    `<iq type='get' id='1'><query xmlns='jabber:iq:register'/></iq>`,
  ],
  [
    'a login after a login',
    authenticateText({ initial: plain('romeo') }),
    authenticateText({ initial: plain('romeo') }),
  ],
]
story('What has no place where it comes ends the stream // XEP-0388 §2.4, §4.8', async (s) => {
  for (const [title, before, element] of misplaced) {
    const { client } = await opens(s)
    if (before !== '') client.send(before)
    if (before !== '') assert.notEqual((await client.next()).name, 'error', title)
    client.send(element)
    for (;;) {
      const answer = await client.next()
      if (answer.name === 'features') continue
      assert.ok(answer.getChild('not-authorized', 'urn:ietf:params:xml:ns:xmpp-streams'), `${title}: ${answer}`)
      break
    }
    await client.ends()
  }
})

/** Keeps one hash of a password, as an account has that was brought from elsewhere. */
async function keepOnly(s: Parameters<Parameters<typeof story>[1]>[0], hash: string): Promise<void> {
  await s.database.knex('credentials').whereNot({ hash }).delete()
}

async function authenticatesToUpgrade(client: Actor, tasks: readonly string[]): Promise<Scram> {
  const scram = new Scram('sha1', 'romeo')
  const inline = tasks.map((task) => `<upgrade xmlns='${NS_UPGRADE}'>${task}</upgrade>`).join('')
  client.send(authenticateText({ mechanism: 'SCRAM-SHA-1', initial: scram.first, inline }))
  client.send(`<response xmlns='${NS}'>${scram.final(await client.next())}</response>`)
  return scram
}

async function expectsTask(client: Actor, task: string): Promise<string | undefined> {
  const answer = await client.next()
  assert.equal(answer.name, 'continue', String(answer))
  assert.deepEqual(names(answer.getChild('tasks')!, 'task'), [task])
  return answer.getChildText('additional-data') ?? undefined
}

async function doesTask(client: Actor, hash: 'sha256' | 'sha512', spoil = ''): Promise<void> {
  client.send(`<next xmlns='${NS}' task='UPGR-SCRAM-${hash.toUpperCase().replace('SHA', 'SHA-')}'/>`)
  const data = await client.next()
  const salt = data.getChild('salt', NS_SCRAM_UPGRADE)!
  const salted = saltedPassword(hash, PASSWORD, salt.getText(), Number(salt.attrs['iterations']))
  client.send(
    `<task-data xmlns='${NS}'><hash xmlns='${NS_SCRAM_UPGRADE}'>${spoil}${salted.toString('base64')}</hash></task-data>`,
  )
}

story('A client has its password kept for stronger hashes // XEP-0480 §2, §3', async (s) => {
  const { client } = await opens(s)
  await keepOnly(s, 'SHA-1')
  const scram = await authenticatesToUpgrade(client, ['UPGR-SCRAM-SHA-256', 'UPGR-SCRAM-SHA-512', 'UPGR-OTHER'])
  // XEP-0388 §2.6.3: what the mechanism has to say comes with the first task, and not again.
  const data = await expectsTask(client, 'UPGR-SCRAM-SHA-512')
  assert.equal(Buffer.from(data!, 'base64').toString(), scram.serverFinal)
  await doesTask(client, 'sha512')
  assert.equal(await expectsTask(client, 'UPGR-SCRAM-SHA-256'), undefined)
  await doesTask(client, 'sha256')
  const success = await client.next()
  assert.equal(success.name, 'success', String(success))
  assert.equal(success.getChild('additional-data'), undefined)
  assert.deepEqual((await s.host.accounts.get('romeo'))!.hashes, ['SHA-512', 'SHA-256', 'SHA-1'])
  for (const hash of ['sha256', 'sha512'] as const) {
    const { client: next } = await opens(s)
    const again = new Scram(hash, 'romeo')
    next.send(authenticateText({ mechanism: `SCRAM-SHA-${hash.slice(3)}`, initial: again.first }))
    next.send(`<response xmlns='${NS}'>${again.final(await next.next())}</response>`)
    assert.equal((await next.next()).name, 'success', hash)
  }
})

story('There is no task for what is kept already // XEP-0480 §2.2', async (s) => {
  const { client } = await opens(s)
  await authenticatesToUpgrade(client, ['UPGR-SCRAM-SHA-256', 'UPGR-SCRAM-SHA-512'])
  assert.equal((await client.next()).name, 'success')
})

story('A task that goes wrong ends the login, and a changed password is not brought back // XEP-0480', async (s) => {
  const { client } = await opens(s)
  await keepOnly(s, 'SHA-1')
  for (const [element, condition] of [
    [`<next xmlns='${NS}' task='UPGR-SCRAM-SHA-512'/>`, 'malformed-request'],
    [`<task-data xmlns='${NS}'><hash xmlns='${NS_SCRAM_UPGRADE}'>AAAA</hash></task-data>`, 'malformed-request'],
    [`<abort xmlns='${NS}'/>`, 'aborted'],
  ] as const) {
    await authenticatesToUpgrade(client, ['UPGR-SCRAM-SHA-256'])
    await expectsTask(client, 'UPGR-SCRAM-SHA-256')
    client.send(element)
    failsWith(await client.next(), condition)
  }
  await authenticatesToUpgrade(client, ['UPGR-SCRAM-SHA-256'])
  await expectsTask(client, 'UPGR-SCRAM-SHA-256')
  await doesTask(client, 'sha256', 'AAAA')
  failsWith(await client.next(), 'malformed-request')
  await authenticatesToUpgrade(client, ['UPGR-SCRAM-SHA-256'])
  await expectsTask(client, 'UPGR-SCRAM-SHA-256')
  await s.host.accounts.setPassword('romeo', 'another')
  await doesTask(client, 'sha256')
  failsWith(await client.next(), 'not-authorized')
  assert.equal(await s.host.accounts.verifyPassword('romeo', PASSWORD), false)
})

story('Who has logged in with a password that is changed then does not get in, by either road', async (s) => {
  const { actor: old } = await s.authenticates('romeo')
  const { client } = await opens(s)
  assert.equal((await logsIn(client)).name, 'success')
  await client.next()
  await s.host.accounts.setPassword('romeo', 'another')
  for (const late of [old, client]) {
    late.send("<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
    await late.receivesStreamError('not-authorized')
  }
  const { client: next } = await opens(s)
  assert.equal((await logsIn(next, { initial: plain('romeo', 'another') })).name, 'success')
  await next.next()
  await next.binds('orchard')
  // A new account of the name has nothing to do with it.
  await s.host.deleteAccount('romeo')
  await s.host.accounts.create('romeo', PASSWORD)
  const { client: heir } = await opens(s)
  assert.equal((await logsIn(heir)).name, 'success')
  await heir.next()
  await heir.binds('orchard')
})

story('A login may come with the header, in one flight // XEP-0388 §2.1', async (s) => {
  await s.createAccount('romeo')
  const client = await s.connects()
  client.send(
    header(s.domain, `from='romeo@${s.domain}'`) + authenticateText({ initial: plain('romeo'), agent: AGENT }),
  )
  assert.deepEqual(
    [(await client.next()).name, (await client.next()).name, (await client.next()).name],
    ['features', 'success', 'features'],
  )
})
