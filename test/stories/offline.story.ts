import assert from 'node:assert/strict'
import { keptElsewhere } from '../../modules/offline/hooks.ts'
import { defineModule, Jid, sessionClosed, sessionOpened } from '../../src/api.ts'
import { MemoryQueue } from '../support/memory-queue.ts'
import { type Actor, drain, type story as Scene, type Story, story as scene } from '../support/story.ts'

/** What the offline store does by itself: no archive has the messages, too. */
const story: typeof Scene = (title, play, options = {}) =>
  scene(title, play, { ...options, modules: { archive: { enabled: false }, ...options.modules } })

/** Has Romeo write to an address, and waits until the server is done with it. */
async function writes(romeo: Actor, to: string, ...ids: string[]): Promise<void> {
  for (const id of ids) await romeo.sends`<message to='${to}' type='chat' id='${id}'><body>${id}</body></message>`
  await settles(romeo, to)
}

/** The server answers what is refused only after what came before it to the same address. */
async function settles(romeo: Actor, to: string): Promise<void> {
  await romeo.isRefused('service-unavailable')`<message to='${to}' type='groupchat'><body>fence</body></message>`
}

async function hears(juliet: Actor, romeo: Actor, ...ids: string[]): Promise<void> {
  for (const id of ids)
    await juliet.receives`<message from='${romeo.jid}' type='chat' id='${id}'><body>${id}</body></message>`
}

/** The ids of the messages that have come before the answer to a ping sent now. */
async function messagesOf(actor: Actor): Promise<string[]> {
  const ids: string[] = []
  actor.send(`<iq type='get' id='fence' to='${Jid.parse(actor.jid).domain}'><ping xmlns='urn:xmpp:ping'/></iq>`)
  for (let el = await actor.next(); el.attrs['id'] !== 'fence'; el = await actor.next())
    if (el.name === 'message') ids.push(el.attrs['id']!)
  return ids
}

function delayed(s: Story, id: string, ms: number): string {
  return `<message id='${id}'><body>${id}</body><delay xmlns='urn:xmpp:delay' from='${s.domain}' stamp='${new Date(ms).toISOString()}'/></message>`
}

// XEP-0160 §2, XEP-0203 §4
story('Messages wait for Juliet and come in order, each with the time when it came', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.createAccount('juliet')
  const first = s.bed.clock.now()
  await writes(romeo, juliet, 'one')
  await s.advance(60_000)
  await writes(romeo, juliet, 'two', 'three')
  const balcony = await s.online('juliet/balcony')
  await balcony.receives`${delayed(s, 'one', first)}`
  await balcony.receives`${delayed(s, 'two', first + 60_000)}`
  await balcony.receives`${delayed(s, 'three', first + 60_000)}`
  await balcony.receivesNothing()
  await romeo.receivesNothing()
  await balcony.disconnects()
  const chamber = await s.online('juliet/chamber')
  await chamber.receivesNothing()
})

// XEP-0160 §2: "when the recipient next sends non-negative available presence"
story('Nothing comes before Juliet is available with a priority that is not negative', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.online('juliet/balcony', '<presence><priority>-1</priority></presence>')
  await writes(romeo, juliet.bare, 'one')
  await juliet.receivesNothing()
  juliet.send('<presence><priority>0</priority></presence>')
  await juliet.receives`<presence from='${juliet.jid}'/>`
  await hears(juliet, romeo, 'one')
  await juliet.receivesNothing()
})

// RFC 6121 §8.5.3.2.1
story('A message to a resource that is gone waits for the account', async (s) => {
  const romeo = await s.login('romeo/orchard')
  await s.createAccount('juliet')
  await writes(romeo, `juliet@${s.domain}/gone`, 'one')
  const juliet = await s.online('juliet/balcony')
  await hears(juliet, romeo, 'one')
})

story(
  'Payloads, languages and letters are kept as they are; a delay that claims to be the server’s is not',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.createAccount('juliet')
    await romeo.sends`<message to='${juliet}' id='1' xml:lang='de'><body>Grüße &lt;3 😀</body><x xmlns='urn:x' a='&amp;'><y xmlns='urn:y'/></x><delay xmlns='urn:xmpp:delay' from='${s.domain}' stamp='1999-01-01T00:00:00Z'/><delay xmlns='urn:xmpp:delay' from='elsewhere.example' stamp='1998-01-01T00:00:00Z'/></message>`
    await settles(romeo, juliet)
    const balcony = await s.online('juliet/balcony')
    const message =
      await balcony.receives`<message id='1' xml:lang='de'><body>Grüße &lt;3 😀</body><x xmlns='urn:x' a='&amp;'><y xmlns='urn:y'/></x></message>`
    assert.deepEqual(
      message.getChildren('delay', 'urn:xmpp:delay').map((delay) => delay.attrs['from']),
      ['elsewhere.example', s.domain],
    )
  },
)

// XEP-0160 §3, XEP-0334 §4.2
story('What need not or must not wait does not, and a stranger hears nothing of it', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.createAccount('juliet')
  for (const to of [juliet, `nobody@${s.domain}`]) {
    await romeo.sends`<message to='${to}' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`
    await romeo.sends`<message to='${to}' type='headline'><body>News</body></message>`
    // RFC 6120 §13.10.2: an error would tell who is away; a stranger learns of nothing.
    await romeo.sends`<message to='${to}' type='chat'><body>secret</body><no-store xmlns='urn:xmpp:hints'/></message>`
    await romeo.receivesNothing()
  }
  const balcony = await s.online('juliet/balcony')
  await balcony.receivesNothing()
})

// RFC 6121 §8.5.2.2.1, XEP-0334 §4.2
story('What must not be stored comes back to a contact who sees who is there', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  await juliet.disconnects()
  await romeo.receives`<presence type='unavailable' from='${juliet.jid}'/>`
  await romeo.isRefused(
    'service-unavailable',
  )`<message to='${juliet.bare}' type='chat'><body>secret</body><no-store xmlns='urn:xmpp:hints'/></message>`
})

// RFC 6121 §8.5.1
story(
  'Who writes to nobody hears what who writes to somebody away hears, up to the limit and past it',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.createAccount('juliet')
    for (const to of [juliet, `nobody@${s.domain}`]) {
      await writes(romeo, to, 'one', 'two')
      await romeo.receivesNothing()
      // XEP-0160 §2: "the recipient's offline message queue is full"
      await romeo.isRefused('service-unavailable')`<message to='${to}' type='chat'><body>three</body></message>`
      await romeo.receivesNothing()
    }
    const balcony = await s.online('juliet/balcony')
    await hears(balcony, romeo, 'one', 'two')
    await balcony.disconnects()
    await writes(romeo, juliet, 'four', 'five')
    await romeo.isRefused('service-unavailable')`<message to='${juliet}' type='chat'><body>six</body></message>`
  },
  { modules: { offline: { maxMessages: 2 } } },
)

story('Many messages come in order, and none is left', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.createAccount('juliet')
  const ids = Array.from({ length: 250 }, (_, n) => `m${n}`)
  await writes(romeo, juliet, ...ids)
  const balcony = await s.online('juliet/balcony')
  await hears(balcony, romeo, ...ids)
  await balcony.disconnects()
  const chamber = await s.online('juliet/chamber')
  await chamber.receivesNothing()
})

story('Two resources that come at once share the messages, and none comes twice', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.createAccount('juliet')
  const ids = Array.from({ length: 150 }, (_, n) => `m${n}`)
  await writes(romeo, juliet, ...ids)
  const balcony = await s.login('juliet/balcony')
  const chamber = await s.login('juliet/chamber')
  balcony.send('<presence/>')
  chamber.send('<presence/>')
  const heard: string[] = []
  // Both are asked in turn until all has come, and once more.
  for (let isLast = false; ; isLast = heard.length >= ids.length) {
    for (const actor of [balcony, chamber]) heard.push(...(await messagesOf(actor)))
    if (isLast) break
  }
  assert.deepEqual(heard, ids)
})

story('What comes while older messages are being delivered comes after them', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.createAccount('juliet')
  const ids = Array.from({ length: 120 }, (_, n) => `old${n}`)
  await writes(romeo, juliet, ...ids)
  const balcony = await s.login('juliet/balcony')
  balcony.send('<presence/>')
  for (let n = 0; n < 20; n++)
    await romeo.sends`<message to='${juliet}' type='chat' id='new${n}'><body>new${n}</body></message>`
  const heard: string[] = []
  while (heard.length < 140) {
    const el = await balcony.next()
    if (el.name === 'message') heard.push(el.attrs['id']!)
  }
  assert.deepEqual(heard, [...ids, ...Array.from({ length: 20 }, (_, n) => `new${n}`)])
  await balcony.receivesNothing()
})

story(
  'Old messages go away unread',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.createAccount('juliet')
    await writes(romeo, juliet, 'old')
    await s.advance(1_800_000)
    await writes(romeo, juliet, 'young')
    await s.advance(1_801_000)
    const balcony = await s.online('juliet/balcony')
    await hears(balcony, romeo, 'young')
    await balcony.receivesNothing()
  },
  { modules: { offline: { maxAge: 3_600_000 } } },
)

story('A deleted account leaves no messages to the next of its name', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.createAccount('juliet')
  await writes(romeo, juliet, 'one')
  await s.host.deleteAccount('juliet')
  await s.host.accounts.create('juliet', 'wherefore art thou')
  const balcony = await s.online('juliet/balcony')
  await balcony.receivesNothing()
})

story('A message to somebody away costs one query, the first one two more', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.createAccount('juliet')
  await drain(romeo)
  const before = s.database.queries
  await writes(romeo, juliet, 'one')
  assert.ok(s.database.queries - before <= 4, `${s.database.queries - before} queries`)
  const later = s.database.queries
  await writes(romeo, juliet, ...Array.from({ length: 20 }, (_, n) => `m${n}`))
  assert.ok(s.database.queries - later <= 20, `${s.database.queries - later} queries`)
})

const queues = new Map<string, MemoryQueue>()
const phones = defineModule({
  name: 'test-phones',
  summary: 'Has resources called phone acknowledge what they get when the test says so.',
  implements: [],
  setup(ctx) {
    ctx.on(sessionOpened, (session) => {
      if (session.jid.resource.startsWith('phone')) queues.set(session.address, MemoryQueue.of(session))
    })
    ctx.on(sessionClosed, (session) => void queues.delete(session.address))
  },
})

/** Has a phone acknowledge what it was sent. */
function acknowledges(phone: Actor): void {
  queues.get(phone.jid)!.acknowledge()
}

/** Settles when no message waits any more. */
async function noneIsLeft(s: Story): Promise<void> {
  while ((await s.database.knex('offline_messages').first('id')) !== undefined);
}

// XEP-0160 §3, XEP-0198 §4
story(
  'What a phone has not acknowledged when it goes comes again, first and once, and no more once it has',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.createAccount('juliet')
    await writes(romeo, juliet, 'one', 'two')
    const phone = await s.online('juliet/phone')
    await hears(phone, romeo, 'one', 'two')
    await phone.cuts()
    await writes(romeo, juliet, 'three')
    const second = await s.online('juliet/phone-2')
    await hears(second, romeo, 'one', 'two', 'three')
    await second.receivesNothing()
    acknowledges(second)
    await noneIsLeft(s)
    await second.cuts()
    const chamber = await s.online('juliet/chamber')
    await chamber.receivesNothing()
  },
  { extra: [phones] },
)

story(
  'While a phone has the messages and has not acknowledged them nobody waits, and another resource gets the new ones only',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.createAccount('juliet')
    await writes(romeo, juliet, 'one', 'two')
    const phone = await s.online('juliet/phone')
    await hears(phone, romeo, 'one', 'two')
    const chamber = await s.online('juliet/chamber')
    await phone.receives`<presence from='${chamber.jid}'/>`
    await chamber.receives`<presence from='${phone.jid}'/>`
    await writes(romeo, juliet, 'live')
    await hears(phone, romeo, 'live')
    await hears(chamber, romeo, 'live')
    await phone.cuts()
    await chamber.receives`<presence from='${phone.jid}' type='unavailable'/>`
    await hears(chamber, romeo, 'one', 'two')
    await chamber.receivesNothing()
  },
  { extra: [phones] },
)

// XEP-0198 §4, XEP-0203 §4
story(
  'A live message that a phone never acknowledged waits with the time when it was sent, before what came later',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const phone = await s.online('juliet/phone')
    const sent = s.bed.clock.now()
    await writes(romeo, phone.bare, 'lost')
    await hears(phone, romeo, 'lost')
    await s.advance(60_000)
    // It still looks as if the phone were there, to the server.
    await romeo.sends`<message to='${phone.jid}' id='lost too'><body>lost too</body></message>`
    await settles(romeo, phone.bare)
    await phone.cuts()
    await writes(romeo, phone.bare, 'later')
    const chamber = await s.online('juliet/chamber')
    for (const [id, ms] of [
      ['lost', sent],
      ['lost too', sent + 60_000],
      ['later', sent + 60_000],
    ] as const) {
      const message = await chamber.receives`${delayed(s, id, ms)}`
      assert.equal(message.getChildren('delay', 'urn:xmpp:delay').length, 1)
    }
    await chamber.receivesNothing()
  },
  { extra: [phones] },
)

const library = defineModule({
  name: 'test-library',
  summary: 'Keeps what is marked for resources called reader.',
  implements: [],
  setup(ctx) {
    ctx.answer(keptElsewhere, ({ session, stanza }) =>
      session.jid.resource === 'reader' && stanza.getChild('kept', 'urn:example:library') !== undefined
        ? true
        : undefined,
    )
  },
})

story(
  'What a client fetches elsewhere is not delivered a second time; another client gets it here',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.createAccount('juliet')
    const writesBoth = async () => {
      await romeo.sends`<message to='${juliet}' type='chat' id='kept'><body>kept</body><kept xmlns='urn:example:library'/></message>`
      await writes(romeo, juliet, 'only here')
    }
    await writesBoth()
    const reader = await s.online('juliet/reader')
    await hears(reader, romeo, 'only here')
    await reader.receivesNothing()
    await reader.disconnects()
    await writesBoth()
    const chamber = await s.online('juliet/chamber')
    await hears(chamber, romeo, 'kept', 'only here')
    await chamber.receivesNothing()
  },
  { extra: [library] },
)

/** Twenty of them are more than a client may have unacknowledged. */
async function writesMuch(romeo: Actor, to: string): Promise<string[]> {
  const ids = Array.from({ length: 20 }, (_, n) => `much${n}`)
  for (const id of ids)
    await romeo.sends`<message to='${to}' type='chat' id='${id}'><body>${'x'.repeat(66_000)}</body></message>`
  await settles(romeo, to)
  return ids
}

story(
  'A phone that acknowledges nothing of a large store holds up nobody, and everything keeps its order',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.createAccount('juliet')
    const ids = await writesMuch(romeo, juliet)
    const phone = await s.online('juliet/phone')
    await writes(romeo, juliet, 'new')
    const heard = await messagesOf(phone)
    assert.deepEqual(heard, ids.slice(0, heard.length))
    assert.ok(heard.length < 20)
    while (heard.length < 21) {
      acknowledges(phone)
      heard.push(...(await messagesOf(phone)))
    }
    assert.deepEqual(heard, [...ids, 'new'])
    await writes(romeo, juliet, 'live')
    await hears(phone, romeo, 'live')
  },
  { extra: [phones] },
)

story(
  'Messages of many senders to one account share commits',
  async (s) => {
    const juliet = await s.createAccount('juliet')
    const senders: Actor[] = []
    for (let n = 0; n < 20; n++) senders.push(await s.login(`romeo${n}/orchard`))
    await writes(senders[0]!, juliet, 'first')
    const before = s.database.queries
    for (const sender of senders) await sender.sends`<message to='${juliet}' type='chat'><body>Hi</body></message>`
    for (const sender of senders) await settles(sender, juliet)
    const queries = s.database.queries - before
    assert.ok(queries <= 10, `${queries} queries for 20 messages`)
    const balcony = await s.online('juliet/balcony')
    let heard = 0
    while (heard < 21) heard += (await messagesOf(balcony)).length
    assert.equal(heard, 21)
  },
  { notOn: { bosh: 'each comes by a request of its own, when there is time for it' } },
)
