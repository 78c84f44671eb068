import { defineNotice, defineQuestion, type Jid } from '#api'
import type { RosterItem, SharedView } from './item.ts'

/** What happened to an item of an account's roster, committed and pushed. */
export interface RosterChange {
  /** The bare JID of the account. */
  readonly account: Jid
  /** `undefined` when there was nothing of the contact. */
  readonly was: RosterItem | undefined
  readonly now: RosterItem
}
export const rosterItemChanged = defineNotice<RosterChange>(
  'roster/item-changed',
  'An item of a roster, or the subscription state behind it, has changed.',
)

/** An item that its owner, or the end of the account, has removed. */
export interface RosterRemoval {
  /** The bare JID of the account. */
  readonly account: Jid
  readonly was: RosterItem
}
export const rosterItemRemoved = defineNotice<RosterRemoval>(
  'roster/item-removed',
  'An item was removed from a roster by its owner or with the account.',
)

/** A request about a roster by somebody who is not its owner. */
export interface RosterAccess {
  /** The bare JID of the account whose roster it is. */
  readonly account: Jid
  readonly by: Jid
  readonly type: 'get' | 'set'
}
/** A roster is its owner's. Whoever has been told by the admin that somebody else may read or change it says yes here. */
export const rosterAccess = defineQuestion<RosterAccess, boolean>(
  'roster/access',
  false,
  'May somebody else than its owner read or change a roster?',
)

/**
 * The contacts that an account, named by its bare JID, has in its roster without having put them there, such as those of
 * groups that the admin has made. They are merged with what the account keeps itself. Whoever gives them tells of what
 * changes in them with `announceShared` of the roster.
 */
export const sharedContacts = defineQuestion<Jid, SharedView | undefined>(
  'roster/shared-contacts',
  undefined,
  'Which contacts does an account have in its roster that it has not put there itself?',
)
