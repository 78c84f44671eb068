import assert from 'node:assert/strict'
import { asksArchive, NS_SID, stanzaIds } from '../support/archive.ts'
import { ComponentClient } from '../support/component.ts'
import { type Actor, type Story, story } from '../support/story.ts'

const chat = (to: string, body: string, more = '', id = body): string =>
  `<message to='${to}' type='chat' id='${id}'><body>${body}</body>${more}</message>`

/** Makes the database refuse what the archive writes, until what is returned is called. */
async function breaks(s: Story): Promise<() => Promise<void>> {
  const rename = (from: string, to: string) => s.database.knex.schema.renameTable(from, to)
  await rename('archive_copies', 'archive_lost')
  return () => rename('archive_lost', 'archive_copies')
}

/** The server answers what is refused only after what came before it to the same address. */
async function settles(romeo: Actor, to: string): Promise<void> {
  await romeo.isRefused('service-unavailable')`<message to='${to}' type='groupchat'><body>fence</body></message>`
}

async function bodiesOf(actor: Actor): Promise<readonly (string | null)[]> {
  return (await asksArchive(actor)).bodies
}

// XEP-0313 §3.5, XEP-0359 §3
story('The id in the live message is the id in the archive, and grows from message to message', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  const live: string[] = []
  for (const body of ['one', 'two', 'three']) {
    await romeo.sends`${chat(juliet.jid, body)}`
    const message = await juliet.receives`<message id='${body}'><body>${body}</body></message>`
    assert.deepEqual(Object.keys(stanzaIds(message)), [juliet.bare])
    live.push(stanzaIds(message)[juliet.bare]!)
  }
  const hers = await asksArchive(juliet)
  const his = await asksArchive(romeo)
  assert.deepEqual(hers.ids, live)
  assert.deepEqual(his.ids, live)
  assert.deepEqual(his.bodies, ['one', 'two', 'three'])
  assert.deepEqual(
    live,
    live.toSorted((a, b) => Number(a) - Number(b)),
  )
  assert.deepEqual(stanzaIds(hers.messages[0]!), {})
  assert.equal(hers.messages[0]!.attrs['xmlns'], 'jabber:client')
  assert.equal(
    hers.results[0]!.getChild('forwarded')!.getChild('delay', 'urn:xmpp:delay')!.attrs['stamp'],
    new Date(Math.floor(Number(live[0]) / 1000)).toISOString(),
  )
})

// XEP-0313 §3.1
story('A burst of several senders has one order, live and in the archive', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const mercutio = await s.login('mercutio/street')
  const juliet = await s.online('juliet/balcony')
  for (let n = 0; n < 40; n++) {
    romeo.send(chat(juliet.bare, `r${n}`))
    mercutio.send(chat(juliet.bare, `m${n}`))
  }
  const live: string[] = []
  for (let n = 0; n < 80; n++) live.push(stanzaIds(await juliet.next())[juliet.bare]!)
  const { ids, bodies } = await asksArchive(juliet, { rsm: '<max>100</max>' })
  assert.deepEqual(ids, live)
  const ofRomeo = bodies.filter((body) => body!.startsWith('r'))
  assert.deepEqual(
    ofRomeo,
    Array.from({ length: 40 }, (_, n) => `r${n}`),
  )
})

// XEP-0359 §3, rule 2; CVE-2017-5589
story('Forged ids and results never reach anybody, others’ ids do', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  const forged = [
    ...[juliet.bare, romeo.bare, s.domain, juliet.bare.toUpperCase(), juliet.jid, romeo.jid, `${s.domain}/x`, '@', ''],
    ...[`${juliet.bare}.`, juliet.bare.replace('j', '&#106;'), juliet.bare.replace('j', 'ｊ'), ` ${juliet.bare}`],
  ].map((by) => `<stanza-id xmlns='${NS_SID}' by='${by}' id='1'/>`)
  forged.push(`<p:stanza-id xmlns:p='${NS_SID}' by='${juliet.bare}' id='1'/>`)
  const room = `<stanza-id xmlns='${NS_SID}' by='room@muc.example' id='7'/>`
  const origin = `<origin-id xmlns='${NS_SID}' id='mine'/>`
  const result = `<result xmlns='urn:xmpp:mam:2' id='1'><forwarded xmlns='urn:xmpp:forward:0'/></result><fin xmlns='urn:xmpp:mam:2'/>`
  const bare = `<stanza-id xmlns='${NS_SID}' id='1'/>`
  await romeo.sends`${chat(juliet.jid, 'kept', forged.join('') + room + origin + bare)}`
  const kept = await juliet.receives`<message id='kept'>${origin}</message>`
  assert.deepEqual(Object.keys(stanzaIds(kept)), ['room@muc.example', juliet.bare])
  assert.notEqual(stanzaIds(kept)[juliet.bare], '1')
  // Nothing is added to what is not kept.
  await romeo.sends`<message to='${juliet.jid}' type='chat'>${forged.join('')}<composing xmlns='http://jabber.org/protocol/chatstates'/></message>`
  assert.deepEqual(stanzaIds(await juliet.next()), {})
  await romeo.sends`${chat(juliet.jid, 'wrapped', result)}`
  const wrapped = await juliet.receives`<message id='wrapped'/>`
  assert.equal(wrapped.getChild('result'), undefined)
  assert.equal(wrapped.getChild('fin'), undefined)
})

// XEP-0313 §6.1.1
story('A message to oneself is kept once, and has one id', async (s) => {
  const phone = await s.online('romeo/phone')
  await phone.sends`${chat(phone.bare, 'note')}`
  const note = await phone.receives`<message id='note'/>`
  assert.deepEqual((await asksArchive(phone)).ids, [stanzaIds(note)[phone.bare]])
  assert.deepEqual((await asksArchive(phone, { form: { with: phone.bare } })).bodies, ['note'])
})

// XEP-0313 §3.5: "servers SHOULD include the element … when using XEP-0280"
story('The sender’s other clients learn the id in the sender’s archive by the carbon', async (s) => {
  const orchard = await s.login('romeo/orchard')
  const phone = await s.login('romeo/phone')
  const juliet = await s.online('juliet/balcony')
  await phone.asks`<iq type='set'><enable xmlns='urn:xmpp:carbons:2'/></iq>`
  await orchard.sends`${chat(juliet.bare, 'hello')}`
  const carbon = await phone.next()
  const copy = carbon.getChild('sent')!.getChild('forwarded')!.getChild('message')!
  assert.deepEqual(stanzaIds(copy), { [phone.bare]: (await asksArchive(phone)).ids[0] })
  await juliet.receives`<message id='hello'/>`
})

story('What means nothing later is in no archive, what does is', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  const payloads: [keep: boolean, id: string, xml: string][] = [
    [false, 'state', `<composing xmlns='http://jabber.org/protocol/chatstates'/>`],
    [false, 'secret', `<body>x</body><no-store xmlns='urn:xmpp:hints'/>`],
    [true, 'receipt', `<received xmlns='urn:xmpp:receipts' id='1'/>`],
    [true, 'marker', `<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>`],
    [true, 'omemo', `<encrypted xmlns='eu.siacs.conversations.axolotl'/>`],
    [true, 'hinted', `<unknown xmlns='urn:x'/><store xmlns='urn:xmpp:hints'/>`],
    [true, 'reaction', `<reactions xmlns='urn:xmpp:reactions:0' id='1'/>`],
  ]
  for (const [, id, xml] of payloads)
    await romeo.sends`<message to='${juliet.jid}' type='chat' id='${id}'>${xml}</message>`
  await romeo.sends`<message to='${juliet.jid}' type='headline' id='news'><body>x</body></message>`
  const marked = new Map<string, boolean>()
  for (let n = 0; n < payloads.length + 1; n++) {
    const message = await juliet.next()
    marked.set(message.attrs['id']!, stanzaIds(message)[juliet.bare] !== undefined)
  }
  const expected = payloads.filter(([keep]) => keep).map(([, id]) => id)
  assert.deepEqual(
    [...marked].filter(([, kept]) => kept).map(([id]) => id),
    expected,
  )
  assert.deepEqual(
    (await asksArchive(juliet)).messages.map((message) => message.attrs['id']),
    expected,
  )
})

// RFC 6121 §8.5.1
story('Who writes to nobody sees what who writes to somebody away sees', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.createAccount('juliet')
  await romeo.sends`${chat(juliet, 'there')}`
  await settles(romeo, juliet)
  await romeo.sends`${chat(`nobody@${s.domain}`, 'nowhere')}`
  await settles(romeo, `nobody@${s.domain}`)
  await romeo.receivesNothing()
  assert.deepEqual(await bodiesOf(romeo), ['there', 'nowhere'])
  // Nobody's archive begins empty, should somebody take the name.
  await s.createAccount('nobody')
  assert.deepEqual(await bodiesOf(await s.login('nobody/x')), [])
})

// RFC 6121 §8.5.1: with its own archive off, a sender would else learn from the disk who exists
story(
  'Who writes to nobody waits for the disk like who writes to somebody away, and leaves nothing on it',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.createAccount('juliet')
    const nobody = `nobody@${s.domain}`
    await romeo.asks`<iq type='set'><prefs xmlns='urn:xmpp:mam:2' default='never'/></iq>`
    await romeo.sends`${chat(nobody, 'nowhere')}`
    await settles(romeo, nobody)
    const left = await s.database.knex('archive_stanzas').count({ n: '*' }).first()
    assert.equal(Number(left!['n']), 0)
    const rename = (from: string, to: string) => s.database.knex.schema.renameTable(from, to)
    await rename('archive_stanzas', 'archive_lost')
    try {
      for (const to of [juliet, nobody]) await romeo.isRefused('internal-server-error', 'wait')`${chat(to, 'lost')}`
    } finally {
      await rename('archive_lost', 'archive_stanzas')
    }
  },
  { expectErrors: true },
)

// `böb` collides with `bob` in no query, whatever the database's collation
story('böb and bob have archives of their own, also as peers', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const [plain, umlaut] = [await s.online('bob/x'), await s.online('böb/x')]
  await romeo.sends`${chat(plain.jid, 'to bob')}`
  await romeo.sends`${chat(umlaut.jid, 'to böb')}`
  await plain.receives`<message/>`
  await umlaut.receives`<message/>`
  assert.deepEqual(await bodiesOf(plain), ['to bob'])
  assert.deepEqual(await bodiesOf(umlaut), ['to böb'])
  assert.deepEqual((await asksArchive(romeo, { form: { with: umlaut.bare } })).bodies, ['to böb'])
})

story(
  'Two hosts: each account has its archive, and both sides are kept at once',
  async (s) => {
    const romeo = await s.login('romeo@localhost/orchard')
    const juliet = await s.online('juliet@capulet.example/balcony')
    const namesake = await s.login('romeo@capulet.example/orchard')
    await romeo.sends`${chat(juliet.jid, 'over the wall')}`
    const live = await juliet.receives`<message id='over the wall'/>`
    const his = await asksArchive(romeo)
    assert.deepEqual(his.ids, [stanzaIds(live)[juliet.bare]])
    assert.deepEqual((await asksArchive(juliet)).ids, his.ids)
    assert.deepEqual((await asksArchive(namesake)).ids, [])
  },
  { hosts: ['localhost', 'capulet.example'] },
)

story(
  'A message to a component, and one from it, are kept on the side that is here',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    const room = await ComponentClient.join(s.bed.server, 'muc.example', 'secret')
    await romeo.sends`${chat('tybalt@muc.example', 'out', `<stanza-id xmlns='${NS_SID}' by='${romeo.bare}' id='1'/>`)}`
    const out = await room.client.receives`<message id='out'><body>out</body></message>`
    assert.deepEqual(stanzaIds(out), {})
    room.send(`<message from='tybalt@muc.example/x' to='${romeo.bare}' type='chat' id='in'><body>in</body></message>`)
    await romeo.receives`<message id='in'/>`
    assert.deepEqual(await bodiesOf(romeo), ['out', 'in'])
    assert.deepEqual((await asksArchive(romeo, { form: { with: 'tybalt@muc.example/x' } })).bodies, ['in'])
    room.transport.cut()
  },
  { server: { components: { 'muc.example': { secret: 'secret' } } } },
)

// XEP-0313 §6.1.1, ejabberd 4227
story(
  'What a room sends to each client of an account is one message in its archive',
  async (s) => {
    const [phone, orchard] = [await s.login('romeo/phone'), await s.login('romeo/orchard')]
    const room = await ComponentClient.join(s.bed.server, 'muc.example', 'secret')
    const sends = (to: string, id: string, body: string) =>
      room.send(
        `<message from='room@muc.example/tybalt' to='${to}' type='chat' id='${id}'><body>${body}</body><x xmlns='http://jabber.org/protocol/muc#user'/></message>`,
      )
    for (const client of [phone, orchard]) sends(client.jid, '1', 'psst')
    const ids = [await phone.next(), await orchard.next()].map((message) => stanzaIds(message)[phone.bare])
    assert.equal(ids[0], ids[1])
    // The same once more to the same client is another message.
    sends(phone.jid, '1', 'psst')
    sends(orchard.jid, '1', 'boo')
    await phone.next()
    await orchard.next()
    const { bodies } = await asksArchive(phone)
    assert.deepEqual(bodies, ['psst', 'psst', 'boo'])
    room.transport.cut()
  },
  { server: { components: { 'muc.example': { secret: 'secret' } } } },
)

story(
  'A message that cannot be stored comes back, and nobody has seen it',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.online('juliet/balcony')
    await romeo.sends`${chat(juliet.jid, 'before')}`
    await juliet.receives`<message id='before'/>`
    const mend = await breaks(s)
    try {
      await romeo.isRefused('internal-server-error', 'wait')`${chat(juliet.jid, 'lost')}`
      await juliet.receivesNothing()
      // What is not archived goes on.
      await romeo.sends`<message to='${juliet.jid}' type='headline'><body>news</body></message>`
      await juliet.receives`<message type='headline'/>`
    } finally {
      await mend()
    }
    await romeo.sends`${chat(juliet.jid, 'after')}`
    await juliet.receives`<message id='after'/>`
    assert.deepEqual(await bodiesOf(juliet), ['before', 'after'])
  },
  { expectErrors: true },
)

story(
  'durability: ack: delivery does not wait, the sender hears of a failure all the same',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.online('juliet/balcony')
    const mend = await breaks(s)
    try {
      await romeo.isRefused('internal-server-error', 'wait')`${chat(juliet.jid, 'seen')}`
      await juliet.receives`<message id='seen'/>`
    } finally {
      await mend()
    }
    assert.deepEqual(await bodiesOf(juliet), [])
  },
  { modules: { archive: { durability: 'ack' } }, expectErrors: true },
)

story(
  'durability: relaxed: nothing waits, and a failure is a line in the log',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.online('juliet/balcony')
    const mend = await breaks(s)
    s.bed.errors.length = 0
    try {
      await romeo.sends`${chat(juliet.jid, 'seen')}`
      await juliet.receives`<message id='seen'/>`
      while (s.bed.errors.length === 0) await new Promise((resolve) => setImmediate(resolve))
      await romeo.receivesNothing()
    } finally {
      await mend()
    }
    assert.match(s.bed.errors.join(''), /could not be archived/)
    await romeo.sends`${chat(juliet.jid, 'kept')}`
    await juliet.receives`<message id='kept'/>`
    // It is written after it was seen.
    while ((await bodiesOf(juliet)).length === 0);
    assert.deepEqual(await bodiesOf(juliet), ['kept'])
  },
  { modules: { archive: { durability: 'relaxed' } }, expectErrors: true },
)

// XEP-0313 §6.1: what is rejected is in no archive of who rejects it
story('What a blocked sender writes is not kept for who blocks', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await juliet.asks`<iq type='set'><block xmlns='urn:xmpp:blocking'><item jid='${romeo.bare}'/></block></iq>`
  await romeo.isRefused('service-unavailable')`${chat(juliet.bare, 'refused')}`
  assert.deepEqual(await bodiesOf(juliet), [])
})

story('A deleted account leaves nothing; its peer keeps what is the peer’s', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await romeo.sends`${chat(juliet.jid, 'one')}`
  await juliet.receives`<message/>`
  await juliet.asks`<iq type='set'><prefs xmlns='urn:xmpp:mam:2' default='never'/></iq>`
  await s.host.deleteAccount('juliet')
  await s.host.accounts.create('juliet', 'wherefore art thou')
  const anew = await s.login('juliet/balcony')
  assert.deepEqual(await bodiesOf(anew), [])
  await anew.asks`<iq type='get'><prefs xmlns='urn:xmpp:mam:2'/></iq>`.then((iq) =>
    assert.equal(iq.getChild('prefs')!.attrs['default'], 'always'),
  )
  assert.deepEqual(await bodiesOf(romeo), ['one'])
  await s.host.deleteAccount('romeo')
  const left = await s.database.knex('archive_stanzas').count({ n: '*' }).first()
  assert.equal(Number(left!['n']), 0)
})

story('A message to somebody online costs one commit, whose statements many share', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await romeo.sends`${chat(juliet.jid, 'first')}`
  await juliet.receives`<message/>`
  const before = s.database.queries
  romeo.send(Array.from({ length: 30 }, (_, n) => chat(juliet.jid, `m${n}`)).join(''))
  for (let n = 0; n < 30; n++) await juliet.receives`<message id='m${n}'/>`
  // BEGIN, two inserts, COMMIT; the first message has a commit of its own.
  assert.ok(s.database.queries - before <= 8, `${s.database.queries - before} queries`)
})
