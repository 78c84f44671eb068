import { type ConfigOf, type Element, option, xml } from '#api'

/** The namespace of delegations (XEP-0355). */
export const NS_DELEGATION = 'urn:xmpp:delegation:2'

const namespace = option.group({
  attributes: option
    .list(option.string().min(1))
    .distinct()
    .default([])
    .describe('Only requests whose first child has all of these attributes.'),
})

const grant = option.group({
  namespaces: option
    .record(namespace)
    .default({})
    .describe('What it answers for the host and every account, by namespace.'),
  mayAsk: option
    .list(option.string().min(1))
    .distinct()
    .default([])
    .describe('Namespaces that it may ask users to let it answer in their name, until they have gone offline.'),
})

/** What each component answers on a host, by its domain. */
export const grantsOption = option
  .record(grant, option.host())
  .default({})
  .describe('What external components answer in place of the server, by their domains: namespaces, mayAsk.')
  .example("{ pubsub.example.org: { namespaces: { 'http://jabber.org/protocol/pubsub': {} } } }")

/** What one component answers. */
export type Grant = ConfigOf<{ grant: typeof grant }>['grant']

/** A namespace that is a component's, and the attributes that a request must have to go there. */
export interface Delegated {
  readonly domain: string
  readonly attributes: readonly string[]
}

/** Never delegated: delegation itself (XEP-0355 §9), privileges, and what tells whether there is such an account. */
const never = new Set([
  '',
  NS_DELEGATION,
  'urn:xmpp:privilege:2',
  'http://jabber.org/protocol/disco#info',
  'http://jabber.org/protocol/disco#items',
])

/**
 * Who answers which namespace, as the admin says.
 *
 * @throws Error for a namespace that nobody may have, or that two have.
 */
export function delegatedByAdmin(grants: Readonly<Record<string, Grant>>): ReadonlyMap<string, Delegated> {
  const delegated = new Map<string, Delegated>()
  for (const [domain, { namespaces, mayAsk }] of Object.entries(grants)) {
    for (const xmlns of [...Object.keys(namespaces), ...mayAsk])
      if (never.has(xmlns)) throw new Error(`"${xmlns}" cannot be delegated to ${domain}`)
    for (const [xmlns, { attributes }] of Object.entries(namespaces)) {
      const rival = delegated.get(xmlns)
      if (rival !== undefined) throw new Error(`"${xmlns}" is delegated to ${rival.domain} and to ${domain}`)
      delegated.set(xmlns, { domain, attributes })
    }
  }
  return delegated
}

/** What a component is told of what it answers (XEP-0355 §4.2, §5.1): for all, or for one account. */
export function delegationElement(
  namespaces: Iterable<readonly [xmlns: string, attributes: readonly string[]]>,
  account?: string,
): Element {
  const delegation = xml('delegation', { xmlns: NS_DELEGATION, to: account })
  for (const [namespace, attributes] of namespaces) {
    const delegated = xml('delegated', { namespace })
    for (const name of attributes) delegated.append(xml('attribute', { name }))
    delegation.append(delegated)
  }
  return delegation
}
