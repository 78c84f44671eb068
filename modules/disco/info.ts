import { dataForm, type Element, type FormField, type Host, xml } from '#api'
import {
  accountType,
  type DiscoForm,
  type DiscoInfo,
  type DiscoItem,
  type DiscoRequest,
  type DiscoTarget,
  discoExtensions,
  discoIdentities,
  discoItems,
} from './hooks.ts'

/** The namespace of questions about what something is and can do. */
export const NS_INFO = 'http://jabber.org/protocol/disco#info'
/** The namespace of questions about what belongs to something. */
export const NS_ITEMS = 'http://jabber.org/protocol/disco#items'

/** Orders texts by their octets in UTF-8 (`i;octet`, RFC 4790 §9.3). */
export function byOctets(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** What the host or an account is and can do as of now, with all that modules add. */
export function gatherInfo(host: Host, of: DiscoTarget, request: DiscoRequest): DiscoInfo {
  return {
    identities: [
      ...host.hooks.all(discoIdentities).filter((identity) => identity.of === of),
      ...(of === 'account' ? [{ category: 'account', type: host.hooks.ask(accountType, request.to) }] : []),
    ],
    features: [...host.features[of]],
    forms: gatherForms(host, of, request),
  }
}

function gatherForms(host: Host, of: DiscoTarget, request: DiscoRequest): DiscoForm[] {
  const forms = new Map<string, FormField[]>()
  for (const offer of host.hooks.all(discoExtensions)) {
    if (offer.of !== of) continue
    const fields = offer.fields(request)
    // XEP-0115 §5.4: two forms of one type would make the whole answer ill-formed, so that they become one.
    if (fields.length > 0) forms.set(offer.formType, [...(forms.get(offer.formType) ?? []), ...fields])
  }
  return [...forms].map(([formType, fields]) => ({ formType, fields }))
}

/** What belongs to the host or an account as of now, in the order of the modules that say so. */
export async function gatherItems(host: Host, of: DiscoTarget, request: DiscoRequest): Promise<readonly DiscoItem[]> {
  const offers = host.hooks.all(discoItems).filter((offer) => offer.of === of)
  return (await Promise.all(offers.map((offer) => offer.items(request)))).flat()
}

/** The `<query/>` that answers disco#info: identities, features and forms, each sorted, so that equal answers are equal texts. */
export function infoElement(info: DiscoInfo, node?: string): Element {
  const query = xml('query', { xmlns: NS_INFO, node })
  const identities = info.identities.map(({ category, type, name, lang }) =>
    xml('identity', { category, type, name, 'xml:lang': lang }),
  )
  const key = ({ attrs }: Element) =>
    `${attrs['category']}/${attrs['type']}/${attrs['xml:lang'] ?? ''}/${attrs['name'] ?? ''}`
  query.append(...identities.sort((a, b) => byOctets(key(a), key(b))))
  query.append(...[...new Set(info.features)].sort(byOctets).map((feature) => xml('feature', { var: feature })))
  for (const { formType, fields } of [...info.forms].sort((a, b) => byOctets(a.formType, b.formType)))
    query.append(
      dataForm(
        'result',
        formType,
        [...fields].sort((a, b) => byOctets(a.var, b.var)),
      ),
    )
  return query
}

/** The `<query/>` that answers disco#items, sorted by address, then node. */
export function itemsElement(items: readonly DiscoItem[], node?: string): Element {
  const sorted = [...items].sort((a, b) => byOctets(a.jid, b.jid) || byOctets(a.node ?? '', b.node ?? ''))
  return xml(
    'query',
    { xmlns: NS_ITEMS, node },
    ...sorted.map((item) => xml('item', { jid: item.jid, node: item.node, name: item.name })),
  )
}
