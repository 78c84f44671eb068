import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Jid } from '../../../src/api.ts'
import { openPlainBed, type PlainBed } from '../../support/bed.ts'
import { Client } from '../../support/client.ts'
import { type Mariadb, startMariadb } from '../../support/mariadb.ts'
import { MemoryPair } from '../../support/transport.ts'
import {
  addsContacts,
  blockedBy,
  blocks,
  contactsOf,
  Load,
  messagesOf,
  noLimits,
  nothingIsMissing,
  privateOf,
  setsPrivate,
  setsVcard,
  vcardOf,
  writesTo,
} from './load.ts'

const PASSWORD = 'wherefore art thou'
let mariadb: Mariadb
let bed: PlainBed
let folder: string
let ticking: NodeJS.Timeout

before(async () => {
  mariadb = await startMariadb()
  folder = await mkdtemp(join(tmpdir(), 'stonechat-trust-'))
  // What is archived waits for the database: durability.test.ts is about that.
  const modules = { ...noLimits, archive: { enabled: false } }
  bed = await openPlainBed({ modules }, folder, await mariadb.createDatabase())
  // Time goes on, so that what is tried again is.
  ticking = setInterval(() => bed.clock.advance(50), 50)
  for (const local of ['romeo', 'juliet', 'nurse', 'tybalt'])
    await bed.server.hosts.get('localhost')!.accounts.create(local, PASSWORD)
})
after(async () => {
  clearInterval(ticking)
  await bed?.close()
  await mariadb?.stop()
  await rm(folder, { recursive: true, force: true })
})

function connect(): Client {
  const pair = new MemoryPair()
  bed.server.accept(pair)
  return new Client(pair)
}

async function login(local: string, resource: string): Promise<Client> {
  const client = connect()
  await client.logsIn(local, 'localhost', PASSWORD, resource)
  return client
}

async function online(local: string, resource: string): Promise<Client> {
  const client = await login(local, resource)
  client.send('<presence/>')
  await client.receives`<presence from='${client.jid}'/>`
  return client
}

/** Tries to log in; resolves with the name of the answer and the condition in it. */
async function triesToLogIn(local: string): Promise<string> {
  const client = connect()
  await client.opens('localhost')
  const plain = Buffer.from(`\0${local}\0${PASSWORD}`).toString('base64')
  client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`)
  const answer = await client.next()
  client.transport.cut()
  return [answer.name, ...answer.getChildElements().map((el) => el.name)].join(' ')
}

async function chats(one: Client, other: Client): Promise<void> {
  for (const to of [other.jid, other.bare]) {
    await one.sends`<message type='chat' to='${to}'><body>Hi</body></message>`
    await other.receives`<message from='${one.jid}'><body>Hi</body></message>`
  }
}

async function healthIsUp(): Promise<void> {
  const { database } = bed
  if (database.health === 'up') return
  await new Promise<void>((resolve) => database.onHealth((health) => health === 'up' && resolve()))
}

test('a lost database costs patience and nothing else', { timeout: 60_000 }, async () => {
  const [romeo, juliet] = [await online('romeo', 'orchard'), await online('juliet', 'balcony')]
  const late = connect()
  await late.opens('localhost')
  late.send(
    `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${Buffer.from(`\0nurse\0${PASSWORD}`).toString('base64')}</auth>`,
  )
  await late.receives`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`
  await late.opens('localhost')

  const contacts = new Load(await login('tybalt', 'a'), addsContacts('c'))
  const moreContacts = new Load(await login('tybalt', 'b'), addsContacts('d'))
  const vcard = new Load(await login('tybalt', 'c'), setsVcard)
  const stored = new Load(await login('tybalt', 'd'), setsPrivate)
  const blocked = new Load(await login('tybalt', 'e'), blocks)
  const messages = new Load(await login('tybalt', 'f'), writesTo('nurse@localhost'))
  const loads = { contacts, moreContacts, vcard, stored, blocked, messages }
  const all = Object.values(loads)
  const goOn = async () => {
    for (let i = 0; i < 10; i++) await Promise.all(all.map((load) => load.next()))
  }
  await goOn()

  await mariadb.kill()
  // Who is here goes on as if nothing were.
  await chats(romeo, juliet)
  assert.equal(await triesToLogIn('romeo'), 'failure temporary-auth-failure')
  assert.equal(await triesToLogIn('nobody'), 'failure temporary-auth-failure')
  // Who had logged in, but not bound, cannot be loaded.
  late.send(`<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>`)
  await late.receivesStreamError('internal-server-error')
  await juliet.isRefused('internal-server-error', 'wait')`<message to='nurse@localhost'><body>Hi</body></message>`
  await juliet.isRefused(
    'internal-server-error',
    'wait',
  )`<iq type='set'><query xmlns='jabber:iq:roster'><item jid='paris@verona.example'/></query></iq>`
  await juliet.isRefused('internal-server-error', 'wait')`<iq type='get'><vCard xmlns='vcard-temp'/></iq>`
  // What is resident is known.
  await juliet.asks`<iq type='get'><query xmlns='jabber:iq:roster'/></iq>`
  await chats(juliet, romeo)

  await mariadb.start()
  await healthIsUp()
  await goOn()
  for (let i = 0; i < 3; i++) {
    await mariadb.kill()
    await mariadb.start()
    await goOn()
  }
  await juliet.asks`<iq type='set'><vCard xmlns='vcard-temp'><NICKNAME>J</NICKNAME></vCard></iq>`
  await chats(romeo, juliet)
  await Promise.all(all.map((load) => load.stop()))
  for (const [name, load] of Object.entries(loads)) {
    assert.ok(load.refusals.length > 0, `${name}: nothing was refused while the database was away`)
    for (const refusal of load.refusals) {
      const error = refusal.getChild('error')!
      assert.equal(error.getChildElements()[0]!.name, 'internal-server-error', `${name}: ${refusal}`)
      assert.equal(error.attrs['type'], 'wait')
    }
    assert.ok(load.slowestMs < 5000, `${name}: an answer took ${load.slowestMs} ms`)
  }

  const resident = await tybaltHas(await login('tybalt', 'witness'))
  bed.server.hosts.get('localhost')!.disconnect(Jid.parse('tybalt@localhost'), 'The test begins anew.')
  const kept = await tybaltHas(await login('tybalt', 'witness'))
  for (const kind of ['contacts', 'moreContacts', 'blocked'] as const) nothingIsMissing(resident[kind], kept[kind])
  nothingIsMissing(contacts.acknowledged, resident.contacts)
  nothingIsMissing(contacts.acknowledged, kept.contacts)
  nothingIsMissing(moreContacts.acknowledged, kept.moreContacts)
  nothingIsMissing(blocked.acknowledged, kept.blocked)
  assert.equal(kept.vcard, vcard.acknowledged.at(-1))
  assert.equal(kept.stored, stored.acknowledged.at(-1))

  const received = await messagesOf(await login('nurse', 'chamber'))
  nothingIsMissing(messages.acknowledged, received)
  assert.deepEqual(
    received,
    [...new Set(received)].sort((a, b) => a - b),
    'out of order, or twice',
  )
})

async function tybaltHas(witness: Client) {
  return {
    contacts: await contactsOf(witness, 'c'),
    moreContacts: await contactsOf(witness, 'd'),
    blocked: await blockedBy(witness),
    vcard: await vcardOf(witness),
    stored: await privateOf(witness),
  }
}

test('who was invited while the database was lost becomes a contact when it answers again', {
  timeout: 60_000,
}, async () => {
  const romeo = await login('romeo', 'invites')
  await romeo.asks`<iq type='get'><query xmlns='jabber:iq:roster'/></iq>`
  // What the making of an account leaves behind whose end nobody heard of.
  await bed.database.knex('invitations_contacts').insert({ host: 'localhost', inviter: 'romeo', invitee: 'nurse' })
  await mariadb.kill()
  assert.equal(await triesToLogIn('nobody'), 'failure temporary-auth-failure')
  await mariadb.start()
  await healthIsUp()
  await romeo.receives`<iq type='set'><query xmlns='jabber:iq:roster' ver='*'><item jid='nurse@localhost' subscription='both'/></query></iq>`
})
