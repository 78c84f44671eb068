import { type Element, type Jid, xml } from '#api'

/** The namespace of rosters (RFC 6121 §2.1). */
export const NS_ROSTER = 'jabber:iq:roster'

/** Who sees whose presence: `to` – the account sees the contact's, `from` – the contact sees the account's. */
export type Subscription = 'both' | 'from' | 'none' | 'to'

/** All that an account keeps of a contact. Never edited: a change makes a new one. */
export interface RosterItem {
  /** The contact's bare JID. */
  readonly jid: Jid
  /** The handle; `''` when there is none. */
  readonly name: string
  readonly groups: readonly string[]
  readonly subscription: Subscription
  /** The account has asked the contact and has no answer yet ("Pending Out"). */
  readonly ask: boolean
  /** The account has approved a request that has not come yet (RFC 6121 §3.4). */
  readonly approved: boolean
  /** Whether clients see the item; a request of a stranger alone makes none (RFC 6121 §3.1.3). */
  readonly listed: boolean
  /** The contact's request that waits for an answer, as XML ("Pending In"). */
  readonly request: string | null
  /** The roster's version when clients last had reason to be told of the item. */
  readonly version: number
}

/** A contact that an account has without having put it into its roster. */
export interface SharedItem {
  /** The contact's bare JID. */
  readonly jid: Jid
  /** The groups it stands in for that. */
  readonly groups: readonly string[]
  /** What there is at least between the two. */
  readonly subscription: Subscription
  /** Whether clients see it: not when only the contact is to see the account. */
  readonly listed: boolean
  /** The version of the shared contacts when clients last had reason to be told of it. */
  readonly version: number
}

/** The shared contacts of one account, as of now. */
export interface SharedView {
  of(contact: Jid | string): SharedItem | undefined
  all(): Iterable<SharedItem>
  /** Those of them who are online, which is all that matters for presence. */
  online(): Iterable<SharedItem>
  /** Where they stand: `version` rises with every change, and changes since `floor` can be told item by item. */
  at(): { readonly version: number; readonly floor: number }
}

/** What an account keeps of a contact, together with what it shares. */
export function withShared(own: RosterItem | undefined, shared: SharedItem | undefined): RosterItem | undefined {
  if (shared === undefined) return own
  const base = own ?? unknownItem(shared.jid)
  const to = isWatched(base) || isWatched(shared)
  const from = isSubscribed(base) || isSubscribed(shared)
  const subscription = to && from ? 'both' : to ? 'to' : from ? 'from' : 'none'
  const groups = [...new Set([...base.groups, ...shared.groups])]
  return { ...base, subscription, groups, ask: base.ask && !to, listed: base.listed || shared.listed }
}

/** The item of a contact of whom nothing is kept. */
export function unknownItem(jid: Jid): RosterItem {
  return {
    jid,
    name: '',
    groups: [],
    subscription: 'none',
    ask: false,
    approved: false,
    listed: false,
    request: null,
    version: 0,
  }
}

/** Whether nothing of the item is worth a row. */
export function isVoid(item: RosterItem): boolean {
  return !item.listed && item.subscription === 'none' && !item.ask && !item.approved && item.request === null
}

/** Whether clients would be shown the same. */
export function looksLike(one: RosterItem, other: RosterItem): boolean {
  return (
    one.listed === other.listed &&
    one.subscription === other.subscription &&
    one.ask === other.ask &&
    one.approved === other.approved &&
    one.name === other.name &&
    one.groups === other.groups
  )
}

/** Whether the contact sees the account's presence. */
export function isSubscribed(item: Pick<RosterItem, 'subscription'> | undefined): boolean {
  return item !== undefined && (item.subscription === 'from' || item.subscription === 'both')
}

/** Whether the account sees the contact's presence. */
export function isWatched(item: Pick<RosterItem, 'subscription'> | undefined): boolean {
  return item !== undefined && (item.subscription === 'to' || item.subscription === 'both')
}

/** The item as clients see it (RFC 6121 §2.1.2). */
export function itemElement(item: RosterItem): Element {
  const { jid, name, groups, subscription, ask, approved } = item
  const el = xml('item', {
    approved: approved ? 'true' : undefined,
    ask: ask ? 'subscribe' : undefined,
    jid: jid.toString(),
    name: name === '' ? undefined : name,
    subscription,
  })
  for (const group of groups) el.append(xml('group', null, group))
  return el
}

/** What clients see of an item that is gone (RFC 6121 §2.5.2). */
export function removedElement(jid: Jid): Element {
  return xml('item', { jid: jid.toString(), subscription: 'remove' })
}
