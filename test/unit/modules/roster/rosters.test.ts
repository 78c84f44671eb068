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
  }
  const host = {
    user: () => undefined,
    accounts: { exists: async () => exists },
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
    assert.deepEqual(written, exists ? ['juliet@example.com'] : [])
  })
