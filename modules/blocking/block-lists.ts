import { defineSlot, type Host, type Jid, KeyedQueue, Lru, StanzaError, type User } from '#api'
import { BlockList } from './block-list.ts'
import type { BlockingStore } from './store.ts'

/** The list of an online user; `undefined` until it is loaded. */
const listSlot = defineSlot<BlockList | undefined>('blocking/list', () => undefined)

/** What a change did. */
export interface Change {
  readonly before: BlockList
  readonly after: BlockList
}

/**
 * The block lists of one host's accounts: resident for those online, remembered for a bounded number of others.
 *
 * Loads and changes of one account's list go through one queue, rows first, so a list in memory is never older than the
 * last change that anybody was told of.
 */
export class BlockLists {
  readonly #host: Host
  readonly #store: BlockingStore
  readonly #maxItems: number
  readonly #queue = new KeyedQueue()
  readonly #offline: Lru<string, BlockList>

  /** `maxItems` of 0 is no limit; `remembered` is the number of lists kept in memory for accounts that are not online. */
  constructor(host: Host, store: BlockingStore, limits: { readonly maxItems: number; readonly remembered: number }) {
    this.#host = host
    this.#store = store
    this.#maxItems = limits.maxItems
    this.#offline = new Lru(limits.remembered)
  }

  /** Makes the list of a user resident: one that is remembered costs no query. */
  async load(user: User): Promise<void> {
    const account = user.jid.toString()
    await this.#queue.run(account, async () => {
      user.slots.set(listSlot, this.#offline.get(account) ?? (await this.#read(account)))
      this.#offline.delete(account)
    })
  }

  /** Remembers the list of a user who leaves. */
  release(user: User): void {
    const list = user.slots.get(listSlot)
    if (list !== undefined) this.#offline.set(user.jid.toString(), list)
  }

  /** The list of a user, once it is loaded. */
  resident(user: User): BlockList | undefined {
    return user.slots.get(listSlot)
  }

  /** The list of an account, at once when it is in memory, else after one query. Rejects when the store does. */
  of(account: Jid): BlockList | Promise<BlockList> {
    const { bare } = account
    return this.#known(bare) ?? this.#queue.run(bare.toString(), () => this.#fetch(bare))
  }

  /** Those of some accounts of this host that block an address: lists that are not in memory cost few queries together. */
  async blockers(accounts: readonly Jid[], address: Jid): Promise<ReadonlySet<string>> {
    const blockers = new Set<string>()
    const unknown: string[] = []
    for (const account of accounts) {
      const list = this.#known(account)
      if (list === undefined) unknown.push(account.toString())
      else if (list.blocks(address)) blockers.add(account.toString())
    }
    if (unknown.length > 0)
      for (const [account, items] of await this.#store.loadAll(unknown))
        if (new BlockList(items).blocks(address)) blockers.add(account)
    return blockers
  }

  /**
   * Adds items to an account's list; those that are in it already change nothing.
   *
   * @throws StanzaError `policy-violation` when the list would become too long.
   */
  async block(account: Jid, items: readonly string[]): Promise<Change> {
    return await this.#change(account, async (before) => {
      const added = [...new Set(items)].filter((item) => !before.has(item))
      if (added.length === 0) return before
      if (this.#maxItems > 0 && before.size + added.length > this.#maxItems)
        throw new StanzaError('policy-violation', `No more than ${this.#maxItems} addresses can be blocked.`)
      await this.#store.add(account.toString(), added)
      return before.with(added)
    })
  }

  /** Takes items off an account's list; those that are not in it change nothing. */
  async unblock(account: Jid, items: readonly string[]): Promise<Change> {
    return await this.#change(account, async (before) => {
      const removed = items.filter((item) => before.has(item))
      if (removed.length === 0) return before
      await this.#store.remove(account.toString(), removed)
      return before.without(new Set(removed))
    })
  }

  /** Empties an account's list. */
  async clear(account: Jid): Promise<Change> {
    return await this.#change(account, async () => {
      await this.#store.clear(account.toString())
      return BlockList.empty
    })
  }

  /** Settles when nothing is under way. */
  async idle(): Promise<void> {
    await this.#queue.idle()
  }

  #change(account: Jid, work: (before: BlockList) => Promise<BlockList>): Promise<Change> {
    return this.#queue.run(account.toString(), async () => {
      const before = await this.#fetch(account)
      const after = await work(before)
      this.#put(account, after)
      return { before, after }
    })
  }

  async #fetch(account: Jid): Promise<BlockList> {
    const known = this.#known(account)
    if (known !== undefined) return known
    const list = await this.#read(account.toString())
    this.#put(account, list)
    return list
  }

  #known(account: Jid): BlockList | undefined {
    return this.#host.user(account)?.slots.get(listSlot) ?? this.#offline.get(account.toString())
  }

  /** A list has one place: its user while there is one, which may have changed while a query ran. */
  #put(account: Jid, list: BlockList): void {
    const user = this.#host.user(account)
    if (user === undefined) this.#offline.set(account.toString(), list)
    else {
      user.slots.set(listSlot, list)
      this.#offline.delete(account.toString())
    }
  }

  async #read(account: string): Promise<BlockList> {
    const items = await this.#store.load(account)
    return items.length === 0 ? BlockList.empty : new BlockList(items)
  }
}
