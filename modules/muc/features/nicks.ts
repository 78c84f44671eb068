import { StanzaError } from '#api'
import type { RoomAspect } from '../hooks.ts'
import type { Room } from '../room.ts'

/** Something that can be seen: U+2800 is a pattern of Braille without a dot. */
const VISIBLE = /[^\p{Z}\p{C}\p{Default_Ignorable_Code_Point}\u2800]/u

/** What may be a nick: something that can be seen, without white space around it (XEP-0045 §14.6, §17.1). */
export const nicks: RoomAspect = {
  name: 'nicks',
  entering(entry) {
    const nick = visible(entry.nick)
    if (nick === undefined) throw new StanzaError('jid-malformed', 'A nick that cannot be seen is none.')
    mayBeSoLong(entry.room, nick)
    entry.nick = nick
  },
}

/** A nick that may be reserved, or `undefined`. @throws StanzaError `policy-violation` for one that is too long. */
export function reservable(room: Room, prepared: string): string | undefined {
  const nick = visible(prepared)
  if (nick !== undefined) mayBeSoLong(room, nick)
  return nick
}

function visible(text: string): string | undefined {
  const nick = text.trim()
  return VISIBLE.test(nick) ? nick : undefined
}

function mayBeSoLong({ service }: Room, nick: string): void {
  const most = service.settings.limits.nickLength
  if (most !== 0 && [...nick].length > most)
    throw new StanzaError('policy-violation', `A nick has ${most} characters at most here.`)
}
