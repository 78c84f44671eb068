import { Jid } from '../jid/jid.ts'
import type { Host } from '../session/host.ts'
import { StreamError } from '../stanza/stream-error.ts'
import { randomId } from '../util/id.ts'
import { type Element, escapeXML } from '../xml/element.ts'
import { NS } from '../xml/namespaces.ts'

/**
 * Checks what does not depend on where a client's stream is going.
 *
 * @throws StreamError `invalid-namespace` or `unsupported-version`.
 */
export function checkHeader(root: Element): void {
  // RFC 6120 §4.9.3.10: the content namespace of a client's stream is jabber:client.
  if (root.attrs['xmlns'] !== NS.client)
    throw new StreamError('invalid-namespace', `The default namespace of a client's stream is ${NS.client}.`)
  // RFC 6120 §4.9.3.25: without a version, or below 1.0, there would be no features.
  if (!/^0*[1-9]\d*\.\d+$/.test(root.attrs['version'] ?? ''))
    throw new StreamError('unsupported-version', 'This server speaks version 1.0.')
}

/**
 * The host a header is addressed to.
 *
 * @throws StreamError `host-unknown` (RFC 6120 §4.9.3.6), also for a header that names none.
 */
export function hostOf(to: string | undefined, hosts: ReadonlyMap<string, Host>): Host {
  if (to === undefined) throw new StreamError('host-unknown', 'Say in `to` which domain the stream is for.')
  const host = findHost(to, hosts)
  if (host === undefined) throw new StreamError('host-unknown', 'This server does not serve that domain.')
  return host
}

/** What the server calls itself to whoever sent a header (RFC 6120 §4.7.1): the domain it names, if that is served. */
export function servedName(to: string | undefined, hosts: ReadonlyMap<string, Host>): string {
  const named = to === undefined ? undefined : findHost(to, hosts)
  return named?.domain ?? hosts.keys().next().value ?? 'localhost'
}

function findHost(to: string, hosts: ReadonlyMap<string, Host>): Host | undefined {
  const jid = Jid.tryParse(to)
  return jid?.local === '' && jid.isBare ? hosts.get(jid.domain) : undefined
}

/** RFC 5646 §2.1, in outline, and no longer than §4.4.1 has anybody expect. */
const languageTag = /^(?=.{1,35}$)[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*$/

/**
 * The language a header gives its stream, when it is another than the server's. What is no language tag is none: it
 * would be repeated on every stanza.
 */
export function foreignLanguage(root: Element): string | undefined {
  const language = root.attrs['xml:lang']
  return language !== undefined && language !== 'en' && languageTag.test(language) ? language : undefined
}

/** The server's header (RFC 6120 §4.7), with an id that nobody can guess; `to` is the client's `from`. */
export function headerText(from: string, to: string | undefined): string {
  const addressee = to === undefined ? '' : ` to='${escapeXML(to)}'`
  return (
    `<?xml version='1.0'?><stream:stream xmlns='${NS.client}' xmlns:stream='${NS.streams}' id='${randomId()}'` +
    ` from='${escapeXML(from)}'${addressee} version='1.0' xml:lang='en'>`
  )
}
