import { BatchWriter, type Clock, type Context, type Database } from '#api'
import { ArchiveIds } from './ids.ts'
import { Indexing } from './indexing.ts'
import type { ArchivedMessage } from './message.ts'
import type { Recorder } from './recorder.ts'
import { SeenInOrder } from './seen-in-order.ts'
import type { ArchiveStore } from './store.ts'

/** Messages in one commit, and messages that wait for theirs: one more is refused. */
const MAX_BATCH = 500
const MAX_WAITING = 20_000
/** For how long a commit is tried again while the database is away, in ms; its senders wait so long. */
const RETRY_MS = 10_000
/** An id so far ahead of the clock, in ms, is worth a warning. */
const AHEAD_MS = 60_000

/**
 * What the hosts on one database share: the ids, which are unique over the server, the commits, the order in which messages
 * are seen, and the work on the search index.
 */
export class SharedArchive {
  readonly ids: ArchiveIds
  /** The hosts with an archive, by domain. */
  readonly recorders: Map<string, Recorder> = new Map()
  readonly order: SeenInOrder = new SeenInOrder()
  /** Bare JIDs of accounts that are being deleted: nothing is kept for them any more. */
  readonly deleting: Set<string> = new Set()
  readonly indexing: Indexing
  readonly #writer: BatchWriter<ArchivedMessage>
  #newest: Promise<unknown> = Promise.resolve()

  constructor(db: Database, store: ArchiveStore, last: number, clock: Clock, log: Context['log']) {
    this.ids = new ArchiveIds(clock, last)
    this.indexing = new Indexing(store, clock, log)
    this.#writer = new BatchWriter({
      name: 'archive',
      db,
      write: (messages) => store.append(messages),
      maxItems: MAX_BATCH,
      maxWaiting: MAX_WAITING,
      retryMs: RETRY_MS,
      clock,
    })
  }

  /** Resolves once the message is on disk, in the order of calls; rejects when it cannot be put there. */
  append(message: ArchivedMessage): Promise<void> {
    const written = this.#writer.append(message)
    this.#newest = written
    return written
  }

  /** Settles when what was appended so far is on disk, or has failed. */
  async settled(): Promise<void> {
    await this.#newest.catch(() => {})
  }

  /** Settles when nothing is under way any more, and nothing begins. */
  async stop(): Promise<void> {
    await Promise.all([this.#writer.idle(), this.indexing.stop()])
  }
}

const shared = new WeakMap<Database, { readonly archive: Promise<SharedArchive>; users: number }>()

/** Takes part in what the hosts on this database share; `release` gives it back. */
export async function shareArchive(
  db: Database,
  store: ArchiveStore,
  clock: Clock,
  log: Context['log'],
): Promise<{ readonly archive: SharedArchive; release(): Promise<void> }> {
  const share = shared.get(db) ?? { archive: begin(db, store, clock, log), users: 0 }
  shared.set(db, share)
  share.users++
  const release = async (): Promise<void> => {
    if (--share.users > 0) return
    if (shared.get(db) === share) shared.delete(db)
    await (await share.archive).stop()
  }
  try {
    return { archive: await share.archive, release }
  } catch (error) {
    shared.delete(db)
    throw error
  }
}

async function begin(db: Database, store: ArchiveStore, clock: Clock, log: Context['log']): Promise<SharedArchive> {
  const last = await store.lastId()
  const aheadMs = last / 1000 - clock.now()
  if (aheadMs > AHEAD_MS)
    log.warn(
      { aheadMs: Math.round(aheadMs) },
      'the newest archived message is from the future: correct the clock; until it gets there messages bear that time',
    )
  return new SharedArchive(db, store, last, clock, log)
}
