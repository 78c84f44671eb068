import { createHash } from 'node:crypto'
import { type Element, type ParserLimits, parseDocument, readBoolean, XmlError } from '#api'
import { BindingError } from './answer.ts'

/** The namespace of the wrapper (XEP-0124 §6). */
export const NS = 'http://jabber.org/protocol/httpbind'
/** The namespace of what XMPP adds to it (XEP-0206). */
export const NS_XBOSH = 'urn:xmpp:xbosh'

const NS_CLIENT = 'jabber:client'
/** What a wrapper itself may take of a request, in bytes and attributes. */
const WRAPPER: { readonly attributes: number; readonly bytes: number } = { attributes: 32, bytes: 2048 }

/** The `<body/>` of a request, read. */
export interface Wrapper {
  readonly rid: number
  /** None in a request for a session. */
  readonly sid: string | undefined
  /** All attributes, as written. */
  readonly attrs: Readonly<Record<string, string | undefined>>
  /** What it carries, each in the form of a stream's element. */
  readonly payloads: readonly Element[]
  readonly terminates: boolean
  /** Whether the stream is to begin anew (XEP-0206 §5). */
  readonly restarts: boolean
  /** In seconds. */
  readonly pause: number | undefined
  readonly ack: number | undefined
  /** Equal for equal requests, and for no others. */
  readonly digest: string
  /** The size of the request. */
  readonly bytes: number
}

/** The bounds of a whole request, where those of what it carries are `limits`. */
export function wrapped({ bytes, depth, elements, attributes }: ParserLimits): ParserLimits {
  const more = (limit: number, by: number) => (limit === 0 ? 0 : limit + by)
  return {
    bytes: more(bytes, WRAPPER.bytes),
    depth: more(depth, 1),
    elements: more(elements, 1),
    attributes: attributes === 0 ? 0 : Math.max(attributes, WRAPPER.attributes),
  }
}

/**
 * Reads a request (XEP-0124 §6).
 *
 * @throws BindingError `bad-request` for what is none, `policy-violation` for what is past `limits`.
 */
export function readWrapper(request: Uint8Array, limits: ParserLimits): Wrapper {
  const body = parse(request, limits)
  const { attrs } = body
  if (body.name !== 'body' || attrs['xmlns'] !== NS)
    throw new BindingError('bad-request', 'That is no <body/> of BOSH.')
  return {
    rid: readNumber(attrs['rid'], 'rid', 1)!,
    sid: attrs['sid'],
    attrs,
    payloads: body.children.flatMap((child) => payload(child as Element | string)),
    terminates: attrs['type'] === 'terminate',
    restarts: readBoolean(qualified(attrs, 'restart')) ?? false,
    pause: readNumber(attrs['pause'], 'pause'),
    ack: readNumber(attrs['ack'], 'ack'),
    digest: createHash('sha256').update(request).digest('base64'),
    bytes: request.length,
  }
}

function parse(request: Uint8Array, limits: ParserLimits): Element {
  try {
    return parseDocument(request, limits)
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    throw new BindingError(error.condition === 'policy-violation' ? 'policy-violation' : 'bad-request', error.message)
  }
}

/** An attribute that XEP-0206 adds, whatever its prefix. */
export function qualified(attrs: Wrapper['attrs'], name: string): string | undefined {
  for (const key in attrs) {
    const colon = key.indexOf(':')
    if (colon > 0 && key.slice(colon + 1) === name && attrs[`xmlns:${key.slice(0, colon)}`] === NS_XBOSH)
      return attrs[key]
  }
  return undefined
}

/**
 * A whole number; of a `rid` at least 1 (XEP-0124 §14.1: at most 2^53 - 1).
 *
 * @throws BindingError `bad-request` for anything else, and for none where there is a least.
 */
export function readNumber(text: string | undefined, name: string, least?: number): number | undefined {
  if (text === undefined && least === undefined) return undefined
  const value = /^\d{1,16}$/.test(text ?? '') ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value) || value < (least ?? 0))
    throw new BindingError('bad-request', `The attribute ${name} is no number that it can be.`)
  return value
}

/** A child of the wrapper as an element of the stream; the space around it is nothing. */
function payload(child: Element | string): Element[] {
  if (typeof child === 'string') {
    // XEP-0124 §6: no character data in the wrapper itself.
    if (/[^\t\n\r ]/.test(child)) throw new BindingError('bad-request', 'There is text between payloads.')
    return []
  }
  child.parent = null
  if (child.attrs['xmlns'] === NS_CLIENT) delete child.attrs['xmlns']
  // XEP-0206 §2: many do not say the namespace of stanzas, which is then taken for part of BOSH's.
  else if (child.attrs['xmlns'] === undefined) settle(child)
  return [child]
}

/** Makes elements that say they are in their parent's namespace, now that it is the stream's, say nothing. */
function settle(stanza: Element): void {
  const left = [stanza]
  for (let element = left.pop(); element !== undefined; element = left.pop())
    for (const child of element.getChildElements()) {
      if (child.attrs['xmlns'] === NS_CLIENT) delete child.attrs['xmlns']
      if (child.attrs['xmlns'] === undefined) left.push(child)
    }
}
