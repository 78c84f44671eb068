import { parseDocument, type ReadonlyElement } from '#api'

const NS_CARBONS = 'urn:xmpp:carbons:2'
const NS_FORWARD = 'urn:xmpp:forward:0'
const NS_MENTIONS = 'urn:xmpp:mmn:0'
const NS_MUC_USER = 'http://jabber.org/protocol/muc#user'

/** Payloads that are a message to a person although the server cannot read them (XEP-0380, XEP-0384, XEP-0373). */
const encrypted: readonly (readonly [name: string, xmlns: string])[] = [
  ['encryption', 'urn:xmpp:eme:0'],
  ['encrypted', 'eu.siacs.conversations.axolotl'],
  ['encrypted', 'urn:xmpp:omemo:2'],
  ['openpgp', 'urn:xmpp:openpgp:0'],
]
/** Payloads that want a person's attention without a word. */
const urgent: readonly (readonly [name: string, xmlns: string])[] = [
  // XEP-0452: what was said in a room where one is not.
  ['mentions', NS_MENTIONS],
  ['propose', 'urn:xmpp:jingle-message:0'],
  ['x', 'jabber:x:conference'],
]

/** Whether a message is worth waking a device for: it says something to a person, or a call or an invitation comes. */
export function isWorthWaking(message: ReadonlyElement, type: string): boolean {
  if (type === 'error' || type === 'headline') return false
  if (message.getChildren('body').some((body) => body.attrs['xmlns'] === undefined && body.getText() !== ''))
    return true
  if ([...encrypted, ...urgent].some(([name, xmlns]) => message.getChild(name, xmlns) !== undefined)) return true
  // XEP-0045 §7.8.2
  return message.getChild('x', NS_MUC_USER)?.getChild('invite', NS_MUC_USER) !== undefined
}

/** What a message is about: what was said in a room, where that is forwarded (XEP-0452), else the message itself. */
export function unwrapped(message: ReadonlyElement): ReadonlyElement {
  return message.getChild('mentions', NS_MENTIONS)?.getChild('forwarded', NS_FORWARD)?.getChild('message') ?? message
}

/**
 * The messages worth waking a device for among what its session was sent, as XML: messages to it, and copies of what others
 * were sent (XEP-0280). `account` is its bare JID, whose own messages do not count.
 */
export function worthWaking(sent: Iterable<string>, account: string): ReadonlyElement[] {
  const worth: ReadonlyElement[] = []
  for (const text of sent) {
    if (!text.startsWith('<message')) continue
    const stanza = parseDocument(text)
    const copied = stanza.attrs['from'] === account ? stanza.getChild('received', NS_CARBONS) : undefined
    const message = copied?.getChild('forwarded', NS_FORWARD)?.getChild('message') ?? stanza
    const from = message.attrs['from'] ?? account
    if (from === account || from.startsWith(`${account}/`)) continue
    if (isWorthWaking(message, message.attrs['type'] ?? 'normal')) worth.push(message)
  }
  return worth
}
