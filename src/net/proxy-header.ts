import { isIPv4, isIPv6 } from 'node:net'
import { plainAddress } from './trusted-proxies.ts'

/** What the first bytes of a connection are. */
export type ProxyHeader =
  /** The beginning of a header, or nothing yet: it takes more bytes to tell. */
  | { readonly kind: 'partial' }
  /** No header: the bytes are the peer's own. */
  | { readonly kind: 'none' }
  /** Something that no proxy sends; the sentence is for the log. */
  | { readonly kind: 'malformed'; readonly reason: string }
  /** A header of `length` bytes; `address` is the client's, `undefined` where the peer speaks for itself. */
  | { readonly kind: 'header'; readonly length: number; readonly address: string | undefined }

/** The longest header of version 1, with its CRLF (§2.1). */
export const MAX_V1_BYTES = 107
/** The longest header of version 2 that is taken, additions included: what fits into the smallest segment (§2). */
export const MAX_V2_BYTES = 536

const V1 = Buffer.from('PROXY')
const V2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
/** Signature, version and command, family and protocol, and how much follows (§2.2). */
const V2_START = 16
const [CR, LF] = [0x0d, 0x0a]

/**
 * Reads the header of the PROXY protocol, in version 1 or 2, that may stand at the beginning of a connection.
 * Additions to a header of version 2 (TLVs) are passed over. Never throws.
 *
 * The sections are those of proxy-protocol.txt, which HAProxy publishes.
 */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader {
  if (begins(bytes, V1)) return bytes.length < V1.length ? { kind: 'partial' } : readV1(bytes)
  if (begins(bytes, V2)) return bytes.length < V2_START ? readV2Start(bytes) : readV2(bytes)
  return { kind: 'none' }
}

/** Whether the bytes are the beginning of the signature, or begin with it. */
function begins(bytes: Uint8Array, signature: Uint8Array): boolean {
  const length = Math.min(bytes.length, signature.length)
  for (let i = 0; i < length; i++) if (bytes[i] !== signature[i]) return false
  return true
}

const malformed = (reason: string): ProxyHeader => ({ kind: 'malformed', reason })

function readV1(bytes: Uint8Array): ProxyHeader {
  const end = bytes.subarray(0, MAX_V1_BYTES).findIndex((byte) => byte === CR || byte === LF)
  if (end < 0) return bytes.length < MAX_V1_BYTES ? { kind: 'partial' } : malformed('a line without an end')
  if (bytes[end] === CR && end + 1 === bytes.length && bytes.length < MAX_V1_BYTES) return { kind: 'partial' }
  // §2.1: a single CR or LF does not end the line.
  if (bytes[end] !== CR || bytes[end + 1] !== LF || end + 2 > MAX_V1_BYTES) return malformed('a line without CRLF')
  const line = Buffer.from(bytes.subarray(0, end)).toString('latin1')
  const length = end + 2
  // §2.1: what follows UNKNOWN is ignored, and the connection's own address holds.
  if (/^PROXY UNKNOWN(?: |$)/.test(line)) return { kind: 'header', length, address: undefined }
  const [, family, source, destination, ...ports] = line.split(' ')
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : () => false
  const right = [source, destination].every((text = '') => isAddress(text) && !text.includes('%'))
  if (!right || !line.startsWith('PROXY ') || ports.length !== 2 || !ports.every(isPort))
    return malformed('a line that does not match the protocol')
  return { kind: 'header', length, address: plainAddress(source!) }
}

/** §2.1: no zeroes in front. */
function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 0xffff
}

/** §2.2: what is wrong is told as soon as it can be seen. */
function readV2Start(bytes: Uint8Array): ProxyHeader {
  const command = bytes[V2.length]
  if (command !== undefined && command !== 0x20 && command !== 0x21) return malformed('another version or command')
  return { kind: 'partial' }
}

function readV2(bytes: Uint8Array): ProxyHeader {
  const start = readV2Start(bytes)
  if (start.kind === 'malformed') return start
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, MAX_V2_BYTES))
  const length = V2_START + header.readUInt16BE(14)
  if (length > MAX_V2_BYTES) return malformed('a header that is too long')
  const isLocal = header[12] === 0x20
  const [family, protocol] = [header[13]! >> 4, header[13]! & 0xf]
  // §2.2: unless the proxy speaks for itself, when family and addresses are ignored.
  if (!isLocal && (family > 3 || protocol > 2)) return malformed('another family or protocol')
  const needed = isLocal || protocol === 0 ? 0 : addressBytes[family]!
  if (length < V2_START + needed) return malformed('a header that is too short for its addresses')
  if (bytes.length < length) return { kind: 'partial' }
  const source = header.subarray(V2_START)
  if (needed === 12) return { kind: 'header', length, address: source.subarray(0, 4).join('.') }
  if (needed === 36) return { kind: 'header', length, address: ipv6(source.subarray(0, 16)) }
  // UNSPEC, and Unix sockets: the connection's own address holds.
  return { kind: 'header', length, address: undefined }
}

/** §2.2: how much the addresses and ports of each family take. */
const addressBytes = [0, 12, 36, 216]

function ipv6(bytes: Buffer): string | undefined {
  return plainAddress(bytes.toString('hex').replace(/.{4}(?=.)/g, '$&:'))
}
