import { type ConfigOf, type Element, type OptionComplaint, option, xml } from '#api'

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

/** What is wrong with what components answer: a namespace that nobody may have, or that two have. */
export function complaints(grants: Readonly<Record<string, Grant>>): OptionComplaint[] {
  const found: OptionComplaint[] = []
  const taken = new Map<string, string>()
  for (const [domain, { namespaces, mayAsk }] of Object.entries(grants)) {
    const add = (message: string, cure: string) => found.push({ option: `components.${domain}`, message, cure })
    const wrong = [...Object.keys(namespaces), ...mayAsk].find((xmlns) => never.has(xmlns))
    if (wrong !== undefined) add(`cannot have the namespace "${wrong}"`, 'Take it out.')
    for (const xmlns of Object.keys(namespaces)) {
      const rival = taken.get(xmlns)
      if (rival !== undefined) add(`has the namespace "${xmlns}", and so has ${rival}`, 'Take it from one of the two.')
      taken.set(xmlns, domain)
    }
  }
  return found
}

/** Who answers which namespace, as the admin says. */
export function delegatedByAdmin(grants: Readonly<Record<string, Grant>>): ReadonlyMap<string, Delegated> {
  const delegated = new Map<string, Delegated>()
  for (const [domain, { namespaces }] of Object.entries(grants))
    for (const [xmlns, { attributes }] of Object.entries(namespaces)) delegated.set(xmlns, { domain, attributes })
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
