import type { RoomAspect } from '../hooks.ts'
import type { Occupant, Role } from '../occupant.ts'
import type { Room } from '../room.ts'
import { type Setting, unacceptable } from '../setting.ts'

const roles: readonly Role[] = ['moderator', 'participant', 'visitor']

/** Whose presence others get to see (XEP-0045 §10.1.3). */
export const presenceBroadcast: Setting<readonly Role[]> = {
  key: 'presenceBroadcast',
  field: {
    var: 'muc#roomconfig_presencebroadcast',
    type: 'list-multi',
    label: 'Roles whose presence is broadcast',
    options: [
      { value: 'moderator', label: 'Moderators' },
      { value: 'participant', label: 'Participants' },
      { value: 'visitor', label: 'Visitors' },
    ],
  },
  initial: roles,
  read(values) {
    const unknown = values.find((value) => !(roles as readonly string[]).includes(value))
    if (unknown !== undefined) throw unacceptable(`muc#roomconfig_presencebroadcast has no value ${unknown}.`)
    return roles.filter((role) => values.includes(role))
  },
  write: (value) => value,
}

/** Whether others see the presence of an occupant. */
export function isShown(room: Room, occupant: Occupant): boolean {
  const shown = room.get(presenceBroadcast)
  return shown.length === roles.length || shown.includes(occupant.role)
}

/** Rooms that do not tell of everybody's presence. */
export const presenceBroadcasting: RoomAspect = { name: 'presence-broadcast', settings: [presenceBroadcast] }
