import assert from 'node:assert/strict'
import type { Element } from '../../src/api.ts'
import { story } from '../support/story.ts'

const INFO = 'http://jabber.org/protocol/disco#info'
const ITEMS = 'http://jabber.org/protocol/disco#items'
const features = (result: Element) =>
  result
    .getChild('query', INFO)!
    .getChildren('feature')
    .map((el) => el.attrs['var']!)
const identities = (result: Element) =>
  result
    .getChild('query', INFO)!
    .getChildren('identity')
    .map(({ attrs }) => `${attrs['category']}/${attrs['type']}/${attrs['name'] ?? ''}`)
const items = (result: Element) =>
  result
    .getChild('query', ITEMS)!
    .getChildren('item')
    .map((el) => el.attrs['jid']!)

// XEP-0030 §3.1
story('The server says what it is and what it can do', async (s) => {
  const romeo = await s.login('romeo')
  const result = await romeo.asks`<iq type='get' to='${s.domain}'><query xmlns='${INFO}'/></iq>`
  assert.ok(identities(result).includes('server/im/Stonechat'))
  const all = features(result)
  for (const feature of [INFO, ITEMS, 'urn:xmpp:ping', 'jabber:iq:version']) assert.ok(all.includes(feature), feature)
  assert.deepEqual(all, [...new Set(all)].sort())
})

story(
  'The server goes by the name its admin gave it',
  async (s) => {
    const romeo = await s.login('romeo')
    const result = await romeo.asks`<iq type='get' to='${s.domain}'><query xmlns='${INFO}'/></iq>`
    assert.ok(identities(result).includes('server/im/Verona'))
  },
  { modules: { disco: { name: 'Verona' } } },
)

// XEP-0030 §3.1: the server answers for an account.
story('An account says what it is to its owner', async (s) => {
  const romeo = await s.login('romeo')
  for (const to of [``, `to='${romeo.bare}'`]) {
    const result = await romeo.asks`<iq type='get' ${to}><query xmlns='${INFO}'/></iq>`
    assert.ok(identities(result).includes('account/registered/'))
    assert.ok(features(result).includes('urn:xmpp:ping'))
  }
})

// XEP-0030 §8
story('An account is to strangers as if it were not there', async (s) => {
  const romeo = await s.online('romeo')
  const juliet = await s.online('juliet')
  await s.createAccount('mercutio')
  for (const stranger of [juliet.bare, `mercutio@${s.domain}`, `nobody@${s.domain}`])
    for (const node of ['', `node='n'`]) {
      const info = await romeo.isRefused(
        'service-unavailable',
      )`<iq type='get' to='${stranger}'><query xmlns='${INFO}' ${node}/></iq>`
      assert.equal(info.getChild('error')!.getChildElements().length, 1)
      const result = await romeo.asks`<iq type='get' to='${stranger}'><query xmlns='${ITEMS}' ${node}/></iq>`
      assert.deepEqual(items(result), [])
      assert.equal(result.attrs['from'], stranger)
    }
  await juliet.receivesNothing()
})

story('An account answers those who see its presence', async (s) => {
  const romeo = await s.online('romeo')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  await s.login('juliet/chamber')
  const info = await romeo.asks`<iq type='get' to='${juliet.bare}'><query xmlns='${INFO}'/></iq>`
  assert.ok(identities(info).includes('account/registered/'))
  // XEP-0030 §4.1: the available resources; a connected one that has not said so is nobody's business.
  const result = await romeo.asks`<iq type='get' to='${juliet.bare}'><query xmlns='${ITEMS}'/></iq>`
  assert.deepEqual(items(result), [juliet.jid])
  await juliet.disconnects()
  await romeo.asks`<iq type='get' to='${juliet.bare}'><query xmlns='${INFO}'/></iq>`
})

// XEP-0030 §4.1
story('An owner sees the connected resources of the account', async (s) => {
  const balcony = await s.online('juliet/balcony')
  const chamber = await s.login('juliet/chamber')
  const result = await chamber.asks`<iq type='get'><query xmlns='${ITEMS}'/></iq>`
  assert.deepEqual(items(result), [balcony.jid, chamber.jid])
})

// XEP-0030 §7
story('A node that nobody knows is not found', async (s) => {
  const romeo = await s.login('romeo')
  for (const to of [s.domain, romeo.bare])
    for (const ns of [INFO, ITEMS])
      await romeo.isRefused('item-not-found')`<iq type='get' to='${to}'><query xmlns='${ns}' node='nothing'/></iq>`
})

// XEP-0030 §4.1: no items is an empty answer.
story('The server lists what belongs to it', async (s) => {
  const romeo = await s.login('romeo')
  const result = await romeo.asks`<iq type='get' to='${s.domain}'><query xmlns='${ITEMS}'/></iq>`
  assert.ok(result.getChild('query', ITEMS))
})

story('A question to a full address is for the client there', async (s) => {
  const romeo = await s.login('romeo')
  const juliet = await s.login('juliet/balcony')
  await romeo.sends`<iq type='get' id='d1' to='${juliet.jid}'><query xmlns='${INFO}'/></iq>`
  await juliet.receives`<iq type='get' id='d1' from='${romeo.jid}'><query xmlns='${INFO}'/></iq>`
})
