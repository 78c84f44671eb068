import type { RoomAspect } from '../hooks.ts'
import { flagSetting } from '../setting.ts'

/** Whether the room stays when the last occupant has left (XEP-0045 §4.2). */
export const persistent = flagSetting(
  'persistent',
  'muc#roomconfig_persistentroom',
  'The room stays when nobody is in it',
  false,
)

/** Rooms that stay, and rooms that do not. */
export const persistence: RoomAspect = {
  name: 'persistence',
  settings: [persistent],
  features: (room) => [room.get(persistent) ? 'muc_persistent' : 'muc_temporary'],
}
