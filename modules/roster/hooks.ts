import { defineNotice, type Jid } from '#api'
import type { RosterItem } from './item.ts'

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
