import { StanzaError } from '#api'
import type { RoomAspect } from '../hooks.ts'

/** Something that can be seen. */
const VISIBLE = /[^\p{Z}\p{C}\p{Default_Ignorable_Code_Point}]/u

/** What may be a nick: something that can be seen, without white space around it (XEP-0045 §14.6, §17.1). */
export const nicks: RoomAspect = {
  name: 'nicks',
  entering(entry) {
    const nick = entry.nick.trim()
    if (!VISIBLE.test(nick)) throw new StanzaError('jid-malformed', 'A nick that cannot be seen is none.')
    entry.nick = nick
  },
}
