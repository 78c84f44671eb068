import assert from 'node:assert/strict'
import { type Element, serialize } from '../../src/api.ts'
import { configures, listens, notification, request } from '../support/pep.ts'
import { publishing } from '../support/pictures.ts'
import { asks } from '../support/pubsub.ts'
import { type Actor, story } from '../support/story.ts'

const TEMP = 'vcard-temp'
const FOUR = 'urn:ietf:params:xml:ns:vcard-4.0'
const NODE = 'urn:xmpp:vcard4'

const sets = (content: string) => `<iq type='set'><vCard xmlns='${TEMP}'>${content}</vCard></iq>`
const publishes = (content: string, access?: string) =>
  publishing(NODE, `<item id='mine'><vcard xmlns='${FOUR}'>${content}</vcard></item>`, access)
const asking = (of: string) => `<iq type='get' to='${of}'><vCard xmlns='${TEMP}'/></iq>`

const inside = (card: Element) => card.getChildElements().map(serialize).join('').replaceAll('"', "'")
const tempOf = async (actor: Actor, of: string) => inside((await actor.asks`${asking(of)}`).getChild('vCard', TEMP)!)

async function fourOf(actor: Actor, of: string): Promise<string> {
  const items = await asks(actor, request('get', `<items node='${NODE}'/>`, of), 'items')
  const item = items.getChild('item')
  return item === undefined ? '' : inside(item.getChild('vcard', FOUR)!)
}

story('Whoever says who they are in one way says it in the other // XEP-0292 §4.1, §11, XEP-0054', async (s) => {
  const juliet = await s.online('juliet/balcony')
  const romeo = await listens(s, 'romeo/orchard', NODE)
  await s.befriend(juliet, romeo)
  await juliet.asks`${sets('<FN>Juliet</FN><TEL><HOME/><MSG/><NUMBER>+39-45</NUMBER></TEL><SOUND/>')}`
  const first = `<fn><text>Juliet</text></fn><tel><parameters><type><text>home</text></type></parameters><uri>tel:+39-45</uri></tel>`
  await romeo.receives`${notification(juliet.bare, `<items node='${NODE}'><item id='current'><vcard xmlns='${FOUR}'>${first}</vcard></item></items>`)}`
  const tybalt = await s.login('tybalt')
  assert.equal(await fourOf(tybalt, juliet.bare), first)
  // What one cannot say stays in the other.
  const second =
    '<gender><sex><text>F</text></sex></gender><nickname><text>Jule</text></nickname><tel><uri>tel:+39-45</uri><parameters><type><text>home</text></type></parameters></tel>'
  await juliet.asks`${publishes(second)}`
  await romeo.receives`<message from='${juliet.bare}'/>`
  const phone = '<TEL><HOME/><MSG/><NUMBER>+39-45</NUMBER></TEL><SOUND/>'
  assert.equal(await tempOf(tybalt, juliet.bare), `${phone}<NICKNAME>Jule</NICKNAME>`)
  await juliet.asks`${sets(`${phone}<NICKNAME>Jule</NICKNAME><URL>https://verona.example</URL>`)}`
  await romeo.receives`<message from='${juliet.bare}'/>`
  assert.equal(await fourOf(tybalt, juliet.bare), `${second}<url><uri>https://verona.example</uri></url>`)
  // Nothing new is told to nobody.
  await juliet.asks`${sets(`${phone}<URL>https://verona.example</URL><NICKNAME>Jule</NICKNAME>`)}`
  await romeo.receivesNothing()
  // A disco feature says so (XEP-0292 §7).
  const about =
    await juliet.asks`<iq type='get' to='${juliet.bare}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`
  assert.ok(
    about
      .getChildElements()[0]!
      .getChildren('feature')
      .some(({ attrs }) => attrs['var'] === FOUR),
  )
})

story('Whoever takes away one vCard takes away both', async (s) => {
  const juliet = await s.online('juliet/balcony')
  const romeo = await s.login('romeo')
  const gone = async () => await romeo.isRefused('service-unavailable')`${asking(juliet.bare)}`
  await juliet.asks`${sets('<FN>Juliet</FN>')}`
  await juliet.asks`${sets('')}`
  await gone()
  assert.equal(await fourOf(romeo, juliet.bare), '')
  const ways = [
    request('set', `<retract node='${NODE}'><item id='current'/></retract>`),
    request('set', `<purge node='${NODE}'/>`, '', 'http://jabber.org/protocol/pubsub#owner'),
    request('set', `<delete node='${NODE}'/>`, '', 'http://jabber.org/protocol/pubsub#owner'),
  ]
  for (const way of ways) {
    await juliet.asks`${sets('<FN>Juliet</FN>')}`
    await juliet.asks`${way}`
    await gone()
  }
  await juliet.asks`${sets('<FN>Juliet</FN><MAILER>quill</MAILER>')}`
  await juliet.asks`${ways[2]}`
  assert.equal(await tempOf(romeo, juliet.bare), '<MAILER>quill</MAILER>')
})

story('A vCard4 that is for contacts makes no public vcard-temp, nor a name to be found by', async (s) => {
  const [juliet, romeo] = [await s.online('juliet/balcony'), await s.online('romeo/orchard')]
  const tybalt = await s.login('tybalt')
  await s.befriend(juliet, romeo)
  const finds = async () => {
    const search = `<query xmlns='jabber:iq:search'><nick>Jule</nick></query>`
    const answer = await tybalt.asks`<iq type='set' to='${s.domain}'>${search}</iq>`
    return answer.getChildElements()[0]!.getChildElements().length
  }
  await juliet.asks`${publishes('<nickname><text>Jule</text></nickname>', 'presence')}`
  await tybalt.isRefused('service-unavailable')`${asking(juliet.bare)}`
  for (const actor of [juliet, romeo]) assert.equal(await tempOf(actor, juliet.bare), '<NICKNAME>Jule</NICKNAME>')
  assert.equal(await finds(), 0)
  // What an old client puts together is no more public than what it has read.
  await juliet.asks`${sets('<NICKNAME>Jule</NICKNAME><MAILER>quill</MAILER>')}`
  assert.equal(await tempOf(tybalt, juliet.bare), '<MAILER>quill</MAILER>')
  assert.equal(await finds(), 0)
  await configures(juliet, NODE, { access_model: 'open' })
  assert.equal(await tempOf(tybalt, juliet.bare), '<NICKNAME>Jule</NICKNAME><MAILER>quill</MAILER>')
  assert.equal(await finds(), 1)
  await juliet.asks`${publishes('<nickname><text>J</text></nickname>')}`
  assert.equal(await tempOf(tybalt, juliet.bare), '<MAILER>quill</MAILER><NICKNAME>J</NICKNAME>')
  assert.equal(await finds(), 0)
})

story('Of a deleted account neither vCard is left', async (s) => {
  const juliet = await s.online('juliet/balcony')
  await juliet.asks`${publishes('<fn><text>Juliet</text></fn>', 'open')}`
  await s.host.deleteAccount('juliet')
  await s.host.accounts.create('juliet', 'another password')
  const romeo = await s.login('romeo')
  await romeo.isRefused('service-unavailable')`${asking(juliet.bare)}`
  assert.deepEqual(await s.database.knex('vcard_cards').where({ account: juliet.bare }), [])
})

/** What contacts hear of: the specification, the node, something to tell, and how one says that there is nothing. */
const kinds = [
  [
    'XEP-0107 §2',
    'http://jabber.org/protocol/mood',
    "<mood xmlns='NODE'><happy/><text>Yay</text></mood>",
    "<mood xmlns='NODE'/>",
  ],
  [
    'XEP-0118 §2',
    'http://jabber.org/protocol/tune',
    "<tune xmlns='NODE'><artist>Gounod</artist><length>686</length></tune>",
    "<tune xmlns='NODE'/>",
  ],
  [
    'XEP-0108 §2',
    'http://jabber.org/protocol/activity',
    "<activity xmlns='NODE'><relaxing><partying/></relaxing></activity>",
    "<activity xmlns='NODE'/>",
  ],
  [
    'XEP-0080 §3',
    'http://jabber.org/protocol/geoloc',
    "<geoloc xmlns='NODE' xml:lang='en'><lat>45.44</lat><lon>10.99</lon></geoloc>",
    "<geoloc xmlns='NODE'/>",
  ],
  ['XEP-0172 §3', 'http://jabber.org/protocol/nick', "<nick xmlns='NODE'>Ishmael</nick>", "<nick xmlns='NODE'/>"],
] as const

story('Moods, tunes, activities, places and nicks reach contacts, at once and on coming', async (s) => {
  const nodes = kinds.map(([, node]) => node)
  const romeo = await s.online('romeo/orchard')
  const juliet = await listens(s, 'juliet/balcony', ...nodes)
  const nurse = await s.online('nurse/house')
  await s.befriend(romeo, juliet)
  const items = (node: string, payload: string) =>
    notification(romeo.bare, `<items node='${node}'><item id='current'>${payload.replace('NODE', node)}</item></items>`)
  for (const [clause, node, something] of kinds) {
    await romeo.asks`${publishing(node, `<item id='current'>${something.replace('NODE', node)}</item>`)}`
    assert.ok(await juliet.receives`${items(node, something)}`, clause)
  }
  await juliet.disconnects()
  await romeo.receives`<presence type='unavailable' from='${juliet.jid}'/>`
  const again = await s.login('juliet/garden')
  await again.sends`<presence><c xmlns='http://jabber.org/protocol/caps' node='urn:test' ver='profile'/></presence>`
  const [question] = await again.receivesInAnyOrder([
    `<iq type='get' from='${s.domain}'/>`,
    `<presence from='${again.jid}'/>`,
    `<presence from='${romeo.jid}'/>`,
  ])
  const can = nodes.map((node) => `<feature var='${node}+notify'/>`).join('')
  const info = 'http://jabber.org/protocol/disco#info'
  await again.sends`<iq type='result' to='${s.domain}' id='${question!.attrs['id']}'><query xmlns='${info}' node='urn:test#profile'><identity category='client' type='pc'/>${can}</query></iq>`
  await again.receivesInAnyOrder(kinds.map(([, node, something]) => items(node, something)))
  for (const [, node, , nothing] of kinds) {
    await romeo.asks`${publishing(node, `<item id='current'>${nothing.replace('NODE', node)}</item>`)}`
    await again.receives`${items(node, nothing)}`
  }
  const [, mood] = kinds[0]
  await romeo.asks`${request('set', `<retract node='${mood}' notify='true'><item id='current'/></retract>`)}`
  await again.receives`${notification(romeo.bare, `<items node='${mood}'><retract id='current'/></items>`)}`
  await nurse.receivesNothing()
})

story('A nick goes along with a request to become a contact // XEP-0172 §4.1', async (s) => {
  const [romeo, juliet] = [await s.online('romeo/orchard'), await s.online('juliet/balcony')]
  const nick = "<nick xmlns='http://jabber.org/protocol/nick'>Ishmael</nick>"
  await romeo.sends`<presence type='subscribe' to='${juliet.bare}'>${nick}</presence>`
  await juliet.receives`<presence type='subscribe' from='${romeo.bare}'>${nick}</presence>`
})
