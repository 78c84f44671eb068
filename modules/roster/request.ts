import { type Element, Jid, JidError, ownText, StanzaError } from '#api'
import { NS_ROSTER } from './item.ts'

/** What a client asks to be done to an item (RFC 6121 §2.1.5). */
export type RosterRequest =
  | { readonly remove: true; readonly jid: Jid }
  | { readonly remove: false; readonly jid: Jid; readonly name: string; readonly groups: readonly string[] }

/** What bounds an item; 0 is no bound. */
export interface ItemLimits {
  /** Characters of a handle. */
  readonly maxName: number
  /** Groups of an item. */
  readonly maxGroups: number
  /** Characters of a group's name. */
  readonly maxGroupName: number
}

/**
 * Reads the payload of a roster set.
 *
 * @throws StanzaError `bad-request`, `jid-malformed`, `not-allowed` or `not-acceptable`, each where RFC 6121 §2.3.3 says.
 */
export function readRosterSet(query: Element, owner: Jid, limits: ItemLimits): RosterRequest {
  const children = query.getChildElements()
  const [item] = children
  // RFC 6121 §2.3.3: exactly one item.
  if (children.length !== 1 || item === undefined || item.name !== 'item' || item.getNS() !== NS_ROSTER)
    throw new StanzaError('bad-request', 'A roster set has exactly one item.')
  const jid = readContact(item)
  // RFC 6121 §2.5.1: of an item to be removed nothing else counts.
  if (item.attrs['subscription'] === 'remove') return { remove: true, jid }
  if (jid.equals(owner)) throw new StanzaError('not-allowed', 'Nobody is a contact of their own.')
  // RFC 6121 §2.1.2: what the server alone decides (ask, approved, any other subscription) is ignored.
  return { remove: false, jid, name: readName(item, limits), groups: readGroups(item, limits) }
}

function readContact(item: Element): Jid {
  const text = item.attrs['jid']
  // RFC 6121 §2.3.3: an item without an address.
  if (text === undefined) throw new StanzaError('bad-request', 'An item has a jid.')
  let jid: Jid
  try {
    jid = Jid.parse(text)
  } catch (error) {
    if (error instanceof JidError) throw new StanzaError('jid-malformed', error.message)
    throw error
  }
  // RFC 6121 §2.1.2.3: contacts are accounts, not their resources.
  if (!jid.isBare) throw new StanzaError('bad-request', 'The jid of an item has no resource.')
  return jid
}

function readName(item: Element, { maxName }: ItemLimits): string {
  const name = item.attrs['name'] ?? ''
  // RFC 6121 §2.3.3: a handle longer than the server allows.
  if (isLonger(name, maxName)) throw new StanzaError('not-acceptable', `A name has at most ${maxName} characters.`)
  return ownText(name)
}

function readGroups(item: Element, { maxGroups, maxGroupName }: ItemLimits): string[] {
  const groups = item.getChildren('group', NS_ROSTER).map((group) => group.getText())
  if (maxGroups > 0 && groups.length > maxGroups)
    throw new StanzaError('not-acceptable', `An item is in at most ${maxGroups} groups.`)
  // RFC 6121 §2.3.3: a group without a name, or with too long a one.
  if (groups.includes('')) throw new StanzaError('not-acceptable', 'A group has a name.')
  if (groups.some((group) => isLonger(group, maxGroupName)))
    throw new StanzaError('not-acceptable', `The name of a group has at most ${maxGroupName} characters.`)
  // RFC 6121 §2.3.3: the same group twice.
  if (new Set(groups).size < groups.length) throw new StanzaError('bad-request', 'An item is in a group once.')
  return groups.map(ownText)
}

function isLonger(text: string, limit: number): boolean {
  return limit > 0 && text.length > limit && [...text].length > limit
}
