import { type Cancel, type Clock, type Context, type KeyValue, randomId } from '#api'
import { firstIdAt } from './ids.ts'
import type { SettingsStore } from './settings-store.ts'
import type { ArchiveStore } from './store.ts'

const EVERY_MS = 3_600_000
/** The first time after a start: a server that is restarted often gets to it all the same. */
const FIRST_MS = 60_000
/** Messages in one transaction, and the pause after it: both short, so that nobody waits for them. */
const BATCH = 500
const PAUSE_MS = 50
const OWNERS = 100
const PROGRESS_EVERY = 50_000
/** A node that has not said so for this long is not at it any more. */
const LEASE_MS = 600_000
/** How long a client that does not read the archive is believed to be one that does. */
const READER_MS = 90 * 86_400_000

/** How much each archive keeps; 0 is no bound. */
export interface RetentionSettings {
  /** In ms; an archive may have another. */
  readonly retention: number
  readonly maxMessages: number
}

/**
 * Removes messages of one domain's archives that are older than they may be or past the quota, the oldest first and a few at
 * a time, in the background.
 *
 * One node does it, by a lease in the key-value table. Two that take it at the same moment both purge, which is a waste and
 * no harm: what one has removed the other does not find.
 */
export class Retention {
  readonly #store: ArchiveStore
  readonly #accounts: SettingsStore
  readonly #kv: KeyValue
  readonly #settings: RetentionSettings
  readonly #clock: Clock
  readonly #log: Context['log']
  readonly #domain: string | undefined
  /** Where the lease is. */
  readonly #key: string
  readonly #me = randomId()
  #cancel: Cancel = () => {}
  #resume: () => void = () => {}
  #running: Promise<unknown> = Promise.resolve()
  #stopped = false

  /** `domain` is that of the archives, when it is not the host itself. */
  constructor(parts: {
    readonly store: ArchiveStore
    readonly accounts: SettingsStore
    readonly kv: KeyValue
    readonly settings: RetentionSettings
    readonly clock: Clock
    readonly log: Context['log']
    readonly domain?: string
  }) {
    this.#store = parts.store
    this.#accounts = parts.accounts
    this.#kv = parts.kv
    this.#settings = parts.settings
    this.#clock = parts.clock
    this.#log = parts.log
    this.#domain = parts.domain
    this.#key = parts.domain === undefined ? 'purge' : `purge ${parts.domain}`
  }

  /** Begins to look for old messages, now and then, until `stop`. */
  start(afterMs: number = FIRST_MS): void {
    this.#cancel = this.#clock.after(afterMs, () => {
      this.#running = this.purge()
        .catch((error) => this.#log.warn({ err: error }, 'old messages could not be removed; it is tried again later'))
        .then(() => {
          if (!this.#stopped) this.start(EVERY_MS)
        })
    })
  }

  /** Ends it, between two batches when one is running. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel()
    this.#resume()
    await this.#running
  }

  /** Removes from all archives what is too old or too much; resolves with how many messages that was. */
  async purge(): Promise<number> {
    if (!(await this.#takeLease())) return 0
    let removed = 0
    let told = 0
    let last: string | undefined
    const count = (batch: number, owner: string): void => {
      removed += batch
      if (removed - told < PROGRESS_EVERY) return
      told = removed
      this.#log.info({ removed, upTo: owner }, 'old messages are being removed from the archive')
    }
    for (;;) {
      const owners = await this.#store.owners(last, OWNERS, this.#domain)
      const retentions = await this.#accounts.retentions(owners)
      for (const owner of owners) {
        if (this.#stopped) break
        await this.#purgeOwner(owner, retentions.get(owner) ?? this.#settings.retention, count)
      }
      last = owners.at(-1)
      if (owners.length < OWNERS || this.#stopped) break
      await this.#takeLease()
    }
    await this.#accounts.removeReadersBefore(this.#clock.now() - READER_MS)
    await this.#kv.delete(this.#key)
    if (removed > 0) this.#log.info({ removed }, 'old messages were removed from the archive')
    return removed
  }

  async #purgeOwner(owner: string, retention: number, count: (batch: number, owner: string) => void): Promise<void> {
    const { maxMessages } = this.#settings
    const oldest = retention === 0 ? 0 : firstIdAt(this.#clock.now() - retention)
    const quota = maxMessages === 0 ? undefined : await this.#store.nthNewest(owner, maxMessages)
    const before = Math.max(oldest, quota ?? 0)
    if (before <= 0) return
    for (;;) {
      const batch = await this.#store.purge(owner, before, BATCH)
      count(batch, owner)
      if (batch < BATCH) return
      await this.#pause()
      if (this.#stopped) return
    }
  }

  async #takeLease(): Promise<boolean> {
    const [holder, untilMs] = (await this.#kv.get(this.#key))?.split(' ') ?? []
    if (holder !== undefined && holder !== this.#me && Number(untilMs) > this.#clock.now()) return false
    await this.#kv.set(this.#key, `${this.#me} ${this.#clock.now() + LEASE_MS}`)
    return true
  }

  async #pause(): Promise<void> {
    if (this.#stopped) return
    await new Promise<void>((resolve) => {
      this.#resume = resolve
      this.#cancel = this.#clock.after(PAUSE_MS, resolve)
    })
  }
}
