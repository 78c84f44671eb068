import { BlockList, isIP, SocketAddress } from 'node:net'

/**
 * An IP address in the one form that logs and limits see: IPv6 as RFC 5952 has it, without a zone, and an IPv4 address
 * that is written as IPv6 (`::ffff:192.0.2.1`) as IPv4. `undefined` for what is no address.
 */
export function plainAddress(text: string): string | undefined {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1]
  const bare = mapped ?? (text.includes(':') ? text.replace(/%.*$/, '') : text)
  const family = isIP(bare)
  if (family !== 6) return family === 4 ? bare : undefined
  const { address } = new SocketAddress({ family: 'ipv6', address: bare })
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1] ?? address
}

/** A list of addresses and networks, such as the load balancers that are believed when they say which address a client has. */
export class Networks {
  readonly #list = new BlockList()
  readonly #any: boolean

  /**
   * Takes addresses and networks: `192.0.2.1`, `10.0.0.0/8`, `2001:db8::/32`.
   *
   * @throws RangeError for what is neither.
   */
  constructor(networks: readonly string[]) {
    this.#any = networks.length > 0
    for (const network of networks) this.#add(network)
  }

  #add(network: string): void {
    const [address = '', length, ...more] = network.split('/')
    const family = isIP(address)
    const bits = family === 4 ? 32 : 128
    const prefix = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : -1
    if (family === 0 || address.includes('%') || more.length > 0 || prefix < 0 || prefix > bits)
      throw new RangeError(`${network} is neither an IP address nor a network`)
    this.#list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6')
  }

  /** Whether an address is one of them; false for what is no address. */
  has(address: string): boolean {
    if (!this.#any) return false
    const plain = plainAddress(address)
    return plain !== undefined && this.#list.check(plain, plain.includes(':') ? 'ipv6' : 'ipv4')
  }
}

/** The headers in which HTTP proxies say for whom they ask; several of one name are joined with commas. */
export interface ForwardingHeaders {
  /** RFC 7239. */
  readonly forwarded?: string | undefined
  /** What came before that RFC, and is more common. */
  readonly xForwardedFor?: string | undefined
  readonly xForwardedProto?: string | undefined
}

/** Who stands behind proxies. */
export interface ForwardedClient {
  readonly address: string
  /** Whether it is said to have come over TLS. */
  readonly secure: boolean
}

/** Who asked a proxy, and by which scheme; `undefined` where that does not say, or what it says cannot be read. */
interface Hop {
  readonly address?: string | undefined
  readonly proto?: string | undefined
}

/** Some proxies have names of their own for WebSocket. */
const SECURE_SCHEMES = ['https', 'wss']

/**
 * The client that an HTTP request comes from, as far as those can be believed who passed it on.
 *
 * The way back goes from the connection's peer over trusted proxies to the first address that is none of theirs. Where a
 * proxy does not say, or what it says cannot be read, the last address on that way is the answer. So it is where a request
 * has both headers and they differ: one of them came from the client, through a proxy that knows only the other.
 *
 * By which scheme the client came, the farthest of these proxies says, in `Forwarded` or in `X-Forwarded-Proto`. It came over TLS
 * where one of them says so and the other nothing else; but not where there is `X-Forwarded-For` and `Forwarded` alone says it, which
 * may then be the client's own.
 */
export function forwardedClient(peer: string, headers: ForwardingHeaders, proxies: Networks): ForwardedClient {
  const start = plainAddress(peer) ?? peer
  if (!proxies.has(start)) return { address: start, secure: false }
  const { forwarded, xForwardedFor, xForwardedProto } = headers
  const old = xForwardedFor === undefined ? undefined : follow(start, oldHops(xForwardedFor), proxies).address
  const { address = start, proto } = forwarded === undefined ? {} : follow(start, forwardedHops(forwarded), proxies)
  const believed = xForwardedFor === undefined || xForwardedProto !== undefined
  const said = [xForwardedProto, proto].filter((scheme) => scheme !== undefined)
  return {
    address: forwarded === undefined ? (old ?? start) : old === undefined || old === address ? address : start,
    secure: believed && said.length > 0 && said.every((scheme) => SECURE_SCHEMES.includes(scheme.toLowerCase())),
  }
}

/** The last of the hops, from the nearest on, of which a trusted proxy tells: its scheme, and the last address on the way. */
function follow(start: string, hops: readonly Hop[], proxies: Networks): Hop & { readonly address: string } {
  let address = start
  let proto: string | undefined
  for (const hop of hops.toReversed()) {
    if (!proxies.has(address)) break
    proto = hop.proto
    if (hop.address === undefined) break
    address = hop.address
  }
  return { address, proto }
}

/** RFC 9110 §5.6.1.2: empty elements of a list are passed over. */
function oldHops(header: string): Hop[] {
  return header
    .split(',')
    .map((hop) => hop.trim())
    .filter((hop) => hop !== '')
    .map((hop) => ({ address: readNode(hop) }))
}

/** RFC 7239 §4: who asked each proxy, the farthest first; none where quotes are open, since they may hide a proxy's words. */
function forwardedHops(header: string): Hop[] {
  const elements = splitOutsideQuotes(header, ',') ?? []
  return elements.filter((element) => element !== '').map(readElement)
}

/** The parts of a text between separators that stand in no quoted string, trimmed; `undefined` where one is left open. */
function splitOutsideQuotes(text: string, separator: string): string[] | undefined {
  const parts: string[] = []
  let start = 0
  let isQuoted = false
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === '"') isQuoted = !isQuoted
    else if (isQuoted && character === '\\') i++
    else if (!isQuoted && character === separator) {
      parts.push(text.slice(start, i).trim())
      start = i + 1
    }
  }
  parts.push(text.slice(start).trim())
  return isQuoted ? undefined : parts
}

/** RFC 7239 §4, RFC 9110 §5.6: a name, and a token or a quoted string. */
const pair = /^([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~:[\]-]+)|"((?:[^"\\]|\\.)*)")$/

function readElement(element: string): Hop {
  const said = new Map<string, string>()
  for (const part of splitOutsideQuotes(element, ';') ?? []) {
    const [, name, token, quoted] = pair.exec(part) ?? []
    // RFC 7239 §4: each parameter once.
    if (name === undefined || said.has(name.toLowerCase())) return {}
    said.set(name.toLowerCase(), token ?? quoted!.replace(/\\(.)/g, '$1'))
  }
  const node = said.get('for')
  return { address: node === undefined ? undefined : readNode(node), proto: said.get('proto') }
}

/**
 * RFC 7239 §6: an address, in brackets where it is IPv6, and perhaps a port, perhaps hidden; also IPv6 without brackets, and
 * quotes around it all, as some send it. `undefined` for `unknown`, hidden names and what is none of these.
 */
function readNode(node: string): string | undefined {
  const text = node.replace(/^"(.*)"$/, '$1')
  const [, v6, v4] = /^(?:\[([\da-f:.]+)\]|([\d.]+))(?::(?:\d{1,5}|_[\w.-]+))?$/i.exec(text) ?? []
  const address = plainAddress(v6 ?? v4 ?? text)
  return v6 === undefined || isIP(v6) === 6 ? address : undefined
}
