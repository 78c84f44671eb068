import assert from 'node:assert/strict'
import { restartStory } from '../support/restart.ts'
import { type Story, story } from '../support/story.ts'

const NS = 'jabber:iq:register'
const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
const withOptions = (options: object) => ({
  modules: { registration: { enabled: true, newAccounts: 'anybody', ...options } },
})
const on = withOptions({})

async function stranger(s: Story) {
  const client = await s.connects()
  return { client, features: await client.opens(s.domain) }
}
const credentials = (username: string, password = 'a rose by any name') =>
  `<query xmlns='${NS}'><username>${username}</username><password>${password}</password></query>`

story('Off unless an admin turns it on: a stranger who asks is sent away', async (s) => {
  const { client, features } = await stranger(s)
  assert.equal(features.getChild('register', 'http://jabber.org/features/iq-register'), undefined)
  client.send(`<iq type='get' id='r1'><query xmlns='${NS}'/></iq>`)
  await client.receivesStreamError('not-authorized')
})

// XEP-0077 §3.1, §8
story(
  'A stranger makes an account and logs in with it',
  async (s) => {
    const { client, features } = await stranger(s)
    assert.ok(features.getChild('register', 'http://jabber.org/features/iq-register'))
    const offer = (await client.asks`<iq type='get' to='${s.domain}'><query xmlns='${NS}'/></iq>`).getChild(
      'query',
      NS,
    )!
    for (const name of ['instructions', 'username', 'password']) assert.ok(offer.getChild(name, NS), name)
    assert.ok(offer.getChild('x', 'jabber:x:data'))
    const done = await client.asks`<iq type='set'>${credentials('Romeo')}</iq>`
    assert.equal(done.children.length, 0)
    const plain = btoa('\0romeo\0a rose by any name')
    client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`)
    assert.equal((await client.next()).name, 'success')
  },
  on,
)

// XEP-0077 §4
story(
  'A stranger registers with the form',
  async (s) => {
    const { client } = await stranger(s)
    await client.asks`
    <iq type='set'><query xmlns='${NS}'><x xmlns='jabber:x:data' type='submit'>
      <field var='FORM_TYPE'><value>${NS}</value></field>
      <field var='username'><value>romeo</value></field>
      <field var='password'><value>a rose by any name</value></field>
    </x></query></iq>`
    assert.equal(await s.host.accounts.verifyPassword('romeo', 'a rose by any name'), true)
  },
  on,
)

// XEP-0077 §3.1
story(
  'What cannot be an account is refused',
  async (s) => {
    await s.createAccount('juliet')
    const { client } = await stranger(s)
    await client.isRefused('conflict')`<iq type='set'>${credentials('juliet')}</iq>`
    await client.isRefused('conflict')`<iq type='set'>${credentials('ｊｕｌｉｅｔ')}</iq>`
    await client.isRefused('not-acceptable')`<iq type='set'>${credentials('')}</iq>`
    await client.isRefused('not-acceptable')`<iq type='set'>${credentials('romeo', '')}</iq>`
    await client.isRefused('not-acceptable')`<iq type='set'>${credentials('romeo', '9 letters')}</iq>`
    await client.isRefused('not-acceptable')`<iq type='set'>${credentials('romeo and juliet')}</iq>`
    await client.isRefused('not-acceptable')`<iq type='set'>${credentials('Admin')}</iq>`
    assert.deepEqual(await s.host.accounts.list(undefined, 10), ['juliet'])
  },
  on,
)

story(
  'Nobody registers a reserved name, or that of an admin who has no account yet, or no more',
  async (s) => {
    const { client } = await stranger(s)
    // The second has a Cyrillic а, the third only such, the last is no reserved one but may be taken for somebody's.
    for (const name of ['Escalus', 'аdmin', 'еѕсаӏиѕ', 'admin', 'admın', 'ádmin', 'jоhn'])
      await client.isRefused('not-acceptable')`<iq type='set'>${credentials(name)}</iq>`
    await client.asks`<iq type='set'>${credentials('lawrence')}</iq>`
  },
  { ...on, server: { admins: ['escalus@localhost', 'lawrence@mantua.example'] } },
)

story(
  'A name that looks like another is refused',
  async (s) => {
    await s.createAccount('strasse')
    const { client } = await stranger(s)
    await client.isRefused('conflict')`<iq type='set'>${credentials('straße')}</iq>`
  },
  on,
)

// XEP-0077 §3.1.1
story(
  'One address makes so many accounts in an hour and no more',
  async (s) => {
    await s.advance(3_600_000)
    const { client } = await stranger(s)
    await client.asks`<iq type='set'>${credentials('romeo')}</iq>`
    await client.asks`<iq type='set'>${credentials('juliet')}</iq>`
    await client.isRefused('resource-constraint', 'wait')`<iq type='set'>${credentials('mercutio')}</iq>`
    // Nor does it learn which names exist.
    await client.isRefused('resource-constraint', 'wait')`<iq type='set'>${credentials('romeo')}</iq>`
    await s.advance(3_600_000)
    const later = await stranger(s)
    await later.client.asks`<iq type='set'>${credentials('mercutio')}</iq>`
  },
  withOptions({ limits: { perAddress: 2 } }),
)

story(
  'Where no new accounts are wanted, passwords can be changed all the same',
  async (s) => {
    const { client, features } = await stranger(s)
    assert.equal(features.getChild('register', 'http://jabber.org/features/iq-register'), undefined)
    await client.isRefused('service-unavailable')`<iq type='get'><query xmlns='${NS}'/></iq>`
    await client.isRefused('not-allowed')`<iq type='set'>${credentials('mercutio')}</iq>`
    const romeo = await s.login('romeo')
    await romeo.asks`<iq type='set'>${credentials('romeo', 'that which we call')}</iq>`
  },
  withOptions({ newAccounts: 'nobody' }),
)

// XEP-0077 §3.1
story(
  'Who has an account is told so',
  async (s) => {
    const romeo = await s.login('romeo')
    for (const to of ['', `to='${s.domain}'`, `to='${romeo.bare}'`]) {
      const query = (await romeo.asks`<iq type='get' ${to}><query xmlns='${NS}'/></iq>`).getChild('query', NS)!
      assert.ok(query.getChild('registered', NS))
      assert.equal(query.getChildText('username', NS), 'romeo')
      assert.equal(query.getChildText('password', NS), '')
    }
  },
  on,
)

// XEP-0077 §3.3
story(
  'A user changes the password; the old one is worth nothing any more',
  async (s) => {
    const romeo = await s.login('romeo')
    await romeo.asks`<iq type='set' to='${s.domain}'>${credentials('romeo', 'that which we call')}</iq>`
    assert.equal(await s.host.accounts.verifyPassword('romeo', 'wherefore art thou'), false)
    const again = await s.connects()
    await again.logsIn('romeo', s.domain, 'that which we call')
  },
  on,
)

story(
  'Nobody changes the password of another',
  async (s) => {
    const romeo = await s.login('romeo')
    const juliet = await s.login('juliet')
    await romeo.isRefused('not-allowed')`<iq type='set'>${credentials('juliet')}</iq>`
    await romeo.isRefused('not-allowed')`<iq type='set' to='${s.domain}'>${credentials(`romeo@elsewhere.example`)}</iq>`
    await romeo.isRefused('service-unavailable')`<iq type='set' to='${juliet.bare}'>${credentials('juliet')}</iq>`
    await romeo.isRefused(
      'bad-request',
    )`<iq type='set'><query xmlns='${NS}'><password>that which we call</password></query></iq>`
    await romeo.isRefused('not-acceptable')`<iq type='set'>${credentials('romeo', '')}</iq>`
    await romeo.isRefused('not-acceptable')`<iq type='set'>${credentials('romeo', 'short')}</iq>`
    for (const local of ['romeo', 'juliet'])
      assert.equal(await s.host.accounts.verifyPassword(local, 'wherefore art thou'), true)
  },
  on,
)

story(
  'Passwords are changed by the admins where they say so',
  async (s) => {
    const romeo = await s.login('romeo')
    await romeo.isRefused('not-allowed')`<iq type='set'>${credentials('romeo')}</iq>`
  },
  withOptions({ allowPasswordChange: false }),
)

story(
  'A user of another domain has nothing to change here',
  async (s) => {
    const romeo = await s.login('romeo@montague.example')
    await s.createAccount('romeo')
    await romeo.isRefused('registration-required')`<iq type='set' to='${s.domain}'>${credentials('romeo')}</iq>`
    await romeo.isRefused(
      'registration-required',
    )`<iq type='set' to='${s.domain}'><query xmlns='${NS}'><remove/></query></iq>`
    assert.equal(await s.host.accounts.verifyPassword('romeo', 'wherefore art thou'), true)
  },
  { ...on, hosts: ['localhost', 'montague.example'] },
)

const DAY = 86_400_000

// XEP-0077 §3.2
story(
  'A user deletes the account: the answer, the end of every session, and nobody is there; a week later it is gone',
  async (s) => {
    const juliet = await s.online('juliet/balcony')
    const orchard = await s.online('romeo/orchard')
    await s.befriend(orchard, juliet)
    const street = await s.login('romeo/street')
    await orchard.sends`<iq type='set' id='x1'><query xmlns='${NS}'><remove/></query></iq>`
    await orchard.receives`<iq type='result' id='x1'/>`
    await orchard.receivesStreamError('not-authorized')
    await street.receivesStreamError('not-authorized')
    await juliet.receives`<presence type='unavailable' from='${orchard.jid}'/>`
    // It is as if there were no such account, but for the name and for whoever has the password.
    assert.equal(await s.host.accounts.exists('romeo'), false)
    await juliet.isRefused('service-unavailable')`<iq type='get' to='${orchard.bare}'><x xmlns='urn:example'/></iq>`
    const { client } = await stranger(s)
    await client.isRefused('conflict')`<iq type='set'>${credentials('romeo')}</iq>`
    const again = await s.connects()
    await again.opens(s.domain)
    again.send(`<auth xmlns='${NS_SASL}' mechanism='PLAIN'>${btoa('\0romeo\0wherefore art thou')}</auth>`)
    assert.ok((await again.next()).getChild('account-disabled', NS_SASL))
    await juliet.receivesNothing()
    await s.advance(6 * DAY)
    assert.equal((await s.host.accounts.state('romeo'))?.kind, 'deleting')
    await s.advance(DAY)
    while ((await s.host.accounts.state('romeo')) !== undefined) await s.advance(0)
    const roster = await juliet.asks`<iq type='get'><query xmlns='jabber:iq:roster'/></iq>`
    const item = roster.getChild('query', 'jabber:iq:roster')!.getChild('item', 'jabber:iq:roster')!
    assert.deepEqual([item.attrs['jid'], item.attrs['subscription']], [orchard.bare, 'none'])
  },
  on,
)

story(
  'An account that waits to be deleted is restored with all that it had',
  async (s) => {
    const juliet = await s.online('juliet/balcony')
    const romeo = await s.online('romeo/orchard')
    await s.befriend(romeo, juliet)
    await romeo.asks`<iq type='set'><query xmlns='${NS}'><remove/></query></iq>`
    await romeo.receivesStreamError('not-authorized')
    await juliet.receives`<presence type='unavailable' from='${romeo.jid}'/>`
    await s.advance(3 * DAY)
    assert.equal(await s.host.deletions.restore('romeo'), true)
    await s.advance(30 * DAY)
    const again = await s.online('romeo/orchard')
    await again.receives`<presence from='${juliet.jid}'/>`
    await juliet.receives`<presence from='${romeo.jid}'/>`
  },
  on,
)

story(
  'Without a grace period a deleted account is gone at once',
  async (s) => {
    const romeo = await s.login('romeo')
    await romeo.asks`<iq type='set'><query xmlns='${NS}'><remove/></query></iq>`
    await romeo.receivesStreamError('not-authorized')
    while ((await s.host.accounts.state('romeo')) !== undefined) await s.advance(0)
    const { client } = await stranger(s)
    await client.asks`<iq type='set'>${credentials('romeo')}</iq>`
  },
  { ...on, server: { deletionGrace: 0 } },
)

restartStory('What was to be deleted while the server was stopped is deleted when it starts', async (r) => {
  const before = await r.starts({}, 8 * DAY)
  for (const local of ['romeo', 'juliet']) await before.createAccount(local)
  await before.host.deletions.request('romeo')
  await before.advance(2 * DAY)
  await before.host.deletions.request('juliet')
  await r.stops()
  const after = await r.starts()
  while ((await after.host.accounts.state('romeo')) !== undefined) await after.advance(0)
  assert.equal((await after.host.accounts.state('juliet'))?.kind, 'deleting')
  await after.advance(2 * DAY)
  while ((await after.host.accounts.state('juliet')) !== undefined) await after.advance(0)
})

story(
  'A removal stands alone, and only where the admin allows it',
  async (s) => {
    const romeo = await s.login('romeo')
    await romeo.isRefused(
      'bad-request',
    )`<iq type='set'><query xmlns='${NS}'><remove/><username>romeo</username></query></iq>`
    assert.equal(await s.host.accounts.exists('romeo'), true)
  },
  on,
)

story(
  'Accounts are deleted by the admins where they say so',
  async (s) => {
    const romeo = await s.login('romeo')
    await romeo.isRefused('not-allowed')`<iq type='set'><query xmlns='${NS}'><remove/></query></iq>`
    assert.equal(await s.host.accounts.exists('romeo'), true)
  },
  withOptions({ allowRemoval: false }),
)
