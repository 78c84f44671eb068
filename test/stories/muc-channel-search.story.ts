import assert from 'node:assert/strict'
import type { Element } from '../../src/api.ts'
import { valuesOf } from '../support/occupants.ts'
import { enters, type Fields, FORM, opens } from '../support/room.ts'
import { type Actor, type Story, story } from '../support/story.ts'

const NS = 'urn:xmpp:channel-search:0'
const BY_USERS = `{${NS}:order}nusers`

function search(service: string, fields: Readonly<Record<string, string>>, set = ''): string {
  const lines = Object.entries({ FORM_TYPE: `${NS}:search-params`, ...fields })
    .map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`)
    .join('')
  const pages = set === '' ? '' : `<set xmlns='http://jabber.org/protocol/rsm'>${set}</set>`
  return `<iq type='get' to='${service}'><search xmlns='${NS}:search'>${pages}<x xmlns='${FORM}' type='submit'>${lines}</x></search></iq>`
}

async function find(actor: Actor, service: string, fields: Readonly<Record<string, string>>, set = '') {
  const result = (await actor.asks`${search(service, fields, set)}`).getChild('result', `${NS}:search`)!
  const items = result.getChildren('item')
  const pages = result.getChild('set', 'http://jabber.org/protocol/rsm')!
  return {
    items,
    locals: items.map((item) => item.attrs['address']!.split('@')[0]),
    last: pages.getChildText('last') ?? '',
    count: pages.getChildText('count'),
  }
}

const rooms: Readonly<Record<string, Fields>> = {
  balcony: { roomname: 'The Balcony', roomdesc: 'Where stars are swapped', lang: 'it' },
  friary: { roomname: 'The Cell', membersonly: true, whois: 'anyone' },
  tomb: { roomname: 'The Tomb', publicroom: false },
  square: { roomname: 'A public place', roomdesc: 'Swords are drawn' },
}

async function verona(s: Story): Promise<{ juliet: Actor; romeo: Actor; service: string }> {
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  const service = `conference.${s.domain}`
  for (const [local, fields] of Object.entries(rooms)) await opens(juliet, `${local}@${service}`, 'Juliet', fields)
  await enters(romeo, `square@${service}`, 'Romeo')
  return { juliet, romeo, service }
}

story('A service says that rooms are searched for, and how // XEP-0433 §4.1, §4.2.1', async (s) => {
  const { romeo, service } = await verona(s)
  const info =
    await romeo.asks`<iq type='get' to='${service}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`
  const features = info.getChildElements()[0]!.getChildren('feature')
  assert.ok(features.some((feature) => feature.attrs['var'] === `${NS}:search`))
  const reply = await romeo.asks`<iq type='get' to='${service}'><search xmlns='${NS}:search'/></iq>`
  const form = reply.getChild('search', `${NS}:search`)!.getChild('x', FORM)!
  assert.equal(form.attrs['type'], 'form')
  const values = valuesOf(form)
  assert.deepEqual(values['FORM_TYPE'], [`${NS}:search-params`])
  assert.deepEqual(values['key'], [`{${NS}:order}address`])
  assert.deepEqual(Object.keys(values).sort(), [
    ...['FORM_TYPE', 'all', 'key', 'q', 'sinaddress', 'sindescription', 'sinname', 'types'],
  ])
})

story('Public rooms are found by words, wherever these are looked for // XEP-0433 §4.2.2, §6.1', async (s) => {
  const { romeo, service } = await verona(s)
  assert.deepEqual((await find(romeo, service, { q: 'the' })).locals, ['balcony', 'friary'])
  assert.deepEqual((await find(romeo, service, { q: 'SWORDS drawn' })).locals, ['square'])
  assert.deepEqual((await find(romeo, service, { q: 'swords', sindescription: 'false' })).locals, [])
  assert.deepEqual((await find(romeo, service, { q: 'friary' })).locals, ['friary'])
  assert.deepEqual((await find(romeo, service, { q: 'friary', sinaddress: '0' })).locals, [])
  assert.deepEqual((await find(romeo, service, { q: 'cell', sinname: 'false' })).locals, [])
  assert.deepEqual((await find(romeo, service, { q: 'tomb' })).locals, [])
  assert.deepEqual((await find(romeo, service, { q: 'the', types: 'xep-0369' })).locals, [])
})

story('What is found says what it is like // XEP-0433 §6.2', async (s) => {
  const { romeo, service } = await verona(s)
  const { items } = await find(romeo, service, { all: 'true' })
  const texts = (item: Element) =>
    Object.fromEntries(item.getChildElements().map((child) => [child.name, child.getText()]))
  assert.deepEqual(items.map(texts), [
    {
      ...{ name: 'The Balcony', description: 'Where stars are swapped', language: 'it', nusers: '1' },
      ...{ 'service-type': 'xep-0045', 'is-open': 'true', 'anonymity-mode': 'muc_semianonymous' },
    },
    { name: 'The Cell', nusers: '0', 'service-type': 'xep-0045', 'anonymity-mode': `{${NS}:anonymity}none` },
    {
      ...{ name: 'A public place', description: 'Swords are drawn', nusers: '2' },
      ...{ 'service-type': 'xep-0045', 'is-open': 'true', 'anonymity-mode': 'muc_semianonymous' },
    },
  ])
})

story('Results come in pages, by address or by the number of users // XEP-0433 §4.2.2.1, XEP-0059', async (s) => {
  const { juliet, romeo, service } = await verona(s)
  // Rooms that nobody is in come last.
  await juliet.asks`<iq type='set' to='balcony@${service}'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='${FORM}' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field><field var='muc#roomconfig_persistentroom'><value>1</value></field></x></query></iq>`
  await juliet.sends`<presence type='unavailable' to='balcony@${service}/Juliet'/>`
  await juliet.asks`<iq type='get' to='${s.domain}'><ping xmlns='urn:xmpp:ping'/></iq>`
  for (const [key, order] of [
    [`{${NS}:order}address`, ['balcony', 'friary', 'square']],
    [BY_USERS, ['square', 'balcony', 'friary']],
  ] as const) {
    const seen: (string | undefined)[] = []
    for (let after = ''; ; ) {
      const page = await find(romeo, service, { all: '1', key }, `<max>1</max>${after}`)
      assert.equal(page.count, '3')
      if (page.locals.length === 0) break
      assert.equal(page.locals.length, 1)
      seen.push(...page.locals)
      after = `<after>${page.last}</after>`
    }
    assert.deepEqual(seen, order)
    const words = await find(romeo, service, { q: 'the', key }, '<max>10</max>')
    assert.deepEqual(
      words.locals,
      order.filter((local) => local !== 'square'),
    )
  }
  const none = await find(romeo, service, { q: 'the' }, '<max>0</max>')
  assert.deepEqual([none.locals, none.count], [[], '2'])
  await juliet.asks`<iq type='set' to='balcony@${service}'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>`
})

story('A search that makes no sense is refused as the specification says // XEP-0433 §4.2.2.2–7', async (s) => {
  const { romeo, service } = await verona(s)
  for (const [condition, type, app, fields] of [
    ['feature-not-implemented', 'modify', 'invalid-sort-key', { q: 'the', key: 'colour' }],
    ['bad-request', 'modify', 'conflicting-fields', { q: 'the', all: 'true' }],
    ['bad-request', 'modify', 'invalid-search-terms', { q: ' ' }],
    ['bad-request', 'cancel', 'no-search-conditions', { sinname: 'true' }],
    ['bad-request', 'cancel', 'no-search-conditions', { q: 'a', sinname: '0', sindescription: '0', sinaddress: '0' }],
  ] as const) {
    const reply = await romeo.isRefused(condition, type)`${search(service, fields)}`
    assert.ok(reply.getChild('error')!.getChild(app, `${NS}:error`), String(reply))
  }
  for (const hostile of ["' or 1=1 --", '%', '\\', '1:\u0027'])
    assert.deepEqual((await find(romeo, service, { q: hostile.replace("'", '&apos;') })).locals, [])
  await romeo.isRefused('item-not-found')`${search(service, { all: '1', key: BY_USERS }, '<after>x</after>')}`
  await romeo.isRefused('feature-not-implemented')`${search(service, { all: '1' }, '<before/>')}`
})
