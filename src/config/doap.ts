import { type Element, xml } from '../xml/element.ts'
import { serialize } from '../xml/wire.ts'

/** A specification that somebody claims to implement, as a module declares it. */
export interface Claim {
  readonly xep: number
  readonly version: string
  readonly note?: string
  readonly partial?: boolean
  readonly since?: string
}

/** The version that had whatever does not say since when it is there. */
const FIRST_VERSION = '0.1.0'
/** The standards that all the rest stands on. */
const rfcs = [5802, 6120, 6121, 7622, 7677]

/**
 * The description of the project (XEP-0453, DOAP as RDF/XML) with all it claims to implement: one entry a XEP, however many
 * modules have a share in it, at the oldest version any of them was written against.
 */
export function doapXml(claims: readonly Claim[]): string {
  const attrs = {
    'xmlns:rdf': 'http://www.w3.org/1999/02/22-rdf-syntax-ns#',
    'xmlns:xmpp': 'https://linkmauve.fr/ns/xmpp-doap#',
    xmlns: 'http://usefulinc.com/ns/doap#',
  }
  const project = [
    xml('name', null, 'Stonechat'),
    xml('shortdesc', { 'xml:lang': 'en' }, 'An XMPP messaging server for organisations that host their own chat.'),
    xml('license', { 'rdf:resource': 'https://www.apache.org/licenses/LICENSE-2.0' }),
    xml('programming-language', null, 'TypeScript'),
    xml('os', null, 'Linux'),
    xml('category', { 'rdf:resource': 'https://linkmauve.fr/ns/xmpp-doap#category-server' }),
    ...rfcs.map((rfc) => xml('implements', { 'rdf:resource': `https://www.rfc-editor.org/info/rfc${rfc}` })),
    ...merged(claims).map((claim) => xml('implements', null, supported(claim))),
  ]
  const lines = [
    "<?xml version='1.0' encoding='UTF-8'?>",
    '<!-- Generated from the declarations in the code. Do not edit. -->',
    `${serialize(xml('rdf:RDF', attrs)).slice(0, -2)}>`,
    '  <Project>',
    ...project.flatMap((element) => indented(element, '    ')),
    '  </Project>',
    '</rdf:RDF>',
  ]
  return `${lines.join('\n')}\n`
}

/** One claim a XEP, by number. It is partial when one of its parts is; the notes of the parts stand one after the other. */
export function merged(claims: readonly Claim[]): Claim[] {
  const byNumber = Map.groupBy(claims, ({ xep }) => xep)
  return [...byNumber]
    .sort(([a], [b]) => a - b)
    .map(([xep, parts]) => {
      const notes = [...new Set(parts.flatMap(({ note }) => note ?? []))]
      const oldest = (values: readonly string[]) => values.toSorted(byVersion)[0]!
      return {
        xep,
        version: oldest(parts.map(({ version }) => version)),
        partial: parts.some(({ partial }) => partial === true),
        since: oldest(parts.map(({ since }) => since ?? FIRST_VERSION)),
        ...(notes.length > 0 && { note: notes.join(' ') }),
      }
    })
}

function supported({ xep, version, note, partial, since }: Claim): Element {
  const number = String(xep).padStart(4, '0')
  return xml(
    'xmpp:SupportedXep',
    null,
    xml('xmpp:xep', { 'rdf:resource': `https://xmpp.org/extensions/xep-${number}.html` }),
    xml('xmpp:status', null, partial === true ? 'partial' : 'complete'),
    xml('xmpp:version', null, version),
    xml('xmpp:since', null, since),
    note !== undefined && xml('xmpp:note', { 'xml:lang': 'en' }, note),
  )
}

function byVersion(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}

function indented(element: Element, indent: string): string[] {
  const children = element.getChildElements()
  if (children.length === 0) return [`${indent}${serialize(element)}`]
  return [
    `${indent}<${element.name}>`,
    ...children.flatMap((child) => indented(child, `${indent}  `)),
    `${indent}</${element.name}>`,
  ]
}
