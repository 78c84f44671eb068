import { Element, serialize, xml } from '#api'

export const NS_MUC_USER = 'http://jabber.org/protocol/muc#user'

/** Who said something in a room, as the room knew it then. */
export interface Sender {
  readonly affiliation: string
  readonly role: string
  /** The real full JID. */
  readonly jid: string
}

/**
 * A room's message as XML, the way it is kept: as it is sent out, without an addressee and the id it has in the archive.
 * The last thing in it says who said it, for those who may know (XEP-0313 §6.1.2); a message of the room's own lacks that.
 *
 * What somebody else may have put into it of that kind is not kept: it "MUST" be stripped (XEP-0313 §8.4).
 */
export function storedText(stanza: Element, sender: Sender | undefined): string {
  const kept = new Element('message', { ...stanza.attrs, to: undefined })
  kept.children = stanza.children.filter((child) => typeof child === 'string' || !isOfUser(child))
  if (sender !== undefined) {
    const { affiliation, role, jid } = sender
    kept.children.push(xml('x', { xmlns: NS_MUC_USER }, xml('item', { affiliation, role, jid })))
  }
  return serialize(kept)
}

const OPENING = `<x xmlns="${NS_MUC_USER}">`
/** All of it, up to the end of the message: so nothing that is deeper inside is taken for it. */
const everything = new RegExp(`^${OPENING}<item(?: [a-z]+="[^"<]*")*/></x></message>$`)

/** A kept message as XML, for those who may not know who said it. */
export function withoutSender(text: string): string {
  const start = text.lastIndexOf(OPENING)
  return start >= 0 && everything.test(text.slice(start)) ? `${text.slice(0, start)}</message>` : text
}

/** What says who said a kept message; `undefined` for one of the room's own. */
export function senderElement(stanza: Element): Element | undefined {
  const last = stanza.children.at(-1)
  return last instanceof Element && isOfUser(last) ? last : undefined
}

/** Whether a kept message is an account's, given by its real bare JID. */
export function isOf(stanza: Element, account: string): boolean {
  return senderElement(stanza)?.getChild('item')?.attrs['jid']?.split('/', 1)[0] === account
}

function isOfUser({ name, attrs }: Element): boolean {
  return name === 'x' && attrs['xmlns'] === NS_MUC_USER
}
