import type { ReadonlyElement } from '#api'

const NS_CARBONS = 'urn:xmpp:carbons:2'
const NS_CHAT_STATES = 'http://jabber.org/protocol/chatstates'
const NS_FORWARD = 'urn:xmpp:forward:0'
const NS_MUC_USER = 'http://jabber.org/protocol/muc#user'

/** Namespaces of what only says something about the rest of a message. */
const incidental = new Set(['urn:xmpp:hints', 'urn:xmpp:sid:0', 'urn:xmpp:delay', 'jabber:x:delay', NS_MUC_USER])

/** What a stanza is to a client nobody looks at, and why. */
export interface Weight {
  /**
   * `presence` and `chat-state` can wait, and only the last of its kind from a sender counts. `text` and `urgent` cannot;
   * a text tells more than the chat state that came before it.
   */
  readonly kind: 'chat-state' | 'presence' | 'text' | 'urgent'
  /**
   * Whose it is, as text: what waits from the same sender goes first. The `from`, and for the copy of a message (XEP-0280)
   * that of the message; what another client of the account has sent counts for each addressee on its own.
   */
  readonly sender: string
  readonly because: string
}

/**
 * Decides whether a stanza can wait until the user of a client that is inactive looks at it again (XEP-0352 §3.2).
 * `account` is the bare JID of the client, as text.
 */
export function weigh(stanza: ReadonlyElement, account: string): Weight {
  const from = stanza.attrs['from'] ?? ''
  if (stanza.name === 'presence') return weighPresence(stanza, from, account)
  if (stanza.name === 'message') return weighMessage(stanza, from, account)
  return urgent(from, 'a request or an answer')
}

const urgent = (sender: string, because: string): Weight => ({ kind: 'urgent', sender, because })

function weighPresence(presence: ReadonlyElement, from: string, account: string): Weight {
  const type = presence.attrs['type']
  if (type !== undefined && type !== 'unavailable') return urgent(from, `presence of type ${type}`)
  if (bareOf(from) === account) return urgent(from, 'presence of one’s own')
  // XEP-0045 §7.2.2: the client waits for this to know that it is in the room, or out of it.
  if (isOwnInRoom(presence)) return urgent(from, 'one’s own presence in a room')
  return { kind: 'presence', sender: from, because: 'presence' }
}

function isOwnInRoom(presence: ReadonlyElement): boolean {
  const statuses = presence.getChild('x', NS_MUC_USER)?.getChildren('status') ?? []
  return statuses.some((status) => status.attrs['code'] === '110')
}

function weighMessage(stanza: ReadonlyElement, from: string, account: string): Weight {
  const sent = from === account ? copied(stanza, 'sent') : undefined
  const message = sent ?? (from === account ? copied(stanza, 'received') : undefined) ?? stanza
  const sender = sent === undefined ? (message.attrs['from'] ?? '') : `${account} to ${message.attrs['to'] ?? ''}`
  const type = message.attrs['type']
  // Headlines are few and may be alerts; personal events (XEP-0163) are among them. Errors answer this client.
  if (type === 'error' || type === 'headline') return urgent(sender, `a message of type ${type}`)
  if (hasBody(message)) return { kind: 'text', sender, because: 'text' }
  const because = whyNotChatStateOnly(message)
  return because === undefined ? { kind: 'chat-state', sender, because: 'chat state only' } : urgent(sender, because)
}

/** The message that a copy of the server's is about (XEP-0280 §7, §8). */
function copied(stanza: ReadonlyElement, direction: 'received' | 'sent'): ReadonlyElement | undefined {
  return stanza.getChild(direction, NS_CARBONS)?.getChild('forwarded', NS_FORWARD)?.getChild('message')
}

function hasBody(message: ReadonlyElement): boolean {
  return message.getChildren('body').some((body) => body.attrs['xmlns'] === undefined)
}

/** Why a message without a text is more than a chat state (XEP-0085); `undefined` when it is not. */
function whyNotChatStateOnly(message: ReadonlyElement): string | undefined {
  let hasChatState = false
  for (const child of message.children) {
    if (typeof child === 'string') continue
    const xmlns = child.attrs['xmlns']
    if (xmlns === NS_CHAT_STATES) hasChatState = true
    else if (xmlns === undefined ? child.name !== 'thread' : !isIncidental(child, xmlns)) return `<${child.name}/>`
  }
  return hasChatState ? undefined : 'not even a chat state'
}

/** XEP-0045 §7.5: of a room's payloads the empty mark of a private message alone says nothing by itself. */
function isIncidental(child: ReadonlyElement, xmlns: string): boolean {
  return incidental.has(xmlns) && (xmlns !== NS_MUC_USER || child.children.length === 0)
}

/** The bare JID of a prepared address, as text. */
export function bareOf(address: string): string {
  const slash = address.indexOf('/')
  return slash === -1 ? address : address.slice(0, slash)
}
