import { Jid } from '../jid/jid.ts'
import { StreamError } from '../stanza/stream-error.ts'
import { type Element, escapeXML } from '../xml/element.ts'
import { NS } from '../xml/namespaces.ts'

/**
 * The domain a component's header says it serves (XEP-0114 §3), one of `known`.
 *
 * @throws StreamError `invalid-namespace` for another content namespace, `host-unknown` for another domain or none.
 */
export function componentOf(root: Element, known: { has(domain: string): boolean }): string {
  const { xmlns, to = '' } = root.attrs
  // RFC 6120 §4.9.3.10, XEP-0114 §3.
  if (xmlns !== NS.component)
    throw new StreamError('invalid-namespace', `The default namespace of a component's stream is ${NS.component}.`)
  const domain = domainOf(to)
  // RFC 6120 §4.9.3.6, XEP-0114 §3.
  if (domain === undefined || !known.has(domain))
    throw new StreamError('host-unknown', 'This server knows no component of that domain.')
  return domain
}

function domainOf(text: string): string | undefined {
  const jid = Jid.tryParse(text)
  return jid?.local === '' && jid.isBare ? jid.domain : undefined
}

/** The server's header on a component's stream (XEP-0114 §3): `from` is the component's domain; there is no version. */
export function componentHeaderText(from: string, id: string): string {
  return (
    `<?xml version='1.0'?><stream:stream xmlns='${NS.component}' xmlns:stream='${NS.streams}'` +
    ` id='${id}' from='${escapeXML(from)}' xml:lang='en'>`
  )
}
