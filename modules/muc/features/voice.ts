import { StanzaError } from '#api'
import type { RoomAspect } from '../hooks.ts'
import { showChange } from '../presence.ts'
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
  // Where all may speak nobody only listens; who has voice keeps it when not all may any more (XEP-0045 §5.1.3).
  configured(change) {
    const { room } = change
    if (room.get(moderated) || !change.was(moderated)) return
    for (const occupant of room.occupants.values()) {
      if (occupant.role !== 'visitor') continue
      occupant.role = 'participant'
      occupant.shown = undefined
      showChange(room, occupant, 'visitor', {})
    }
  },
}
