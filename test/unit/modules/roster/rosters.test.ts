import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unknownItem } from '../../../../modules/roster/item.ts'
import { RememberedRosters } from '../../../../modules/roster/remembered.ts'
import { Roster } from '../../../../modules/roster/roster.ts'
import { Rosters } from '../../../../modules/roster/rosters.ts'
import type { RosterStore } from '../../../../modules/roster/store.ts'
import { type Host, Jid } from '../../../../src/api.ts'
import { User } from '../../../../src/session/user.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

const juliet = Jid.parse('juliet@example.com')
const romeo = Jid.parse('romeo@example.net')

/** The rosters of a host where nobody is online and Juliet does or does not exist; `written` is what was stored. */
function scene(exists: boolean) {
  const written: string[] = []
  const store = {
    find: async () => ({ at: { version: 0, floor: 0 }, size: { listed: 0, requests: 0 }, item: undefined }),
    put: async (account: string) => void written.push(account),
    remove: async (account: string) => void written.push(`not ${account}`),
  }
  const host = {
    user: () => undefined,
    accounts: { exists: async () => exists },
    nobody: Jid.parse('nobody@example.com'),
    hooks: { notify: () => {} },
  }
  const rosters = new Rosters(host as unknown as Host, store as unknown as RosterStore, new FakeClock())
  return { rosters, written }
}

// RFC 6121 §8.5.1: an account may be deleted while a request to it is on its way.
for (const exists of [true, false])
  test(`a request to an account that ${exists ? 'exists' : 'is gone'} is ${exists ? '' : 'not '}kept`, async () => {
    const { rosters, written } = scene(exists)
    await rosters.change(juliet, romeo, (was) => ({ ...was, request: '<presence/>' }))
    assert.deepEqual(written, [exists ? 'juliet@example.com' : 'nobody@example.com'])
  })

// RFC 6120 §13.10.2: an account that keeps nothing writes as often, to nobody's roster.
test('what comes again or is taken back for an account that does not exist is as for one that does', async () => {
  const { rosters, written } = scene(false)
  const ask = () => rosters.change(juliet, romeo, (was) => (was.request === null ? { ...was, request: '<p/>' } : was))
  const withdraw = () => rosters.change(juliet, romeo, (was) => ({ ...was, request: null }))
  await ask()
  await ask()
  assert.deepEqual(written, ['nobody@example.com'])
  await withdraw()
  await ask()
  assert.deepEqual(written, ['nobody@example.com', 'not nobody@example.com', 'nobody@example.com'])
})

/** The rosters of a host where Juliet comes and goes; her roster has Romeo in it. */
function visits(remembered: number) {
  const item = { ...unknownItem(romeo), listed: true }
  const state = { queries: 0, fails: false, user: undefined as User | undefined, duringWrite: () => {} }
  const store = {
    load: async () => {
      state.queries++
      return new Roster({ version: 7, floor: 1 }, [item])
    },
    find: async () => ({ at: { version: 7, floor: 1 }, size: { listed: 1, requests: 0 }, item }),
    put: async () => {
      await new Promise((resolve) => setImmediate(resolve))
      state.duringWrite()
      if (state.fails) throw new Error('the database is away')
    },
  }
  const host = {
    user: () => state.user,
    accounts: { exists: async () => true },
    hooks: { notify: () => {}, ask: () => undefined },
  }
  const rosters = new Rosters(host as unknown as Host, store as unknown as RosterStore, new FakeClock(), remembered)
  const come = async () => {
    state.user = new User(juliet)
    await rosters.load(state.user)
    return rosters.of(state.user)!
  }
  const leave = () => {
    const user = state.user!
    state.user = undefined
    rosters.release(user)
  }
  const rename = (name: string) => rosters.change(juliet, romeo, (was) => ({ ...was, name }))
  return { state, rosters, come, leave, rename }
}

test('an account that comes back costs no query, and has its roster as it left it', async () => {
  const { state, come, leave, rename } = visits(10)
  await come()
  await rename('Montague')
  leave()
  const roster = await come()
  assert.equal(state.queries, 1)
  assert.equal(roster.get(romeo)?.name, 'Montague')
  assert.equal(roster.ver, '8')
})

test('a roster that was changed while its account was away is read anew', async () => {
  const { state, come, leave, rename } = visits(10)
  await come()
  leave()
  await rename('Montague')
  await come()
  assert.equal(state.queries, 2)
})

test('a roster is read anew when its account left while it was changed', async () => {
  const { state, come, leave, rename } = visits(10)
  await come()
  state.duringWrite = leave
  await rename('Montague')
  await come()
  assert.equal(state.queries, 2)
})

test('a roster of which nobody knows whether a change was written is read anew', async () => {
  const { state, come, leave, rename } = visits(10)
  await come()
  state.fails = true
  await assert.rejects(rename('Montague'))
  leave()
  await come()
  assert.equal(state.queries, 2)
})

test('rosters are remembered within a bound, those who left last', () => {
  const remembered = new RememberedRosters(4)
  const rosterOf = (contacts: number) =>
    new Roster(
      undefined,
      Array.from({ length: contacts }, (_, i) => unknownItem(Jid.parse(`c${i}@example.com`))),
    )
  for (const account of ['a', 'b', 'c']) remembered.put(account, rosterOf(1))
  assert.equal(remembered.take('a'), undefined)
  remembered.put('huge', rosterOf(4))
  assert.equal(remembered.take('huge'), undefined)
  assert.notEqual(remembered.take('b'), undefined)
  remembered.put('d', rosterOf(1))
  assert.notEqual(remembered.take('c'), undefined)
})
