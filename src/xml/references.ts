import { notWellFormed, XmlError } from './xml-error.ts'

/** Longest reference, in characters; more would only be leading zeros. */
export const longestReference = 32

/** The text a stretch of character data stands for: line ends made one, references replaced. */
export function readText(source: string): string {
  // XML 1.0 §2.4: `]]>` is not allowed in text.
  if (source.includes(']]>')) throw notWellFormed('Text must not contain "]]>".')
  return expand(endLines(source))
}

/** Line ends made one (XML 1.0 §2.11). */
export function endLines(source: string): string {
  return source.includes('\r') ? source.replace(/\r\n?/g, '\n') : source
}

/** The value an attribute's source stands for (XML 1.0 §3.3.3): white space made spaces, references replaced. */
export function readValue(source: string): string {
  return expand(/[\t\n\r]/.test(source) ? source.replace(/\r\n|[\t\n\r]/g, ' ') : source)
}

/** How much of the text read so far can be taken now: what may be half of something waits for the rest. */
export function completeText(text: string, from: number): number {
  const end = text.length
  if (text.charCodeAt(end - 1) === 0x0d) return end - 1
  const amp = text.lastIndexOf('&')
  if (amp >= from && text.indexOf(';', amp) === -1) {
    if (end - amp > longestReference) throw notWellFormed('A reference does not end.')
    return amp
  }
  return completeBrackets(text, from)
}

/** How much can be taken without cutting a `]]>` in two. */
export function completeBrackets(text: string, from: number): number {
  let end = text.length
  while (end > from && text.length - end < 2 && text.charCodeAt(end - 1) === 0x5d) end--
  return end
}

function expand(source: string): string {
  let at = source.indexOf('&')
  if (at === -1) return source
  let result = ''
  let from = 0
  while (at !== -1) {
    const end = source.indexOf(';', at)
    if (end === -1 || end - at >= longestReference) throw notWellFormed('A reference does not end.')
    result += source.slice(from, at) + referred(source.slice(at + 1, end))
    from = end + 1
    at = source.indexOf('&', from)
  }
  return result + source.slice(from)
}

function referred(name: string): string {
  switch (name) {
    case 'amp':
      return '&'
    case 'lt':
      return '<'
    case 'gt':
      return '>'
    case 'quot':
      return '"'
    case 'apos':
      return "'"
  }
  if (name.startsWith('#')) return character(name)
  // RFC 6120 §11.1: no entity but the five. What is no name at all is a stray ampersand.
  if (/^[\p{L}_:][\p{L}\p{M}\p{N}_:.-]*$/u.test(name))
    throw new XmlError('restricted-xml', 'Only the five predefined entities exist here.')
  throw notWellFormed('An ampersand does not begin a reference.')
}

function character(reference: string): string {
  const hex = /^#x([0-9a-fA-F]+)$/.exec(reference)?.[1]
  const decimal = /^#([0-9]+)$/.exec(reference)?.[1]
  const code = hex !== undefined ? Number.parseInt(hex, 16) : decimal !== undefined ? Number.parseInt(decimal, 10) : -1
  // XML 1.0 §2.2, production 2; §4.1, WFC Legal Character.
  const legal =
    code === 0x9 ||
    code === 0xa ||
    code === 0xd ||
    (code >= 0x20 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd) ||
    (code >= 0x10000 && code <= 0x10ffff)
  if (!legal) throw notWellFormed('A character reference names no character of XML.')
  return String.fromCodePoint(code)
}
