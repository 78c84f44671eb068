import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommandError, parseDocument } from '../../src/api.ts'
import { asksArchive, NS_MAM } from '../support/archive.ts'
import { type Actor, type Story, story } from '../support/story.ts'

const DAY_MS = 86_400_000
const NS_RETRACT = 'urn:xmpp:message-retract:1'

const chat = (to: string, body: string, id = body): string =>
  `<message to='${to}' type='chat' id='${id}'><body>${body}</body></message>`

async function bodiesOf(actor: Actor): Promise<readonly (string | null)[]> {
  return (await asksArchive(actor)).bodies
}

async function hears(actor: Actor, id: string): Promise<void> {
  await actor.receives`<message id='${id}'/>`
}

async function sets(actor: Actor, prefs: string): Promise<void> {
  await actor.asks`<iq type='set'>${prefs}</iq>`
}

// ---- XEP-0441 ----

story('Preferences: what is never, always, or only with contacts to be archived', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  const shown = await juliet.asks`<iq type='get'><prefs xmlns='${NS_MAM}'/></iq>`
  assert.equal(
    String(shown.getChild('prefs')),
    String(parseDocument(`<prefs xmlns='${NS_MAM}' default='always'><always/><never/></prefs>`)),
  )
  const never = `<prefs xmlns='${NS_MAM}' default='always'><always><jid>${romeo.jid}</jid></always><never><jid>${romeo.bare.toUpperCase()}</jid></never></prefs>`
  const answer = await juliet.asks`<iq type='set'>${never}</iq>`
  assert.equal(answer.getChild('prefs')!.getChild('never')!.getChildText('jid'), romeo.bare)
  const phone = await s.login('romeo/phone')
  await romeo.sends`${chat(juliet.jid, 'full always')}`
  await hears(juliet, 'full always')
  await phone.sends`${chat(juliet.jid, 'bare never')}`
  const unmarked = await juliet.receives`<message id='bare never'/>`
  assert.equal(unmarked.getChild('stanza-id'), undefined)
  assert.deepEqual(await bodiesOf(juliet), ['full always'])
  assert.deepEqual(await bodiesOf(romeo), ['full always', 'bare never'])

  // They hold for what the account sends, and while it is away.
  await sets(juliet, `<prefs xmlns='${NS_MAM}' default='never'/>`)
  await juliet.sends`${chat(romeo.jid, 'sent')}`
  await hears(romeo, 'sent')
  await juliet.disconnects()
  await romeo.sends`${chat(juliet.bare, 'away')}`
  await romeo.isRefused('service-unavailable')`<message to='${juliet.bare}' type='groupchat'/>`
  assert.deepEqual(await bodiesOf(await s.login('juliet/balcony')), ['full always'])
})

story('Preferences: with default=roster contacts are archived, strangers are not', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const nurse = await s.login('nurse/hall')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  await sets(juliet, `<prefs xmlns='${NS_MAM}' default='roster'/>`)
  for (const online of [true, false]) {
    if (!online) {
      await juliet.disconnects()
      await romeo.receives`<presence type='unavailable'/>`
    }
    for (const who of [romeo, nurse]) {
      await who.sends`${chat(juliet.bare, `${who === romeo ? 'friend' : 'stranger'} ${online}`)}`
      await who.isRefused('service-unavailable')`<message to='${juliet.bare}' type='groupchat'/>`
    }
  }
  assert.deepEqual(await bodiesOf(await s.login('juliet/balcony')), ['friend true', 'friend false'])
})

story(
  'Preferences that are none are refused',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const list = (...jids: string[]) => `<always>${jids.map((jid) => `<jid>${jid}</jid>`).join('')}</always>`
    const table: [condition: string, attributes: string, lists: string][] = [
      ['bad-request', '', ''],
      ['bad-request', "default='sometimes'", ''],
      ['jid-malformed', "default='always'", list('@')],
      ['jid-malformed', "default='always'", list('')],
      ['policy-violation', "default='always'", list('a@x', 'b@x', 'c@x')],
    ]
    for (const [condition, attributes, lists] of table)
      await romeo.isRefused(condition)`<iq type='set'><prefs xmlns='${NS_MAM}' ${attributes}>${lists}</prefs></iq>`
    await sets(romeo, `<prefs xmlns='${NS_MAM}' default='always'>${list('a@x', 'A@X', 'b@x')}</prefs>`)
  },
  { modules: { archive: { maxPreferences: 2 } } },
)

// ---- XEP-0424 ----

/** Waits until the archive of somebody says this; `meanwhile` happens between two looks at it. */
async function comesTo(actor: Actor, bodies: readonly (string | null)[], meanwhile = async () => {}): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (JSON.stringify(await bodiesOf(actor)) === JSON.stringify(bodies)) return
    await meanwhile()
  }
  assert.deepEqual(await bodiesOf(actor), bodies)
}

story('A retracted message becomes a tombstone in both archives; the retraction stays', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const phone = await s.login('romeo/phone')
  const juliet = await s.online('juliet/balcony')
  await romeo.sends`${chat(juliet.jid, 'regrettable', 'wrong')}`
  await hears(juliet, 'wrong')
  await phone.sends`<message to='${juliet.jid}' type='chat' id='sorry'><retract xmlns='${NS_RETRACT}' id='wrong'/></message>`
  await hears(juliet, 'sorry')
  for (const actor of [romeo, juliet]) {
    await comesTo(actor, [null, null])
    const [stone, retraction] = (await asksArchive(actor)).messages
    assert.equal(stone!.attrs['id'], 'wrong')
    assert.equal(stone!.attrs['from'], romeo.jid)
    const { id, stamp } = stone!.getChild('retracted', NS_RETRACT)!.attrs
    assert.equal(id, 'sorry')
    assert.equal(stamp, new Date(s.bed.clock.now()).toISOString())
    assert.ok(retraction!.getChild('retract', NS_RETRACT))
  }
  const found = await asksArchive(juliet, { form: { '{urn:xmpp:fulltext:0}fulltext': 'regrettable' } })
  assert.deepEqual(found.ids, [])
})

story('Nobody retracts what is another’s, or was said elsewhere', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  const nurse = await s.online('nurse/hall')
  await romeo.sends`${chat(juliet.jid, 'his', '1')}`
  await hears(juliet, '1')
  for (const [who, to] of [
    [juliet, romeo],
    [nurse, juliet],
    [romeo, nurse],
  ] as const) {
    await who.sends`<message to='${to.jid}' type='chat' id='r'><retract xmlns='${NS_RETRACT}' id='1'/></message>`
    await hears(to, 'r')
  }
  // What is retracted last shows that the others have been looked at.
  await juliet.sends`${chat(romeo.jid, 'hers', '2')}`
  await hears(romeo, '2')
  await juliet.sends`<message to='${romeo.jid}' type='chat' id='r2'><retract xmlns='${NS_RETRACT}' id='2'/></message>`
  await hears(romeo, 'r2')
  await comesTo(juliet, ['his', null, null, null, null])
})

// XEP-0424 §5: "The archiving service therefore MUST store the retraction message"; §4: a tombstone has its id
story('A retraction is not itself retracted, and one without an id leaves no tombstone', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  const retract = (id: string) => `<retract xmlns='${NS_RETRACT}' id='${id}'/>`
  for (const [id, payload] of [
    ['1', '<body>one</body>'],
    ['2', '<body>two</body>'],
    ['3', '<body>three</body>'],
    ['r1', retract('1')],
    ['r2', retract('r1')],
    ['', retract('2')],
    ['r3', retract('3')],
  ]) {
    await romeo.sends`<message to='${juliet.jid}' type='chat' ${id === '' ? '' : `id='${id}'`}>${payload}</message>`
    await juliet.receives`<message>${payload}</message>`
  }
  // The last of them shows that the others have been looked at.
  await comesTo(juliet, [null, 'two', null, null, null, null, null])
  const kept = (await asksArchive(juliet)).messages.map(
    (message) => message.getChild('retract', NS_RETRACT)?.attrs['id'],
  )
  assert.deepEqual(kept, [undefined, undefined, undefined, '1', 'r1', '2', '3'])
})

// ---- offline (XEP-0313 §6.1.1) ----

story('A client that reads the archive is not sent again what waits for it', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const writes = async (body: string) => {
    await romeo.sends`${chat(`juliet@${s.domain}`, body)}`
    await romeo.isRefused('service-unavailable')`<message to='juliet@${s.domain}' type='groupchat'/>`
  }
  const juliet = await s.login('juliet/phone')
  await asksArchive(juliet)
  await juliet.disconnects()
  await writes('one')
  // The same client as in its last session
  const again = await s.online('juliet/phone')
  await again.receivesNothing()
  assert.deepEqual(await bodiesOf(again), ['one'])
  await again.disconnects()
  await writes('two')
  // A client that never asked
  const tablet = await s.online('juliet/tablet')
  await tablet.receives`<message id='two'><body>two</body></message>`
  await tablet.disconnects()
  await writes('three')
  // What is in no archive is sent to everybody.
  const reader = await s.login('juliet/phone')
  await sets(reader, `<prefs xmlns='${NS_MAM}' default='never'/>`)
  await asksArchive(reader)
  await reader.disconnects()
  await writes('four')
  const late = await s.online('juliet/phone')
  await late.receives`<message id='four'/>`
  await late.receivesNothing()
  // A client that asked no more is taken for a reader no more.
  await sets(late, `<prefs xmlns='${NS_MAM}' default='always'/>`)
  await late.disconnects()
  await writes('five')
  const other = await s.online('juliet/phone')
  await other.receives`<message id='five'/>`
})

// ---- retention ----

/** Moves the clock on until the archive has been looked through for old messages. */
async function purges(s: Story): Promise<void> {
  for (let n = 0; n < 130; n++) await s.advance(60_000)
}

story(
  'Old messages go, the time being the host’s or the account’s own',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.online('juliet/balcony')
    const run = (...args: string[]) => s.bed.server.commands.run('archive retention', args)
    for (const body of ['old', 'older than a day', 'new']) {
      await romeo.sends`${chat(juliet.jid, body)}`
      await hears(juliet, body)
      await s.advance(1.5 * DAY_MS)
    }
    assert.deepEqual(await run(juliet.bare), [`Messages of ${juliet.bare} are kept: 4d (as the host says).`])
    assert.deepEqual(await run(romeo.bare, '2d'), [`Messages of ${romeo.bare} are kept: 2d.`])
    // A round that had begun before may go on for a while; the next is an hour after it.
    const goesOn = () => s.advance(60_000)
    await purges(s)
    await comesTo(romeo, ['new'], goesOn)
    await comesTo(juliet, ['older than a day', 'new'])
    assert.deepEqual(await run(juliet.bare, 'forever'), [`Messages of ${juliet.bare} are kept: for ever.`])
    assert.deepEqual(await run(romeo.bare, 'default'), [`Messages of ${romeo.bare} are kept: 4d (as the host says).`])
    await s.advance(30 * DAY_MS)
    await purges(s)
    await comesTo(romeo, [], goesOn)
    await comesTo(juliet, ['older than a day', 'new'])
    for (const wrong of ['2', '2w', '0d', '-1d']) await assert.rejects(run(romeo.bare, wrong), CommandError)
    await assert.rejects(run(`nobody@${s.domain}`, '2d'), /There is no account/)
    await assert.rejects(run(s.domain, '2d'), CommandError)
  },
  { modules: { archive: { retention: 4 * DAY_MS } } },
)

story(
  'Past the quota the oldest messages go',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.online('juliet/balcony')
    for (let n = 0; n < 8; n++) {
      await romeo.sends`${chat(juliet.jid, `m${n}`)}`
      await hears(juliet, `m${n}`)
    }
    const { ids } = await asksArchive(juliet)
    await purges(s)
    await comesTo(juliet, ['m5', 'm6', 'm7'])
    await juliet.isRefused('item-not-found')`<iq type='set'><query xmlns='${NS_MAM}'>
      <set xmlns='http://jabber.org/protocol/rsm'><after>${ids[0]}</after></set></query></iq>`
  },
  { modules: { archive: { maxMessages: 3 } } },
)

// ---- commands ----

// The file is as XEP-0227 asks.
story('An archive can be looked at, exported and erased', async (s) => {
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-export-'))
  try {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.online('juliet/balcony')
    const run = (name: string, ...args: string[]) => s.bed.server.commands.run(`archive ${name}`, args)
    for (const body of ['one', 'two &lt;b&gt;']) {
      await romeo.sends`<message to='${juliet.jid}' type='chat'><body>${body}</body></message>`
      await juliet.receives`<message/>`
    }
    const now = new Date(s.bed.clock.now()).toISOString()
    const { ids } = await asksArchive(juliet)
    assert.deepEqual(await run('show', juliet.bare), [
      `2 messages in the archive of ${juliet.bare}`,
      `oldest: ${now}`,
      `newest: ${now}`,
      'kept: for ever (as the host says)',
      'archived: always; always: nobody; never: nobody',
      'clients that read it: balcony',
    ])
    const file = join(folder, 'juliet.xml')
    assert.deepEqual(await run('export', juliet.bare, file), [`Wrote 2 messages to ${file}.`])
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    const text = await readFile(file, 'utf8')
    const user = parseDocument(text.replace(/^<\?xml[^>]*>\n/, ''))
      .getChild('host')!
      .getChild('user')!
    assert.equal(user.attrs['name'], 'juliet')
    const results = user.getChild('archive', 'urn:xmpp:pie:0#mam')!.getChildren('result', NS_MAM)
    assert.deepEqual(
      results.map((result) => [
        result.attrs['id'],
        result.getChild('forwarded')!.getChild('message', 'jabber:client')!.getChildText('body'),
      ]),
      [
        [ids[0], 'one'],
        [ids[1], 'two <b>'],
      ],
    )
    await assert.rejects(run('export', juliet.bare, file), /is there already/)
    await assert.rejects(run('export', juliet.bare, 'here.xml'), /from the root folder on/)
    await assert.rejects(run('export', juliet.bare), CommandError)
    await assert.rejects(run('export', juliet.bare, join(folder, 'no', 'such')), CommandError)
    assert.deepEqual(await run('erase', juliet.bare), [`Removed 2 messages from the archive of ${juliet.bare}.`])
    assert.deepEqual(await bodiesOf(juliet), [])
    assert.deepEqual(await bodiesOf(romeo), ['one', 'two <b>'])
    assert.deepEqual((await run('show', `nobody@${s.domain}`))[0], `0 messages in the archive of nobody@${s.domain}`)
  } finally {
    await rm(folder, { recursive: true })
  }
})
