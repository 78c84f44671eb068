import type { RoomAspect } from '../hooks.ts'
import type { Occupant, Seat } from '../occupant.ts'
import type { Room } from '../room.ts'
import { choiceSetting } from '../setting.ts'

/** Who may discover real JIDs (XEP-0045 §4.2). */
export const whois = choiceSetting(
  'whois',
  'muc#roomconfig_whois',
  'Who may see real addresses',
  { moderators: 'Moderators only', anyone: 'Anyone' },
  'moderators',
)

/** Whether a client of the room may see the real JID of an occupant. */
export function seesJid(room: Room, seat: Seat, of: Occupant): boolean {
  const { occupant } = seat
  return occupant.role === 'moderator' || room.get(whois) === 'anyone' || occupant.account.equals(of.account)
}

/** Who may see whom behind a nick. */
export const anonymity: RoomAspect = {
  name: 'anonymity',
  settings: [whois],
  features: (room) => [room.get(whois) === 'anyone' ? 'muc_nonanonymous' : 'muc_semianonymous'],
  // XEP-0045 §7.2.3
  codes: (room) => (room.get(whois) === 'anyone' ? [100] : []),
  configured(change) {
    const now = change.room.get(whois)
    // XEP-0045 §10.2.1: 172 and 173.
    if (now !== change.was(whois)) change.codes.add(now === 'anyone' ? 172 : 173)
  },
}
