import { StanzaError } from '#api'
import type { RoomAspect } from '../hooks.ts'
import type { Room } from '../room.ts'
import { flagSetting, textSetting, unacceptable } from '../setting.ts'

/** Whether those who enter must know something (XEP-0045 §4.2). */
export const passwordProtected = flagSetting(
  'passwordProtected',
  'muc#roomconfig_passwordprotectedroom',
  'A password is needed to enter',
  false,
)

/** What they must know. */
export const password = textSetting('password', 'muc#roomconfig_roomsecret', 'Password', 256, 'text-private')

/** What somebody must know to enter a room, `undefined` when there is no such thing. */
export function passwordOf(room: Room): string | undefined {
  return room.get(passwordProtected) ? room.get(password) : undefined
}

/** Rooms with a password. */
export const passwords: RoomAspect = {
  name: 'password',
  settings: [passwordProtected, password],
  features: (room) => [passwordOf(room) === undefined ? 'muc_unsecured' : 'muc_passwordprotected'],
  // XEP-0045 §10.1.3: "because the password for a password-protected room is blank"
  configuring(room, values) {
    const isProtected = values[passwordProtected.key] ?? room.get(passwordProtected)
    if (isProtected === true && (values[password.key] ?? room.get(password)) === '')
      throw unacceptable('A room that is protected by a password needs one.')
  },
  // §7.2.5
  entering({ room, x, seat, creates, affiliation }) {
    const wanted = passwordOf(room)
    if (creates || seat !== undefined || wanted === undefined || affiliation === 'owner') return
    if (x?.getChildText('password') !== wanted) throw new StanzaError('not-authorized', 'This room has a password.')
  },
}
