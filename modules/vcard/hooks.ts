import { defineGate, defineNotice, type Element, type Jid } from '#api'

/** A vCard that was set, changed or removed, by whichever way; it is on disk. */
export interface VcardChange {
  /** The bare JID of the account. */
  readonly account: Jid
  /**
   * The `<vCard xmlns='vcard-temp'/>` as anybody sees it now, but without pictures, which nobody edits; `undefined` when
   * there is none any more.
   */
  readonly card: Element | undefined
}
export const vcardChanged = defineNotice<VcardChange>(
  'vcard/changed',
  'The vCard of an account was set, changed or removed.',
)

/** A vCard that the owner sets. */
export interface VcardSetting {
  /** The bare JID of the account. */
  readonly account: Jid
  /** The card, without children when it is to be removed. Whoever keeps a part of it elsewhere takes that out. */
  readonly card: Element
}
/** What refuses, or keeps something of the card, before the rest is put on disk. */
export const vcardSetting = defineGate<VcardSetting>(
  'vcard/setting',
  'The owner sets the vCard of an account: refuse it, or keep a part of it elsewhere.',
)

/** A vCard on its way to somebody. */
export interface VcardShowing {
  /** The bare JID of the account. */
  readonly account: Jid
  /** Who gets it; `undefined` for the server's own use: what anybody would see, and no pictures. */
  readonly asker: Jid | undefined
  /** What is kept of the card, perhaps nothing. Whoever keeps a part elsewhere puts it in. */
  readonly card: Element
}
export const vcardShowing = defineGate<VcardShowing>(
  'vcard/showing',
  'A vCard is about to be shown to somebody: put in what is kept elsewhere, take out what is not for them.',
)
