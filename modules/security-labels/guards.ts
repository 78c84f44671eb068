import { drop, type Host, type Jid, type ReadonlyElement, type Sealed, StanzaError } from '#api'
import { NS_LABEL, type Policy } from './policy.ts'

/** Payload that tells how a conversation goes, and nothing of what is said in it. */
const signals = new Set([
  'http://jabber.org/protocol/chatstates',
  'urn:xmpp:receipts',
  'urn:xmpp:chat-markers:0',
  'urn:xmpp:hints',
  'urn:xmpp:sid:0',
  'urn:xmpp:delay',
])

/** Guards what clients send (XEP-0258 §5): both who sends it and who is to get it must be cleared for its label. */
export function guardLeaving(policy: Policy): (event: Sealed) => void {
  return ({ stanza, kind, type, from, to }) => {
    if (kind !== 'message') return refuseLabel(stanza)
    if (isExempt(stanza, type)) return
    const label = policy.effective(stanza, isContent(stanza))
    if (label === undefined) return
    if (!label.clears(from)) throw new StanzaError('forbidden', `You are not cleared for ${label.name}.`)
    if (!label.clears(to)) throw new StanzaError('forbidden', `${label.name} may not be sent to this address.`)
  }
}

/** Guards what comes to an account, from wherever: other hosts, rooms, components. */
export function guardArriving(policy: Policy): (event: Sealed) => void {
  return ({ stanza, kind, type, from, to, host }) => {
    if (kind !== 'message') return refuseLabel(stanza)
    if (to.local === '' || isExempt(stanza, type)) return
    // A room that hears errors for what it says takes its occupant for gone, who only may not have this.
    if (!mayHave(policy, host, to, from, stanza)) throw type === 'groupchat' ? drop : new StanzaError('forbidden')
  }
}

/** Whether an account may have a message: that has no label it is not cleared for, and none that is unknown here. */
export function mayHave(policy: Policy, host: Host, account: Jid, from: Jid, message: ReadonlyElement): boolean {
  if (message.attrs['type'] === 'groupchat' && isSubject(message)) return true
  try {
    const label = policy.effective(message, isContent(message) && isSaidBySomebody(host, from, message))
    return label === undefined || label.clears(account)
  } catch (error) {
    if (error instanceof StanzaError) return false
    throw error
  }
}

/**
 * XEP-0258 §5: errors must not bear a label, and are discarded when they do; they "MUST NOT be subjected to" checks.
 * §5.2.6: neither is a change of a room's subject.
 */
function isExempt(stanza: ReadonlyElement, type: string): boolean {
  if (type === 'error') {
    if (stanza.getChild('securitylabel', NS_LABEL) !== undefined) throw drop
    return true
  }
  return type === 'groupchat' && isSubject(stanza)
}

/** XEP-0045 §8.1: a subject, and neither body nor thread. */
function isSubject(stanza: ReadonlyElement): boolean {
  const has = (name: string) => stanza.getChild(name) !== undefined
  return has('subject') && !has('body') && !has('thread')
}

/** XEP-0258 §5, §5.3: labels are for messages; anywhere else they violate the protocol. */
function refuseLabel(stanza: ReadonlyElement): void {
  if (stanza.getChild('securitylabel', NS_LABEL) === undefined) return
  if (stanza.attrs['type'] === 'error' || stanza.attrs['type'] === 'result') throw drop
  throw new StanzaError('bad-request', 'Only messages bear a security label.')
}

/** Whether a message says something. */
function isContent(message: ReadonlyElement): boolean {
  return message.children.some(
    (child) => typeof child !== 'string' && child.name !== 'thread' && !signals.has(child.attrs['xmlns'] ?? ''),
  )
}

/** Not the host itself, nor what accounts and rooms tell of themselves, such as events of theirs. */
function isSaidBySomebody(host: Host, from: Jid, message: ReadonlyElement): boolean {
  if (from.local === '') return from.domain !== host.domain
  return !from.isBare || message.getChild('body') !== undefined
}
