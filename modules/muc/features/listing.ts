import type { RoomAspect } from '../hooks.ts'
import { flagSetting } from '../setting.ts'

/** Whether the room is in the list of the service (XEP-0045 §4.2). */
export const isPublic = flagSetting('public', 'muc#roomconfig_publicroom', 'The room is listed', true)

/** Rooms that can be found. */
export const listing: RoomAspect = {
  name: 'listing',
  settings: [isPublic],
  features: (room) => [room.get(isPublic) ? 'muc_public' : 'muc_hidden'],
}
