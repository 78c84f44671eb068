import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StanzaError } from '#api'
import { occupancy } from '../../../../../modules/muc/features/max-users.ts'
import type { Entry } from '../../../../../modules/muc/hooks.ts'
import type { Affiliation } from '../../../../../modules/muc/records.ts'

test('owners and admins come in past the bound of a room, but no more than a reserve // XEP-0045 §7.2.9', () => {
  const { entering } = occupancy({ settings: { limits: { occupants: 1000 } } as never })
  const mayEnter = (present: number, affiliation: Affiliation): boolean => {
    const occupants = new Map(Array.from({ length: present }, (_, n) => [`${n}`, {}]))
    const entry = { room: { occupants, get: () => 10 }, nick: 'Romeo', affiliation } as unknown as Entry
    try {
      entering?.(entry)
      return true
    } catch (error) {
      assert.ok(error instanceof StanzaError && error.condition === 'service-unavailable' && error.type === 'wait')
      return false
    }
  }
  for (const [affiliation, most] of [
    ['none', 9],
    ['member', 9],
    ['admin', 59],
    ['owner', 59],
  ] as const)
    assert.deepEqual([mayEnter(most, affiliation), mayEnter(most + 1, affiliation)], [true, false], affiliation)
})
