import { createHash } from 'node:crypto'
import { type Element, type FormField, NS_FORMS } from '#api'
import type { DiscoForm, DiscoIdentity, DiscoInfo } from '../disco/hooks.ts'
import { byOctets } from '../disco/index.ts'

const NS_INFO = 'http://jabber.org/protocol/disco#info'

/** The hashes a verification string is computed with here, by their names in XEP-0300. */
export type CapsHash = 'sha-1' | 'sha-256'

/** The verification string of what an entity is and can do: a hash in base64 (XEP-0115 §5.1). */
export function verificationString(info: DiscoInfo, hash: CapsHash = 'sha-1'): string {
  return createHash(hash.replace('-', '')).update(plainString(info)).digest('base64')
}

/** XEP-0115 §5.1, steps 1 to 7. */
function plainString({ identities, features, forms }: DiscoInfo): string {
  const parts = [...identities.map(identityKey).sort(byOctets), ...[...features].sort(byOctets)]
  for (const form of [...forms].sort((a, b) => byOctets(a.formType, b.formType))) {
    parts.push(form.formType)
    for (const field of [...form.fields].sort((a, b) => byOctets(a.var, b.var)))
      parts.push(field.var, ...[...(field.values ?? [])].sort(byOctets))
  }
  return parts.map((part) => `${part}<`).join('')
}

function identityKey({ category, type, lang, name }: DiscoIdentity): string {
  return `${category}/${type}/${lang ?? ''}/${name ?? ''}`
}

/**
 * Reads the `<query/>` of a disco#info result, or returns `undefined` when XEP-0115 §5.4 calls it ill-formed: with an
 * identity, a feature or a form twice. One with `<` in it is ill-formed too: it could be read as another answer.
 * Compare {@link verificationString} of what it returns with the string that was announced, then trust it.
 */
export function readInfo(query: Element): DiscoInfo | undefined {
  const identities = query.getChildren('identity', NS_INFO).map(readIdentity)
  const features = query.getChildren('feature', NS_INFO).map((feature) => feature.attrs['var'] ?? '')
  const forms: DiscoForm[] = []
  for (const form of query.getChildren('x', NS_FORMS)) {
    const read = readForm(form)
    if (read === undefined) return undefined
    if (read !== 'ignored') forms.push(read)
  }
  if (!distinct(identities.map(identityKey)) || !distinct(features) || !distinct(forms.map((form) => form.formType)))
    return undefined
  const info = { identities, features, forms }
  const factors = [
    ...identities.map(identityKey),
    ...features,
    ...forms.flatMap((f) => [f.formType, ...f.fields.flatMap((field) => [field.var, ...(field.values ?? [])])]),
  ]
  return factors.some((factor) => factor.includes('<')) ? undefined : info
}

function readIdentity({ attrs }: Element): DiscoIdentity {
  const { category = '', type = '', name, 'xml:lang': lang } = attrs
  return { category, type, ...(name !== undefined && { name }), ...(lang !== undefined && { lang }) }
}

/** XEP-0115 §5.4: a form whose type is not hidden, or that has none, does not count; one with two types is ill-formed. */
function readForm(form: Element): DiscoForm | 'ignored' | undefined {
  const fields = form.getChildren('field', NS_FORMS)
  const typeField = fields.find((field) => field.attrs['var'] === 'FORM_TYPE')
  if (typeField?.attrs['type'] !== 'hidden') return 'ignored'
  const types = new Set(valuesOf(typeField))
  const [formType] = types
  if (types.size !== 1 || formType === undefined) return undefined
  const others = fields.filter((field) => field !== typeField)
  return {
    formType,
    fields: others.map((field): FormField => ({ var: field.attrs['var'] ?? '', values: valuesOf(field) })),
  }
}

function valuesOf(field: Element): string[] {
  return field.getChildren('value', NS_FORMS).map((value) => value.getText())
}

function distinct(texts: readonly string[]): boolean {
  return new Set(texts).size === texts.length
}
