import { escapeXML, type Framing, randomId } from '#api'

const NS_CLIENT = 'jabber:client'
const NS_STREAMS = 'http://etherx.jabber.org/streams'
/** The first byte of a text message that is not in fragments. */
const WHOLE_TEXT = 0x81
const NS_FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing'

/** How a stream is put into WebSocket messages: one element each (RFC 7395 §3.3). */
export const webSocketFraming: Pick<Framing, 'footer' | 'header'> = {
  // RFC 7395 §3.4.
  header: (from, to) =>
    `<open xmlns='${NS_FRAMING}' id='${randomId()}' from='${escapeXML(from)}'` +
    `${to === undefined ? '' : ` to='${escapeXML(to)}'`} version='1.0' xml:lang='en'/>`,
  footer: `<close xmlns='${NS_FRAMING}'/>`,
}

/** An element as it is said on a stream, as a text that says all of its namespaces itself (RFC 7395 §3.3.3). */
export function declare(text: string): string {
  if (text.startsWith('<stream:')) return text.replace(/(?=[ />])/, ` xmlns:stream="${NS_STREAMS}"`)
  for (const name of ['<message', '<presence', '<iq'])
    if (text.startsWith(name) && ' />'.includes(text.charAt(name.length)))
      return `${name} xmlns="${NS_CLIENT}"${text.slice(name.length)}`
  return text
}

/** Texts as a server's messages, one behind the other (RFC 6455 §5.2). */
export function toMessages(texts: readonly string[]): Buffer {
  const sizes = texts.map((text) => Buffer.byteLength(text))
  const messages = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + headLength(size) + size, 0))
  let at = 0
  for (const [i, text] of texts.entries()) {
    const size = sizes[i]!
    at = writeHead(messages, at, size)
    // What is ASCII is copied and not encoded.
    messages.write(text, at, size === text.length ? 'latin1' : 'utf8')
    at += size
  }
  return messages
}

function headLength(size: number): number {
  return size < 126 ? 2 : size < 65_536 ? 4 : 10
}

function writeHead(to: Buffer, at: number, size: number): number {
  to[at] = WHOLE_TEXT
  to[at + 1] = size < 126 ? size : size < 65_536 ? 126 : 127
  if (size >= 65_536) to.writeBigUInt64BE(BigInt(size), at + 2)
  else if (size >= 126) to.writeUInt16BE(size, at + 2)
  return at + headLength(size)
}
