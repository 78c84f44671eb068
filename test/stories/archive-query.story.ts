import assert from 'node:assert/strict'
import { type Asked, asksArchive, NS_MAM, queryText } from '../support/archive.ts'
import { type Actor, type Story, story } from '../support/story.ts'

/** Romeo and Juliet, and the ids of what they have written: a message an hour, of either side in turn. */
async function conversation(
  s: Story,
  length: number,
): Promise<{ romeo: Actor; juliet: Actor; ids: readonly string[] }> {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  for (let n = 0; n < length; n++) {
    const [from, to] = n % 2 === 0 ? [romeo, juliet] : [juliet, romeo]
    await from.sends`<message to='${to.jid}' type='chat' id='m${n}'><body>m${n}</body></message>`
    await to.receives`<message id='m${n}'/>`
    await s.advance(3_600_000)
  }
  return { romeo, juliet, ids: (await asksArchive(romeo, { rsm: '<max>250</max>' })).ids }
}

const names = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, n) => `m${from + n}`)

// XEP-0313 §4.3, XEP-0059 §2
story('Pages: forwards, backwards, from an id, by index, empty, and the number only', async (s) => {
  const { romeo, ids } = await conversation(s, 10)
  const at = (n: number) => ids[n]!
  const table: [rsm: string, bodies: string[], complete: boolean, index: number | undefined, count: number][] = [
    ['', names(0, 9), true, 0, 10],
    ['<max>3</max>', names(0, 2), false, 0, 10],
    ['<max>10</max>', names(0, 9), true, 0, 10],
    [`<max>3</max><after>${at(2)}</after>`, names(3, 5), false, undefined, 10],
    [`<max>5</max><after>${at(6)}</after>`, names(7, 9), true, 7, 10],
    [`<after>${at(9)}</after>`, [], true, undefined, 10],
    ['<max>3</max><before/>', names(7, 9), false, undefined, 10],
    ['<before/>', names(0, 9), true, 0, 10],
    [`<max>3</max><before>${at(7)}</before>`, names(4, 6), false, undefined, 10],
    [`<max>9</max><before>${at(3)}</before>`, names(0, 2), true, 0, 10],
    [`<before>${at(0)}</before>`, [], true, undefined, 10],
    ['<max>0</max>', [], false, undefined, 10],
    ['<max>2</max><index>4</index>', names(4, 5), false, 4, 10],
    ['<max>2</max><index>8</index>', names(8, 9), true, 8, 10],
    ['<index>10</index>', [], true, undefined, 10],
    ['<max>99999999999999999999</max>', names(0, 9), true, 0, 10],
  ]
  for (const [rsm, bodies, complete, index, count] of table) {
    const answer = await asksArchive(romeo, { rsm })
    assert.deepEqual(answer.bodies, bodies, rsm)
    assert.equal(answer.complete, complete, rsm)
    assert.equal(answer.first, answer.ids[0], rsm)
    assert.equal(answer.last, answer.ids.at(-1), rsm)
    assert.equal(answer.index, bodies.length === 0 ? undefined : index, rsm)
    assert.equal(answer.count, count, rsm)
  }
})

// XEP-0313 §4.1, XEP-0431
story('Filters, each alone and together', async (s) => {
  const { romeo, juliet, ids } = await conversation(s, 10)
  const nurse = await s.online('nurse/hall')
  await nurse.sends`<message to='${romeo.jid}' type='chat' id='x'><body>The Lady wishes to see you</body></message>`
  await romeo.receives`<message id='x'/>`
  const hour = (n: number, ms = 0) => new Date(Date.parse(timeOf(ids[n]!)) + ms).toISOString()
  const nobody: string[] = []
  const nurses = ['The Lady wishes to see you']
  const table: [form: Asked['form'], bodies: string[]][] = [
    [{}, [...names(0, 9), ...nurses]],
    [{ with: juliet.bare }, names(0, 9)],
    [{ with: juliet.bare.toUpperCase() }, names(0, 9)],
    [{ with: juliet.jid }, names(0, 9)],
    [{ with: `${juliet.bare}/elsewhere` }, nobody],
    [{ with: nurse.bare }, nurses],
    [{ with: 'stranger@nowhere.example' }, nobody],
    [{ with: romeo.bare }, nobody],
    [{ start: hour(7) }, [...names(7, 9), ...nurses]],
    [{ start: hour(7, 1) }, [...names(8, 9), ...nurses]],
    [{ start: hour(7).replace('Z', '4Z') }, [...names(8, 9), ...nurses]],
    [{ end: hour(2) }, names(0, 2)],
    [{ end: hour(2, -1) }, names(0, 1)],
    [{ start: hour(2).replace('Z', '+00:00'), end: hour(4).replace(/T(\d\d)/, 'T$1') }, names(2, 4)],
    [{ start: hour(4), end: hour(2) }, nobody],
    [{ start: '0001-01-01T00:00:00Z', end: '9999-12-31T23:59:59Z' }, [...names(0, 9), ...nurses]],
    [{ end: '1969-12-31T23:59:59Z' }, nobody],
    [{ 'after-id': ids[7]! }, [...names(8, 9), ...nurses]],
    [{ 'before-id': ids[2]! }, names(0, 1)],
    [{ 'after-id': ids[2]!, 'before-id': ids[5]! }, names(3, 4)],
    [{ 'after-id': ids[2]!, 'before-id': ids[5]!, with: nurse.bare }, nobody],
    [{ ids: [ids[4]!, ids[1]!, ids[4]!] }, ['m1', 'm4']],
    [{ ids: [ids[4]!, ids[1]!], start: hour(2) }, ['m4']],
    [{ ids: [] }, [...names(0, 9), ...nurses]],
    [{ 'include-groupchat': 'true' }, [...names(0, 9), ...nurses]],
    [{ 'include-groupchat': '0', with: nurse.bare }, nurses],
    [{ '{urn:xmpp:fulltext:0}fulltext': 'see LADY' }, nurses],
    [{ '{urn:xmpp:fulltext:0}fulltext': 'm3', with: juliet.bare }, ['m3']],
    [{ '{urn:xmpp:fulltext:0}fulltext': 'm3', with: nurse.bare }, nobody],
    [{ '{urn:xmpp:fulltext:0}fulltext': `m3" OR * NOT ' ; --` }, nobody],
    [{ '{urn:xmpp:fulltext:0}fulltext': '' }, [...names(0, 9), ...nurses]],
  ]
  for (const [form, bodies] of table) {
    const answer = await asksArchive(romeo, { form: form! })
    assert.deepEqual(answer.bodies, bodies, JSON.stringify(form))
    assert.equal(answer.count, bodies.length, JSON.stringify(form))
    assert.equal(answer.complete, true)
  }
  // Whether the index has them yet or not, messages are found.
  await s.advance(600_000)
  assert.deepEqual((await asksArchive(romeo, { form: { '{urn:xmpp:fulltext:0}fulltext': 'wishes' } })).bodies, nurses)
  // Those who have searched, and nobody else.
  assert.deepEqual((await s.database.knex('archive_searchers').count({ n: '*' }).first())!['n'], 1)
  await s.host.deleteAccount('romeo')
  assert.deepEqual((await s.database.knex('archive_searchers').count({ n: '*' }).first())!['n'], 0)
})

// XEP-0431; RFC 6120 §8.3.3.18
story('A search that would wait too long is put off, and finds everything later', async (s) => {
  const { romeo } = await conversation(s, 4)
  const search = { form: { '{urn:xmpp:fulltext:0}fulltext': 'm3' } }
  assert.deepEqual((await asksArchive(romeo, search)).bodies, ['m3'])
  await s.advance(600_000)
  await s.database.transaction(async (trx) => {
    await trx('archive_searchers').forUpdate().select('owner')
    romeo.send(`<iq type='set' id='early'>${queryText(search)}</iq>`)
    let isAnswered = false
    const refused = romeo.receives`<iq type='error' id='early'><error type='wait'>
      <resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`.finally(() => {
      isAnswered = true
    })
    while (!isAnswered) await s.advance(1000)
    await refused
  })
  assert.deepEqual((await asksArchive(romeo, search)).bodies, ['m3'])
})

function timeOf(id: string): string {
  return new Date(Math.floor(Number(id) / 1000)).toISOString()
}

story('Hostile values are refused, and nothing is sent', async (s) => {
  const { romeo, ids } = await conversation(s, 2)
  const table: [condition: string, asked: Asked][] = [
    ...['-1', 'x', '', ' 1', '1.5', '1e3', '0x10', '9'.repeat(21), "1' or '1'='1"].map((max): [string, Asked] => [
      'bad-request',
      { rsm: `<max>${max.replaceAll("'", '&apos;')}</max>` },
    ]),
    ['bad-request', { rsm: '<index>-1</index>' }],
    ['feature-not-implemented', { rsm: '<index>10001</index>' }],
    ['bad-request', { rsm: `<index>1</index><after>${ids[0]}</after>` }],
    ['bad-request', { rsm: `<before/><after>${ids[0]}</after>` }],
    ...['nothing', '0', '-5', '1', ids[0] + '0', `${ids[0]}' or 1=1`, '', '1e15', '９'].flatMap(
      (id): [string, Asked][] => {
        const text = id.replaceAll("'", '&apos;')
        return [
          ['item-not-found', { rsm: `<after>${text}</after>` }],
          ...(id === '' ? [] : [['item-not-found', { rsm: `<before>${text}</before>` }] as [string, Asked]]),
          ['item-not-found', { form: { 'after-id': text } }],
          ['item-not-found', { form: { 'before-id': text } }],
          ['item-not-found', { form: { ids: [ids[0]!, text] } }],
        ]
      },
    ),
    ...[
      '',
      'yesterday',
      '2026-02-30T00:00:00Z',
      '2026-01-01',
      '2026-01-01T24:00:00Z',
      '2026-01-01T00:00:00',
      "'",
    ].flatMap((time): [string, Asked][] => [
      ['bad-request', { form: { start: time } }],
      ['bad-request', { form: { end: time } }],
    ]),
    ...['', '@', 'a@b@c/', `${'x'.repeat(1100)}@example.org`, '\u{10ffff}@x'].map((jid): [string, Asked] => [
      'bad-request',
      { form: { with: jid } },
    ]),
    ['bad-request', { form: { with: ['a@example.org', 'b@example.org'] } }],
    ['bad-request', { form: { 'include-groupchat': 'maybe' } }],
    ['feature-not-implemented', { form: { 'free-text': 'x' } }],
    ['feature-not-implemented', { form: { ids: ids[0]!, with: 'a@example.org' } }],
    ['policy-violation', { form: { ids: Array(251).fill(ids[0]) } }],
    ['bad-request', { queryId: 'q'.repeat(1025) }],
    ['bad-request', { also: `<x xmlns='jabber:x:data' type='submit'/>` }],
    ['bad-request', { also: `<x xmlns='jabber:x:data' type='form'/>` }],
    [
      'bad-request',
      {
        also: `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:1</value></field></x>`,
      },
    ],
    ['bad-request', { also: `<x xmlns='jabber:x:data' type='submit'><field><value>1</value></field></x>` }],
  ]
  for (const [condition, asked] of table) {
    await romeo.isRefused(condition)`<iq type='set'>${queryText(asked)}</iq>`
    await romeo.receivesNothing()
  }
  await romeo.isRefused('item-not-found')`<iq type='set'><query xmlns='${NS_MAM}' node='x'/></iq>`
})

// XEP-0313 §4.3.3
story('A flipped page is the same page, the newest first', async (s) => {
  const { romeo, ids } = await conversation(s, 5)
  const answer = await asksArchive(romeo, { rsm: '<max>3</max><before/>', also: '<flip-page/>' })
  assert.deepEqual(answer.bodies, ['m4', 'm3', 'm2'])
  assert.equal(answer.first, ids[2])
  assert.equal(answer.last, ids[4])
})

// XEP-0313 §4.1.5
story('The form names every field, and no value to choose from', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const query = (await romeo.asks`<iq type='get'><query xmlns='${NS_MAM}'/></iq>`).getChild('query', NS_MAM)!
  const fields = query.getChild('x', 'jabber:x:data')!.getChildren('field')
  assert.deepEqual(
    fields.map(({ attrs }) => `${attrs['var']}: ${attrs['type']}`),
    [
      'FORM_TYPE: hidden',
      'with: jid-single',
      'start: text-single',
      'end: text-single',
      'before-id: text-single',
      'after-id: text-single',
      'ids: list-multi',
      'include-groupchat: boolean',
      '{urn:xmpp:fulltext:0}fulltext: text-single',
    ],
  )
  assert.ok(fields[6]!.getChild('validate', 'http://jabber.org/protocol/xdata-validate')!.getChild('open'))
  assert.ok(fields.every((field) => field.getChild('required') === undefined))
})

// XEP-0313 §5
story('Metadata: the oldest and the newest message, or nothing', async (s) => {
  const nurse = await s.login('nurse/hall')
  const empty = await nurse.asks`<iq type='get'><metadata xmlns='${NS_MAM}'/></iq>`
  assert.deepEqual(empty.getChild('metadata')!.children, [])
  const { romeo, ids } = await conversation(s, 3)
  const metadata = (await romeo.asks`<iq type='get' to='${romeo.bare}'><metadata xmlns='${NS_MAM}'/></iq>`).getChild(
    'metadata',
    NS_MAM,
  )!
  assert.deepEqual(metadata.getChild('start')!.attrs, { id: ids[0], timestamp: timeOf(ids[0]!) })
  assert.deepEqual(metadata.getChild('end')!.attrs, { id: ids[2], timestamp: timeOf(ids[2]!) })
})

// XEP-0313 §8.1
story('Nobody reads another’s archive, whether there is one or not', async (s) => {
  const romeo = await s.login('romeo/orchard')
  for (const to of [await s.createAccount('juliet'), `nobody@${s.domain}`]) {
    await romeo.isRefused('service-unavailable')`<iq type='set' to='${to}'><query xmlns='${NS_MAM}'/></iq>`
    await romeo.isRefused('service-unavailable')`<iq type='get' to='${to}'><metadata xmlns='${NS_MAM}'/></iq>`
    await romeo.isRefused('service-unavailable')`<iq type='get' to='${to}'><prefs xmlns='${NS_MAM}'/></iq>`
    await romeo.isRefused(
      'service-unavailable',
    )`<iq type='set' to='${to}'><prefs xmlns='${NS_MAM}' default='never'/></iq>`
  }
})

story('Two queries at once are answered one after the other', async (s) => {
  const { romeo } = await conversation(s, 4)
  romeo.send(
    ['a', 'b'].map((id) => `<iq type='set' id='${id}'><query xmlns='${NS_MAM}' queryid='${id}'/></iq>`).join(''),
  )
  for (const id of ['a', 'b']) {
    for (let n = 0; n < 4; n++) {
      const { attrs } = (await romeo.next()).getChild('result', NS_MAM)!
      assert.equal(attrs['queryid'], id)
    }
    await romeo.receives`<iq type='result' id='${id}'/>`
  }
})

story(
  'A page has a bound, and a long archive is read to its end by pages',
  async (s) => {
    const { romeo } = await conversation(s, 7)
    const read: (string | null)[] = []
    const ids: string[] = []
    for (let after = ''; ; ) {
      const page = await asksArchive(romeo, { rsm: `<max>100</max>${after}` })
      assert.ok(page.ids.length <= 3)
      read.push(...page.bodies)
      ids.push(...page.ids)
      if (page.complete) break
      after = `<after>${page.last}</after>`
    }
    assert.deepEqual(read, names(0, 6))
    const back = await asksArchive(romeo, { rsm: `<max>100</max><before>${ids[5]}</before>` })
    assert.deepEqual(back.bodies, names(2, 4))
  },
  { modules: { archive: { maxPage: 3 } } },
)

// XEP-0059 §2.2: the number may be left out where it is dear
story('Past 250 messages a page does not count them, and max=0 does', async (s) => {
  const romeo = await s.login('romeo/orchard')
  await s.online('juliet/balcony')
  const to = `juliet@${s.domain}`
  for (let n = 0; n < 301; n++) romeo.send(`<message to='${to}' type='chat'><body>${n}</body></message>`)
  await romeo.isRefused('service-unavailable')`<message to='${to}' type='groupchat'/>`
  const page = await asksArchive(romeo, { rsm: '<max>250</max><before/>' })
  assert.equal(page.count, undefined)
  assert.equal(page.bodies.at(0), '51')
  assert.equal(page.bodies.at(-1), '300')
  assert.equal((await asksArchive(romeo, { rsm: '<max>0</max>' })).count, 301)
  assert.equal((await asksArchive(romeo, { rsm: `<max>1</max>`, form: { 'after-id': page.ids[0]! } })).count, 249)
})

story('Large messages make short pages', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const body = 'x'.repeat(200_000)
  for (let n = 0; n < 50; n++) romeo.send(`<message to='${romeo.bare}' id='${n}'><body>${body}</body></message>`)
  const count = async () => (await asksArchive(romeo, { rsm: '<max>0</max>' })).count
  while ((await count()) !== 50);
  const pages: (readonly string[])[] = []
  for (let after = ''; pages.at(-1)?.length !== 0; after = `<after>${pages.at(-1)!.at(-1)}</after>`) {
    const page = await asksArchive(romeo, { rsm: `<max>250</max>${after}` })
    pages.push(page.ids)
    if (page.complete) break
  }
  assert.deepEqual(
    pages.map((page) => page.length),
    [21, 21, 8],
  )
  const all = pages.flat()
  const newest = await asksArchive(romeo, { rsm: '<max>250</max><before/>' })
  assert.deepEqual([newest.ids, newest.complete], [all.slice(-21), false])
  const named = await asksArchive(romeo, { form: { ids: all }, rsm: '<max>250</max>' })
  assert.deepEqual([named.ids, named.complete], [all.slice(0, 21), false])
})

// XEP-0313 §7, XEP-0359 §5, XEP-0431 §2.1, XEP-0424 §2
story('Accounts announce their archives', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const info =
    await romeo.asks`<iq type='get' to='${romeo.bare}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`
  const features = info
    .getChild('query')!
    .getChildren('feature')
    .map((feature) => feature.attrs['var'])
  for (const feature of [
    NS_MAM,
    `${NS_MAM}#extended`,
    `${NS_MAM}#groupchat-field`,
    'urn:xmpp:sid:0',
    'urn:xmpp:fulltext:0',
    'urn:xmpp:message-retract:1#tombstone',
  ])
    assert.ok(features.includes(feature), feature)
  assert.ok(!features.includes(`${NS_MAM}#groupchat-available`))
})
