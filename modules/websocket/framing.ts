import { escapeXML, type Framing, randomId, standAlone } from '#api'

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
  return standAlone(text)
}

/**
 * Texts as a server's messages, one behind the other (RFC 6455 §5.2): as bytes, or, where every text is ASCII, as a text of which
 * each character is a byte (`latin1`), which is made and written for half of what bytes cost.
 */
export function toMessages(texts: readonly string[]): Buffer | string {
  let messages = ''
  for (const text of texts) {
    if (Buffer.byteLength(text) > text.length) return Buffer.concat(texts.flatMap(toBytes))
    messages += headOf(text.length) + text
  }
  return messages
}

function toBytes(text: string): Buffer[] {
  const bytes = Buffer.from(text)
  return [Buffer.from(headOf(bytes.length), 'latin1'), bytes]
}

/** What comes before a text of that many bytes, a character a byte. */
function headOf(size: number): string {
  if (size < 126) return String.fromCharCode(WHOLE_TEXT, size)
  if (size < 65_536) return String.fromCharCode(WHOLE_TEXT, 126, size >> 8, size & 0xff)
  const length = Buffer.alloc(8)
  length.writeBigUInt64BE(BigInt(size))
  return String.fromCharCode(WHOLE_TEXT, 127, ...length)
}
