import { type Element, parseDocument, xml } from '#api'
import { withoutSender } from './stored-message.ts'

const NS_SID = 'urn:xmpp:sid:0'

/** What tells everybody under what id the room's archive has a message (XEP-0359 §2.1). */
export function stanzaId(room: string, id: number): Element {
  return xml('stanza-id', { xmlns: NS_SID, by: room, id: String(id) })
}

/** A kept message as it was sent out, under the same id, for those who enter later; and when that was, ms since the epoch. */
export function pastMessage(
  room: string,
  { id, stanza }: { readonly id: number; readonly stanza: string },
): { readonly stanza: Element; readonly ms: number } {
  const message = parseDocument(withoutSender(stanza))
  message.append(stanzaId(room, id))
  return { stanza: message, ms: Math.floor(id / 1000) }
}
