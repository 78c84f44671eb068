import type { Jid } from '#api'
import type { AccountSettings } from './account-settings.ts'
import type { SharedArchive } from './shared-archive.ts'
import type { ArchiveStore } from './store.ts'

/** Messages removed in one transaction. */
const BATCH = 500

/** Removes all messages of an account, their words, and the stanzas that are nobody else's; resolves with how many. */
export async function eraseArchive(store: ArchiveStore, owner: string): Promise<number> {
  let removed = 0
  for (;;) {
    const batch = await store.forget(owner, BATCH)
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
