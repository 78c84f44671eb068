import { createHash } from 'node:crypto'
import { type Element, NS_FORMS, ownText } from '#api'
import { byOctets } from '../disco/index.ts'

/** The namespace of announcements (XEP-0390). */
export const NS_CAPS2 = 'urn:xmpp:caps'
/** The namespace of hashes (XEP-0300). */
export const NS_HASHES = 'urn:xmpp:hashes:2'
const NS_INFO = 'http://jabber.org/protocol/disco#info'

/** The hash functions that are computed here, by their names in XEP-0300, best first; and what they are called in Node. */
const functions = new Map([
  ['sha-256', 'sha256'],
  ['sha3-256', 'sha3-256'],
  ['sha-512', 'sha512'],
  ['sha3-512', 'sha3-512'],
])

/** One hash of what an entity is and can do. */
export interface CapabilityHash {
  /** The name of the hash function (XEP-0300). */
  readonly algo: string
  /** In base64. */
  readonly value: string
}

/** The hash, by the function of that name, of the `<query/>` of a disco#info result; `undefined` when it has none (XEP-0390 §4.1). */
export function capabilityHash(query: Element, algo: string, language?: string): string | undefined {
  const name = functions.get(algo)
  const input = hashInput(query, language)
  return name === undefined || input === undefined ? undefined : createHash(name).update(input).digest('base64')
}

/** Whether what a client has answered is what it has announced; `language` is what holds where the answer names none. */
export function matches(query: Element, { algo, value }: CapabilityHash, language?: string): boolean {
  // Not all clients take the language of their stream into account.
  return capabilityHash(query, algo) === value || capabilityHash(query, algo, language) === value
}

/** The node at which an entity tells what it has hashed (XEP-0390 §4.3). */
export function hashNode({ algo, value }: CapabilityHash): string {
  return `${NS_CAPS2}#${algo}.${value}`
}

/** The best of the hashes in a `<c/>`, of those that can be computed here. */
export function bestHash(c: Pick<Element, 'getChildren'>): CapabilityHash | undefined {
  const offered = c.getChildren('hash', NS_HASHES)
  for (const algo of functions.keys()) {
    const value = offered
      .find(({ attrs }) => attrs['algo'] === algo)
      ?.getText()
      .trim()
    if (value !== undefined && /^[\w+/]{43,88}={0,2}$/.test(value)) return { algo, value: ownText(value) }
  }
  return undefined
}

/** XEP-0390 §4.1; `undefined` where it aborts with an error. */
function hashInput(query: Element, language: string | undefined): string | undefined {
  const features: string[] = []
  const identities: string[] = []
  const forms: string[] = []
  for (const child of query.getChildElements()) {
    const { attrs } = child
    if (child.is('feature', NS_INFO)) features.push(`${attrs['var'] ?? ''}\x1f`)
    else if (child.is('identity', NS_INFO)) {
      const lang = attrs['xml:lang'] ?? query.attrs['xml:lang'] ?? language ?? ''
      const parts = [attrs['category'] ?? '', attrs['type'] ?? '', lang, attrs['name'] ?? '']
      identities.push(`${parts.map((part) => `${part}\x1f`).join('')}\x1e`)
    } else {
      const form = child.is('x', NS_FORMS) ? formInput(child) : undefined
      if (form === undefined) return undefined
      forms.push(form)
    }
  }
  return [features, identities, forms].map((parts) => `${joined(parts)}\x1c`).join('')
}

function formInput(form: Element): string | undefined {
  if (form.getChild('reported', NS_FORMS) !== undefined || form.getChild('item', NS_FORMS) !== undefined)
    return undefined
  const fields = form.getChildren('field', NS_FORMS)
  const types = fields.filter(({ attrs }) => attrs['var'] === 'FORM_TYPE')
  // XEP-0068: one type, and it is hidden, which in results goes without saying.
  const kind = types[0]?.attrs['type'] ?? 'hidden'
  if (types.length !== 1 || kind !== 'hidden' || types[0]!.getChildren('value', NS_FORMS).length !== 1) return undefined
  const parts = fields.map((field) => {
    const values = field.getChildren('value', NS_FORMS).map((value) => `${value.getText()}\x1f`)
    return `${field.attrs['var'] ?? ''}\x1f${joined(values)}\x1e`
  })
  return `${joined(parts)}\x1d`
}

function joined(parts: string[]): string {
  return parts.sort(byOctets).join('')
}
