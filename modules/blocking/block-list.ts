import type { Jid } from '#api'

/** The addresses an account has blocked. Immutable: a change makes a new list, so that readers need no lock. */
export class BlockList {
  static readonly empty: BlockList = new BlockList([])
  readonly #items: ReadonlySet<string>

  constructor(items: Iterable<string>) {
    this.#items = new Set(items)
  }

  get size(): number {
    return this.#items.size
  }

  /** The items, in no particular order. */
  items(): Iterable<string> {
    return this.#items
  }

  has(item: string): boolean {
    return this.#items.has(item)
  }

  /** The list with more items. */
  with(items: Iterable<string>): BlockList {
    return new BlockList([...this.#items, ...items])
  }

  /** The list without some items. */
  without(items: ReadonlySet<string>): BlockList {
    return new BlockList([...this.#items].filter((item) => !items.has(item)))
  }

  /**
   * Whether an item matches an address (XEP-0191 §6): the very address, its account, or its whole domain. An item
   * `domain/resource` is the very address of that resource and no account's.
   */
  blocks(jid: Jid): boolean {
    if (this.#items.size === 0) return false
    if (this.#items.has(jid.toString())) return true
    if (!jid.isBare && this.#items.has(jid.bare.toString())) return true
    return jid.local !== '' && this.#items.has(jid.domain)
  }
}
