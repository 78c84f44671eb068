import { type Element, type Host, type Jid, KeyedQueue, parseDocument, serialize, xml } from '#api'
import { vcardChanged, vcardSetting, vcardShowing } from './hooks.ts'
import type { VcardStore } from './store.ts'

/** The namespace of XEP-0054. */
export const NS_VCARD = 'vcard-temp'

/** The vCards of a host's accounts, what is kept here and what other modules add. What changes one is done in order. */
export class Cards {
  readonly #host: Host
  readonly #store: VcardStore
  readonly #queue = new KeyedQueue()

  constructor(host: Host, store: VcardStore) {
    this.#host = host
    this.#store = store
  }

  /**
   * The card of an account as somebody sees it, after all changes that were begun before; without children when there is
   * nothing to see. Not to be asked from within a change of it.
   */
  async show(account: Jid, asker: Jid | undefined): Promise<Element> {
    await this.#queue.run(account.toString(), () => {})
    const kept = await this.#store.find(account.toString())
    return await this.#shown(account, asker, kept)
  }

  /** Puts a card in place of any earlier one; one without children removes it. Rejects with what a module refuses by. */
  set(account: Jid, card: Element): Promise<void> {
    return this.#queue.run(account.toString(), async () => {
      const isGone = card.children.length === 0
      await this.#host.hooks.pass(vcardSetting, { account, card })
      if (isGone) await this.#store.remove(account.toString())
      else await this.#store.put(account.toString(), serialize(card))
      this.#tell(account, await this.#shown(account, undefined, isGone ? undefined : serialize(card)))
    })
  }

  /** Changes what is kept of a card, or says that what others add to it has changed. */
  edit(account: Jid, edit: (card: Element) => void = () => {}): Promise<void> {
    return this.#queue.run(account.toString(), async () => {
      const before = await this.#store.find(account.toString())
      const card = before === undefined ? xml('vCard', { xmlns: NS_VCARD }) : parseDocument(before)
      edit(card)
      const kept = serialize(card)
      const seen = await this.#shown(account, undefined, kept)
      // An account of whose card nothing is kept here has a row none the less, by which it is found.
      if (before === undefined ? seen.children.length > 0 : kept !== before)
        await this.#store.put(account.toString(), kept)
      this.#tell(account, seen)
    })
  }

  /** Removes what is kept of an account that is deleted, once all that was to be changed has been. */
  forget(account: Jid): Promise<void> {
    return this.#queue.run(account.toString(), () => this.#store.remove(account.toString()))
  }

  /** Settles when nothing is under way. */
  idle(): Promise<void> {
    return this.#queue.idle()
  }

  #tell(account: Jid, card: Element): void {
    this.#host.hooks.notify(vcardChanged, { account, card: card.children.length === 0 ? undefined : card })
  }

  async #shown(account: Jid, asker: Jid | undefined, kept: string | undefined): Promise<Element> {
    const card = kept === undefined ? xml('vCard', { xmlns: NS_VCARD }) : parseDocument(kept)
    await this.#host.hooks.pass(vcardShowing, { account, asker, card })
    return card
  }
}
