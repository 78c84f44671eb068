import type { ReadonlyElement } from '#api'

const NS_HINTS = 'urn:xmpp:hints'
const NS_CARBONS = 'urn:xmpp:carbons:2'
const NS_MAM = 'urn:xmpp:mam:2'
const NS_MUC_USER = 'http://jabber.org/protocol/muc#user'
const NS_CHAT_STATES = 'http://jabber.org/protocol/chatstates'

/** Whether a message is kept, and why. */
export interface Verdict {
  readonly keep: boolean
  readonly because: string
}

/** Types of messages that are kept only when an admin says so. */
export interface Kinds {
  readonly groupchat: boolean
  readonly headlines: boolean
}

/** Whose archive is asked for: the sender's or the addressee's. */
export type Side = 'received' | 'sent'

/** Payloads that mean something to somebody who comes later, by namespace: the names of their elements, or any. */
const payloads = new Map<string, { readonly names?: readonly string[]; readonly because: string }>([
  // XEP-0380 §3, and what encrypts for clients that know nothing of it.
  ['urn:xmpp:eme:0', { because: 'encrypted' }],
  ['eu.siacs.conversations.axolotl', { because: 'encrypted' }],
  ['urn:xmpp:omemo:2', { because: 'encrypted' }],
  ['urn:xmpp:openpgp:0', { because: 'encrypted' }],
  ['jabber:x:encrypted', { because: 'encrypted' }],
  // XEP-0184 §5, XEP-0333 §6: a receipt and a marker, not the wish for one.
  ['urn:xmpp:receipts', { names: ['received'], because: 'a receipt' }],
  ['urn:xmpp:chat-markers:0', { names: ['received', 'displayed', 'acknowledged'], because: 'a marker' }],
  ['urn:xmpp:message-correct:0', { because: 'a correction' }],
  ['urn:xmpp:reactions:0', { because: 'a reaction' }],
  // XEP-0424 §5: "The archiving service MUST store the retraction message".
  ['urn:xmpp:message-retract:1', { because: 'a retraction' }],
  ['urn:xmpp:message-moderate:1', { because: 'a moderation' }],
  ['jabber:x:conference', { because: 'an invitation' }],
])

const keep = (because: string): Verdict => ({ keep: true, because })
const leave = (because: string): Verdict => ({ keep: false, because })
const text = keep('a text')

/** Decides whether a message belongs into an archive (XEP-0313 §6.1.1, XEP-0334 §4). `type` is the effective type. */
export function shouldArchive(message: ReadonlyElement, type: string, side: Side, kinds: Kinds): Verdict {
  switch (type) {
    case 'error':
      return leave('an error')
    case 'headline':
      if (!kinds.headlines) return leave('a headline')
      break
    case 'groupchat':
      if (!kinds.groupchat) return leave('a room’s message')
      // The room sends it to its author as to everybody else.
      if (side === 'sent') return leave('comes back from the room')
  }
  let weight: Verdict | undefined
  let stores = false
  for (const child of message.children) {
    if (typeof child === 'string') continue
    const xmlns = child.attrs['xmlns']
    if (xmlns === NS_HINTS) {
      // XEP-0334 §4.1, §4.2 come before §4.4: who asks for both gets the more private.
      if (child.name === 'no-store' || child.name === 'no-permanent-store') return leave('asked not to be stored')
      if (child.name === 'store') stores = true
    } else if (isWrapper(child, xmlns)) return leave('a copy of another message')
    else weight = heavier(weight, weigh(child, xmlns))
  }
  if (stores && weight?.keep !== true) return keep('asked to be stored')
  return weight ?? leave('nothing to keep')
}

/** Copies and archived messages have their own place already (XEP-0313 §6.1.1: "only once"). */
function isWrapper({ name }: ReadonlyElement, xmlns: string | undefined): boolean {
  return (
    (xmlns === NS_CARBONS && (name === 'sent' || name === 'received')) ||
    (xmlns === NS_MAM && (name === 'result' || name === 'fin'))
  )
}

function heavier(one: Verdict | undefined, other: Verdict | undefined): Verdict | undefined {
  return one === undefined || (other?.keep === true && !one.keep) ? other : one
}

function weigh(child: ReadonlyElement, xmlns: string | undefined): Verdict | undefined {
  const { name } = child
  if (xmlns === undefined) {
    if (name === 'body') return child.getText() === '' ? undefined : text
    return name === 'subject' ? keep('a subject') : undefined
  }
  if (xmlns === NS_CHAT_STATES) return leave('chat state only')
  // XEP-0045 §7.8.2: a mediated invitation, and its refusal.
  if (xmlns === NS_MUC_USER)
    return child.getChild('invite') !== undefined || child.getChild('decline') !== undefined
      ? keep('an invitation')
      : undefined
  const payload = payloads.get(xmlns)
  if (payload === undefined || payload.names?.includes(name) === false) return undefined
  return keep(payload.because)
}
