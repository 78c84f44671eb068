import { StanzaError } from '#api'
import type { RoomAspect } from '../hooks.ts'
import { remove } from '../joining.ts'
import { flagSetting } from '../setting.ts'

/** Whether only members may enter (XEP-0045 §4.2). */
export const membersOnly = flagSetting('membersOnly', 'muc#roomconfig_membersonly', 'Only members may enter', false)

/** Rooms for members. */
export const membership: RoomAspect = {
  name: 'members-only',
  settings: [membersOnly],
  features: (room) => [room.get(membersOnly) ? 'muc_membersonly' : 'muc_open'],
  // XEP-0045 §7.2.6
  entering({ room, affiliation, creates }) {
    if (!creates && affiliation === 'none' && room.get(membersOnly))
      throw new StanzaError('registration-required', 'Only members may enter this room.')
  },
  // XEP-0045 §10.2: whoever is no member leaves.
  configured(change) {
    const { room } = change
    if (!room.get(membersOnly) || change.was(membersOnly)) return
    const others = [...room.occupants.values()].filter(({ affiliation }) => affiliation === 'none')
    for (const occupant of others) remove(room, occupant, { codes: [322] })
  },
}
