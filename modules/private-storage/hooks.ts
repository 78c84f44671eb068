import { defineCollection, type Element, type Jid } from '#api'

/** Somebody who has what clients know as a stored element in another form, and keeps it instead. */
export interface ElementKeeper {
  readonly name: string
  readonly xmlns: string
  /** The element of an account, by its bare JID, as it is now. */
  get(account: Jid): Promise<Element>
  /** Takes what a client stores; throws `StanzaError` to refuse it. */
  set(account: Jid, element: Element): Promise<void>
}
export const elementKeepers = defineCollection<ElementKeeper>(
  'private-storage/element-keepers',
  'Stored elements that are only another form of what a module keeps.',
)
