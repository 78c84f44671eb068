import { StanzaError } from '#api'
import { whois } from './features/anonymity.ts'
import { membersOnly } from './features/members-only.ts'
import { passwordOf } from './features/password.ts'
import type { RoomRequest } from './hooks.ts'
import type { Affiliation } from './records.ts'
import { isAtLeast, roleFor } from './roles.ts'
import type { Room } from './room.ts'

/**
 * Lets those who are in a room, or could enter it at once, see what was said there.
 *
 * @throws StanzaError `forbidden`.
 */
export async function mustRead(request: RoomRequest): Promise<void> {
  const { room, seat } = request
  if (seat !== undefined) return
  const affiliation = await request.affiliation()
  if (!mayRead(room, affiliation)) throw new StanzaError('forbidden', 'What is said in this room is for its occupants.')
}

function mayRead(room: Room, affiliation: Affiliation): boolean {
  if (affiliation === 'outcast') return false
  return isAtLeast(affiliation, 'member') || !(room.get(membersOnly) || passwordOf(room) !== undefined)
}

/** Whether somebody, in the room or not, may see the real JIDs of occupants. */
export async function seesJids({ room, seat, affiliation }: RoomRequest): Promise<boolean> {
  if (room.get(whois) === 'anyone') return true
  const role = seat === undefined ? roleFor(room, await affiliation()) : seat.occupant.role
  return role === 'moderator'
}
