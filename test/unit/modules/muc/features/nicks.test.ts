import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StanzaError } from '#api'
import { reservable } from '../../../../../modules/muc/features/nicks.ts'
import type { Room } from '../../../../../modules/muc/room.ts'

const roomWith = (nickLength: number) => ({ service: { settings: { limits: { nickLength } } } }) as unknown as Room

test('the length of a nick is that in characters, whatever they take; 0 is no limit', () => {
  for (const nick of ['Romeo', '😀😀😀😀😀']) {
    assert.equal(reservable(roomWith(5), nick), nick)
    assert.equal(reservable(roomWith(0), nick.repeat(100)), nick.repeat(100))
    assert.throws(
      () => reservable(roomWith(4), nick),
      (error) => error instanceof StanzaError && error.condition === 'policy-violation',
    )
  }
})
