import { escapeXML, type Framing, randomId } from '#api'

const NS_CLIENT = 'jabber:client'
const NS_STREAMS = 'http://etherx.jabber.org/streams'
const NS_FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing'

/** How a stream is put into WebSocket messages: one element each (RFC 7395 §3.3). */
export const webSocketFraming: Pick<Framing, 'footer' | 'header'> = {
  // RFC 7395 §3.4.
  header: (from, to) =>
    `<open xmlns='${NS_FRAMING}' id='${randomId()}' from='${escapeXML(from)}'` +
    `${to === undefined ? '' : ` to='${escapeXML(to)}'`} version='1.0' xml:lang='en'/>`,
  footer: `<close xmlns='${NS_FRAMING}'/>`,
}

/** An element as it is said on a stream, as a message that says all of its namespaces itself (RFC 7395 §3.3.3). */
export function toFrame(text: string): string {
  if (text.startsWith('<stream:')) return declared(text, `xmlns:stream="${NS_STREAMS}"`)
  return /^<(?:iq|message|presence)[ />]/.test(text) ? declared(text, `xmlns="${NS_CLIENT}"`) : text
}

/** Puts a declaration behind the name of an element. */
function declared(text: string, declaration: string): string {
  const end = /[ />]/.exec(text)!.index
  return `${text.slice(0, end)} ${declaration}${text.slice(end)}`
}
