import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Host, Jid, type Sealed, StanzaError } from '#api'
import { BlockLists } from '../../../../modules/blocking/block-lists.ts'
import { guardArriving, guardLeaving, isBlocked } from '../../../../modules/blocking/guards.ts'
import type { BlockingStore } from '../../../../modules/blocking/store.ts'
import { User } from '../../../../src/session/user.ts'

const juliet = Jid.parse('juliet@capulet.example')
const romeo = Jid.parse('romeo@montague.example')

function scene(remembered = 10) {
  const rows = new Map<string, string[]>()
  const state = { queries: 0, fails: false, user: undefined as User | undefined }
  const query = async () => {
    state.queries++
    await new Promise((resolve) => setImmediate(resolve))
    if (state.fails) throw new Error('the database is away')
  }
  const store = {
    load: async (account: string) => {
      await query()
      return rows.get(account) ?? []
    },
    loadAll: async (accounts: string[]) => {
      await query()
      return new Map(accounts.flatMap((account) => (rows.has(account) ? [[account, rows.get(account)!]] : [])))
    },
    add: async (account: string, items: string[]) => {
      await query()
      rows.set(account, [...(rows.get(account) ?? []), ...items])
    },
    remove: async (account: string, items: string[]) => {
      await query()
      rows.set(
        account,
        (rows.get(account) ?? []).filter((item) => !items.includes(item)),
      )
    },
    clear: async (account: string) => {
      await query()
      rows.delete(account)
    },
  } as unknown as BlockingStore
  const host = {
    domain: 'capulet.example',
    user: (jid: Jid) => (jid.local === 'juliet' ? state.user : undefined),
  } as unknown as Host
  return { rows, state, host, lists: new BlockLists(host, store, { maxItems: 0, remembered }) }
}

test('blocking: the list of an account that is not online costs one query, however many ask', async () => {
  const { lists, state } = scene()
  await Promise.all([lists.of(juliet), lists.of(juliet), lists.of(juliet)])
  await lists.of(juliet)
  assert.equal(state.queries, 1)
})

test('blocking: who of many blocks an address costs one query for those whose lists are not in memory, and none else', async () => {
  const { lists, rows, state } = scene()
  const people = ['juliet', 'nurse', 'paris', 'tybalt'].map((local) => Jid.parse(`${local}@capulet.example`))
  const [, nurse, paris] = people.map(String)
  rows.set(nurse!, ['montague.example'])
  rows.set(paris!, ['benvolio@montague.example'])
  state.user = new User(juliet)
  await lists.load(state.user)
  await lists.block(juliet, [romeo.toString()])
  const before = state.queries
  assert.deepEqual([...(await lists.blockers(people, romeo))].sort(), [juliet.toString(), nurse])
  assert.equal(state.queries - before, 1)
  assert.deepEqual([...(await lists.blockers([juliet], romeo))], [juliet.toString()])
  assert.equal(state.queries - before, 1)
})

test('blocking: whatever goes past the flows is held back from a list that is not in memory, and from who is blocked', async () => {
  const { host, lists, rows } = scene()
  const user = new User(juliet)
  const passes = (from: string) => !isBlocked(host, lists, { session: { user }, from: Jid.parse(from) } as never)
  assert.equal(passes('verona@conference.capulet.example/Romeo'), false)
  rows.set(juliet.toString(), ['verona@conference.capulet.example/Tybalt'])
  await lists.load(user)
  assert.equal(passes('verona@conference.capulet.example/Romeo'), true)
  assert.equal(passes('verona@conference.capulet.example/Tybalt'), false)
})

test('blocking: an account that comes back costs no query', async () => {
  const { lists, state } = scene()
  state.user = new User(juliet)
  await lists.load(state.user)
  await lists.block(juliet, [romeo.toString()])
  lists.release(state.user)
  const before = state.queries
  const back = new User(juliet)
  await lists.load(back)
  assert.equal(state.queries, before)
  assert.equal(lists.resident(back)?.blocks(romeo), true)
})

test('blocking: the memory for such lists is bounded', async () => {
  const { lists, state } = scene(1)
  await lists.of(juliet)
  await lists.of(Jid.parse('nurse@capulet.example'))
  await lists.of(juliet)
  assert.equal(state.queries, 3)
})

test('blocking: the list of an online user is at hand, and what changes it outlasts the session', async () => {
  const { lists, state } = scene()
  state.user = new User(juliet)
  await lists.load(state.user)
  await lists.block(juliet, [romeo.toString()])
  const list = lists.of(juliet)
  assert.ok(!(list instanceof Promise) && list.blocks(romeo))
  const before = state.queries
  lists.release(state.user)
  state.user = undefined
  assert.equal((await lists.of(juliet)).blocks(romeo), true)
  assert.equal(state.queries, before)
})

test('blocking: a change that ends after the user has left is what later readers see', async () => {
  const { lists, state } = scene()
  state.user = new User(juliet)
  await lists.load(state.user)
  const change = lists.block(juliet, [romeo.toString()])
  await Promise.resolve()
  lists.release(state.user)
  state.user = undefined
  await change
  assert.equal((await lists.of(juliet)).blocks(romeo), true)
})

test('blocking: a change that the store refuses changes nothing in memory', async () => {
  const { lists, state } = scene()
  state.user = new User(juliet)
  await lists.load(state.user)
  state.fails = true
  await assert.rejects(lists.block(juliet, [romeo.toString()]))
  assert.equal((await lists.of(juliet)).blocks(romeo), false)
})

test('blocking: while a list cannot be read nothing passes', async () => {
  const { lists, state, host } = scene()
  state.fails = true
  const event = {
    kind: 'message',
    type: 'chat',
    from: romeo,
    to: juliet,
    directed: true,
    user: undefined,
  } as unknown as Sealed
  await assert.rejects(Promise.resolve(guardArriving(host, lists)(event)))
  await assert.rejects(Promise.resolve(guardLeaving(host, lists)({ ...event, from: juliet, to: romeo })))
  state.fails = false
  await guardArriving(host, lists)(event)
})

test('blocking: presence that finds nobody asks for no list; a subscription request does', async () => {
  const { lists, state, host } = scene()
  const guard = guardArriving(host, lists)
  const presence = (type: string) =>
    ({ kind: 'presence', type, from: romeo, to: juliet, directed: true, user: undefined }) as unknown as Sealed
  for (const type of ['', 'unavailable', 'error']) await guard(presence(type))
  assert.equal(state.queries, 0)
  await guard(presence('subscribe'))
  assert.equal(state.queries, 1)
})

test('blocking: the error for one’s own stanza is application-specific // XEP-0191 §3.3', async () => {
  const { lists, host } = scene()
  await lists.block(juliet, [romeo.toString()])
  const event = { kind: 'message', type: 'chat', from: juliet, to: romeo, directed: true } as unknown as Sealed
  await assert.rejects(
    async () => await guardLeaving(host, lists)(event),
    (error) =>
      error instanceof StanzaError &&
      error.condition === 'not-acceptable' &&
      error.extra?.app?.attrs['xmlns'] === 'urn:xmpp:blocking:errors',
  )
})
