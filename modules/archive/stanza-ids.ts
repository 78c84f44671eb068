import { type Element, Jid, xml } from '#api'

const NS_SID = 'urn:xmpp:sid:0'
const NS_MAM = 'urn:xmpp:mam:2'

/** What tells clients where, and under what id, a message is archived (XEP-0359 §2.1). `by` is the archive's bare JID. */
export function stanzaIdElement(by: string, id: number): Element {
  return xml('stanza-id', { xmlns: NS_SID, by, id: String(id) })
}

/**
 * Removes the ids that only the server may give (XEP-0359 §3, rule 2): those by the account or one of its clients, by its
 * host, and those that do not say by whom.
 */
export function stripStanzaIds(message: Element, account: Jid, host: string): void {
  strip(message, (child) => child.name === 'stanza-id' && child.attrs['xmlns'] === NS_SID && isForged(child))

  function isForged(child: Element): boolean {
    const by = preparedBare(child.attrs['by'])
    return by === undefined || by === account.toString() || by === host
  }
}

/** Removes what would look like an archive's answer (CVE-2017-5589 and its kin): no client has one to send. */
export function stripResults(message: Element): void {
  strip(message, (child) => (child.name === 'result' || child.name === 'fin') && child.attrs['xmlns'] === NS_MAM)
}

/** The id that an archive gave a message; `undefined` when it did not. */
export function stanzaIdBy(
  message: { readonly children: readonly (string | Pick<Element, 'name' | 'attrs'>)[] },
  by: string,
): string | undefined {
  for (const child of message.children)
    if (typeof child !== 'string' && isStanzaId(child) && child.attrs['by'] === by) return child.attrs['id']
  return undefined
}

function isStanzaId({ name, attrs }: Pick<Element, 'name' | 'attrs'>): boolean {
  return name === 'stanza-id' && attrs['xmlns'] === NS_SID
}

/** Removes children; a message that has none of them, as nearly all, is looked through and nothing more. */
function strip(message: Element, isUnwanted: (child: Element) => boolean): void {
  const { children } = message
  for (let i = children.length - 1; i >= 0; i--) {
    const child = children[i]!
    if (typeof child !== 'string' && isUnwanted(child)) children.splice(i, 1)
  }
}

function preparedBare(text: string | undefined): string | undefined {
  return text === undefined ? undefined : Jid.tryParse(text)?.bare.toString()
}
