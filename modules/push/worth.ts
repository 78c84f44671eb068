import type { ReadonlyElement } from '#api'

/** Payloads that are a message to a person although the server cannot read them (XEP-0380, XEP-0384, XEP-0373). */
const encrypted: readonly (readonly [name: string, xmlns: string])[] = [
  ['encryption', 'urn:xmpp:eme:0'],
  ['encrypted', 'eu.siacs.conversations.axolotl'],
  ['encrypted', 'urn:xmpp:omemo:2'],
  ['openpgp', 'urn:xmpp:openpgp:0'],
]
/** Payloads that want a person's attention without a word. */
const urgent: readonly (readonly [name: string, xmlns: string])[] = [
  ['propose', 'urn:xmpp:jingle-message:0'],
  ['x', 'jabber:x:conference'],
]

/** Whether a message is worth waking a device for: it says something to a person, or a call or an invitation comes. */
export function isWorthWaking(message: ReadonlyElement, type: string): boolean {
  if (type === 'error' || type === 'headline') return false
  if (message.getChildren('body').some((body) => body.getText() !== '')) return true
  return [...encrypted, ...urgent].some(([name, xmlns]) => message.getChild(name, xmlns) !== undefined)
}
