import { notWellFormed } from './xml-error.ts'

/** What a name is used for in an attribute: an ordinary one, a declaration, or one that needs its prefix resolved. */
export type NameKind = 'default' | 'declaration' | 'plain' | 'prefixed'

/** A name of an element or attribute, checked and taken apart once. */
export interface Name {
  /** As written. */
  readonly raw: string
  /** Empty when there is none. */
  readonly prefix: string
  readonly local: string
  readonly kind: NameKind
}

// XML 1.0 (5th ed.) §2.3, productions 4 and 4a without the colon: NCName of Namespaces in XML 1.0 §3.
const startChars =
  'A-Z_a-z\\xC0-\\xD6\\xD8-\\xF6\\xF8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C\\u200D\\u2070-\\u218F\\u2C00-\\u2FEF' +
  '\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD\\u{10000}-\\u{EFFFF}'
const ncName = new RegExp(`^[${startChars}][-.0-9\\xB7\\u0300-\\u036F\\u203F\\u2040${startChars}]*$`, 'u')

/** The ASCII characters that may be part of a name, the colon among them. */
const nameChars = new Uint8Array(128)
for (let code = 0; code < 128; code++) if (/[-.0-9:A-Z_a-z]/.test(String.fromCharCode(code))) nameChars[code] = 1

/** Where the run of characters that could be a name ends; equals `from` when there is none. */
export function nameEnd(text: string, from: number): number {
  let at = from
  for (;;) {
    const code = text.charCodeAt(at)
    // What is not ASCII is judged when the name is taken; NaN, past the end, stops.
    if (code >= 128 || nameChars[code] === 1) at++
    else return at
  }
}

/** Names seen lately, by a weak hash. A slot holds the last that fell into it, so it can be filled but not grown. */
const seen: (Name | undefined)[] = new Array(2048).fill(undefined)
const longestKept = 64

/** The name that stands in `text` from `from` to `to`; throws `not-well-formed`. */
export function nameAt(text: string, from: number, to: number): Name {
  const length = to - from
  // Some characters and the length, spread by a multiplier whose top bits are taken (Fibonacci hashing).
  const ends = (text.charCodeAt(from) << 24) ^ (text.charCodeAt(to - 1) << 16)
  const inside = (text.charCodeAt(from + (length >> 1)) << 8) ^ (text.charCodeAt(from + (length >> 2)) << 4)
  const slot = Math.imul(ends ^ inside ^ length, 0x9e3779b1) >>> 21
  const known = seen[slot]
  if (known !== undefined && known.raw.length === length && text.startsWith(known.raw, from)) return known
  const name = takeApart(text.slice(from, to))
  if (length <= longestKept) seen[slot] = name
  return name
}

function takeApart(source: string): Name {
  // A copy: a slice would keep the chunk it was cut from alive for as long as the name is known.
  const raw = Buffer.from(source).toString()
  const colon = raw.indexOf(':')
  const prefix = colon === -1 ? '' : raw.slice(0, colon)
  const local = raw.slice(colon + 1)
  // Namespaces in XML 1.0 §4: at most one colon, with a name on either side.
  if (!ncName.test(local) || (colon !== -1 && !ncName.test(prefix))) throw notWellFormed('A name is not a name.')
  // Not a rule of XML: as a key of an object, this one name would not be an entry but the object's prototype.
  if (local === '__proto__') throw notWellFormed('A name is not acceptable.')
  return { raw, prefix, local, kind: kindOf(prefix, local) }
}

function kindOf(prefix: string, local: string): NameKind {
  if (prefix === '') return local === 'xmlns' ? 'default' : 'plain'
  if (prefix === 'xmlns') return 'declaration'
  return prefix === 'xml' ? 'plain' : 'prefixed'
}
