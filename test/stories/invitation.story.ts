import assert from 'node:assert/strict'
import { registrationForm } from '../../modules/registration/request.ts'
import type { Element } from '../../src/api.ts'
import { restartStory } from '../support/restart.ts'
import { type Actor, type Story, story } from '../support/story.ts'

const NS = 'jabber:iq:register'
const NS_PARS = 'urn:xmpp:pars:0'
const NS_DATA = 'jabber:x:data'
const NS_ROSTER = 'jabber:iq:roster'
const PASSWORD = 'a rose by any name'
const server = { admins: ['admin@localhost'] }
const on = { modules: { registration: { enabled: true } } }
const withAdmin = { ...on, server }

async function stranger(s: Story): Promise<{ client: Actor; features: Element }> {
  const client = await s.connects()
  return { client, features: await client.opens(s.domain) }
}
const credentials = (username: string, password = PASSWORD) =>
  `<query xmlns='${NS}'><username>${username}</username><password>${password}</password></query>`
const preauth = (token: string) => `<preauth xmlns='${NS_PARS}' token='${token}'/>`

/** Has somebody give a command of the host; a form may come along. */
async function commands(actor: Actor, domain: string, node: string, form = ''): Promise<Element> {
  const answer =
    await actor.asks`<iq type='set' to='${domain}'><command xmlns='http://jabber.org/protocol/commands' node='${node}'>${form}</command></iq>`
  return answer.getChild('command', 'http://jabber.org/protocol/commands')!
}
/** The values of the form in the answer to a command, by field. */
function valuesOf(command: Element): Record<string, string> {
  const fields = command.getChild('x', NS_DATA)!.getChildren('field', NS_DATA)
  return Object.fromEntries(fields.map((field) => [field.attrs['var'], field.getChildText('value', NS_DATA) ?? '']))
}
async function invites(actor: Actor, s: Story): Promise<{ uri: string; token: string; expire: string }> {
  const values = valuesOf(await commands(actor, s.domain, 'urn:xmpp:invite#invite'))
  const { uri = '', expire = '' } = values
  return { uri, expire, token: /preauth=([a-z2-7]{32})/.exec(uri)![1]! }
}
const submits = (fields: Record<string, string>) =>
  `<x xmlns='${NS_DATA}' type='submit'>${Object.entries(fields)
    .map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`)
    .join('')}</x>`
async function roster(actor: Actor): Promise<string[]> {
  const answer = await actor.asks`<iq type='get'><query xmlns='${NS_ROSTER}'/></iq>`
  const items = answer.getChild('query', NS_ROSTER)!.getChildren('item', NS_ROSTER)
  return items.map(({ attrs }) => `${attrs['jid']} ${attrs['subscription']}`).sort()
}
async function logsIn(s: Story, local: string): Promise<Actor> {
  const actor = await s.connects()
  await actor.logsIn(local, s.domain, PASSWORD)
  return actor
}

story(
  'Whoever was invited makes an account, and the two are contacts // XEP-0401 §5.1, §5.5, XEP-0445 §4',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    await roster(romeo)
    const { uri, token, expire } = await invites(romeo, s)
    assert.equal(uri, `xmpp:${romeo.bare}?roster;preauth=${token};ibr=y`)
    assert.equal(Date.parse(expire), s.bed.clock.now() + 7 * 86_400_000)

    const { client, features } = await stranger(s)
    // XEP-0445 §3
    for (const ns of ['urn:xmpp:ibr-token:0', 'urn:xmpp:invite', 'http://jabber.org/features/iq-register'])
      assert.ok(features.getChild('register', ns), ns)
    await client.asks`<iq type='set' to='${s.domain}'>${preauth(token)}</iq>`
    const offer = await client.asks`<iq type='get'><query xmlns='${NS}'/></iq>`
    assert.equal(offer.getChild('query', NS)!.toString(), `${registrationForm('Choose a username and a password.')}`)
    // A refusal uses nothing up.
    await client.isRefused('conflict')`<iq type='set'>${credentials('romeo')}</iq>`
    await client.asks`<iq type='set'>${credentials('Juliet')}</iq>`
    await romeo.receives([
      `<iq type='set'><query xmlns='${NS_ROSTER}' ver='*'><item jid='juliet@${s.domain}' subscription='both'/></query></iq>`,
    ] as never)

    const juliet = await logsIn(s, 'juliet')
    assert.deepEqual(await roster(juliet), [`${romeo.bare} both`])
    juliet.send('<presence/>')
    await romeo.receives`<presence from='${juliet.jid}'/>`
    await juliet.receivesInAnyOrder([`<presence from='${romeo.jid}'/>`, `<presence from='${juliet.jid}'/>`])

    // Once, and no more.
    const other = (await stranger(s)).client
    await other.isRefused('item-not-found', 'cancel')`<iq type='set'>${preauth(token)}</iq>`
    await other.isRefused('not-allowed')`<iq type='set'>${credentials('mercutio')}</iq>`
    await client.isRefused('not-allowed')`<iq type='set'>${credentials('mercutio')}</iq>`
  },
  on,
)

story(
  'Whoever has an account becomes a contact at once, both ways // XEP-0379 §3.4 to §3.6',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    const juliet = await s.online('juliet/balcony')
    const { token } = await invites(romeo, s)
    await juliet.sends`<presence type='subscribe' to='${romeo.bare}'>${preauth(token)}</presence>`
    await juliet.receives`<presence from='${romeo.jid}'/>`
    await romeo.receives`<presence from='${juliet.jid}'/>`
    assert.deepEqual(await roster(romeo), [`${juliet.bare} both`])
    assert.deepEqual(await roster(juliet), [`${romeo.bare} both`])
    await romeo.receivesNothing()
    await juliet.receivesNothing()
    // Used up: the next request is a request like any other.
    const mercutio = await s.online('mercutio/street')
    await mercutio.sends`<presence type='subscribe' to='${romeo.bare}'>${preauth(token)}</presence>`
    await romeo.receives`<presence type='subscribe' from='${mercutio.bare}'><preauth xmlns='${NS_PARS}' token='${token}'/></presence>`
    assert.deepEqual(await roster(romeo), [`${juliet.bare} both`])
  },
  on,
)

story(
  'An invitation helps whose request waits already, and nobody with that of another',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    const juliet = await s.online('juliet/balcony')
    const { token } = await invites(romeo, s)
    const tybalt = await s.online('tybalt/street')
    await juliet.sends`<presence type='subscribe' to='${tybalt.bare}'>${preauth(token)}</presence>`
    await tybalt.receives`<presence type='subscribe' from='${juliet.bare}'/>`
    await juliet.sends`<presence type='subscribe' to='${romeo.bare}'/>`
    await romeo.receives`<presence type='subscribe' from='${juliet.bare}'/>`
    await juliet.sends`<presence type='subscribe' to='${romeo.bare}'>${preauth(token)}</presence>`
    await juliet.receives`<presence from='${romeo.jid}'/>`
    await romeo.receives`<presence from='${juliet.jid}'/>`
    assert.deepEqual(await roster(romeo), [`${juliet.bare} both`])
    assert.deepEqual(await roster(tybalt), [])
  },
  on,
)

story(
  'Two who use one invitation at the same time make one account',
  async (s) => {
    const romeo = await s.login('romeo')
    const { token } = await invites(romeo, s)
    const clients = [(await stranger(s)).client, (await stranger(s)).client]
    for (const client of clients) await client.asks`<iq type='set'>${preauth(token)}</iq>`
    const names = ['juliet', 'rosaline']
    for (const client of clients) client.send(`<iq type='set' id='r'>${credentials(names.pop()!)}</iq>`)
    const answers = await Promise.all(clients.map((client) => client.next()))
    assert.deepEqual(answers.map(({ attrs }) => attrs['type']).sort(), ['error', 'result'])
    assert.ok(answers.some((answer) => answer.toString().includes('<item-not-found')))
    assert.equal((await s.host.accounts.list(undefined, 10)).length, 2)
    assert.equal((await roster(romeo)).length, 1)
  },
  on,
)

story(
  'An admin invites somebody by a name, which is held until she comes // XEP-0401 §5.4, §6.2, XEP-0445 §2.1',
  async (s) => {
    const admin = await s.login('admin')
    const node = 'urn:xmpp:invite#create-account'
    const created = valuesOf(await commands(admin, s.domain, node, submits({ username: 'Straße' })))
    const [, token] = /^xmpp:stra%C3%9Fe@localhost\?register;preauth=([a-z2-7]{32})$/.exec(created['uri']!)!
    const romeo = await s.login('romeo')
    await romeo.isRefused(
      'forbidden',
    )`<iq type='set' to='${s.domain}'><command xmlns='http://jabber.org/protocol/commands' node='${node}'/></iq>`

    const intruder = (await stranger(s)).client
    await intruder.asks`<iq type='set'>${preauth((await invites(romeo, s)).token)}</iq>`
    for (const name of ['straße', 'strasse', 'romeo'])
      await intruder.isRefused('conflict')`<iq type='set'>${credentials(name)}</iq>`
    await admin.isRefused(
      'conflict',
    )`<iq type='set' to='${s.domain}'><command xmlns='http://jabber.org/protocol/commands' node='${node}'>${submits({ username: 'strasse' })}</command></iq>`

    const { client } = await stranger(s)
    await client.asks`<iq type='set'>${preauth(token!)}</iq>`
    const offer = await client.asks`<iq type='get'><query xmlns='${NS}'/></iq>`
    assert.equal(offer.getChild('query', NS)!.getChildText('username', NS), 'straße')
    await client.isRefused('not-acceptable')`<iq type='set'>${credentials('mercutio')}</iq>`
    await client.asks`<iq type='set'>${credentials('straße')}</iq>`
    // The server has invited her, and is nobody's contact.
    assert.deepEqual(await roster(await logsIn(s, 'straße')), [])
  },
  withAdmin,
)

story(
  'A link for several serves so many; what an admin revokes serves nobody',
  async (s) => {
    const run = (...args: string[]) => s.bed.server.commands.run(`invitation ${args[0]}`, args.slice(1))
    const [uri] = await run('create', s.domain, '2')
    const token = uri!.replace(`xmpp:${s.domain}?register;preauth=`, '')
    const [line] = await run('list', s.domain)
    const [, id] = /^(\d+) {2}from localhost, 2 times, until /.exec(line!)!
    const { client } = await stranger(s)
    // By the form alone, as clients do that know no invitations.
    await client.isRefused('not-allowed')`<iq type='set'>${credentials('romeo')}</iq>`
    const offer = await client.asks`<iq type='get'><query xmlns='${NS}'/></iq>`
    const asked = offer.getChild('query', NS)!.getChild('x', NS_DATA)!.getChildren('field', NS_DATA)
    assert.deepEqual(
      asked.map(({ attrs }) => attrs['var']),
      ['FORM_TYPE', 'username', 'password', 'token'],
    )
    const form = (username: string, code: string) =>
      `<query xmlns='${NS}'>${submits({ FORM_TYPE: NS, username, password: PASSWORD, token: code })}</query>`
    await client.isRefused('item-not-found')`<iq type='set'>${form('romeo', 'wrong')}</iq>`
    await client.asks`<iq type='set'>${form('romeo', token)}</iq>`
    assert.equal((await run('list', s.domain)).length, 1)
    assert.deepEqual(await run('revoke', s.domain, id!), [`Revoked invitation ${id}.`])
    await assert.rejects(run('revoke', s.domain, id!), /no invitation/)
    assert.deepEqual(await run('list', s.domain), [])
    await client.isRefused('item-not-found')`<iq type='set'>${form('juliet', token)}</iq>`
    for (const wrong of [
      ['create', `x@${s.domain}`, '2'],
      ['create', s.domain, '0'],
      ['create', s.domain, '1001'],
    ])
      await assert.rejects(run(...wrong), { name: 'Error' })
  },
  on,
)

story(
  'Users see to their own invitations, and make only so many',
  async (s) => {
    const romeo = await s.login('romeo')
    const tybalt = await s.login('tybalt')
    const node = 'urn:stonechat:invitations'
    await invites(romeo, s)
    const { token } = await invites(romeo, s)
    const refused = `<iq type='set' to='${s.domain}'><command xmlns='http://jabber.org/protocol/commands' node='urn:xmpp:invite#invite'/></iq>`
    await romeo.isRefused('resource-constraint')([refused] as never)
    const form = (await commands(romeo, s.domain, node)).getChild('x', NS_DATA)!
    const ids = form
      .getChildren('field', NS_DATA)
      .flatMap((field) => field.getChildren('option', NS_DATA))
      .map((option) => option.getChildText('value', NS_DATA)!)
    assert.equal(ids.length, 2)
    await tybalt.isRefused(
      'bad-request',
    )`<iq type='set' to='${s.domain}'><command xmlns='http://jabber.org/protocol/commands' node='${node}'>${submits({ revoke: ids[1]! })}</command></iq>`
    await commands(romeo, s.domain, node, submits({ revoke: ids[1]! }))
    const { client } = await stranger(s)
    await client.isRefused('item-not-found')`<iq type='set'>${preauth(token)}</iq>`
    await invites(romeo, s)
    await romeo.isRefused('resource-constraint')([refused] as never)
    // Revoked ones count for the day.
    const open = await commands(romeo, s.domain, node)
    assert.doesNotMatch(open.toString(), new RegExp(`<value>${ids[1]}</value>`))
    await commands(romeo, s.domain, node, submits({ revoke: ids[0]! }))
    await romeo.isRefused('resource-constraint')([refused] as never)
    await s.advance(86_400_000)
    await invites(romeo, s)
  },
  { modules: { registration: { enabled: true }, invitations: { limits: { open: 2, perDay: 3 } } } },
)

story(
  'A token that is wrong, old, or of somebody who is gone is answered alike; too many are not looked at',
  async (s) => {
    const [romeo, tybalt] = [await s.login('romeo'), await s.login('tybalt')]
    const [old, shown] = [await invites(romeo, s), await invites(romeo, s)]
    const { client } = await stranger(s)
    await client.asks`<iq type='set'>${preauth(shown.token)}</iq>`
    await s.advance(7 * 86_400_000)
    const ofTybalt = await invites(tybalt, s)
    await s.host.accounts.setDisabled('tybalt', true)
    const answers = new Set<string>()
    for (const token of ['wrong', 'a'.repeat(32), old.token, ofTybalt.token]) {
      const guest = (await stranger(s)).client
      guest.send(`<iq type='set' id='t'>${preauth(token)}</iq>`)
      answers.add((await guest.next()).toString())
    }
    assert.equal(answers.size, 1)
    assert.match([...answers][0]!, /item-not-found/)
    // XEP-0445 §4: what was shown in time is good for this connection.
    await client.asks`<iq type='set'>${credentials('juliet')}</iq>`
    await s.host.accounts.setDisabled('tybalt', false)
    const late = (await stranger(s)).client
    await late.asks`<iq type='set'>${preauth(ofTybalt.token)}</iq>`
    for (let tries = 0; tries < 5; tries++) late.send(`<iq type='set' id='t'>${preauth('wrong')}</iq>`)
    for (let tries = 0; tries < 5; tries++) await late.receives`<iq type='error' id='t'/>`
    await late.isRefused('resource-constraint', 'wait')`<iq type='set'>${preauth(ofTybalt.token)}</iq>`
  },
  {
    modules: { registration: { enabled: true, limits: { perAddress: 10 } } },
    server: { limits: { preAuth: { time: 0 } } },
  },
)

story(
  'Where no accounts can be made, an invitation is to a contact; where users may not invite, only admins do',
  async (s) => {
    const romeo = await s.login('romeo')
    await romeo.isRefused(
      'forbidden',
    )`<iq type='set' to='${s.domain}'><command xmlns='http://jabber.org/protocol/commands' node='urn:xmpp:invite#invite'/></iq>`
    const admin = await s.login('admin')
    const command = await commands(admin, s.domain, 'urn:xmpp:invite#invite')
    const { uri, 'landing-url': landing, FORM_TYPE } = valuesOf(command)
    assert.equal(FORM_TYPE, 'urn:xmpp:invite#invitation')
    assert.match(uri!, /^xmpp:admin@localhost\?roster;preauth=[a-z2-7]{32}$/)
    assert.equal(landing, `https://example.org/i/#${uri!.slice('xmpp:'.length)}`)
    await admin.isRefused(
      'forbidden',
    )`<iq type='set' to='${s.domain}'><command xmlns='http://jabber.org/protocol/commands' node='urn:xmpp:invite#create-account'/></iq>`
    await assert.rejects(s.bed.server.commands.run('invitation create', [s.domain]), /registration/)
    const { client } = await stranger(s)
    client.send(`<iq type='set' id='p'>${preauth('a'.repeat(32))}</iq>`)
    await client.receivesStreamError('not-authorized')
  },
  { server, modules: { invitations: { users: 'nobody', landingUrl: 'https://example.org/i/#{invitation}' } } },
)

story(
  'A full roster takes no invited contact, and the invited still has the account',
  async (s) => {
    const romeo = await s.online('romeo')
    const juliet = await s.online('juliet')
    const [one, two] = [await invites(romeo, s), await invites(romeo, s)]
    await romeo.asks`<iq type='set'><query xmlns='${NS_ROSTER}'><item jid='nurse@example.org'/></query></iq>`
    await juliet.sends`<presence type='subscribe' to='${romeo.bare}'>${preauth(one.token)}</presence>`
    await romeo.receives`<presence type='subscribe' from='${juliet.bare}'/>`
    const { client } = await stranger(s)
    await client.asks`<iq type='set'>${preauth(two.token)}</iq>`
    await client.asks`<iq type='set'>${credentials('mercutio')}</iq>`
    assert.deepEqual(await roster(await logsIn(s, 'mercutio')), [])
    assert.deepEqual(await roster(romeo), ['nurse@example.org none'])
  },
  { modules: { registration: { enabled: true }, roster: { maxItems: 1 } } },
)

restartStory(
  'Two who were to be contacts when the server died are when it starts; the tables hold no token',
  async (r) => {
    const before = await r.starts()
    const romeo = await before.login('romeo')
    const { token } = await invites(romeo, before)
    assert.ok(!JSON.stringify(await before.database.knex('invitations').select('*')).includes(token))
    await before.createAccount('juliet', PASSWORD)
    const pair = { host: before.domain, inviter: 'romeo', invitee: 'juliet' }
    await before.database.knex('invitations_contacts').insert(pair)
    await r.stops()
    const after = await r.starts()
    assert.deepEqual(await roster(await logsIn(after, 'juliet')), [`romeo@${after.domain} both`])
    assert.deepEqual(await after.database.knex('invitations_contacts').select('*'), [])
    await after.host.deleteAccount('romeo')
    assert.deepEqual(await after.database.knex('invitations').select('*'), [])
  },
  on,
)
