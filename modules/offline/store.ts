import { BatchWriter, type Clock, type Database, isUniqueViolation } from '#api'

/** Rows in one statement. */
const ROWS = 100
/** Characters in one statement, at most three octets each: MySQL takes 16 MiB. */
const CHARACTERS = 1 << 22
/** New messages that wait to be written, on all hosts together; one more is refused. */
const WAITING = 10_000
/** Batches of ids in one statement, each of a page at most. */
const DELETIONS = 20
/** For how long a write is tried again while the database is away, in ms: its senders wait meanwhile. */
const RETRY_MS = 2000
/** Likewise for what nobody waits for. */
const RETRY_DELETION_MS = 10_000

/** Where a message stands among those of its account. */
export interface Position {
  readonly place: number
  /** Decides between messages of the same place. */
  readonly id: number
}

/** Whose messages nobody gets: no account has this name. */
const NOBODY = ''
/** What is for nobody is removed after so many ms, with all that has come by then. */
const PASSING_MS = 2000
/** Ids of what is for nobody in one batch. */
const PASSING = 500

/** Before all messages. */
export const START: Position = { place: -1, id: -1 }

/** A message that waits. */
export interface StoredMessage extends Position {
  /** The stanza as it came, as XML. */
  readonly text: string
  readonly receivedMs: number
}

interface Row {
  readonly id: number
  readonly host: string
  readonly local: string
  readonly place: number
  readonly received_ms: number
  readonly message: string
}

/**
 * The writes of all hosts of one database, which share commits.
 *
 * Ids are made here and not by the database, so that a batch whose commit nobody knows the outcome of can be written
 * again: microseconds since the epoch, growing whatever the clock does.
 */
class Writing {
  readonly inserts: BatchWriter<Row>
  readonly deletions: BatchWriter<readonly number[]>
  readonly #db: Database
  readonly #clock: Clock
  #lastId: number
  /** What is for nobody and there still. */
  #passing: number[] = []

  constructor(db: Database, clock: Clock, lastId: number) {
    this.#db = db
    this.#clock = clock
    this.#lastId = lastId
    const bounds = { db, maxWaiting: WAITING, clock }
    this.inserts = new BatchWriter<Row>({
      ...bounds,
      name: 'offline',
      write: (rows) => this.#insert(rows),
      maxItems: ROWS,
      retryMs: RETRY_MS,
    })
    this.deletions = new BatchWriter<readonly number[]>({
      ...bounds,
      name: 'offline-removals',
      write: async (batches) => void (await db.knex('offline_messages').whereIn('id', batches.flat()).delete()),
      maxItems: DELETIONS,
      retryMs: RETRY_DELETION_MS,
    })
  }

  nextId(nowMs: number): number {
    this.#lastId = Math.max(this.#lastId + 1, nowMs * 1000)
    return this.#lastId
  }

  /** Has a row that is for nobody removed before long. */
  passes(id: number): void {
    if (this.#passing.push(id) === 1) this.#clock.after(PASSING_MS, () => this.removePassing())
  }

  /** Removes what is for nobody. What cannot be removed is, with what nobody has fetched for too long. */
  removePassing(): void {
    const ids = this.#passing
    this.#passing = []
    for (let start = 0; start < ids.length; start += PASSING)
      this.deletions.append(ids.slice(start, start + PASSING)).catch(() => {})
  }

  async #insert(rows: readonly Row[]): Promise<void> {
    for (let start = 0; start < rows.length; ) {
      let end = start
      for (let characters = 0; end < rows.length; end++) {
        characters += rows[end]!.message.length
        if (characters > CHARACTERS && end > start) break
      }
      await this.#insertOnce(rows.slice(start, end))
      start = end
    }
  }

  /** One commit: all of it or nothing. When it is repeated, what is there already stays as it is. */
  async #insertOnce(rows: readonly Row[]): Promise<void> {
    try {
      await this.#db.knex('offline_messages').insert(rows)
    } catch (error) {
      if (!isUniqueViolation(error) || !(await this.#areThere(rows))) throw error
    }
  }

  /** By primary key. Rows of somebody else with the same ids are not those. */
  async #areThere(rows: readonly Row[]): Promise<boolean> {
    const ids = rows.map((row) => row.id)
    const found: Omit<Row, 'message'>[] = await this.#db
      .knex('offline_messages')
      .whereIn('id', ids)
      .select('id', 'host', 'local', 'place', 'received_ms')
    const byId = new Map(found.map((row) => [row.id, row]))
    return rows.every((row) => {
      const there = byId.get(row.id)
      return there?.host === row.host && there.local === row.local && there.received_ms === row.received_ms
    })
  }
}

const writings = new WeakMap<Database, Promise<Writing>>()

async function openWriting(db: Database, clock: Clock): Promise<Writing> {
  const row = await db.knex('offline_messages').max({ last: 'id' }).first()
  return new Writing(db, clock, Number(row?.['last'] ?? 0))
}

/** The messages that wait for the accounts of one host: the table `offline_messages`. Accounts are prepared local parts. */
export class OfflineStore {
  readonly #db: Database
  readonly #host: string
  readonly #clock: Clock
  readonly #writing: Writing

  private constructor(db: Database, host: string, clock: Clock, writing: Writing) {
    this.#db = db
    this.#host = host
    this.#clock = clock
    this.#writing = writing
  }

  /** The store of a host; all stores of one database share their commits, and the clock of the first. */
  static async open(db: Database, host: string, clock: Clock): Promise<OfflineStore> {
    let writing = writings.get(db)
    if (writing === undefined) {
      writing = openWriting(db, clock)
      writings.set(db, writing)
      writing.catch(() => writings.delete(db))
    }
    return new OfflineStore(db, host, clock, await writing)
  }

  /**
   * Adds a message and resolves with its place once it is on disk: behind those of its account, or, for one that came at
   * `sinceMs` and only now comes here, before those that came later. Messages are written in the order of the calls, many
   * in one commit. Rejects with the error of the database: then the message may be there all the same, if that was lost
   * while it committed; and, for one without `sinceMs`, with `BatchFullError` when too much waits.
   */
  async append(local: string, text: string, sinceMs?: number): Promise<Position> {
    const nowMs = this.#clock.now()
    const id = this.#writing.nextId(nowMs)
    const place = sinceMs === undefined ? id : Math.min(sinceMs * 1000, id)
    const row = { id, host: this.#host, local, place, received_ms: sinceMs ?? nowMs, message: text }
    // A session may end with more than that in its hands, and its senders have been told that all is well.
    await this.#writing.inserts.append(row, sinceMs !== undefined)
    return { place, id }
  }

  /**
   * Does for a message to an account that does not exist what `append` does for one to an account, and leaves nothing in the
   * end: whoever writes to both, and takes the time, is not to learn which is which.
   */
  async pretend(text: string): Promise<void> {
    const { id } = await this.append(NOBODY, text)
    this.#writing.passes(id)
  }

  /** How many messages wait for an account; by the index `offline_messages_in_order`. */
  async count(local: string): Promise<number> {
    const row = await this.#of(local).count({ count: '*' }).first()
    return Number(row?.['count'] ?? 0)
  }

  /** The first messages of an account after a position, in order; by the index `offline_messages_in_order`. */
  async page(local: string, after: Position, limit: number): Promise<StoredMessage[]> {
    const rows: Row[] = await this.#of(local)
      .where('place', '>=', after.place)
      .where((or) => or.where('place', '>', after.place).orWhere('id', '>', after.id))
      .orderBy([{ column: 'place' }, { column: 'id' }])
      .limit(limit)
      .select('id', 'place', 'message', 'received_ms')
    return rows.map(({ id, place, message, received_ms }) => ({ id, place, text: message, receivedMs: received_ms }))
  }

  /** Removes messages by their ids, in one statement with what others remove; by primary key. */
  async remove(ids: readonly number[]): Promise<void> {
    await this.#writing.deletions.append(ids)
  }

  /** Removes all messages of an account; by the index `offline_messages_in_order`. */
  async forget(local: string): Promise<void> {
    await this.#of(local).delete()
  }

  /**
   * Removes up to `limit` messages that came before a time, ms since the epoch, and resolves with their number; by the
   * index `offline_messages_by_time`, then by primary key.
   */
  async forgetBefore(ms: number, limit: number): Promise<number> {
    const ids: number[] = await this.#db
      .knex('offline_messages')
      .where({ host: this.#host })
      .where('received_ms', '<', ms)
      .orderBy('received_ms')
      .limit(limit)
      .pluck('id')
    if (ids.length > 0) await this.#db.knex('offline_messages').whereIn('id', ids).delete()
    return ids.length
  }

  /** Settles when nothing is being written any more. */
  async idle(): Promise<void> {
    await this.#writing.inserts.idle()
    this.#writing.removePassing()
    await this.#writing.deletions.idle()
  }

  #of(local: string) {
    return this.#db.knex('offline_messages').where({ host: this.#host, local })
  }
}
