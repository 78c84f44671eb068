import type { ReadonlyElement } from '#api'

const NS_CARBONS = 'urn:xmpp:carbons:2'
const NS_HINTS = 'urn:xmpp:hints'
const NS_MUC_USER = 'http://jabber.org/protocol/muc#user'
const NS_INVITATION = 'jabber:x:conference'

/** Namespaces of what is typically used in instant messaging, besides a text: XEP-0184, XEP-0085, XEP-0333. */
const typical = new Set(['urn:xmpp:receipts', 'http://jabber.org/protocol/chatstates', 'urn:xmpp:chat-markers:0'])

/** Whether the other clients of an account get a copy of a message, and why. */
export interface Verdict {
  readonly copy: boolean
  readonly because: string
}

/** What the decision needs to know of a message besides the message itself. */
export interface Circumstances {
  /** The effective type. */
  readonly type: string
  /** On whose side the copies would be made. */
  readonly side: 'received' | 'sent'
  /** Whether the other side's address has a resource: the sender's of a received message, the addressee's of a sent one. */
  readonly isPeerFull: boolean
  /** Of an error, whether it answers a message that was copied. */
  readonly answersCopied: boolean
}

const copy = (because: string): Verdict => ({ copy: true, because })
const leave = (because: string): Verdict => ({ copy: false, because })

const verdicts = {
  private: leave('private'),
  noCopy: leave('asked not to be copied'),
  room: leave('a room’s message'),
  errorToCopied: copy('the error to a message that was copied'),
  errorToOther: leave('the error to something else'),
  invitation: copy('an invitation'),
  fromOccupant: leave('private, from an occupant of a room'),
  toOccupant: copy('private, to an occupant of a room'),
  chat: copy('a chat message'),
  text: copy('text'),
  typical: copy('a receipt, chat state or marker'),
  other: leave('nothing of a conversation'),
} as const

/**
 * Decides whether a message is copied to the other clients of its sender or addressee (XEP-0280 §6.1).
 *
 * An error carries nothing of its own, though it may quote the message it answers: it is judged by what it answers alone.
 */
export function shouldCopy(
  message: ReadonlyElement,
  { type, side, isPeerFull, answersCopied }: Circumstances,
): Verdict {
  // XEP-0280 §9
  if (message.getChild('private', NS_CARBONS) !== undefined) return verdicts.private
  // XEP-0334 §5: the hints in an error are those of what it quotes.
  if (type === 'error') return answersCopied ? verdicts.errorToCopied : verdicts.errorToOther
  // XEP-0334 §4.3
  if (message.getChild('no-copy', NS_HINTS) !== undefined) return verdicts.noCopy
  if (type === 'groupchat') return verdicts.room
  const ofRoom = weighRoomTraffic(message, side, isPeerFull)
  if (ofRoom !== undefined) return ofRoom
  if (type === 'chat') return verdicts.chat
  if (type === 'normal' && hasBody(message)) return verdicts.text
  for (const child of message.children)
    if (typeof child !== 'string' && typical.has(child.attrs['xmlns'] ?? '')) return verdicts.typical
  return verdicts.other
}

function hasBody(message: ReadonlyElement): boolean {
  return message.getChildren('body').some((body) => body.attrs['xmlns'] === undefined)
}

/** XEP-0280 §6.1, the rules for messages that have to do with a room; `undefined` when none of them applies. */
function weighRoomTraffic(
  message: ReadonlyElement,
  side: 'received' | 'sent',
  isPeerFull: boolean,
): Verdict | undefined {
  // XEP-0249
  if (message.getChild('x', NS_INVITATION) !== undefined) return verdicts.invitation
  const mark = message.getChild('x', NS_MUC_USER)
  if (mark === undefined) return undefined
  // XEP-0045 §7.8.2
  if (mark.getChild('invite', NS_MUC_USER) !== undefined) return verdicts.invitation
  // XEP-0045 §7.5; the room has sent it to all clients that are in it already.
  if (isPeerFull) return side === 'received' ? verdicts.fromOccupant : verdicts.toOccupant
  return undefined
}
