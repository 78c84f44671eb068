import { type ConfigOf, type Element, type OptionComplaint, option, xml } from '#api'

/** The namespace of privileges (XEP-0356). */
export const NS_PRIVILEGE = 'urn:xmpp:privilege:2'

const access = option.oneOf('none', 'get', 'set', 'both').default('none')

const grant = option.group({
  roster: access.describe('What it may do with the roster of every account.'),
  push: option.bool().default(true).describe('Whether it hears of changes of rosters that it may get.'),
  message: option
    .oneOf('none', 'outgoing')
    .default('none')
    .describe('Whether it may send messages in the name of the host and of every account.'),
  iq: option
    .record(access)
    .default({})
    .describe('Which requests it may send in the name of every account, by the namespace of what is asked.'),
  presence: option
    .oneOf('none', 'managed_entity')
    .default('none')
    .describe('Whether it hears when clients of the host come and go.'),
})

/** What each component may do on a host, by its domain. */
export const grantsOption = option
  .record(grant, option.host())
  .default({})
  .describe('What external components may do, by their domains: roster, push, message, iq, presence.')
  .example('{ pubsub.example.org: { roster: get, message: outgoing, presence: managed_entity } }')

/** What one component may do. */
export type Grant = ConfigOf<{ grant: typeof grant }>['grant']
export type Access = Grant['roster']

/** Whether access covers requests of a type. */
export function covers(access: Access | undefined, type: string): boolean {
  return (type === 'get' || type === 'set') && (access === 'both' || access === type)
}

/** Whether a component is told of changes of rosters: only where it may get them (XEP-0356 §4.1). */
export function isPushedTo({ roster, push }: Grant): boolean {
  return push && covers(roster, 'get')
}

/** Requests that need no privilege of their own, or have one: these namespaces are not for `iq`. */
const reserved = ['jabber:iq:roster', NS_PRIVILEGE, 'urn:xmpp:delegation:2']

/** What is wrong with what components are granted. */
export function complaints(grants: Readonly<Record<string, Grant>>): OptionComplaint[] {
  return Object.entries(grants).flatMap(([domain, { iq }]) => {
    const wrong = Object.keys(iq).find((xmlns) => xmlns === '' || reserved.includes(xmlns))
    if (wrong === undefined) return []
    const message = `cannot grant requests of the namespace "${wrong}"`
    return [{ option: `components.${domain}`, message, cure: 'Take it out of iq; rosters are granted by roster.' }]
  })
}

/** What a component is told it may do (XEP-0356 §4.2, §5.2, §6.2, §7.2); `undefined` when it is nothing. */
export function privilegeElement(grant: Grant): Element | undefined {
  const perms: Element[] = []
  if (grant.roster !== 'none')
    perms.push(xml('perm', { access: 'roster', type: grant.roster, push: String(isPushedTo(grant)) }))
  if (grant.message !== 'none') perms.push(xml('perm', { access: 'message', type: grant.message }))
  const namespaces = Object.entries(grant.iq).filter(([, type]) => type !== 'none')
  if (namespaces.length > 0) {
    const perm = xml('perm', { access: 'iq' })
    for (const [ns, type] of namespaces) perm.append(xml('namespace', { ns, type }))
    perms.push(perm)
  }
  if (grant.presence !== 'none') perms.push(xml('perm', { access: 'presence', type: grant.presence }))
  return perms.length === 0 ? undefined : xml('privilege', { xmlns: NS_PRIVILEGE }, ...perms)
}
