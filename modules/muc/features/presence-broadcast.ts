import type { RoomAspect } from '../hooks.ts'
import type { Occupant } from '../occupant.ts'
import { hide, reveal } from '../presence.ts'
import type { Room } from '../room.ts'
import { rolesSetting } from '../setting.ts'

/** Whose presence others get to see (XEP-0045 §10.1.3). */
export const presenceBroadcast = rolesSetting(
  'presenceBroadcast',
  'muc#roomconfig_presencebroadcast',
  'Roles whose presence is broadcast',
)

/** Whether others see the presence of an occupant; moderators always do. */
export function isShown(room: Room, { role }: Pick<Occupant, 'role'>): boolean {
  const shown = room.get(presenceBroadcast)
  return shown === presenceBroadcast.initial || shown.includes(role)
}

/** Rooms that do not tell of everybody's presence. */
export const presenceBroadcasting: RoomAspect = {
  name: 'presence-broadcast',
  settings: [presenceBroadcast],
  // Those who are to be seen now come, for the others, and those who are not any more go.
  configured(change) {
    const { room } = change
    const before = change.was(presenceBroadcast)
    for (const occupant of room.occupants.values()) {
      const wasShown = before.includes(occupant.role)
      if (wasShown && !isShown(room, occupant)) hide(room, occupant)
      if (!wasShown && isShown(room, occupant)) reveal(room, occupant)
    }
  },
}
