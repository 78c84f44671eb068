import type { Clock, Jid } from '#api'
import type { FileStore } from './file-store.ts'
import type { UploadConfig } from './options.ts'
import { retentionOf } from './quota.ts'
import type { Receiving } from './receiving.ts'
import type { Slots } from './slots.ts'
import type { UploadStore } from './store.ts'
import { purposes } from './wish.ts'

/** Files removed at once: what is done for people goes in between. */
const LOT = 100

/** What clears away. */
export interface ClearingParts {
  readonly store: UploadStore
  readonly files: FileStore
  readonly config: Pick<UploadConfig, 'retention'>
  readonly clock: Clock
  readonly receiving: Receiving
  readonly slots: Pick<Slots, 'inOrder'>
}

/**
 * Removes files. The bytes go first and what is known of them after that: whatever comes between, what is left is found
 * again.
 */
export class Clearing {
  readonly #parts: ClearingParts

  constructor(parts: ClearingParts) {
    this.#parts = parts
  }

  /** Removes what is over: slots that nothing came of, files that are too old, what was left of uploads. Resolves with how many files and slots. */
  async purge(): Promise<number> {
    const { store, files, clock, config } = this.#parts
    await files.tidy()
    const nowMs = clock.now()
    let count = await this.#removeAll(() => store.over(nowMs, LOT))
    for (const purpose of purposes) {
      const kept = retentionOf(config, purpose)
      if (kept > 0) count += await this.#removeAll(() => store.older(purpose, nowMs - kept, LOT))
    }
    return count
  }

  /** Removes the files of all accounts that came before a moment; resolves with how many. */
  async removeOlder(storedMs: number): Promise<number> {
    const { store } = this.#parts
    let count = 0
    for (const purpose of purposes) count += await this.#removeAll(() => store.older(purpose, storedMs, LOT))
    return count
  }

  /** Removes an account's files that came before a moment; resolves with how many. */
  async removeOlderOf(account: Jid, storedMs: number): Promise<number> {
    return await this.#removeAll(() => this.#parts.store.of(account.toString(), LOT, storedMs))
  }

  /** Removes one file, if it is there. */
  async remove(key: string): Promise<boolean> {
    const found = await this.#parts.store.find(key)
    if (found === undefined || found.storedMs === null) return false
    await this.#removeLot([key])
    return true
  }

  /** Removes all that an account has, and takes nothing of it meanwhile. */
  async forget(account: Jid): Promise<void> {
    const { receiving, slots, store } = this.#parts
    const open = await receiving.shut(account.toString())
    try {
      await slots.inOrder(account, () => this.#removeAll(() => store.of(account.toString(), LOT)))
    } finally {
      open()
    }
  }

  async #removeAll(find: () => Promise<string[]>): Promise<number> {
    let count = 0
    for (;;) {
      const found = await find()
      // What is coming although its slot is over is not to be disturbed.
      const keys = found.filter((key) => !this.#parts.receiving.isComing(key))
      await this.#removeLot(keys)
      count += keys.length
      if (keys.length < LOT) return count
    }
  }

  async #removeLot(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    const { files, store } = this.#parts
    await Promise.all(keys.map((key) => files.remove(key)))
    await store.remove(keys)
  }
}
