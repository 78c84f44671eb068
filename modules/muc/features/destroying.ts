import { type Element, Jid, JidError, StanzaError, xml } from '#api'
import { end } from '../ending.ts'
import { takeOut } from '../joining.ts'
import { NS_MUC_OWNER } from '../namespaces.ts'
import type { Room } from '../room.ts'

/** Where those who were in a room may go, and why it is no more (XEP-0045 §10.9). */
export interface Farewell {
  readonly alternate?: string | undefined
  readonly password?: string | undefined
  readonly reason?: string | undefined
}

/** @throws StanzaError `jid-malformed` when the other room has no address. */
export function readFarewell(destroy: Element): Farewell {
  const { jid } = destroy.attrs
  return {
    alternate: jid === undefined ? undefined : addressOf(jid),
    password: destroy.getChildText('password', NS_MUC_OWNER) ?? undefined,
    reason: destroy.getChildText('reason', NS_MUC_OWNER) ?? undefined,
  }
}

function addressOf(text: string): string {
  try {
    return Jid.parse(text).toString()
  } catch (error) {
    if (error instanceof JidError) throw new StanzaError('jid-malformed', `${text} is not an address.`)
    throw error
  }
}

/** Ends a room: it is gone from the disk when its occupants hear of it. */
export async function destroy(room: Room, { alternate, password, reason }: Farewell): Promise<void> {
  await end(room)
  const farewell: Element = xml('destroy', { jid: alternate })
  if (password !== undefined) farewell.append(xml('password', null, password))
  if (reason !== undefined) farewell.append(xml('reason', null, reason))
  // One presence each: nobody hears of the others.
  for (const occupant of [...room.occupants.values()]) {
    occupant.affiliation = 'none'
    takeOut(room, occupant, { inX: [farewell] })
  }
}
