import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rosters } from '../../../../modules/roster/rosters.ts'
import type { RosterStore } from '../../../../modules/roster/store.ts'
import { type Host, Jid } from '../../../../src/api.ts'
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
