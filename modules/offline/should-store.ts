import type { ReadonlyElement } from '#api'

const NS_HINTS = 'urn:xmpp:hints'
const NS_CHAT_STATES = 'http://jabber.org/protocol/chatstates'
const NS_RECEIPTS = 'urn:xmpp:receipts'
const NS_MARKERS = 'urn:xmpp:chat-markers:0'

/** What an offline store does with a message, and why. `tell` says whether the sender of one not kept hears of it. */
export type Verdict =
  | { readonly keep: true; readonly because: string }
  | { readonly keep: false; readonly because: string; readonly tell: boolean }

/** Namespaces of what only says something about the rest of a message. */
const incidental = new Set([
  NS_HINTS,
  'urn:xmpp:sid:0',
  'urn:xmpp:delay',
  'jabber:x:delay',
  'http://jabber.org/protocol/nick',
])

const keep = (because: string): Verdict => ({ keep: true, because })
const leave = (because: string, tell: boolean): Verdict => ({ keep: false, because, tell })

/**
 * Decides whether a message that nobody was there for is kept (XEP-0160 §3, XEP-0334 §4).
 *
 * `type` is the effective type. A message with a text that may not be kept is refused, so that a sender who may know
 * knows (RFC 6121 §8.5.2.2.1 b); what would mean nothing later ends in silence, since an error for it would only puzzle
 * people.
 */
export function shouldStore(message: ReadonlyElement, type: string): Verdict {
  // XEP-0160 §3, RFC 6121 §8.5.2.2.1: what each type means for somebody who is not there.
  switch (type) {
    case 'error':
      return leave('an error', false)
    case 'groupchat':
      return leave('a room’s message', true)
    case 'headline':
      return leave('a headline', false)
  }
  // RFC 6121 §5.2.3: one body a language; the first may be the empty one.
  const hasText = message.getChildren('body').some((body) => body.getText() !== '')
  // XEP-0334 §4.2 comes before §4.4: who asks for both gets the more private.
  if (message.getChild('no-store', NS_HINTS) !== undefined) return leave('asked not to be stored', hasText)
  if (message.getChild('store', NS_HINTS) !== undefined) return keep('asked to be stored')
  if (hasText) return keep('text')
  return weighPayloads(message)
}

/** A message without text: worth keeping when something in it means something on its own. */
function weighPayloads(message: ReadonlyElement): Verdict {
  let hasChatState = false
  for (const child of message.children) {
    if (typeof child === 'string') continue
    const xmlns = child.attrs['xmlns']
    if (xmlns === NS_CHAT_STATES) hasChatState = true
    else if (isPayload(child, xmlns)) return keep(`<${child.name}/>`)
  }
  // XEP-0160 §3: "messages that contain only XEP-0085 content".
  return leave(hasChatState ? 'chat state only' : 'empty', false)
}

function isPayload(child: ReadonlyElement, xmlns: string | undefined): boolean {
  if (xmlns === undefined) return child.name === 'subject'
  if (incidental.has(xmlns)) return false
  // XEP-0184 §5, XEP-0333 §6: the wish for a receipt or marker is about a content; the receipt and the marker are one.
  if (xmlns === NS_RECEIPTS) return child.name !== 'request'
  if (xmlns === NS_MARKERS) return child.name !== 'markable'
  return true
}
