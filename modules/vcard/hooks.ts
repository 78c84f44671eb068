import { defineNotice, type Element, type Jid } from '#api'

/** A vCard that was set, changed or removed, by whichever way; it is on disk. */
export interface VcardChange {
  /** The bare JID of the account. */
  readonly account: Jid
  /** The `<vCard xmlns='vcard-temp'/>` as it is now, which nobody edits; `undefined` when there is none any more. */
  readonly card: Element | undefined
}
export const vcardChanged = defineNotice<VcardChange>(
  'vcard/changed',
  'The vCard of an account was set, changed or removed.',
)
