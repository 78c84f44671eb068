import type { NewRoom, RoomIndex, RoomRecord } from '../../../../modules/muc/records.ts'
import type { RoomStore } from '../../../../modules/muc/store.ts'

export const ROMEO = 'romeo@montague.example'
export const JULIET = 'juliet@capulet.example'
export const NURSE = 'nurse@capulet.example'
export const SERVICE = 'conference.capulet.example'
export const CREATED_MS = 1_700_000_000_000

const INDEX: RoomIndex = {
  name: '',
  description: '',
  lang: '',
  isPublic: true,
  isPersistent: true,
  isOpen: true,
  isNonAnonymous: false,
}

export const indexWith = (part: Partial<RoomIndex> = {}): RoomIndex => ({ ...INDEX, ...part })

/** Creates a room of romeo's in the database. */
export function createRoom(
  store: RoomStore,
  local: string,
  part: Partial<RoomIndex & NewRoom> = {},
  owners: readonly string[] = [ROMEO],
): Promise<RoomRecord> {
  const { settings = {}, creator = ROMEO, locked = false, createdMs = CREATED_MS, secret = 's', ...index } = part
  return store.create({ local, settings, creator, locked, createdMs, secret }, owners, indexWith(index))
}
