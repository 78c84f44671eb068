import assert from 'node:assert/strict'
import { type Actor, drain, story } from '../support/story.ts'

const NS = 'jabber:iq:roster'

/** Asks for the roster, as a client does that wants to be told of changes, and returns the version it has. */
async function opens(actor: Actor, ver = ''): Promise<string> {
  const result = await actor.asks`<iq type='get'><query xmlns='${NS}' ver='${ver}'/></iq>`
  return result.getChild('query', NS)?.attrs['ver'] ?? ver
}

async function sets(actor: Actor, item: string): Promise<void> {
  await actor.asks([`<iq type='set'><query xmlns='${NS}'>${item}</query></iq>`] as unknown as TemplateStringsArray)
}

// RFC 6121 §2.1.3, §2.2
story('An empty roster is an empty query, without a version for those who do not ask for one', async (s) => {
  const juliet = await s.login('juliet/balcony')
  const result = await juliet.asks`<iq type='get'><query xmlns='${NS}'/></iq>`
  const query = result.getChild('query', NS)!
  assert.deepEqual(query.children, [])
  assert.equal(query.attrs['ver'], undefined)
})

// RFC 6121 §2.3.1, §2.3.2
story('A new contact is pushed to every client that asked for the roster, then the result comes', async (s) => {
  const balcony = await s.login('juliet/balcony')
  const chamber = await s.login('juliet/chamber')
  const orchard = await s.login('juliet/orchard')
  await opens(balcony)
  await opens(chamber)
  await balcony.sends`<iq type='set' id='add'><query xmlns='${NS}'>
    <item jid='nurse@example.com' name='Nurse' ask='subscribe' approved='true' subscription='both'>
      <group>Servants</group><group>Capulets</group></item></query></iq>`
  // RFC 6121 §2.1.2: subscription, ask and approved are the server's own.
  for (const actor of [balcony, chamber])
    await actor.receives`<iq type='set' id='*' to='${actor.jid}'><query xmlns='${NS}' ver='*'>
      <item jid='nurse@example.com' name='Nurse' subscription='none'>
        <group>Servants</group><group>Capulets</group></item></query></iq>`
  await balcony.receives`<iq type='result' id='add'/>`
  await orchard.receivesNothing()
  const result = await orchard.asks`<iq type='get' to='${orchard.bare}'><query xmlns='${NS}'/></iq>`
  assert.equal(result.getChild('query', NS)!.getChild('item', NS)!.attrs['name'], 'Nurse')
})

// RFC 6121 §2.4
story('A contact is renamed and leaves all groups', async (s) => {
  const juliet = await s.login('juliet/balcony')
  await opens(juliet)
  await sets(juliet, `<item jid='nurse@example.com' name='Nurse'><group>Servants</group></item>`)
  await juliet.receives`<iq type='set'><query xmlns='${NS}' ver='*'><item jid='nurse@example.com' name='Nurse' subscription='none'><group>Servants</group></item></query></iq>`
  await sets(juliet, `<item jid='NURSE@example.com' name='Angelica'/>`)
  await juliet.receives`<iq type='set'><query xmlns='${NS}' ver='*'><item jid='nurse@example.com' name='Angelica' subscription='none'/></query></iq>`
})

// RFC 6121 §2.5
story('A contact is removed, once', async (s) => {
  const juliet = await s.login('juliet/balcony')
  await opens(juliet)
  await sets(juliet, `<item jid='nurse@example.com'/>`)
  await juliet.next()
  await sets(juliet, `<item jid='nurse@example.com' subscription='remove'/>`)
  await juliet.receives`<iq type='set'><query xmlns='${NS}' ver='*'><item jid='nurse@example.com' subscription='remove'/></query></iq>`
  // RFC 6121 §2.5.3
  await juliet.isRefused(
    'item-not-found',
  )`<iq type='set'><query xmlns='${NS}'><item jid='nurse@example.com' subscription='remove'/></query></iq>`
  await juliet.receivesNothing()
})

// RFC 6121 §2.3.3
story('What is wrong with an item is refused, and changes nothing', async (s) => {
  const juliet = await s.login('juliet/balcony')
  const ver = await opens(juliet)
  const cases: readonly (readonly [condition: string, items: string])[] = [
    ['bad-request', ''],
    ['bad-request', `<item jid='a@example.com'/><item jid='b@example.com'/>`],
    ['bad-request', `<contact jid='a@example.com'/>`],
    ['bad-request', `<item name='Nobody'/>`],
    ['bad-request', `<item jid='a@example.com/home'/>`],
    ['jid-malformed', `<item jid='@example.com'/>`],
    ['jid-malformed', `<item jid=''/>`],
    ['not-allowed', `<item jid='${juliet.bare}'/>`],
    ['not-acceptable', `<item jid='a@example.com'><group/></item>`],
    ['bad-request', `<item jid='a@example.com'><group>Friends</group><group>Friends</group></item>`],
    ['not-acceptable', `<item jid='a@example.com' name='${'x'.repeat(257)}'/>`],
    ['not-acceptable', `<item jid='a@example.com'><group>${'x'.repeat(257)}</group></item>`],
    [
      'not-acceptable',
      `<item jid='a@example.com'>${Array.from({ length: 33 }, (_, i) => `<group>${i}</group>`).join('')}</item>`,
    ],
    ['item-not-found', `<item jid='a@example.com' subscription='remove'/>`],
  ]
  for (const [condition, items] of cases)
    await juliet.isRefused(condition)`<iq type='set'><query xmlns='${NS}'>${items}</query></iq>`
  assert.equal(await opens(juliet), ver)
})

story(
  'A roster has as many contacts as it may have',
  async (s) => {
    const juliet = await s.login('juliet/balcony')
    await sets(juliet, `<item jid='a@example.com'/>`)
    await sets(juliet, `<item jid='b@example.com'/>`)
    await juliet.isRefused(
      'policy-violation',
    )`<iq type='set'><query xmlns='${NS}'><item jid='c@example.com'/></query></iq>`
    await juliet.isRefused('policy-violation')`<presence type='subscribe' to='c@${s.domain}'/>`
    await sets(juliet, `<item jid='b@example.com' name='B'/>`)
  },
  { modules: { roster: { maxItems: 2 } } },
)

// RFC 6121 §2.3.3, and CVE-2015-8688
story('Nobody reads or sets the roster of somebody else, who may not even exist, nor pushes to a client', async (s) => {
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  await opens(juliet)
  for (const to of [juliet.bare, juliet.jid, `nobody@${s.domain}`, `nobody@${s.domain}/there`])
    for (const type of ['get', 'set'])
      await romeo.isRefused(
        'forbidden',
      )`<iq type='${type}' to='${to}'><query xmlns='${NS}'><item jid='evil@example.com' subscription='both'/></query></iq>`
  await juliet.receivesNothing()
})

// RFC 6121 §2.6, XEP-0237 §2
story('A client that was away hears only what is new, in order, after the answer', async (s) => {
  const balcony = await s.login('juliet/balcony')
  await opens(balcony)
  await sets(balcony, `<item jid='nurse@example.com'/>`)
  const push = await balcony.next()
  const known = push.getChild('query', NS)!.attrs['ver']!
  await balcony.disconnects()

  const chamber = await s.login('juliet/chamber')
  await sets(chamber, `<item jid='tybalt@example.com'/>`)
  await sets(chamber, `<item jid='paris@example.com'/>`)
  await sets(chamber, `<item jid='tybalt@example.com' name='Tybalt'/>`)
  await chamber.disconnects()

  const again = await s.login('juliet/balcony')
  await again.sends`<iq type='get' id='roster'><query xmlns='${NS}' ver='${known}'/></iq>`
  const result = await again.receives`<iq type='result' id='roster'/>`
  assert.deepEqual(result.getChildElements(), [])
  const first =
    await again.receives`<iq type='set'><query xmlns='${NS}' ver='*'><item jid='paris@example.com' subscription='none'/></query></iq>`
  const second =
    await again.receives`<iq type='set'><query xmlns='${NS}' ver='*'><item jid='tybalt@example.com' name='Tybalt' subscription='none'/></query></iq>`
  const versions = [known, ...[first, second].map((iq) => iq.getChild('query', NS)!.attrs['ver']!)].map(Number)
  assert.ok(versions[0]! < versions[1]! && versions[1]! < versions[2]!)
  // Nothing is new now, and what comes is heard once.
  await again.sends`<iq type='get' id='roster-2'><query xmlns='${NS}' ver='${versions[2]}'/></iq>`
  await again.receives`<iq type='result' id='roster-2'/>`
  await again.receivesNothing()
})

// RFC 6121 §2.6.2
story('A client whose version is empty, unknown or older than a removal gets the whole roster', async (s) => {
  const juliet = await s.login('juliet/balcony')
  const empty = await opens(juliet)
  await sets(juliet, `<item jid='nurse@example.com'/>`)
  await sets(juliet, `<item jid='paris@example.com'/>`)
  await drain(juliet)
  const old = await opens(juliet)
  await sets(juliet, `<item jid='paris@example.com' subscription='remove'/>`)
  await drain(juliet)
  const current = await opens(juliet)
  for (const ver of [
    '',
    empty,
    old,
    'a version',
    '99999999999999999999',
    String(Number(current) + 1),
    String(Number(current) - 1),
  ]) {
    const result = await juliet.asks`<iq type='get'><query xmlns='${NS}' ver='${ver}'/></iq>`
    const query = result.getChild('query', NS)!
    assert.equal(query.attrs['ver'], current, ver)
    assert.deepEqual(
      query.getChildren('item', NS).map((item) => item.attrs['jid']),
      ['nurse@example.com'],
    )
  }
})

// RFC 6121 §2.6.3
story('Changes of two clients at once are pushed in the order of their versions', async (s) => {
  const balcony = await s.login('juliet/balcony')
  const chamber = await s.login('juliet/chamber')
  const watcher = await s.login('juliet/garden')
  await opens(watcher)
  const contacts = Array.from({ length: 20 }, (_, i) => `contact-${i}@example.com`)
  await Promise.all(contacts.map((jid, i) => sets(i % 2 === 0 ? balcony : chamber, `<item jid='${jid}'/>`)))
  const versions: number[] = []
  for (const _ of contacts) versions.push(Number((await watcher.next()).getChild('query', NS)!.attrs['ver']))
  assert.deepEqual(
    versions,
    contacts.map((_, i) => versions[0]! + i),
  )
})

story('Versioning and pre-approval are announced', async (s) => {
  await s.createAccount('juliet', 'password')
  const actor = await s.connects()
  await actor.opens(s.domain)
  actor.send(
    `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${Buffer.from('\0juliet\0password').toString('base64')}</auth>`,
  )
  await actor.next()
  const features = await actor.opens(s.domain)
  assert.ok(features.getChild('ver', 'urn:xmpp:features:rosterver'))
  assert.ok(features.getChild('sub', 'urn:xmpp:features:pre-approval'))
})

story('A change costs the same number of queries however long the roster is, and reading costs none', async (s) => {
  const juliet = await s.login('juliet/balcony')
  await opens(juliet)
  const cost = async (work: () => Promise<unknown>): Promise<number> => {
    const before = s.database.queries
    await work()
    return s.database.queries - before
  }
  const first = await cost(() => sets(juliet, `<item jid='contact-0@example.com'/>`))
  for (let i = 1; i < 60; i++) await sets(juliet, `<item jid='contact-${i}@example.com'><group>Many</group></item>`)
  assert.equal(await cost(() => sets(juliet, `<item jid='contact-60@example.com'/>`)), first)
  assert.equal(await cost(() => sets(juliet, `<item jid='contact-60@example.com' subscription='remove'/>`)), first)
  assert.equal(await cost(() => opens(juliet)), 0)
  assert.ok(first <= 4, `${first} queries`)
})

story('A login costs the same number of queries however long the roster is', async (s) => {
  const juliet = await s.login('juliet/balcony')
  const paris = await s.login('paris/tomb')
  for (let i = 0; i < 60; i++) await sets(juliet, `<item jid='contact-${i}@example.com'/>`)
  await juliet.disconnects()
  await paris.disconnects()
  // What is written behind the back of those who leave is on disk when somebody else has come and gone.
  await (await s.login('mercutio/street')).receivesNothing()
  const cost = async (who: string): Promise<number> => {
    const before = s.database.queries
    await s.login(who)
    return s.database.queries - before
  }
  assert.equal(await cost('juliet/balcony'), await cost('paris/tomb'))
})
