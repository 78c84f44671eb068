import assert from 'node:assert/strict'
import { command, fieldsOf, fills, gives, nodesOf, shapeOf } from '../support/commands.ts'
import { type Actor, drain, type Story, story } from '../support/story.ts'

const ADMIN = 'http://jabber.org/protocol/admin'
const node = (name: string) => `${ADMIN}#${name}`
const options = {
  server: { admins: ['escalus@localhost'] },
  modules: { administration: { observers: ['lawrence@localhost'] } },
}
const accountjids = 'accountjids jid-multi !'
const max = ['max_items list-single', 'x-after jid-single']

/** XEP-0133 §4: every command that there is, with what people call it, its title and the fields it asks for. */
const forms: Record<string, readonly [name: string, title?: string, ...fields: string[]]> = {
  'add-user': [
    'Add User',
    'Adding a User',
    'accountjid jid-single !',
    'password text-private !',
    'password-verify text-private !',
  ],
  'delete-user': ['Delete User', 'Deleting a User', accountjids],
  'disable-user': ['Disable User', 'Disabling a User', accountjids],
  'reenable-user': ['Re-Enable User', 'Re-Enable a User', accountjids],
  'end-user-session': ['End User Session', 'Ending a User Session', accountjids],
  'change-user-password': [
    'Change User Password',
    'Changing a User Password',
    'accountjid jid-single !',
    'password text-private !',
  ],
  'get-user-roster': ['Get User Roster', 'Getting a User’s Roster', accountjids],
  'get-user-lastlogin': ['Get User Last Login Time', 'Getting a User’s Last Login Time', accountjids],
  'user-stats': ['Get User Statistics', 'Get User Statistics', 'accountjid jid-single !'],
  'get-registered-users-num': ['Get Number of Registered Users'],
  'get-disabled-users-num': ['Get Number of Disabled Users'],
  'get-online-users-num': ['Get Number of Online Users'],
  'get-active-users-num': ['Get Number of Active Users'],
  'get-idle-users-num': ['Get Number of Idle Users'],
  'get-registered-users-list': ['Get List of Registered Users', 'Requesting List of Registered Users', ...max],
  'get-disabled-users-list': ['Get List of Disabled Users', 'Requesting List of Disabled Users', ...max],
  'get-online-users-list': ['Get List of Online Users', 'Requesting List of Online Users', ...max],
  'get-active-users': ['Get List of Active Users', 'Requesting List of Active Users', ...max],
  'get-idle-users': ['Get List of Idle Users', 'Requesting List of Idle Users', ...max],
  announce: ['Send Announcement to Online Users', 'Making an Announcement', 'announcement text-multi !'],
  'set-motd': ['Set Message of the Day', 'Setting the Message of the Day', 'motd text-multi !'],
  'edit-motd': ['Edit Message of the Day', 'Editing the Message of the Day', 'motd text-multi !'],
  'delete-motd': ['Delete Message of the Day'],
  'set-welcome': ['Set Welcome Message', 'Setting Welcome Message', 'welcome text-multi !'],
  'delete-welcome': ['Delete Welcome Message'],
  'edit-admin': ['Edit Admin List'],
  restart: ['Restart Service', 'Restarting the Service', 'delay list-single', 'announcement text-multi'],
  shutdown: ['Shut Down Service', 'Shutting Down the Service', 'delay list-single', 'announcement text-multi'],
}

async function refuses(
  admin: Actor,
  name: string,
  given: Record<string, string | readonly string[]>,
  condition: string,
) {
  await admin.isRefused(condition)`${command('localhost', node(name), given)}`
}

/** Expects a headline of the server's next. */
async function hears(actor: Actor, text: string): Promise<void> {
  const heard = await actor.receives`<message from='localhost' type='headline'/>`
  assert.equal(heard.getChildText('body'), text)
}

/** Makes accounts that nobody needs to log in to, which is cheaper. */
async function makeGuests(s: Story, number: number): Promise<void> {
  const names = Array.from({ length: number }, (_, n) => `guest${String(n).padStart(2, '0')}`)
  const rows = names.map((local) => ({ host: s.domain, local, folded: local, created_ms: 0, disabled: 0 }))
  await s.database.knex('accounts').insert(rows)
}

const run = (s: Story, ...words: string[]) => {
  const [group, name, ...args] = words
  return s.bed.server.commands.run(`${group} ${name}`, args)
}

story(
  'Admins find the commands of XEP-0133, as it calls them, with its fields // XEP-0133 §3, §4, XEP-0050 §2.2',
  async (s) => {
    const escalus = await s.login('escalus/palace')
    const found = await nodesOf(escalus, s.domain)
    for (const [name, [label, title, ...fields]] of Object.entries(forms)) {
      assert.ok(found.includes(node(name)), name)
      const query = `<query xmlns='http://jabber.org/protocol/disco#info' node='${node(name)}'/>`
      const info = (await escalus.asks`<iq type='get' to='${s.domain}'>${query}</iq>`).getChildElements()[0]!
      const { category, type, name: called } = info.getChild('identity')!.attrs
      assert.deepEqual([category, type, called], ['automation', 'command-node', label])
      if (title === undefined) continue
      const form = (await gives(escalus, s.domain, node(name))).getChild('x', 'jabber:x:data')!
      assert.equal(form.getChildText('title'), title)
      assert.deepEqual(fieldsOf(form)['FORM_TYPE'], [ADMIN])
      assert.deepEqual(shapeOf(form), fields, name)
    }
    // Those of modules are there, too, and what is for the command line is not.
    assert.ok(found.includes('urn:stonechat:admin#room-destroy'))
    assert.ok(!found.includes('urn:stonechat:admin#archive-export'))
    await escalus.isRefused('not-allowed')`${command(s.domain, node('get-user-password'))}`
    assert.ok(!found.includes(node('get-user-password')))
  },
  options,
)

story(
  'Others run nothing, and observers only what changes nothing // XEP-0133 §6',
  async (s) => {
    const juliet = await s.login('juliet/balcony')
    const lawrence = await s.login('lawrence/cell')
    const adminNodes = (nodes: readonly string[]) => nodes.filter((one) => /[:/]admin#/.test(one))
    assert.deepEqual(adminNodes(await nodesOf(juliet, s.domain)), [])
    const open = await nodesOf(lawrence, s.domain)
    assert.ok(open.includes(node('get-registered-users-num')))
    assert.ok(!open.includes(node('delete-user')))
    for (const name of [...Object.keys(forms), 'get-user-password']) {
      await juliet.isRefused('forbidden', 'cancel')`${command(s.domain, node(name))}`
      const info = `<query xmlns='http://jabber.org/protocol/disco#info' node='${node(name)}'/>`
      await juliet.isRefused('forbidden')`<iq type='get' to='${s.domain}'>${info}</iq>`
      if (!open.includes(node(name))) await lawrence.isRefused('forbidden')`${command(s.domain, node(name))}`
    }
    const counted = await gives(lawrence, s.domain, node('get-registered-users-num'))
    assert.deepEqual(fieldsOf(counted)['registeredusersnum'], ['2'])
  },
  options,
)

story(
  'Observers see what is of the host they ask, admins of the whole server',
  async (s) => {
    const mantua = await s.createAccount('juliet', 'wherefore', 'mantua.example')
    const given = { accountjids: mantua }
    const lawrence = await s.login('lawrence/cell')
    await refuses(lawrence, 'get-user-lastlogin', given, 'forbidden')
    await fills(lawrence, s.domain, node('get-user-lastlogin'), { accountjids: lawrence.bare })
    await lawrence.isRefused('forbidden')`${command(s.domain, 'urn:stonechat:admin#user-show', { jid: mantua })}`
    await fills(await s.login('escalus/palace'), s.domain, node('get-user-lastlogin'), given)
  },
  { ...options, hosts: ['localhost', 'mantua.example'] },
)

story(
  'An admin makes an account, closes it, opens it, and deletes it // XEP-0133 §4.1 to §4.7',
  async (s) => {
    const escalus = await s.login('escalus/palace')
    const jid = `tybalt@${s.domain}`
    const password = 'prince of cats'
    await refuses(escalus, 'add-user', { accountjid: jid, password, 'password-verify': 'x' }, 'bad-request')
    await refuses(
      escalus,
      'add-user',
      { accountjid: 'x@mantua.example', password, 'password-verify': password },
      'item-not-found',
    )
    await fills(escalus, s.domain, node('add-user'), { accountjid: jid, password, 'password-verify': password })
    await refuses(escalus, 'add-user', { accountjid: jid, password, 'password-verify': password }, 'conflict')
    const tybalt = await s.connects()
    await tybalt.logsIn('tybalt', s.domain, password, 'street')

    await refuses(escalus, 'end-user-session', { accountjids: `${jid}/nowhere` }, 'item-not-found')
    await fills(escalus, s.domain, node('end-user-session'), { accountjids: `${jid}/street` })
    await tybalt.receivesStreamError('policy-violation')

    const again = await s.connects()
    await again.logsIn('tybalt', s.domain, password, 'street')
    await refuses(escalus, 'disable-user', { accountjids: [jid, `nobody@${s.domain}`] }, 'item-not-found')
    await again.receivesNothing()
    await fills(escalus, s.domain, node('disable-user'), { accountjids: [jid] })
    await again.receivesStreamError('not-authorized')
    assert.equal((await s.host.accounts.checkLogin('tybalt', password)).verdict, 'disabled')
    assert.equal((await s.host.accounts.checkLogin('tybalt', 'x')).verdict, 'wrong')
    const { answer } = await fills(escalus, s.domain, node('get-disabled-users-list'), {})
    assert.deepEqual(fieldsOf(answer)['disableduserjids'], [jid])
    assert.deepEqual(await run(s, 'user', 'count', s.domain, 'disabled'), ['1'])
    await fills(escalus, s.domain, node('reenable-user'), { accountjids: jid })

    await fills(escalus, s.domain, node('change-user-password'), { accountjid: jid, password: 'good king' })
    assert.equal((await s.host.accounts.checkLogin('tybalt', 'good king')).verdict, 'right')
    await fills(escalus, s.domain, node('delete-user'), { accountjids: jid })
    assert.equal(await s.host.accounts.exists('tybalt'), false)
    // It can be restored until the grace period is over.
    assert.match((await run(s, 'user', 'show', jid)).join(), /disabled; deleted at 20/)
    assert.deepEqual(await run(s, 'user', 'restore', jid), [`Restored ${jid}.`])
    await assert.rejects(run(s, 'user', 'restore', jid), /was not to be deleted/)
    assert.equal((await s.host.accounts.checkLogin('tybalt', 'good king')).verdict, 'right')
    await run(s, 'user', 'erase', jid)
    assert.equal(await s.host.accounts.state('tybalt'), undefined)
  },
  options,
)

story(
  'An admin sees who is there, page by page // XEP-0133 §4.13 to §4.22',
  async (s) => {
    const escalus = await s.online('escalus/palace')
    const romeo = await s.online('romeo/orchard')
    await s.login('juliet/balcony')
    await s.createAccount('mercutio')
    await makeGuests(s, 26)
    const at = (...locals: string[]) => locals.map((local) => `${local}@${s.domain}`)
    romeo.send('<presence><show>away</show></presence>')
    await drain(romeo)
    for (const [kind, number] of Object.entries({
      registered: '30',
      online: '3',
      active: '1',
      idle: '2',
      disabled: '0',
    })) {
      const counted = fieldsOf(await gives(escalus, s.domain, node(`get-${kind}-users-num`)))
      assert.deepEqual(counted[`${kind}usersnum`], [number], kind)
    }
    const list = async (name: string, given = {}) =>
      fieldsOf((await fills(escalus, s.domain, node(name), given)).answer)
    assert.deepEqual((await list('get-online-users-list'))['onlineuserjids'], at('escalus', 'juliet', 'romeo'))
    assert.deepEqual((await list('get-active-users'))['activeuserjids'], at('escalus'))
    assert.deepEqual((await list('get-idle-users'))['idleuserjids'], at('juliet', 'romeo'))
    const first = await list('get-registered-users-list', { max_items: '25' })
    assert.equal(first['registereduserjids']!.length, 25)
    assert.deepEqual(first['x-after'], at('guest23'))
    const second = await list('get-registered-users-list', { max_items: '25', 'x-after': first['x-after']! })
    assert.deepEqual(second['registereduserjids'], at('guest24', 'guest25', 'juliet', 'mercutio', 'romeo'))
    assert.equal(second['x-after'], undefined)
    const all = await list('get-registered-users-list', { max_items: 'none' })
    assert.equal(all['registereduserjids']!.length, 30)
    assert.deepEqual(await run(s, 'user', 'list', s.domain), all['registereduserjids'])
    assert.deepEqual(await run(s, 'user', 'list', s.domain, 'online', '2'), [
      ...at('escalus', 'juliet'),
      `There are more, after juliet@${s.domain}.`,
    ])
    assert.equal((await run(s, 'session', 'list', s.domain)).length, 3)
  },
  options,
)

story(
  'An admin sees how an account is used // XEP-0133 §4.8 to §4.10, §4.29',
  async (s) => {
    const escalus = await s.login('escalus/palace')
    const romeo = await s.online('romeo/orchard')
    const juliet = await s.online('juliet/balcony')
    await s.befriend(romeo, juliet)
    await s.createAccount('mercutio')
    const { answer } = await fills(escalus, s.domain, node('get-user-roster'), { accountjids: romeo.bare })
    const query = answer.getChild('x', 'jabber:x:data')!.getChild('query', 'jabber:iq:roster')!
    assert.deepEqual(
      query.getChildren('item').map(({ attrs }) => [attrs['jid'], attrs['subscription']]),
      [[juliet.bare, 'both']],
    )
    const stats = fieldsOf((await fills(escalus, s.domain, node('user-stats'), { accountjid: romeo.bare })).answer)
    assert.deepEqual([stats['rostersize'], stats['onlineresources']], [['1'], ['orchard']])
    const asked = { accountjids: [romeo.bare, `mercutio@${s.domain}`] }
    const times = fieldsOf((await fills(escalus, s.domain, node('get-user-lastlogin'), asked)).answer)
    const now = new Date(s.bed.clock.now()).toISOString()
    assert.equal(times['lastlogin']![0]!.slice(0, 16), now.slice(0, 16))
    assert.equal(times['lastlogin']![1], '')
    // It is on disk some seconds later.
    await s.advance(5000)
    await drain(romeo)
    assert.match((await run(s, 'user', 'last-login', romeo.bare))[0]!, /^romeo@localhost {2}20/)
    for (const name of ['get-user-roster', 'get-user-lastlogin'])
      await refuses(escalus, name, { accountjids: `nobody@${s.domain}` }, 'item-not-found')
    const admins = fieldsOf(await gives(escalus, s.domain, node('edit-admin')))
    assert.deepEqual(admins['adminjids'], ['escalus@localhost'])
  },
  options,
)

story(
  'Announcements reach whoever is online, and others later when they are to // XEP-0133 §4.23',
  async (s) => {
    const escalus = await s.login('escalus/palace')
    const romeo = await s.online('romeo/orchard')
    const juliet = await s.login('juliet/balcony')
    await s.createAccount('mercutio')
    await fills(escalus, s.domain, node('announce'), { announcement: ['Peace!', '', 'On pain of death.'] })
    const heard = await romeo.receives`<message from='${s.domain}' to='${romeo.jid}' type='headline'/>`
    assert.equal(heard.getChildText('body'), 'Peace!\n\nOn pain of death.')
    await juliet.receivesNothing()
    await refuses(escalus, 'announce', { announcement: [' ', ''] }, 'bad-request')
    await fills(escalus, s.domain, 'urn:stonechat:admin#announce-all', { announcement: 'Masque tonight' })
    await romeo.receives`<message type='headline'><body>Masque tonight</body></message>`
    const mercutio = await s.online('mercutio/square')
    await mercutio.receives`<message from='${s.domain}'><body>Masque tonight</body><delay xmlns='urn:xmpp:delay' stamp='*' from='*'/></message>`
    await mercutio.receivesNothing()
  },
  options,
)

story(
  'Everybody gets the message of the day once, and newcomers a welcome // XEP-0133 §4.24 to §4.28',
  async (s) => {
    const escalus = await s.login('escalus/palace')
    const romeo = await s.online('romeo/orchard')
    const motd = async (name: string, text: string) =>
      await fills(escalus, s.domain, node(name), { motd: [text, 'All day.'] })
    await refuses(escalus, 'edit-motd', { motd: 'x' }, 'item-not-found')
    await motd('set-motd', 'Feest')
    await hears(romeo, 'Feest\nAll day.')
    const { form } = await motd('edit-motd', 'Feast')
    assert.deepEqual(fieldsOf(form)['motd'], ['Feest', 'All day.'])
    await romeo.receivesNothing()
    const street = await s.online('romeo/street')
    await street.receives`<presence from='${romeo.jid}'/>`
    await street.receivesNothing()
    await romeo.disconnects()
    await street.disconnects()
    await (await s.online('romeo/orchard')).receivesNothing()

    await s.advance(1000)
    await fills(escalus, s.domain, node('set-welcome'), { welcome: 'Welcome to Verona' })
    const paris = await s.online('paris/palace')
    const texts = [await paris.next(), await paris.next()].map((message) => message.getChildText('body'))
    assert.deepEqual(texts, ['Welcome to Verona', 'Feast\nAll day.'])
    await s.advance(5000)
    await paris.disconnects()
    await (await s.online('paris/palace')).receivesNothing()
    // Who was here before there was a welcome is no newcomer, and one set anew is a message of another day.
    escalus.send('<presence/>')
    await escalus.receives`<presence from='${escalus.jid}'/>`
    await hears(escalus, 'Feast\nAll day.')
    await motd('set-motd', 'Feast')
    await hears(escalus, 'Feast\nAll day.')
    for (const name of ['delete-motd', 'delete-welcome']) await gives(escalus, s.domain, node(name))
    assert.deepEqual(await run(s, 'motd', 'show', s.domain), ['There is none.'])
    await (await s.online('benvolio/square')).receivesNothing()
  },
  options,
)

story(
  'The server is shut down after a while, unless that is called off // XEP-0133 §4.30, §4.31',
  async (s) => {
    const escalus = await s.login('escalus/palace')
    const romeo = await s.online('romeo/orchard')
    await refuses(escalus, 'shutdown', { delay: '60' }, 'service-unavailable')
    const { stopping } = s.bed.server
    const ends: string[] = []
    stopping.runner = { mayRestart: async () => {}, end: (ending) => void ends.push(ending) }
    try {
      await fills(escalus, s.domain, node('shutdown'), { delay: '60', announcement: 'Good night' })
      await romeo.receives`<message type='headline'><body>Good night</body></message>`
      await s.advance(59_000)
      assert.deepEqual(ends, [])
      await gives(escalus, s.domain, 'urn:stonechat:admin#server-stay')
      await s.advance(60_000)
      await fills(escalus, s.domain, node('restart'), { delay: '30' })
      await s.advance(30_000)
      assert.deepEqual(ends, ['restart'])
    } finally {
      stopping.runner = undefined
    }
  },
  options,
)
