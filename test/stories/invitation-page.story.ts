import assert from 'node:assert/strict'
import { Invitations } from '../../modules/invitations/invitations.ts'
import { InvitationStore } from '../../modules/invitations/store.ts'
import { Jid } from '../../src/api.ts'
import { type Story, story } from '../support/story.ts'

const PASSWORD = 'a rose by any name'
const bounded = { modules: { registration: { enabled: true, limits: { perAddress: 3, total: 2 } } } }
/** A bed of its own: what is left of invitations is in nobody's way. */
const on = { modules: { registration: { enabled: true }, invitations: { page: true } } }

/** Makes an invitation, as the commands do, and returns the path of its page. */
async function invites(s: Story, wish: Partial<Parameters<Invitations['issue']>[0]> = {}): Promise<string> {
  const rules = { expiry: 60_000, limits: { open: 0, perDay: 0 } }
  const invitations = new Invitations(s.host, new InvitationStore(s.database, s.domain), rules, s.bed.clock)
  const { token } = await invitations.issue({ accounts: true, ...wish })
  return `/invite/${token}`
}

interface Page {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

async function page(answer: Response): Promise<Page> {
  return { status: answer.status, text: await answer.text(), headers: answer.headers }
}
const look = async (s: Story, path: string) => await page(await s.fetch(path))
const fill = async (s: Story, path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  await page(await s.fetch(path, { method: 'POST', body: new URLSearchParams(fields), headers }))
const wants = (username: string, password = PASSWORD, again = password) => ({ username, password, again })

/** What the page says of a field. */
const faultOf = (text: string, field: string): string | undefined =>
  new RegExp(`id="${field}-fault">([^<]*)<`).exec(text)?.[1]

story(
  'Whoever was invited makes an account on a page, and is a contact of the inviter // XEP-0379 §3.3, XEP-0401 §5.3',
  async (s) => {
    const romeo = await s.login('romeo')
    const path = await invites(s, { inviter: Jid.parse(romeo.bare) })
    const seen = await look(s, path)
    assert.equal(seen.status, 200)
    assert.match(seen.text, /<h1>romeo@localhost invites you to chat<\/h1>/)
    assert.ok(seen.text.includes(`href="xmpp:romeo@localhost?roster;preauth=${path.slice(8)};ibr=y"`))
    assert.match(seen.text, /name="password" type="password" required minlength="10"/)
    for (const [name, value] of [
      ['cache-control', 'no-store'],
      ['referrer-policy', 'no-referrer'],
      ['x-content-type-options', 'nosniff'],
      ['x-frame-options', 'DENY'],
    ] as const)
      assert.equal(seen.headers.get(name), value)
    const policy = seen.headers.get('content-security-policy')!
    assert.match(policy, /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; base-uri 'none'/)
    // Nothing runs, and nothing comes from elsewhere: links only, which tell nobody where they were followed.
    assert.doesNotMatch(seen.text, /<script|<img|<link|@import|url\(|\son\w+=|style="/)
    for (const [link] of seen.text.matchAll(/<a [^>]*href="https:[^>]*>/g)) assert.match(link, /rel="noreferrer"/)

    const done = await fill(s, path, wants('Juliet'))
    assert.equal(done.status, 200)
    assert.match(done.text, /<strong>juliet@localhost<\/strong>/)
    assert.match(done.text, /romeo@localhost/)
    assert.match(done.text, /href="\/chat"/)
    assert.ok(!done.text.includes(PASSWORD))
    const juliet = await s.connects()
    await juliet.logsIn('juliet', s.domain, PASSWORD)
    const roster = await juliet.asks`<iq type='get'><query xmlns='jabber:iq:roster'/></iq>`
    assert.match(roster.toString(), /<item jid="romeo@localhost" subscription="both"/)
  },
  on,
)

story(
  'A form that is sent twice makes one account, and both answers say so',
  async (s) => {
    const path = await invites(s)
    const answers = await Promise.all([fill(s, path, wants('juliet')), fill(s, path, wants('juliet'))])
    answers.push(await fill(s, path, wants('juliet')))
    for (const { status, text } of answers) assert.ok(status === 200 && text.includes('juliet@localhost'))
    assert.equal((await s.host.accounts.list(undefined, 10)).length, 1)
    // Only what is the same word for word: nobody tries out passwords here.
    assert.equal((await fill(s, path, wants('juliet', 'another password'))).status, 404)
    await s.advance(600_000)
    assert.equal((await fill(s, path, wants('juliet'))).status, 404)
  },
  on,
)

story(
  'What cannot be is told beside its field; the name is kept, and passwords are not',
  async (s) => {
    await s.createAccount('romeo')
    const path = await invites(s, { uses: 2 })
    const cases: readonly [form: Record<string, string>, status: number, field: string, fault: RegExp][] = [
      [wants('juliet', PASSWORD, 'a nose'), 422, 'again', /differ/],
      [wants('juliet', 'short'), 422, 'password', /at least 10 characters/],
      [wants('juliet', ''), 422, 'password', /is needed/],
      [{}, 422, 'username', /is needed/],
      [wants('j'.repeat(65)), 422, 'username', /at most 64/],
      [wants('juliet', 'ten chars \u0000 or more'), 409, 'password', /password/i],
      [wants('romeo'), 409, 'username', /already/],
      [wants('ROMEO@localhost'), 409, 'username', /already/],
      [wants('a b"><script>'), 409, 'username', /./],
      [wants('admin'), 409, 'username', /reserved/],
    ]
    for (const [form, status, field, fault] of cases) {
      const answer = await fill(s, path, form)
      const what = JSON.stringify(form)
      assert.equal(answer.status, status === 409 && field === 'password' ? 422 : status, what)
      assert.match(faultOf(answer.text, field) ?? '(nothing)', fault, what)
      assert.match(
        answer.text,
        new RegExp(`<input id="${field}"[^>]*aria-describedby="${field}-fault[^>]*aria-invalid`),
      )
      assert.doesNotMatch(answer.text, /<script|type="password"[^>]*value=/, what)
      assert.ok(form['password'] === undefined || form['password'] === '' || !answer.text.includes(form['password']))
    }
    assert.match((await fill(s, path, wants('a"b', 'short'))).text, /value="a&#34;b"/)
    // None of it has used the invitation up.
    assert.equal((await fill(s, path, wants('juliet'))).status, 200)
    assert.equal((await fill(s, path, wants('nurse'))).status, 200)
    assert.equal((await fill(s, path, wants('peter'))).status, 404)
  },
  { modules: { registration: { enabled: true, limits: { perAddress: 0 } } } },
)

story(
  'An invitation with a name is for that name, and one to a contact makes no account',
  async (s) => {
    const named = await invites(s, { username: 'juliet' })
    assert.match((await look(s, named)).text, /value="juliet" readonly/)
    assert.match((await look(s, named)).text, /The account <strong>juliet@localhost<\/strong> is kept for you/)
    const other = await fill(s, named, wants('rosaline'))
    assert.equal(other.status, 409)
    assert.match(faultOf(other.text, 'username')!, /for the name juliet/)
    assert.equal((await fill(s, named, wants('juliet'))).status, 200)

    const contact = await invites(s, { inviter: Jid.parse(await s.createAccount('romeo')), accounts: false })
    const seen = await look(s, contact)
    assert.ok(seen.status === 200 && !seen.text.includes('<form') && !seen.text.includes('ibr=y'))
    assert.equal((await fill(s, contact, wants('mercutio'))).status, 404)
    assert.equal(await s.host.accounts.exists('mercutio'), false)
  },
  on,
)

story(
  'An invitation that is used, over, or none at all is answered in the same way',
  async (s) => {
    const used = await invites(s)
    await fill(s, used, wants('juliet'))
    const over = await invites(s)
    await s.advance(60_000)
    const nobodys = await invites(s, { inviter: Jid.parse(await s.createAccount('romeo')) })
    await s.host.deleteAccount('romeo')
    const { status, text } = await look(s, `/invite/${'a'.repeat(32)}`)
    assert.equal(status, 404)
    for (const path of [used, over, nobodys, '/invite/x', '/invite/%00', `/invite/${'a'.repeat(4000)}`]) {
      const answer = await look(s, path)
      assert.deepEqual([answer.status, answer.text], [status, text], path)
      assert.equal(answer.headers.get('cache-control'), 'no-store')
    }
    const sent = await fill(s, over, wants('mercutio'))
    assert.deepEqual([sent.status, sent.text], [status, text])
    const ways = ['..', '%2e%2e', '%u002e', '..%2f..%2fchat', '%00', ';', '%2f', '%ff', '']
    for (const way of ways) {
      for (const path of [`/invite/${way}`, `/invite/${way}/x`, `/invite//${way}`, `/invite${way}`])
        assert.ok([302, 400, 404].includes((await s.fetch(path, { redirect: 'manual' })).status), path)
    }
  },
  { modules: { registration: { enabled: true, limits: { perAddress: 0 } } } },
)

story(
  'Tokens that do not work and accounts are counted as those of clients are, for each address',
  async (s) => {
    const good = await invites(s, { uses: 10 })
    // A page that works can be looked at as often as people like.
    for (let i = 0; i < 5; i++) assert.equal((await look(s, good)).status, 200)
    assert.equal((await fill(s, good, wants('admin'))).status, 409)
    for (const letter of 'ab') assert.equal((await look(s, `/invite/${letter.repeat(32)}`)).status, 404)
    // Three tokens an hour: from here nobody learns any more which work.
    for (const path of [good, `/invite/${'c'.repeat(32)}`]) assert.equal((await look(s, path)).status, 429)
    assert.equal((await fill(s, good, wants('juliet'))).status, 429)
    await s.advance(3_600_000)
    assert.equal((await look(s, good)).status, 404)
  },
  bounded,
)

story(
  'New accounts are counted together, whichever way they are asked for',
  async (s) => {
    await s.advance(3_600_000)
    const path = await invites(s, { uses: 10 })
    const preauth = `<preauth xmlns='urn:xmpp:pars:0' token='${path.slice(8)}'/>`
    const client = await s.connects()
    await client.opens(s.domain)
    await client.asks`<iq type='set' to='${s.domain}'>${preauth}</iq>`
    await client.asks`<iq type='set'><query xmlns='jabber:iq:register'><username>romeo</username><password>${PASSWORD}</password></query></iq>`
    assert.equal((await fill(s, path, wants('juliet'))).status, 200)
    const third = await fill(s, path, wants('mercutio'))
    assert.equal(third.status, 429)
    assert.match(third.text, /role="alert">Too many accounts/)
    assert.match(third.text, /value="mercutio"/)
  },
  { modules: { registration: { enabled: true, limits: { perAddress: 9, total: 2 } } } },
)

story(
  'A form is taken from the page only, and only as large as it is',
  async (s) => {
    const path = await invites(s)
    const form = wants('juliet')
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://verona.example' },
      { origin: 'nonsense' },
    ])
      assert.equal((await fill(s, path, form, headers)).status, 403, JSON.stringify(headers))
    assert.equal((await s.fetch(path, { method: 'POST', body: '{}' })).status, 415)
    assert.equal((await fill(s, path, { ...form, more: 'a'.repeat(9000) })).status, 413)
    assert.equal(await s.host.accounts.exists('juliet'), false)
    const origin = await s.bed.web()
    assert.equal((await fill(s, path, form, { origin, 'sec-fetch-site': 'same-origin' })).status, 200)
  },
  on,
)

story(
  'Where nobody makes accounts the page explains, and where passwords would be read along it asks for none',
  async (s) => {
    const path = await invites(s, { inviter: Jid.parse(await s.createAccount('romeo')) })
    const seen = await look(s, path)
    assert.ok(seen.status === 200 && !seen.text.includes('<form') && seen.text.includes('xmpp:romeo@localhost?roster'))
    assert.equal((await fill(s, path, wants('juliet'))).status, 422)
  },
)

story(
  'Commands print the address of the page, unless the admin has another or wants none',
  async (s) => {
    const [uri, landing] = (await s.bed.server.commands.perform('invitation create', [s.domain])).lines
    assert.equal(landing, `https://localhost:5443/invite/${/preauth=(\w+)$/.exec(uri!)![1]}`)
  },
  on,
)
