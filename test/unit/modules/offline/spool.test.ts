import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Element, type Host, Jid, parseDocument, type Sealed, type Session, StanzaError, type User } from '#api'
import { Spool } from '../../../../modules/offline/spool.ts'
import type { OfflineStore, StoredMessage } from '../../../../modules/offline/store.ts'
import type { PresenceApi } from '../../../../modules/presence/index.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

const to = Jid.parse('juliet@capulet.example')

/** A store in memory whose every call takes a turn of the event loop. */
class MemoryStore {
  rows: StoredMessage[] = []
  fails = false
  #nextId = 1

  async #turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.fails) throw new Error('the database is away')
  }
  async append(_local: string, text: string, receivedMs: number): Promise<void> {
    await this.#turn()
    this.rows.push({ id: this.#nextId++, text, receivedMs })
  }
  async count(): Promise<number> {
    await this.#turn()
    return this.rows.length
  }
  async page(_local: string, after: number, limit: number): Promise<StoredMessage[]> {
    await this.#turn()
    return this.rows.filter((row) => row.id > after).slice(0, limit)
  }
  async forgetUpTo(_local: string, id: number): Promise<void> {
    await this.#turn()
    this.rows = this.rows.filter((row) => row.id > id)
  }
}

class MemorySession {
  readonly user: { readonly jid: Jid; readonly sessions: Map<string, MemorySession> }
  readonly heard: string[] = []
  live = true
  priority: number | null = 0
  /** The message after which the connection dies. */
  dies: string | undefined

  constructor(user: MemorySession['user'], resource: string) {
    this.user = user
    user.sessions.set(resource, this)
  }
  drained(): undefined {}
  send(stanza: Element): boolean {
    if (!this.live) return false
    this.heard.push(stanza.attrs['id']!)
    if (stanza.attrs['id'] === this.dies) this.live = false
    return true
  }
}

function scene(options: { maxMessages?: number; exists?: boolean; seesPresence?: boolean } = {}) {
  const store = new MemoryStore()
  const user = { jid: to, sessions: new Map<string, MemorySession>() }
  let online = false
  const presence: PresenceApi = { isSubscriber: () => options.seesPresence ?? true }
  const host = {
    domain: 'capulet.example',
    accounts: { exists: async () => options.exists ?? true },
    user: () => (online ? (user as unknown as User) : undefined),
  } as unknown as Host
  const log = { debug: () => false, error: () => {} }
  const limits = { maxMessages: options.maxMessages ?? 0, maxAge: 0 }
  const spool = new Spool(host, store as unknown as OfflineStore, presence, limits, new FakeClock(), log as never)
  return {
    store,
    spool,
    takes: async (id: string, more = '') => {
      const stanza = parseDocument(
        `<message id='${id}' from='romeo@montague.example' to='${to}'><body>Hi</body>${more}</message>`,
      )
      const from = Jid.parse('romeo@montague.example')
      // Whoever was online when the message came may be gone by now.
      return await spool.take({ stanza, type: 'chat', from, to, user } as unknown as Sealed)
    },
    comes: (resource: string) => {
      online = true
      return new MemorySession(user, resource)
    },
    delivers: async (session: MemorySession) => {
      spool.deliver(session as unknown as Session)
      await spool.delivery('juliet')
    },
  }
}

const refusedWith = (condition: string, type: string) => (error: unknown) =>
  error instanceof StanzaError && error.condition === condition && error.type === type

test('offline: what a session that dies during the delivery may not have read stays', async () => {
  const { store, takes, comes, delivers } = scene()
  for (const id of ['1', '2', '3']) await takes(id)
  const first = comes('balcony')
  first.dies = '2'
  await delivers(first)
  assert.deepEqual(store.rows.length, 3)
  const second = comes('chamber')
  await delivers(second)
  assert.deepEqual(second.heard, ['1', '2', '3'])
  assert.deepEqual(store.rows, [])
})

test('offline: when the session dies, another that is available gets the messages', async () => {
  const { store, takes, comes, delivers } = scene()
  await takes('1')
  const first = comes('balcony')
  const second = comes('chamber')
  first.dies = '1'
  await delivers(first)
  assert.deepEqual(second.heard, ['1'])
  assert.deepEqual(store.rows, [])
})

test('offline: a session with a negative priority, or closed, gets nothing', async () => {
  const { store, takes, comes, delivers } = scene()
  await takes('1')
  const machine = comes('machine')
  machine.priority = -1
  await delivers(machine)
  const closed = comes('closed')
  closed.live = false
  await delivers(closed)
  assert.deepEqual([...machine.heard, ...closed.heard], [])
  assert.equal(store.rows.length, 1)
})

test('offline: a message that was on its way to the store when a session came is delivered', async () => {
  const { store, spool, takes, comes, delivers } = scene()
  const taken = takes('1')
  const session = comes('balcony')
  await delivers(session)
  await taken
  await spool.delivery('juliet')
  assert.deepEqual(session.heard, ['1'])
  assert.deepEqual(store.rows, [])
})

test('offline: what arrives during a delivery follows in order, and all of it once', async () => {
  const { store, spool, takes, comes } = scene()
  const ids = Array.from({ length: 230 }, (_, n) => `${n}`)
  for (const id of ids.slice(0, 220)) await takes(id)
  const one = comes('balcony')
  const other = comes('chamber')
  spool.deliver(one as unknown as Session)
  spool.deliver(other as unknown as Session)
  await Promise.all(ids.slice(220).map((id) => takes(id)))
  while (spool.delivery('juliet') !== undefined) await spool.delivery('juliet')
  assert.deepEqual([...one.heard, ...other.heard], ids)
  assert.deepEqual(store.rows, [])
})

test('offline: when the store is out of reach the sender is told to try again, and nothing is lost', async () => {
  const { store, takes, comes, delivers } = scene()
  await takes('1')
  store.fails = true
  await assert.rejects(takes('2'), refusedWith('internal-server-error', 'wait'))
  const session = comes('balcony')
  await delivers(session)
  assert.deepEqual(session.heard, [])
  store.fails = false
  await delivers(session)
  assert.deepEqual(session.heard, ['1'])
})

test('offline: an account that was deleted while a message was on its way keeps nothing', async () => {
  const { store, takes } = scene({ exists: false })
  assert.equal(await takes('1'), true)
  assert.deepEqual(store.rows, [])
})

// RFC 6120 §13.10.2
test('offline: what may not be stored comes back to those who may know who is there, and to nobody else', async () => {
  const noStore = `<no-store xmlns='urn:xmpp:hints'/>`
  await assert.rejects(scene({ seesPresence: true }).takes('1', noStore), refusedWith('service-unavailable', 'cancel'))
  assert.equal(await scene({ seesPresence: false }).takes('1', noStore), true)
})

for (const exists of [true, false])
  test(`offline: an account that ${exists ? 'exists' : 'does not exist'} is full after the same number of messages`, async () => {
    const { takes } = scene({ maxMessages: 3, exists })
    for (const id of ['1', '2', '3']) assert.equal(await takes(id), true)
    await assert.rejects(takes('4'), refusedWith('service-unavailable', 'cancel'))
  })
