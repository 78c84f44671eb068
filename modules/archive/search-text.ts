import { type Element, parseDocument } from '#api'

/** Where a body is only what clients without encryption show: "this message is encrypted". */
const encrypted = new Set([
  'urn:xmpp:eme:0',
  'eu.siacs.conversations.axolotl',
  'urn:xmpp:omemo:2',
  'urn:xmpp:openpgp:0',
  'jabber:x:encrypted',
])

/** What an archived stanza is found by: its subject and its texts; `undefined` when it has none, or hides them. */
export function textOf(stanza: string): string | undefined {
  let message: Element
  try {
    message = parseDocument(stanza)
  } catch {
    // It was serialised here, so this does not happen; if it does, one message is not found.
    return undefined
  }
  const texts: string[] = []
  for (const child of message.getChildElements()) {
    const xmlns = child.attrs['xmlns']
    if (xmlns !== undefined && encrypted.has(xmlns)) return undefined
    if (xmlns === undefined && (child.name === 'body' || child.name === 'subject')) texts.push(child.getText())
  }
  return texts.length === 0 ? undefined : texts.join('\n')
}
