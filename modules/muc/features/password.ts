import { StanzaError } from '#api'
import type { RoomAspect } from '../hooks.ts'
import { textSetting } from '../setting.ts'

/** What somebody must know to enter; `''` for nothing (XEP-0045 §4.2). */
export const password = textSetting('password', 'muc#roomconfig_roomsecret', 'Password', 256, 'text-private')

/** Rooms with a password. */
export const passwords: RoomAspect = {
  name: 'password',
  settings: [password],
  features: (room) => [room.get(password) === '' ? 'muc_unsecured' : 'muc_passwordprotected'],
  // XEP-0045 §7.2.5
  entering({ room, x, seat, creates, affiliation }) {
    const wanted = room.get(password)
    if (creates || seat !== undefined || wanted === '' || affiliation === 'owner') return
    if (x?.getChildText('password') !== wanted) throw new StanzaError('not-authorized', 'This room has a password.')
  },
}
