import { notWellFormed, XmlError } from './xml-error.ts'

const space = '[ \\t\\r\\n]'
const equals = `${space}*=${space}*`
// XML 1.0 §2.8, production 23; §4.3.3, production 80. Nothing but version 1.0 is spoken (RFC 6120 §11.5).
const form = new RegExp(
  `^<\\?xml${space}+version${equals}(?:"1\\.0"|'1\\.0')` +
    `(?:${space}+encoding${equals}(?:"([A-Za-z][-.\\w]*)"|'([A-Za-z][-.\\w]*)'))?` +
    `(?:${space}+standalone${equals}(?:"(?:yes|no)"|'(?:yes|no)'))?${space}*\\?>$`,
)

/** Longest XML declaration, in characters. */
const longest = 256

/**
 * The end of the XML declaration or processing instruction at `at`, or -1 when there is not enough to tell.
 *
 * Throws `restricted-xml` for a processing instruction (RFC 6120 §11.1), `unsupported-encoding` for anything but UTF-8
 * (§11.6), `not-well-formed` for a declaration that is wrong or, unless `isFirst`, is there at all.
 */
export function declarationEnd(text: string, at: number, isFirst: boolean): number {
  const head = text.slice(at, at + 6)
  if (head.length < 6 && '<?xml'.startsWith(head)) return -1
  if (!/^<\?xml[ \t\r\n?]/.test(head)) throw new XmlError('restricted-xml', 'Processing instructions are not allowed.')
  if (!isFirst) throw notWellFormed('An XML declaration stands at the very beginning.')
  const end = text.indexOf('>', at) + 1
  if ((end === 0 ? text.length : end) - at > longest) throw notWellFormed('The XML declaration does not end.')
  if (end === 0) return -1
  const parts = form.exec(text.slice(at, end))
  if (parts === null) throw notWellFormed('The XML declaration is wrong.')
  const encoding = parts[1] ?? parts[2] ?? 'utf-8'
  if (encoding.toLowerCase() !== 'utf-8') throw new XmlError('unsupported-encoding', 'XMPP is written in UTF-8.')
  return end
}
