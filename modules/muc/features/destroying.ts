import { type Element, xml } from '#api'
import { end, remove } from '../joining.ts'
import type { Room } from '../room.ts'

/** Where those who were in a room may go, and why it is no more (XEP-0045 §10.9). */
export interface Farewell {
  readonly alternate?: string | undefined
  readonly password?: string | undefined
  readonly reason?: string | undefined
}

/** Ends a room: it is gone from the disk when its occupants hear of it. */
export async function destroy(room: Room, { alternate, password, reason }: Farewell): Promise<void> {
  await end(room)
  const farewell: Element = xml('destroy', { jid: alternate })
  if (password !== undefined) farewell.append(xml('password', null, password))
  if (reason !== undefined) farewell.append(xml('reason', null, reason))
  for (const occupant of [...room.occupants.values()]) {
    occupant.affiliation = 'none'
    remove(room, occupant, { inX: [farewell] })
  }
}
