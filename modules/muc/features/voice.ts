import { StanzaError } from '#api'
import type { RoomAspect } from '../hooks.ts'
import { flagSetting } from '../setting.ts'

/** Whether only those with voice may speak (XEP-0045 §4.2). */
export const moderated = flagSetting(
  'moderated',
  'muc#roomconfig_moderatedroom',
  'Only those with voice may speak',
  false,
)

/** Rooms in which visitors listen. */
export const voice: RoomAspect = {
  name: 'voice',
  settings: [moderated],
  features: (room) => [room.get(moderated) ? 'muc_moderated' : 'muc_unmoderated'],
  // XEP-0045 §7.4
  speaking({ occupant }) {
    if (occupant.role === 'visitor') throw new StanzaError('forbidden', 'You have no voice in this room.')
  },
}
