import assert from 'node:assert/strict'
import { type Actor, story } from '../support/story.ts'

const NS = 'jabber:iq:roster'

/** Asks for the roster, so that pushes and answers to requests are heard. */
async function opens(actor: Actor): Promise<void> {
  await actor.asks`<iq type='get'><query xmlns='${NS}'/></iq>`
}

/** The items of a roster as text, sorted: `jid subscription`, and `ask` or `approved` where they are. */
async function roster(actor: Actor): Promise<string[]> {
  const result = await actor.asks`<iq type='get'><query xmlns='${NS}'/></iq>`
  return result
    .getChild('query', NS)!
    .getChildren('item', NS)
    .map(({ attrs }) =>
      [attrs['jid'], attrs['subscription'], attrs['ask'] && 'ask', attrs['approved'] && 'approved']
        .filter(Boolean)
        .join(' '),
    )
    .sort()
}

/** Waits until all that an actor has sent to an address has run its course: later stanzas to it come after. */
async function settles(actor: Actor, to: string): Promise<void> {
  await actor.isRefused('service-unavailable')`<iq type='get' to='${to}'><settle xmlns='urn:example:settle'/></iq>`
}

const push = (item: string) => `<iq type='set'><query xmlns='${NS}' ver='*'>${item}</query></iq>`

// RFC 6121 §3.1
story('Juliet lets Romeo see her presence', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await opens(romeo)
  await opens(juliet)
  // §3.1.1, §3.1.2: the resource is stripped, the sender's too.
  await romeo.sends`<presence type='subscribe' to='${juliet.jid}' id='ask'><status>It is my lady</status></presence>`
  await romeo.receives([push(`<item jid='${juliet.bare}' subscription='none' ask='subscribe'/>`)] as never)
  // §3.1.3
  const request =
    await juliet.receives`<presence type='subscribe' from='${romeo.bare}' to='${juliet.bare}' id='ask'><status>It is my lady</status></presence>`
  assert.equal(request.attrs['from'], romeo.bare)
  await juliet.receivesNothing()
  assert.deepEqual(await roster(juliet), [])

  // §3.1.4 to §3.1.6
  await juliet.sends`<presence type='subscribed' to='${romeo.bare}'/>`
  await juliet.receives([push(`<item jid='${romeo.bare}' subscription='from'/>`)] as never)
  await romeo.receives`<presence type='subscribed' from='${juliet.bare}' to='${romeo.bare}'/>`
  await romeo.receives([push(`<item jid='${juliet.bare}' subscription='to'/>`)] as never)
  await romeo.receives`<presence from='${juliet.jid}' to='${romeo.jid}'/>`
  await romeo.receivesNothing()
  await juliet.receivesNothing()
})

story('Two befriend each other, and see each other', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  assert.deepEqual(await roster(romeo), [`${juliet.bare} both`])
  assert.deepEqual(await roster(juliet), [`${romeo.bare} both`])
})

// RFC 6121 §3.1.3
story('A request to somebody who is away comes with every login until it is answered', async (s) => {
  await s.createAccount('juliet')
  const romeo = await s.online('romeo/orchard')
  await romeo.sends`<presence type='subscribe' to='juliet@${s.domain}'><status>Call me but love</status><nick xmlns='http://jabber.org/protocol/nick'>Romeo</nick></presence>`
  await settles(romeo, `juliet@${s.domain}`)
  await romeo.receivesNothing()
  for (const resource of ['balcony', 'chamber']) {
    const juliet = await s.login(`juliet/${resource}`)
    await juliet.receivesNothing()
    juliet.send('<presence/>')
    await juliet.receives`<presence from='${juliet.jid}'/>`
    await juliet.receives`<presence type='subscribe' from='${romeo.bare}' to='${juliet.bare}'><status>Call me but love</status><nick xmlns='http://jabber.org/protocol/nick'>Romeo</nick></presence>`
    // An update is no initial presence.
    juliet.send('<presence><show>away</show></presence>')
    await juliet.receives`<presence from='${juliet.jid}'><show>away</show></presence>`
    await juliet.receivesNothing()
    await juliet.disconnects()
  }
  const juliet = await s.online('juliet/balcony')
  await juliet.next()
  await juliet.sends`<presence type='unsubscribed' to='${romeo.bare}'/>`
  await settles(juliet, romeo.bare)
  await juliet.disconnects()
  assert.deepEqual(await roster(romeo), [`juliet@${s.domain} none`])
  const again = await s.online('juliet/balcony')
  await again.receivesNothing()
  assert.deepEqual(await roster(again), [])
})

// RFC 6121 §3.1.3
story('Whoever is approved already is told so by the server', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  await opens(juliet)
  // Romeo's side has forgotten; Juliet's has not.
  await romeo.asks`<iq type='set'><query xmlns='${NS}'><item jid='${juliet.bare}' name='J'/></query></iq>`
  await romeo.sends`<presence type='subscribe' to='${juliet.bare}'/>`
  await juliet.receivesNothing()
  assert.deepEqual(await roster(romeo), [`${juliet.bare} both`])
})

// RFC 6121 §8.5.1: nobody learns which accounts exist
story('A request to nobody looks like one to somebody who is away', async (s) => {
  const romeo = await s.online('romeo/orchard')
  await opens(romeo)
  for (const type of ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe'])
    for (const to of [`nobody@${s.domain}`, await s.createAccount('paris')]) {
      await romeo.sends`<presence type='${type}' to='${to}'/>`
      await settles(romeo, to)
    }
  const heard: string[] = []
  const fence = 'the-end'
  romeo.send(`<iq type='get' id='${fence}' to='${s.domain}'><ping xmlns='urn:xmpp:ping'/></iq>`)
  for (let el = await romeo.next(); el.attrs['id'] !== fence; el = await romeo.next()) {
    delete el.attrs['id']
    for (const query of el.getChildren('query', NS)) delete query.attrs['ver']
    heard.push(el.toString())
  }
  const of = (name: string) =>
    heard.filter((text) => text.includes(`${name}@`)).map((text) => text.replaceAll(name, 'X'))
  assert.ok(of('nobody').length > 0)
  assert.deepEqual(of('nobody'), of('paris'))
})

// RFC 6121 §3.2
story('Juliet takes her permission back: first her presence goes, then the permission', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  await opens(romeo)
  await opens(juliet)
  await juliet.sends`<presence type='unsubscribed' to='${romeo.jid}'/>`
  await romeo.receives`<presence type='unavailable' from='${juliet.jid}'/>`
  await romeo.receives`<presence type='unsubscribed' from='${juliet.bare}' to='${romeo.bare}'/>`
  await romeo.receives([push(`<item jid='${juliet.bare}' subscription='from'/>`)] as never)
  await juliet.receives([push(`<item jid='${romeo.bare}' subscription='to'/>`)] as never)
  await juliet.sends`<presence><show>dnd</show></presence>`
  await juliet.receives`<presence from='${juliet.jid}'/>`
  await romeo.receivesNothing()
})

// RFC 6121 §3.3
story('Romeo does not want to see Juliet’s presence any more', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  await opens(romeo)
  await opens(juliet)
  await romeo.sends`<presence type='unsubscribe' to='${juliet.bare}'/>`
  await romeo.receives([push(`<item jid='${juliet.bare}' subscription='from'/>`)] as never)
  await juliet.receives`<presence type='unsubscribe' from='${romeo.bare}' to='${juliet.bare}'/>`
  await juliet.receives([push(`<item jid='${romeo.bare}' subscription='to'/>`)] as never)
  await romeo.receives`<presence type='unavailable' from='${juliet.jid}'/>`
  await romeo.receivesNothing()
  await juliet.receivesNothing()
})

// RFC 6121 §3.3.3, Appendix A.3.2
story('Romeo takes his request back', async (s) => {
  const romeo = await s.online('romeo/orchard')
  await s.createAccount('juliet')
  await romeo.sends`<presence type='subscribe' to='juliet@${s.domain}'/>`
  await romeo.sends`<presence type='unsubscribe' to='juliet@${s.domain}'/>`
  await settles(romeo, `juliet@${s.domain}`)
  assert.deepEqual(await roster(romeo), [`juliet@${s.domain} none`])
  const juliet = await s.online('juliet/balcony')
  await juliet.receivesNothing()
})

// RFC 6121 §3.4
story('Juliet approves Romeo before he asks', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await opens(romeo)
  await opens(juliet)
  await juliet.sends`<presence type='subscribed' to='${romeo.bare}'/>`
  await juliet.receives([push(`<item jid='${romeo.bare}' subscription='none' approved='true'/>`)] as never)
  await romeo.receivesNothing()
  await romeo.sends`<presence type='subscribe' to='${juliet.bare}'/>`
  await romeo.receives([push(`<item jid='${juliet.bare}' subscription='none' ask='subscribe'/>`)] as never)
  await juliet.receives([push(`<item jid='${romeo.bare}' subscription='from' approved='true'/>`)] as never)
  await romeo.receives`<presence type='subscribed' from='${juliet.bare}'/>`
  await romeo.receives([push(`<item jid='${juliet.bare}' subscription='to'/>`)] as never)
  await romeo.receives`<presence from='${juliet.jid}'/>`
  await juliet.receivesNothing()
})

story('Juliet takes back what she approved in advance', async (s) => {
  await s.createAccount('romeo')
  const juliet = await s.online('juliet/balcony')
  await opens(juliet)
  await juliet.sends`<presence type='subscribed' to='romeo@${s.domain}'/>`
  await juliet.receives([push(`<item jid='romeo@${s.domain}' subscription='none' approved='true'/>`)] as never)
  await juliet.sends`<presence type='unsubscribed' to='romeo@${s.domain}'/>`
  await juliet.receives([push(`<item jid='romeo@${s.domain}' subscription='none'/>`)] as never)
  const romeo = await s.online('romeo/orchard')
  await romeo.sends`<presence type='subscribe' to='${juliet.bare}'/>`
  await juliet.receives`<presence type='subscribe' from='${romeo.bare}'/>`
})

// RFC 6121 §2.5.2
story('A contact who is removed sees and is seen no more', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  await opens(romeo)
  await opens(juliet)
  await romeo.sends`<iq type='set' id='bye'><query xmlns='${NS}'><item jid='${juliet.bare}' subscription='remove'/></query></iq>`
  await romeo.receives([push(`<item jid='${juliet.bare}' subscription='remove'/>`)] as never)
  await juliet.receivesInAnyOrder([
    `<presence type='unsubscribe' from='${romeo.bare}' to='${juliet.bare}'/>`,
    `<presence type='unavailable' from='${romeo.jid}'/>`,
    `<presence type='unsubscribed' from='${romeo.bare}' to='${juliet.bare}'/>`,
    push(`<item jid='${romeo.bare}' subscription='to'/>`),
    push(`<item jid='${romeo.bare}' subscription='none'/>`),
  ])
  await romeo.receivesInAnyOrder([
    `<iq type='result' id='bye'/>`,
    `<presence type='unavailable' from='${juliet.jid}'/>`,
  ])
  await romeo.receivesNothing()
  assert.deepEqual(await roster(romeo), [])
})

story('An account that is deleted leaves no subscription behind', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  await opens(juliet)
  await s.host.deleteAccount('romeo')
  await juliet.receivesInAnyOrder([
    `<presence type='unavailable' from='${romeo.jid}'/>`,
    `<presence type='unsubscribe' from='${romeo.bare}'/>`,
    `<presence type='unsubscribed' from='${romeo.bare}'/>`,
    push(`<item jid='${romeo.bare}' subscription='to'/>`),
    push(`<item jid='${romeo.bare}' subscription='none'/>`),
  ])
  assert.deepEqual(await roster(juliet), [`${romeo.bare} none`])
  // Whoever takes the name starts anew.
  await s.host.accounts.create('romeo', 'wherefore art thou')
  const another = await s.online('romeo/orchard')
  assert.deepEqual(await roster(another), [])
})

story(
  'Requests past the limit are forgotten without a word, large ones lose theirs',
  async (s) => {
    await s.createAccount('juliet')
    for (const who of ['romeo', 'paris']) {
      const suitor = await s.online(`${who}/street`)
      await suitor.sends`<presence type='subscribe' to='juliet@${s.domain}'><status>${'sweet '.repeat(50)}</status></presence>`
      await settles(suitor, `juliet@${s.domain}`)
      await suitor.receivesNothing()
    }
    const juliet = await s.online('juliet/balcony')
    const request = await juliet.receives`<presence type='subscribe' from='romeo@${s.domain}'/>`
    assert.deepEqual(request.children, [])
    await juliet.receivesNothing()
  },
  { modules: { presence: { maxRequests: 1, maxRequestSize: 200 } } },
)

story('Nobody subscribes to themselves, or to nothing', async (s) => {
  const juliet = await s.online('juliet/balcony')
  await juliet.isRefused('not-allowed')`<presence type='subscribe' to='${juliet.bare}'/>`
  await juliet.isRefused('bad-request')`<presence type='subscribe'/>`
  await juliet.isRefused('remote-server-not-found')`<presence type='subscribe' to='romeo@montague.example'/>`
})

story(
  'Subscriptions work between two domains of the server',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    const juliet = await s.online('juliet@capulet.example/balcony')
    await s.befriend(romeo, juliet)
    assert.deepEqual(await roster(romeo), [`${juliet.bare} both`])
    assert.deepEqual(await roster(juliet), [`${romeo.bare} both`])
    await romeo.sends`<presence><show>away</show></presence>`
    await juliet.receives`<presence from='${romeo.jid}'><show>away</show></presence>`
    await romeo.disconnects()
    await juliet.receives`<presence type='unavailable' from='${romeo.jid}'/>`
    // A probe over the border (RFC 6121 §4.3).
    const again = await s.online('romeo/garden')
    await again.receives`<presence from='${juliet.jid}' to='${again.jid}'/>`
    await juliet.receives`<presence from='${again.jid}'/>`
  },
  { hosts: ['localhost', 'capulet.example'] },
)

// RFC 6121 §3.1.6
story(
  'Across domains, too, the permission comes before the presence',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    const juliet = await s.online('juliet@capulet.example/balcony')
    await opens(romeo)
    await romeo.sends`<presence type='subscribe' to='${juliet.bare}'/>`
    await romeo.next()
    await juliet.receives`<presence type='subscribe' from='${romeo.bare}'/>`
    await juliet.sends`<presence type='subscribed' to='${romeo.bare}'/>`
    await romeo.receives`<presence type='subscribed' from='${juliet.bare}'/>`
    await romeo.receives([push(`<item jid='${juliet.bare}' subscription='to'/>`)] as never)
    await romeo.receives`<presence from='${juliet.jid}'/>`
  },
  { hosts: ['localhost', 'capulet.example'] },
)

story('A request costs a bounded number of queries', async (s) => {
  await s.createAccount('juliet')
  const romeo = await s.online('romeo/orchard')
  const before = s.database.queries
  await romeo.sends`<presence type='subscribe' to='juliet@${s.domain}'/>`
  await settles(romeo, `juliet@${s.domain}`)
  // Romeo's item, Juliet's existence, her item and its change; a transaction is four.
  assert.ok(s.database.queries - before <= 12, String(s.database.queries - before))
})

story(
  'When the database fails, whoever asks is told, and nothing has changed',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    const juliet = await s.online('juliet/balcony')
    await s.database.knex.schema.renameTable('roster_items', 'roster_items_away')
    try {
      await romeo.isRefused('internal-server-error')`<presence type='subscribe' to='${juliet.bare}'/>`
      await romeo.isRefused(
        'internal-server-error',
      )`<iq type='set'><query xmlns='${NS}'><item jid='${juliet.bare}'/></query></iq>`
    } finally {
      await s.database.knex.schema.renameTable('roster_items_away', 'roster_items')
    }
    assert.deepEqual(await roster(romeo), [])
    await juliet.receivesNothing()
    await s.befriend(romeo, juliet)
  },
  { expectErrors: true },
)
