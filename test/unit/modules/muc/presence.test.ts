import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid, type Session, Wire, xml } from '#api'
import { Occupant, type Role, Seat } from '../../../../modules/muc/occupant.ts'
import { showToAll } from '../../../../modules/muc/presence.ts'
import { Room } from '../../../../modules/muc/room.ts'
import type { RoomService } from '../../../../modules/muc/service.ts'

/** A room with so many of each role, and what each of them is sent. */
function crowd(roles: readonly Role[]) {
  const sent: Wire[] = []
  const reach = (_session: Session, wire: Wire) => void sent.push(wire)
  const service = { host: { reach }, defaults: {}, presencePayload: () => [], rest() {} } as unknown as RoomService
  const room = new Room(service, Jid.parse('verona@conference.example'))
  for (const [n, role] of roles.entries()) {
    const jid = Jid.parse(`p${n}@example/x`)
    const occupant = new Occupant(room.jid.withResource(`P${n}`), jid.bare, `o${n}`, 'none', role, xml('presence'))
    const seat = new Seat(jid, {} as Session, room.nextNumber(), occupant)
    occupant.seats.push(seat)
    room.occupants.set(occupant.nick, occupant)
    room.seats.set(seat.address, seat)
  }
  return { room, sent }
}

const many: readonly Role[] = [...Array(20).fill('participant'), ...Array(20).fill('moderator')]

test('a presence is made once for all who see addresses, once for the others and once for oneself', () => {
  const { room, sent } = crowd(many)
  const first = room.occupants.get('P0')!
  showToAll(room, first, { codes: [307] })
  assert.deepEqual([sent.length, new Set(sent).size], [40, 3])
  // As it is usually, also for those who come later.
  sent.length = 0
  for (let n = 0; n < 2; n++) showToAll(room, first)
  assert.deepEqual([sent.length, new Set(sent).size], [80, 4])
})

test('what is said is one for all', () => {
  const { room, sent } = crowd(many)
  room.sendToAll(Wire.of(xml('message')), room.jid)
  assert.deepEqual([sent.length, new Set(sent).size], [40, 1])
})
