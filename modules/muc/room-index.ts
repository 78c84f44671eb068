import { whois } from './features/anonymity.ts'
import { description, language, roomName } from './features/identity.ts'
import { isPublic } from './features/listing.ts'
import { membersOnly } from './features/members-only.ts'
import { passwordOf } from './features/password.ts'
import { persistent } from './features/persistence.ts'
import type { RoomIndex } from './records.ts'
import type { Room } from './room.ts'

/** What lists and searches know of a room, as it is configured now. */
export function indexOf(room: Room): RoomIndex {
  return {
    name: room.get(roomName),
    description: room.get(description),
    lang: room.get(language),
    isPublic: room.get(isPublic),
    isPersistent: room.get(persistent),
    isOpen: passwordOf(room) === undefined && !room.get(membersOnly),
    isNonAnonymous: room.get(whois) === 'anyone',
  }
}
