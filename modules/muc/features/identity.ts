import { type FormField, Jid, JidError } from '#api'
import type { RoomAspect } from '../hooks.ts'
import { type Setting, textSetting, unacceptable } from '../setting.ts'

/** XEP-0045 §16.5.3 */
export const roomName = textSetting('name', 'muc#roomconfig_roomname', 'Name', 256)
export const description = textSetting('description', 'muc#roomconfig_roomdesc', 'Description', 4096)
export const language = textSetting('language', 'muc#roomconfig_lang', 'Language', 64)

const CONTACTS = 'muc#roominfo_contactjid'
const MOST_CONTACTS = 20

/** Whom to turn to: what owners want to be known, since who they are is not told to everybody (XEP-0045 §14.4, §16.5.4). */
export const contacts: Setting<readonly string[]> = {
  key: 'contacts',
  field: { var: CONTACTS, type: 'jid-multi', label: 'Contact addresses' },
  initial: [],
  read(values) {
    if (values.length > MOST_CONTACTS) throw unacceptable(`${CONTACTS} takes ${MOST_CONTACTS} addresses at most.`)
    return values.filter((text) => text !== '').map(readContact)
  },
  write: (value) => value,
}

function readContact(text: string): string {
  try {
    return Jid.parse(text).toString()
  } catch (error) {
    if (error instanceof JidError) throw unacceptable(`${CONTACTS} takes addresses.`)
    throw error
  }
}

/** What a room is called and says of itself. */
export const identity: RoomAspect = {
  name: 'identity',
  settings: [roomName, description, language, contacts],
  info: (room) => [
    { var: 'muc#roominfo_description', label: 'Description', values: [room.get(description)] },
    { var: 'muc#roominfo_lang', label: 'Language', values: [room.get(language)] },
    ...contactsField(room.get(contacts)),
  ],
}

function contactsField(values: readonly string[]): FormField[] {
  return values.length === 0 ? [] : [{ var: CONTACTS, type: 'jid-multi', label: 'Contact addresses', values }]
}
