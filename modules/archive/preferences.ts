import { type Element, Jid, JidError, StanzaError, xml } from '#api'

const NS_MAM = 'urn:xmpp:mam:2'

/** What an account wants to have archived (XEP-0441 §2). The lists hold prepared JIDs, bare and full. */
export interface Preferences {
  readonly policy: 'always' | 'never' | 'roster'
  readonly always: ReadonlySet<string>
  readonly never: ReadonlySet<string>
}

/** What holds until an account says otherwise. */
export const defaultPreferences: Preferences = { policy: 'always', always: new Set(), never: new Set() }

/**
 * Whether messages from and to `peer` are kept (XEP-0441 §2.3); `roster` when the roster has to say. A full JID in a list
 * comes before a bare one, and the list of those never kept before that of those always kept.
 */
export function wanted({ policy, always, never }: Preferences, peer: Jid): boolean | 'roster' {
  if (always.size > 0 || never.size > 0)
    for (const text of [peer.toString(), peer.bare.toString()]) {
      if (never.has(text)) return false
      if (always.has(text)) return true
    }
  return policy === 'roster' ? 'roster' : policy === 'always'
}

/**
 * Reads `<prefs/>` (XEP-0441 §2.1). At most `maxItems` addresses in both lists, unless it is 0.
 *
 * @throws StanzaError `bad-request`, `jid-malformed` or `policy-violation`.
 */
export function readPreferences(prefs: Element, maxItems: number): Preferences {
  const policy = prefs.attrs['default']
  if (policy !== 'always' && policy !== 'never' && policy !== 'roster')
    throw new StanzaError('bad-request', 'The default is always, never or roster.')
  const always = readList(prefs, 'always')
  const never = readList(prefs, 'never')
  if (maxItems > 0 && always.size + never.size > maxItems)
    throw new StanzaError('policy-violation', `The preferences can name ${maxItems} addresses at most.`)
  return { policy, always, never }
}

function readList(prefs: Element, name: string): Set<string> {
  const jids = new Set<string>()
  for (const item of prefs.getChild(name, NS_MAM)?.getChildren('jid', NS_MAM) ?? [])
    try {
      jids.add(Jid.parse(item.getText()).toString())
    } catch (error) {
      if (error instanceof JidError) throw new StanzaError('jid-malformed', error.message)
      throw error
    }
  return jids
}

/** The preferences as the protocol shows them; both lists are always there. */
export function preferencesElement({ policy, always, never }: Preferences): Element {
  const list = (name: string, jids: Iterable<string>) =>
    xml(name, null, ...Array.from(jids, (jid) => xml('jid', null, jid)))
  return xml('prefs', { xmlns: NS_MAM, default: policy }, list('always', always), list('never', never))
}
