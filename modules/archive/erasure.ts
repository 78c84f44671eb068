import type { Jid } from '#api'
import type { AccountSettings } from './account-settings.ts'
import type { SharedArchive } from './shared-archive.ts'
import type { ArchiveStore } from './store.ts'

/** Messages removed in one transaction. */
const BATCH = 500

/**
 * Removes the messages of an archive with ids below `beforeId`, all unless it is given, their words, and the stanzas that
 * are nobody else's; resolves with how many.
 */
export async function eraseArchive(
  store: Pick<ArchiveStore, 'purge' | 'forgetSearches'>,
  owner: string,
  beforeId: number = Number.MAX_SAFE_INTEGER,
): Promise<number> {
  let removed = 0
  for (;;) {
    const batch = await store.purge(owner, beforeId, BATCH)
    removed += batch
    if (batch < BATCH) break
    // Others have their turn in between: SQLite holds the whole process while it works.
    await new Promise((resolve) => setImmediate(resolve))
  }
  await store.forgetSearches(owner)
  return removed
}

/** Removes all that is kept of an account which is being deleted, what is on its way to disk included. */
export async function eraseAccount(
  shared: SharedArchive,
  store: ArchiveStore,
  accounts: AccountSettings,
  account: Jid,
): Promise<void> {
  const owner = account.toString()
  shared.deleting.add(owner)
  try {
    await shared.settled()
    await eraseArchive(store, owner)
    await accounts.forget(account)
  } finally {
    shared.deleting.delete(owner)
  }
}
