import { type Clock, type Host, Jid, KeyedQueue, randomId, StanzaError } from '#api'
import { encodeName } from './file-name.ts'
import type { UploadConfig } from './options.ts'
import { checkGuests, checkQuota, MINUTE_MS } from './quota.ts'
import { keyOf, tokenOf } from './slot-key.ts'
import type { UploadStore } from './store.ts'
import type { Wish } from './wish.ts'

/** What whoever wants to send a file gets. */
export interface Slot {
  /** Where the file is sent to, and fetched from. */
  readonly url: string
  readonly token: string
}

/** What slots are made with. */
export interface SlotParts {
  readonly host: Host
  readonly store: UploadStore
  readonly config: UploadConfig
  readonly clock: Clock
  /** Where the world finds the host over HTTP. */
  readonly webUrl: string
  readonly secret: Uint8Array
  /** Keys of an account's files that are coming. */
  readonly coming: (account: string) => readonly string[]
}

/** The part of the address that leads to files. */
export const PATH = '/upload'

/** Promises room for files. What is promised is kept: it counts until the file is there, or its time is over. */
export class Slots {
  readonly #parts: SlotParts
  /** What is done for an account, in order. */
  readonly #queue = new KeyedQueue()
  /** Guests that have files, or asked for slots; who is none any more has gone with them. */
  #guests: Promise<Set<string>> | undefined

  constructor(parts: SlotParts) {
    this.#parts = parts
  }

  /** @throws StanzaError `resource-constraint` when the account has had its share. */
  async give(account: Jid, wish: Wish): Promise<Slot> {
    const { host, config } = this.#parts
    if (config.limits.guestQuota === 0 || !host.isGuest(account)) return await this.#promise(account, wish)
    // One guest after the other, so that no more is promised than there is room for.
    return await this.#queue.run('guests', async () => {
      await this.#checkGuests(account, wish)
      return await this.#promise(account, wish)
    })
  }

  /** @throws StanzaError `resource-constraint` when all guests together have had their share. */
  async #checkGuests(account: Jid, { size }: Wish): Promise<void> {
    const { host, clock, config, store, coming } = this.#parts
    this.#guests ??= store.accounts().then((all) => new Set(all))
    this.#guests.catch(() => (this.#guests = undefined))
    const guests = await this.#guests
    for (const one of guests) if (!host.isGuest(Jid.parse(one))) guests.delete(one)
    guests.add(account.toString())
    const all = [...guests]
    const nowMs = clock.now()
    checkGuests(config, await store.bytesOf(all, { nowMs, sinceMs: nowMs, coming: all.flatMap(coming) }), size)
  }

  async #promise(account: Jid, wish: Wish): Promise<Slot> {
    return await this.inOrder(account, async () => {
      const { host, clock, config, store, secret, webUrl, coming } = this.#parts
      // It may have been deleted while this waited.
      if (!(await host.accounts.exists(account.local)))
        throw new StanzaError('forbidden', 'The account is being deleted.')
      const id = randomId()
      const nowMs = clock.now()
      const owner = account.toString()
      const { name, size, type, purpose, keepUntilMs } = wish
      const untilMs = nowMs + config.slotTime
      const promised = { key: keyOf(id, name), account: owner, size, type, untilMs }
      const moment = { nowMs, sinceMs: nowMs - MINUTE_MS, coming: coming(owner) }
      await store.announce({ ...promised, purpose, createdMs: nowMs, storedMs: null, keepUntilMs }, moment, (usage) =>
        checkQuota(config, usage, wish, nowMs),
      )
      return { url: `${webUrl}${PATH}/${id}/${encodeName(name)}`, token: tokenOf(secret, promised) }
    })
  }

  /** Does something about an account's files that nothing is to be promised beside. */
  async inOrder<T>(account: Jid, work: () => Promise<T>): Promise<T> {
    return await this.#queue.run(account.toString(), work)
  }

  async idle(): Promise<void> {
    await this.#queue.idle()
  }
}
