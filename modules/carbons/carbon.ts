import { type Element, type Jid, type ReadonlyElement, Wire, xml } from '#api'

export const NS_CARBONS = 'urn:xmpp:carbons:2'
const NS_FORWARD = 'urn:xmpp:forward:0'
const NS_STANZA_ID = 'urn:xmpp:sid:0'

/** Whether a child of a message says what only the server says, to its own clients: that the message is a copy. */
export function isCarbonMark(child: Element | string): boolean {
  if (typeof child === 'string' || child.attrs['xmlns'] !== NS_CARBONS) return false
  return child.name === 'received' || child.name === 'sent'
}

/** The copy of a message that was received, from its account to its clients: each is put into the `to` that is absent. */
export function receivedCarbon(account: Jid, message: ReadonlyElement): Wire {
  return carbon('received', account, message, message.children as Element['children'])
}

/**
 * The copy of a message that was sent. The id that the addressee's archive has given it (XEP-0359) is nothing to its
 * sender and is left out; `extra` is put in.
 */
export function sentCarbon(account: Jid, message: ReadonlyElement, addressee: Jid, extra: Element | undefined): Wire {
  const by = addressee.bare.toString()
  const children = (message.children as Element['children']).filter(
    (child) =>
      typeof child === 'string' ||
      child.name !== 'stanza-id' ||
      child.attrs['xmlns'] !== NS_STANZA_ID ||
      child.attrs['by'] !== by,
  )
  if (extra !== undefined) children.push(extra)
  return carbon('sent', account, message, children)
}

/** XEP-0280 §7, §8, XEP-0297 §4. The children are shared with the message: nobody edits them. */
function carbon(
  direction: 'received' | 'sent',
  account: Jid,
  message: ReadonlyElement,
  children: Element['children'],
): Wire {
  const forwarded = xml('message', { xmlns: 'jabber:client', ...message.attrs })
  forwarded.children = children
  const wrapper = xml(
    'message',
    { from: account.toString() },
    xml(direction, { xmlns: NS_CARBONS }, xml('forwarded', { xmlns: NS_FORWARD }, forwarded)),
  )
  if (message.attrs['type'] !== undefined) wrapper.attrs['type'] = message.attrs['type']
  return Wire.of(wrapper)
}
