import { type Clock, type Jid, KeyedQueue, Lru } from '#api'
import type { Registration } from './registration.ts'
import type { PushStore } from './store.ts'

/** Accounts whose registrations are kept in memory; those of others cost a query. */
const REMEMBERED = 10_000

const none: readonly Registration[] = []

/** The registrations of the accounts of one host: what is in memory and what is stored change together. */
export class Registrations {
  readonly #store: PushStore
  readonly #clock: Clock
  /** Most registrations of an account; 0 is no limit. */
  readonly #max: number
  readonly #queue = new KeyedQueue()
  /** The time of the last registration: no two have the same, for the oldest goes first. */
  #lastMs = 0
  readonly #known = new Lru<string, readonly Registration[]>(REMEMBERED)

  constructor(store: PushStore, clock: Clock, max: number) {
    this.#store = store
    this.#clock = clock
    this.#max = max
  }

  /** An account's registrations, oldest first: at once when they are in memory. */
  of(account: Jid): readonly Registration[] | Promise<readonly Registration[]> {
    const key = account.bare.toString()
    return this.#known.get(key) ?? this.#queue.run(key, () => this.#load(key))
  }

  /** Hands on those of an account that match, if there are any: at once when they are in memory. */
  pick(
    account: Jid,
    which: (registration: Registration) => boolean,
    then: (picked: readonly Registration[]) => void,
  ): Promise<void> | undefined {
    const choose = (all: readonly Registration[]): undefined => {
      const picked = all.filter(which)
      if (picked.length > 0) then(picked)
    }
    const all = this.of(account)
    return all instanceof Promise ? all.then(choose) : choose(all)
  }

  /** Adds one, or replaces that of the same service and node; at the limit the oldest goes. Resolves with what went. */
  async put(account: Jid, registration: Registration): Promise<readonly Registration[]> {
    return await this.#change(account, async (key, before) => {
      const others = before.filter((other) => !isSame(other, registration))
      const gone = this.#max > 0 ? others.slice(0, Math.max(0, others.length + 1 - this.#max)) : []
      this.#lastMs = Math.max(this.#clock.now(), this.#lastMs + 1)
      await this.#store.put(key, registration, this.#lastMs)
      for (const { service, node } of gone) await this.#store.remove(key, service, node)
      return { now: [...others.slice(gone.length), registration], gone }
    })
  }

  /** Removes one, or without a node all of a service; resolves with those removed. */
  async remove(account: Jid, service: string, node?: string): Promise<readonly Registration[]> {
    return await this.#change(account, async (key, before) => {
      const gone = before.filter((other) => other.service === service && (node === undefined || other.node === node))
      for (const other of gone) await this.#store.remove(key, other.service, other.node)
      return { now: before.filter((other) => !gone.includes(other)), gone }
    })
  }

  /** Removes all of an account. */
  async forget(account: Jid): Promise<void> {
    await this.#change(account, async (key, before) => {
      await this.#store.forget(key)
      return { now: none, gone: before }
    })
  }

  /** Settles when no change is under way. */
  async idle(): Promise<void> {
    await this.#queue.idle()
  }

  async #change(
    account: Jid,
    change: (
      key: string,
      before: readonly Registration[],
    ) => Promise<{ now: readonly Registration[]; gone: readonly Registration[] }>,
  ): Promise<readonly Registration[]> {
    const key = account.bare.toString()
    return await this.#queue.run(key, async () => {
      const before = await this.#load(key)
      // What fails half way is read anew by the next who asks.
      this.#known.delete(key)
      const { now, gone } = await change(key, before)
      this.#known.set(key, now)
      return gone
    })
  }

  async #load(key: string): Promise<readonly Registration[]> {
    const known = this.#known.get(key) ?? (await this.#store.of(key))
    this.#known.set(key, known)
    return known
  }
}

function isSame(one: Registration, other: Registration): boolean {
  return one.service === other.service && one.node === other.node
}
