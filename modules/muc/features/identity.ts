import type { RoomAspect } from '../hooks.ts'
import { textSetting } from '../setting.ts'

/** XEP-0045 §15.5.3 */
export const roomName = textSetting('name', 'muc#roomconfig_roomname', 'Name', 256)
export const description = textSetting('description', 'muc#roomconfig_roomdesc', 'Description', 4096)
export const language = textSetting('language', 'muc#roomconfig_lang', 'Language', 64)

/** What a room is called and says of itself. */
export const identity: RoomAspect = {
  name: 'identity',
  settings: [roomName, description, language],
  info: (room) => [
    { var: 'muc#roominfo_description', label: 'Description', values: [room.get(description)] },
    { var: 'muc#roominfo_lang', label: 'Language', values: [room.get(language)] },
  ],
}
